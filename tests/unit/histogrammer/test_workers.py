"""Threads that share out jobs."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from histogrammer.workers import Workers


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("jobs", [0, 1, 3, 100])
def test_each_job_is_done_once(threads: int, jobs: int) -> None:
    done: list[int] = []
    with Workers(threads) as workers:
        for _ in range(3):
            workers.run(partial(done.append, number) for number in range(jobs))
    assert sorted(done) == sorted([*range(jobs)] * 3)


def test_two_threads_work_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=60)
    with Workers(2) as workers:
        workers.run([meeting.wait, meeting.wait])


def test_an_error_reaches_the_caller_after_all_jobs() -> None:
    done: list[int] = []
    jobs = [partial(done.append, number) for number in range(20)]
    with Workers(3) as workers:
        with pytest.raises(ZeroDivisionError):
            workers.run([*jobs, lambda: 1 // 0, *jobs])
        assert len(done) == 40
        workers.run(jobs)
    assert len(done) == 60


def test_closed_threads_end_and_their_jobs_are_done_by_the_caller() -> None:
    before = threading.active_count()
    workers = Workers(3)
    assert threading.active_count() == before + 2
    workers.close()
    workers.close()
    assert threading.active_count() == before
    idents: list[int] = []
    workers.run([lambda: idents.append(threading.get_ident())] * 3)
    assert set(idents) == {threading.get_ident()}


def test_no_threads_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Workers(0)
