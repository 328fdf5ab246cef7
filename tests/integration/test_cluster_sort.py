"""A sort on a cluster of two processes, one of which is killed in the middle."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import numpy as np
import pytest

from histogrammer.cluster.command import event_files
from histogrammer.cluster.daskcluster import ClusterError, SortProgress, _Sorting, connected
from histogrammer.cluster.fileparts import FilePart, InForce
from histogrammer.cluster.filling import Filled, SortJob, fill
from histogrammer.definitions import read_definitions
from histogrammer.detector import main as write_run

distributed = pytest.importorskip("distributed")

BOOK = """
[spectra.e1]
type = "1"
parameters = ["det.e.1"]
axes = [[0, 1600, 1600]]
[spectra."e1 e2"]
type = "2"
parameters = ["det.e.1", "det.e.2"]
axes = [[0, 1600, 100], [0, 1600, 100]]
[spectra.strip]
type = "S"
parameters = ["det.e.1", "det.e.2"]
axes = [[0, 1600, 160]]
"""


def inodes_of_sockets() -> set[str]:
    """Return the sockets of this process."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:
            continue
    return {each for each in found if each.startswith("socket:")}


@pytest.mark.filterwarnings("default")
def test_sort_with_a_worker_that_is_killed_is_that_of_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("histogrammer.cluster.plan.LEAST_TASK_BYTES", 1 << 16)
    paths = [str(tmp_path / name) for name in ("0.evt", "1.evt")]
    for seed, path in enumerate(paths):
        write_run([path, "--events", "5000", "--seed", str(seed)])
    (tmp_path / "book.toml").write_text(BOOK)
    book = read_definitions(tmp_path / "book.toml")
    files = event_files(paths)
    job = SortJob(book, "rustogramer", frozenset(book.spectra))
    expected = fill(job, [FilePart(n, file, 0, None, InForce()) for n, file in enumerate(files)])
    told: list[SortProgress] = []
    with socket.create_server(("127.0.0.1", 0)) as mine, connected("local:2") as cluster:
        mine.set_inheritable(True)
        pids = cluster.client.run(os.getpid)
        theirs = cluster.client.run(inodes_of_sockets)
        assert not any(inodes_of_sockets() & each for each in theirs.values())

        def tell(progress: SortProgress) -> None:
            if progress.word == "filled" and not any(one.word == "filled" for one in told):
                os.kill(next(iter(pids.values())), signal.SIGKILL)
            told.append(progress)

        found = cluster.sort(job, files, tell)
    assert {one.word for one in told} == {"surveyed", "filled"}
    same(found, expected)


def same(found: Filled, expected: Filled) -> None:
    """Check that all is the same, and that there is something."""
    assert found.errors == expected.errors == {}
    assert found.accounts == expected.accounts
    assert found.moved == expected.moved
    assert set(found.cells) == set(expected.cells) == {"e1", "e1 e2", "strip"}
    for name, cells in expected.cells.items():
        assert cells.any(), name
        assert np.array_equal(found.cells[name], cells), name


class LateFuture:
    """A task on a worker that lacks a package."""

    def result(self) -> None:
        raise ModuleNotFoundError("No module named 'histogrammer'")


class LostFuture:
    """A task over which workers died."""

    def result(self) -> None:
        worker = type("Worker", (), {"address": "tcp://w1:1"})()
        raise distributed.scheduler.KilledWorker("fill-1", worker, 3)


def test_task_over_which_workers_die_is_told_with_its_file_and_byte() -> None:
    sorting = _Sorting(None, lambda _: None, 100)
    sorting._note((0.0, {"key": "fill-1", "file": "run.evt", "byte": 77, "done": 5}))
    with pytest.raises(
        ClusterError, match=r"the last one tcp://w1:1; it had come to: run.evt: byt"
    ):
        sorting._result(LostFuture())
    with pytest.raises(ClusterError, match=r"No module named 'histogrammer'; scheduler and worke"):
        sorting._result(LateFuture())
