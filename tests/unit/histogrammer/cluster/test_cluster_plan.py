"""Plans of sorts, and what is refused before a cluster is asked."""

from __future__ import annotations

import heapq
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.ringfiles import definitions, event

from histogrammer.cli import main
from histogrammer.cluster.daskcluster import Cluster, ClusterError, SortProgress, local_workers
from histogrammer.cluster.plan import (
    SortPlan,
    cut_fraction,
    last_bytes,
    merges_of,
    share_bytes,
    task_bytes,
)

BOOK = '[spectra.s]\ntype = "1"\nparameters = ["a"]\naxes = [[0, 4, 4]]\n'


@pytest.mark.parametrize(
    ("total", "workers", "expected"),
    [(0, 1, 1 << 26), (10**9, 2, 125_000_000), (10**13, 100, 1 << 32), (10**9, 0, 250_000_000)],
)
def test_tasks_are_some_for_each_worker_within_bounds(
    total: int, workers: int, expected: int
) -> None:
    assert task_bytes(total, workers) == expected


@pytest.mark.parametrize(
    ("left", "workers", "expected"),
    [
        (8 * 10**9, 2, 10**9),
        (15 * 10**8, 2, 75 * 10**7),
        (10**8, 2, 1 << 26),
        (10**8, 1, 2 * 10**9),
    ],
)
def test_last_shares_of_some_workers_are_shorter(left: int, workers: int, expected: int) -> None:
    assert share_bytes(left, 8 * 10**9, workers) == expected


@given(st.integers(1, 10**14), st.integers(2, 300))
def test_workers_that_are_alike_wait_for_a_last_task_at_most(total: int, workers: int) -> None:
    free, left = [0] * workers, total
    while left > 0:
        share = min(left, share_bytes(left, total, workers))
        heapq.heapreplace(free, free[0] + share)
        left -= share
    assert max(free) <= total / workers + last_bytes(total, workers)


@pytest.mark.parametrize(
    ("size", "workers", "expected"),
    [(2 * 10**9, 2, 1.0), (5 * 10**7, 2, 0.0), (4 * 10**8, 2, 0.1), (4 * 10**8, 1, 0.0)],
)
def test_files_that_are_cut_are_those_larger_than_a_share(
    size: int, workers: int, expected: float
) -> None:
    assert cut_fraction(size, 8 * 10**9, workers) == expected


@given(st.integers(1, 40), st.integers(1, 9))
def test_merges_take_all_fills_in_order_and_few_follow_the_last(count: int, at_once: int) -> None:
    fills = [f"fill-{number}" for number in range(count)]
    merges = merges_of("merge", fills, at_once)
    parts, depth = {name: [name] for name in fills}, dict.fromkeys(fills, 0)
    name = fills[0]
    for name, some in merges.items():
        assert len(some) == 2
        parts[name] = [each for one in some for each in parts.pop(one)]
    assert parts == {name: fills}
    for name, some in reversed(merges.items()):
        depth |= {one: depth.get(name, 0) + 1 for one in some}
    assert depth[fills[-1]] <= math.ceil(math.log2(at_once)) + 1


def plan_of(total: int, workers: int) -> SortPlan:
    return SortPlan(
        total=total,
        surveyed=total,
        workers=workers,
        set_bytes=10**9,
        survey_rate=1e9,
        fill_rate=1e8,
    )


def test_plan_of_ten_terabytes_is_that_of_a_calculation_by_hand() -> None:
    plan = plan_of(10**13, 100)
    # 2^32 bytes until 100 * 2^32 are left: 2228; then a hundredth of what is left, until that is
    # 10^13 / 6400: 100 * ln(2^32 / 1.5625e9) = 101; and 100 of these
    assert plan.tasks == pytest.approx(2228 + 101 + 100, abs=3)
    # 100 GB, and 1.5625 GB more, at 100 MB/s are 1015.6 s, the survey of 100 GB at 1 GB/s 100 s
    assert plan.minutes == pytest.approx(1115.6 / 60, rel=1e-3)
    assert plan.worker_bytes == 3 * 10**9 + 300 * 2**20
    assert plan.moved_bytes == plan.tasks * 10**9
    assert [line.split(":")[0] for line in plan.lines()] == [
        "bytes",
        "workers",
        "tasks",
        "minutes",
        "memory",
        "network",
    ]


