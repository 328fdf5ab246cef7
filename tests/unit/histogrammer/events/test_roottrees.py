"""Events of ROOT trees."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from support.ringfiles import definitions, event, events_of

from groundwork.regularfiles import NotRegularError, real_path
from histogrammer.errors import EventFileError
from histogrammer.events.blocks import ABSENT32, ABSENT64
from histogrammer.events.roottrees import RootTreeSource, TreePath, tree_path

uproot = pytest.importorskip("uproot")


def write(path: Path, **trees: dict[str, object]) -> Path:
    with uproot.recreate(path) as file:
        for name, branches in trees.items():
            file.mktree(name, {key: np.asarray(value).dtype for key, value in branches.items()})
            file[name].extend(branches)
    return path


def source(*paths: str | Path, **options: int) -> RootTreeSource:
    found = [tree_path(str(path), real_path) for path in paths]
    assert None not in found
    return RootTreeSource([one for one in found if one is not None], **options)


def test_entries_are_events_with_the_branches_as_parameters(tmp_path: Path) -> None:
    a, n = np.array([1.5, np.nan, -2.0]), np.array([7, 8, -9], np.int32)
    f = np.array([0.25, 1.0, 2.0], np.float32)
    a[2:].view(np.uint64)[:] = ABSENT64
    f[1:2].view(np.uint32)[:] = ABSENT32
    path = write(tmp_path / "t.root", events={"a": a, "n": n, "f": f})
    made = source(path)
    found = events_of(made)
    made.close()
    assert found[0] == {"a": 1.5, "n": 7.0, "f": 0.25}
    assert (sorted(found[1]), np.isnan(found[1]["a"])) == (["a", "n"], True)  # NaN is a value
    assert found[2] == {"n": -9.0, "f": 2.0}
    (account,) = made.accounts
    assert (account.events, account.values, account.used) == (3, 7, 7)
    assert (account.bytes, made.is_over) == (path.stat().st_size, True)


@pytest.mark.parametrize("number", [0, 1, 1000])
def test_all_entries_are_read_whatever_the_blocks(tmp_path: Path, number: int) -> None:
    values = np.arange(float(number), dtype=np.float32)
    path = write(tmp_path / "t.root", t={"x": values})
    made = source(path, block_events=64)
    blocks = list(made)
    assert sum(map(len, blocks)) == number
    assert all(block.values.dtype == np.float32 for block in blocks)  # no value is changed
    if blocks:
        assert np.concatenate([block.row("x") for block in blocks]).tolist() == values.tolist()
    made.close()


def test_it_goes_on_where_it_was_stopped_and_through_files(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{n}.root", t={"x": np.arange(5.0) + 5 * n}) for n in range(2)]
    names: list[str] = []
    made = RootTreeSource(
        [TreePath(str(path), path) for path in paths],
        lambda name: names.append(name) or 0,  # type: ignore[func-returns-value]
        block_events=2,
    )
    first = []
    for block in made:
        first.append(block)
        made.stop()
    assert [len(block) for block in first] == [2]
    assert made.progress.bytes_read == paths[0].stat().st_size * 2 // 5
    rest = list(made)
    values = [value for block in (*first, *rest) for value in block.row("x").tolist()]
    assert values == list(map(float, range(10)))
    assert set(names) == {"x"}
    assert made.progress.events == 10
    made.close()


def test_a_tree_is_named_if_there_are_several(tmp_path: Path) -> None:
    path = write(tmp_path / "t.root", one={"x": np.ones(2)}, two={"y": np.zeros(3)})
    with pytest.raises(
        EventFileError, match="name one of the trees, FILE:TREE; there are: one, two"
    ):
        source(path)
    with pytest.raises(EventFileError, match="there is no tree no"):
        source(f"{path}:no")
    made = source(f"{path}:two")
    assert events_of(made) == [{"y": 0.0}] * 3
    made.close()


def test_branches_that_are_no_single_numbers_are_left_out_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "t.root"
    with uproot.recreate(path) as file:
        for name, branches in (("t", ["x", "v"]), ("none", ["v"])):
            values = {"x": np.arange(2.0), "v": np.ones((2, 3))}
            file.mktree(name, {key: (values[key].dtype, values[key].shape[1:]) for key in branches})
            file[name].extend({key: values[key] for key in branches})
    with caplog.at_level(logging.WARNING, "histogrammer.events.roottrees"):
        made = source(f"{path}:t")
    assert events_of(made) == [{"x": 0.0}, {"x": 1.0}]
    assert "left out: v" in caplog.text
    assert made.accounts[0].lines()[-1] == "  no single numbers, left out: v"
    made.close()
    with pytest.raises(EventFileError, match="no branch of single numbers"):
        source(f"{path}:none")


def test_other_files_are_none_of_root(tmp_path: Path) -> None:
    (tmp_path / "run.evt").write_bytes(definitions([(1, "a")]) + event(0, [(1, 1.0)]))
    assert tree_path(str(tmp_path / "run.evt"), real_path) is None
    for name in ("no", "run.evt:t", "no:t"):
        with pytest.raises(NotRegularError, match="No such file"):
            tree_path(str(tmp_path / name), real_path)


def test_a_file_that_is_cut_is_told_and_the_next_one_is_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    paths = [write(tmp_path / f"{n}.root", t={"x": rng.random(50000)}) for n in range(2)]
    content = paths[0].read_bytes()
    made = source(*paths, block_events=10000)
    paths[0].write_bytes(content[:200000])  # while it is open
    with pytest.raises(EventFileError, match=r"0\.root: byte \d+: it is damaged"):
        list(made)
    assert sum(map(len, made)) == 50000
    assert made.is_over
    made.close()
    paths[0].write_bytes(content[:300])
    with pytest.raises(EventFileError, match="it is damaged"):
        source(paths[0])
