"""Plans of sorts, and what is refused before a cluster is asked."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.ringfiles import definitions, event

from histogrammer.cli import main
from histogrammer.cluster.daskcluster import Cluster, ClusterError, SortProgress, local_workers
from histogrammer.cluster.plan import SortPlan, task_bytes

BOOK = '[spectra.s]\ntype = "1"\nparameters = ["a"]\naxes = [[0, 4, 4]]\n'


@pytest.mark.parametrize(
    ("total", "workers", "expected"),
    [(0, 1, 1 << 26), (10**9, 2, 125_000_000), (10**13, 100, 1 << 32), (10**9, 0, 250_000_000)],
)
def test_tasks_are_some_for_each_worker_within_bounds(
    total: int, workers: int, expected: int
) -> None:
    assert task_bytes(total, workers) == expected


def test_plan_of_ten_terabytes_is_that_of_a_calculation_by_hand() -> None:
    plan = SortPlan(
        total=10**13,
        surveyed=10**13,
        workers=100,
        set_bytes=10**9,
        survey_rate=1e9,
        fill_rate=1e8,
    )
    assert plan.tasks == 2329  # 10^13 / 2^32 = 2328.3
    # 24 rounds of 4 GiB at 100 MB/s are 1030.8 s, the survey of 100 GB at 1 GB/s 100 s
    assert plan.minutes == pytest.approx(1130.8 / 60, rel=1e-3)
    assert plan.worker_bytes == 3 * 10**9 + 300 * 2**20
    assert plan.moved_bytes == 2329 * 10**9
    assert [line.split(":")[0] for line in plan.lines()] == [
        "bytes",
        "workers",
        "tasks",
        "minutes",
        "memory",
        "network",
    ]


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
