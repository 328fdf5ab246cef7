"""Readers of a job's events: bounds, ends, threads and tasks."""

from __future__ import annotations

import asyncio
import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.difx.following import JobFollower
from gateways.difx.jobs import Job
from gateways.difx.protocol.jobs import JobEventKind, JobRequest, JobState

HANG_S = 60.0
PLAIN = [JobEventKind.ACCEPTED, JobEventKind.STARTING, JobEventKind.COMPLETE]


def made() -> Job:
    return Job("x-1", JobRequest(input="/scan1/job.input"))


@settings(max_examples=30)
@given(kinds=st.lists(st.sampled_from([JobEventKind.OUTPUT, *PLAIN]), max_size=40))
def test_a_slow_reader_loses_only_lines_and_is_told_how_many(kinds: list[JobEventKind]) -> None:
    job = made()
    follower = job.follow(most=3)
    for kind in kinds:
        job.tell(kind)
    job.end(JobState.FINISHED)
    told = follower.take()
    lines = [event for event in told if event.kind is JobEventKind.OUTPUT]
    omitted = [int(event.text.split()[0]) for event in told if event.kind is JobEventKind.OMITTED]
    assert len(lines) == min(kinds.count(JobEventKind.OUTPUT), 3)
    assert sum(omitted) == follower.omitted == kinds.count(JobEventKind.OUTPUT) - len(lines)
    assert [event.kind for event in told if event.kind in PLAIN] == [
        kind for kind in kinds if kind in PLAIN
    ]
    assert told[-1].is_last
    assert follower.is_over
    numbers = [event.number for event in told]
    assert numbers == sorted(set(numbers))


def test_the_final_state_arrives_once_behind_a_flood() -> None:
    job = made()
    follower = job.follow()
    for number in range(10_000):
        job.tell(JobEventKind.OUTPUT, f"line {number}")
    job.end(JobState.FAILED, "gone")
    job.end(JobState.FINISHED)
    job.tell(JobEventKind.OUTPUT, "too late")
    ends = [event for event in follower if event.is_last]
    assert [(event.state, event.text) for event in ends] == [(JobState.FAILED, "gone")]


def test_one_that_comes_late_hears_all_but_old_lines() -> None:
    job = made()
    job.tell(JobEventKind.ACCEPTED)
    for number in range(1000):
        job.tell(JobEventKind.OUTPUT, str(number))
    job.end(JobState.FINISHED)
    told = list(job.follow())
    assert [event.kind for event in told[:1]] == [JobEventKind.ACCEPTED]
    assert told[-2].text == "999"
    assert told[-1].is_last


def test_a_task_hears_of_events_of_a_thread() -> None:
    job = made()

    async def read() -> list[str]:
        with job.follow() as follower:
            return [event.text async for event in follower]

    def work() -> None:
        for number in range(100):
            job.tell(JobEventKind.OUTPUT, str(number))
        job.end(JobState.FINISHED, "end")

    thread = threading.Thread(target=work)
    thread.start()
    told = asyncio.run(asyncio.wait_for(read(), HANG_S))
    thread.join(HANG_S)
    assert told == [*map(str, range(100)), "end"]


def test_a_reader_that_closes_is_forgotten_and_ends() -> None:
    left: list[JobFollower] = []
    follower = JobFollower(leave=left.append)
    follower.close()
    follower.close()
    assert left == [follower]
    assert list(follower) == []
    assert follower.get(HANG_S) is None
