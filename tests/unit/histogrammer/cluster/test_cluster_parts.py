"""Files in parts: whatever the parts, spectra and accounts are those of one process."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.ringfiles import definitions, event, item

from histogrammer.analyzer import Analyzer
from histogrammer.cluster import fileparts
from histogrammer.cluster.fileparts import SortedFile, are_independent, parts_of, survey
from histogrammer.cluster.filling import Filled, SortJob, enter, fill, merge
from histogrammer.definitions import Definitions, read_definitions
from histogrammer.engine import Engine
from histogrammer.filling import Filler
from histogrammer.roots import Roots
from histogrammer.worker import Worker

BOOK = """
[variables.gain]
value = 1
[pseudos.scaled]
parameters = ["a"]
computation = "$gain * $a"
[gates.g]
type = "s"
parameters = ["a"]
low = 1
high = 3
[spectra.one]
type = "1"
parameters = ["scaled"]
axes = [[0, 16, 16]]
[spectra.two]
type = "2"
parameters = ["a", "b"]
axes = [[0, 4, 4], [0, 4, 8]]
gate = "g"
[spectra.strip]
type = "S"
parameters = ["b", "a"]
axes = [[0, 8, 8]]
"""


def gain(value: float) -> bytes:
    """Return an item of a variable."""
    return item(32769, struct.pack("<Id32s", 1, value, b"") + b"gain\0")


ITEMS = st.one_of(
    st.builds(
        lambda a, b: event(0, [(1, float(a)), (2, float(b))]), st.integers(0, 5), st.integers(0, 20)
    ),
    st.sampled_from(
        [
            definitions([(1, "a"), (2, "b")]),
            definitions([(2, "a"), (1, "b")]),
            definitions([(1, "a")]),
            gain(1.0),
            gain(3.0),
            item(30, b"raw!", struct.pack("<IQII", 20, 1, 2, 0)),
            item(12, struct.pack("<HH", 12, 0), struct.pack("<I", 0)),
            item(1, bytes(16) + bytes(85), struct.pack("<IQII", 20, 1, 2, 0)),
            b"\5\0\0\0\1\0\0\0\0\0\0\0",  # no item
        ]
    ),
)


def definitions_of(folder: Path) -> Definitions:
    """Return the definitions."""
    (folder / "book.toml").write_text(BOOK)
    return read_definitions(folder / "book.toml")


def serial(book: Definitions, paths: Sequence[Path]) -> tuple[Filled, list[str]]:
    """Return what one process makes of files, and the lines of its accounts."""
    engine = Engine(filler=Filler(threads=1))
    book.book(engine)
    worker = Worker(engine)
    with Analyzer(worker, roots=Roots([Path("/")], has_hidden=True)) as analyzer:
        analyzer.attach_files([str(path) for path in paths], keep_going=True)
        analyzer.start()
        assert analyzer.wait(60)
        lines = [line for each in analyzer.accounts() for line in sorted(each.lines())]
        errors = analyzer.state().errors
    cells = {name: each.contents.cells.copy() for name, each in engine.spectra.items()}
    moved = {name: each.contents.moved for name, each in engine.spectra.items()}
    worker.close()
    engine.close()
    return Filled(cells, moved, {}, dict(enumerate(errors))), lines


def in_parts(book: Definitions, paths: Sequence[Path], each: int) -> tuple[Filled, list[str]]:
    """Return the same by parts, merged as a tree."""
    files = [SortedFile(str(path), str(path), path.stat().st_size) for path in paths]
    job = SortJob(book, "rustogramer", frozenset(book.spectra))
    strips = job.of_kind("S")
    assert strips.spectra == {"strip"}
    shares = parts_of(files, [survey(file.path, each) for file in files], lambda _: each)
    assert sum(part.size for share in shares for part in share) == sum(f.size for f in files)
    some = [fill(SortJob(book, "rustogramer", job.spectra - strips.spectra), one) for one in shares]
    while len(some) > 1:
        some = [merge(some[k : k + 2]) for k in range(0, len(some), 2)]
    (all_of_it,) = parts_of(
        files, [survey(file.path, 1 << 40) for file in files], lambda _: 1 << 40
    )
    whole = fill(strips, all_of_it)
    accounts = [account for _, account in sorted(some[0].accounts.items())]
    errors = [why for _, why in sorted(some[0].errors.items())]
    cells = {**some[0].cells, **whole.cells}
    lines = [line for one in accounts for line in sorted(one.lines())]
    return Filled(cells, whole.moved, {}, dict(enumerate(errors))), lines


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.lists(ITEMS, max_size=30), min_size=1, max_size=3),
    st.integers(1, 400),
    st.integers(0, 20),
)
def test_spectra_of_parts_are_those_of_one_process(
    tmp_path: Path, contents: list[list[bytes]], each: int, cut: int
) -> None:
    book, paths = definitions_of(tmp_path), []
    for number, items in enumerate(contents):
        data = b"".join(items)
        paths.append(tmp_path / f"{number}.evt")
        paths[-1].write_bytes(data[: len(data) - cut] if number == 1 else data)
    expected, lines = serial(book, paths)
    found, found_lines = in_parts(book, paths, each)
    for name, cells in expected.cells.items():
        assert np.array_equal(cells, found.cells[name]), name
    assert found.moved.get("strip", 0) == expected.moved["strip"]
    assert found.errors == expected.errors
    assert found_lines == lines


def test_survey_tells_places_between_items_and_what_holds_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fileparts, "BUFFER_BYTES", 64)
    first, second = definitions([(1, "a")]), definitions([(1, "b")])
    events = event(0, [(1, 1.0)])  # 36 bytes
    large = item(30, bytes(1000))
    data = first + events * 10 + second + gain(2.0) + events * 10 + large + events
    (tmp_path / "f").write_bytes(data)
    found = survey(str(tmp_path / "f"), 300)
    assert [at for at, _ in found.cuts] == [310, 609, 1837]
    told = [holds.definitions.names for _, holds in found.cuts if holds.definitions]
    assert told == [((1, "a"),), ((1, "b"),), ((1, "b"),)]
    assert [list(holds.variables) for _, holds in found.cuts] == [[], ["gain"], ["gain"]]
    assert found.end.variables["gain"].value == 2.0


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (item(30, b"") + definitions([(1, "a")]) + event(0, []), True),
        (gain(1.0) + event(0, []) + definitions([(1, "a")]), False),
        (b"", False),
        (bytes(12), False),
    ],
)
def test_files_are_independent_if_each_has_definitions_before_its_first_event(
    tmp_path: Path, data: bytes, expected: bool
) -> None:
    (tmp_path / "f").write_bytes(data)
    file = SortedFile("f", str(tmp_path / "f"), len(data))
    assert are_independent([file], has_computed=False) is expected
    assert not are_independent([file], has_computed=True)
    (tmp_path / "f").unlink()
    assert not are_independent([file], has_computed=False)


def test_parts_hold_what_files_before_have_told(tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(definitions([(1, "a")]) + event(0, []))
    (tmp_path / "1").write_bytes(event(0, []) * 4)
    files = [SortedFile(n, str(tmp_path / n), (tmp_path / n).stat().st_size) for n in "01"]
    shares = parts_of(files, [survey(file.path, 48) for file in files], lambda _: 48)
    assert [[(p.number, p.start, p.stop) for p in share] for share in shares] == [
        [(0, 0, None), (1, 0, 48)],
        [(1, 48, None)],
    ]
    holds = shares[1][0].in_force.definitions
    assert holds is not None
    assert holds.names == ((1, "a"),)


def test_file_that_became_shorter_after_its_survey_is_told(tmp_path: Path) -> None:
    book, path = definitions_of(tmp_path), tmp_path / "f"
    path.write_bytes(definitions([(1, "a")]) + event(0, [(1, 1.0)]) * 10)
    file = SortedFile("f", str(path), path.stat().st_size)
    first, second = parts_of([file], [survey(file.path, 200)], lambda _: 200)
    path.write_bytes(path.read_bytes()[:94])
    job = SortJob(book, "rustogramer", frozenset(["one"]))
    found = merge([fill(job, first), fill(job, second)])
    assert found.errors == {0: "f: byte 94: the file became shorter"}
    assert found.cells["one"].sum() == 2
    path.unlink()
    assert "No such file" in fill(job, second).errors[0]


def test_merging_changes_none_of_its_parts_and_entering_replaces_contents(tmp_path: Path) -> None:
    book = definitions_of(tmp_path)
    one = Filled({"one": np.arange(18.0)})
    sums = merge([one, one, one])
    assert one.cells["one"].tolist() == np.arange(18.0).tolist()
    assert sums.cells["one"].tolist() == (3 * np.arange(18.0)).tolist()
    with SortJob(book, "rustogramer", frozenset(["one"])).book() as engine:
        enter(sums, engine)
        enter(sums, engine)
        assert engine.spectrum("one").contents.cells.tolist() == sums.cells["one"].tolist()


@pytest.mark.parametrize("most", [0, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53, 0.5])
def test_sums_are_exact_whatever_type_travels(most: float) -> None:
    one = merge([Filled({"s": np.array([most, 0.0])})])
    assert merge([one, one]).cells["s"].tolist() == [2 * most, 0.0]
    assert one.cells["s"].nbytes == (
        2
        if most in {0, 255}
        else 4
        if most in {256, 65535}
        else 8
        if most in {65536, 2**32 - 1}
        else 16
    )