@pytest.mark.parametrize("total", [1, 2**26, 10**9, 10**11 + 1, 3 * 10**12])
@pytest.mark.parametrize("workers", [1, 2, 7, 100])
def test_tasks_are_as_many_as_shares_that_are_cut_one_by_one(total: int, workers: int) -> None:
    left, count = total, 0
    while left > 0:
        left, count = left - share_bytes(left, total, workers), count + 1
    assert plan_of(total, workers).tasks == count


def test_tasks_of_more_than_there_is_are_counted_at_once() -> None:
    assert plan_of(10**24, 100).tasks == pytest.approx(10**24 / 2**32, rel=1e-6)


def words(folder: Path, *more: str) -> list[str]:
    """Return the words of a command, whose files are there."""
    (folder / "book.toml").write_text(BOOK)
    data = definitions([(1, "a")]) + event(0, [(1, 1.0)]) * 100
    (folder / "run.evt").write_bytes(data)
    return ["sort", str(folder / "book.toml"), str(folder / "run.evt"), *more]


def test_plan_is_printed_and_nothing_is_sorted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(tmp_path, "--plan", "10TB", "--cluster", "local:100")) == 0
    said = capsys.readouterr().out
    assert said.startswith("bytes:    10000000000000 (9313.2 GiB), 0 B of them read twice")
    assert "workers:  100, each" in said
    assert "refused:  this host has" in said
    assert main(words(tmp_path, "--plan")) == 0
    assert capsys.readouterr().out.startswith("bytes:    3622 (")


REFUSED = [
    ("local:0", "local:N has 1 to 1000 workers"),
    ("local:x", "local:N has 1 to 1000 workers"),
    ("local:1001", "local:N has 1 to 1000 workers"),
]


@pytest.mark.parametrize(("place", "reason"), REFUSED)
def test_numbers_of_workers_that_cannot_be_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str, reason: str
) -> None:
    assert main(words(tmp_path, "--cluster", place)) == 1
    assert reason in capsys.readouterr().err
    assert local_workers("host:8786") is None


def test_files_that_cannot_be_split_are_refused_before_a_cluster_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = words(tmp_path, "--cluster", "127.0.0.1:1")
    (tmp_path / "run.evt").write_bytes(b"root" + bytes(100))
    assert main(line) == 1
    assert "files of ROOT are not split" in capsys.readouterr().err
    assert main([*line[:2], str(tmp_path / "none"), *line[3:]]) == 1
    assert "No such file or directory" in capsys.readouterr().err
    (tmp_path / "run.evt").write_bytes(b"")
    assert main([*line, "--plan", "--cluster", "local:2"]) == 1
    assert "the file is empty" in capsys.readouterr().err


def cluster(**worker: Any) -> Cluster:
    """Return a cluster of one worker that is not there."""
    about = {"name": "w0", "nthreads": 2, **worker}
    answer = {"workers": {"tcp://w0": about}}
    return Cluster(SimpleNamespace(scheduler_info=lambda n_workers: answer))


def test_spectra_for_which_workers_have_no_room_are_refused_with_both_numbers() -> None:
    enough = (300 << 20) + 3 * 10**9
    cluster(memory_limit=2 * enough).check_memory(10**9)
    cluster(memory_limit=0).check_memory(10**9)  # no limit
    with pytest.raises(
        ClusterError, match=r"a task needs 3161 MiB, .* worker w0 has 3160 MiB for each"
    ):
        cluster(memory_limit=2 * enough - (1 << 21)).check_memory(10**9)
    with pytest.raises(ClusterError, match="the cluster has no workers"):
        Cluster(SimpleNamespace(scheduler_info=lambda n_workers: {"workers": {}}))


def test_progress_is_a_sentence_with_the_time_left() -> None:
    assert SortProgress("filled", 10**6, 4 * 10**6, 3.0).sentence() == (
        "1.0 of 4.0 MB filled, 3 s left"
    )
    assert SortProgress("surveyed", 0, 10**6, None).sentence() == "0.0 of 1.0 MB surveyed"
