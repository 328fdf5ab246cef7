"""Jobs of a gateway: states, stop, the table."""

from __future__ import annotations

import pytest

from gateways.difx.errors import JobError
from gateways.difx.jobs import KEPT_JOBS, Job, JobTable
from gateways.difx.protocol.jobs import (
    JobEventKind,
    JobNodes,
    JobRequest,
    JobState,
    Severity,
    TimeReached,
)


def made(number: int = 1, path: str = "/scan1/job.input") -> Job:
    return Job(f"x-{number}", JobRequest(input=path))


def test_one_that_waits_ends_at_once_when_it_is_stopped() -> None:
    job = made()
    assert job.stop("enough")
    assert (job.state, job.text, job.wait(0)) == (JobState.STOPPED, "enough", True)
    assert not job.stop("again")


def test_one_that_runs_is_told_to_stop_once() -> None:
    job, told = made(), list[str]()
    job.tell(JobEventKind.STARTING, state=JobState.RUNNING)
    job.on_stop(lambda: told.append(job.stop_reason))
    assert job.stop("first")
    assert job.stop("second")
    assert told == ["first"]
    job.on_stop(lambda: told.append("late"))
    assert told == ["first", "late"]


def test_a_final_state_stays_and_every_change_is_remembered() -> None:
    job = made()
    job.tell(JobEventKind.ACCEPTED, state=JobState.CONFIGURING)
    job.tell(JobEventKind.OUTPUT, "no such source", severity=Severity.ERROR)
    job.report(2.0)
    job.end(JobState.FAILED, "gone")
    job.end(JobState.FINISHED)
    assert [state for _, state, _ in job.changes] == [
        JobState.QUEUED,
        JobState.CONFIGURING,
        JobState.FAILED,
    ]
    told = job.summary().describe()
    assert (told["state"], told["text"], told["errors"], told["fraction"]) == (
        "failed",
        "gone",
        1,
        1.0,
    )


def test_the_last_200_messages_outlive_signs_of_life_and_the_end() -> None:
    job = made()
    for number in range(250):
        job.tell(JobEventKind.OUTPUT, f"line {number}", severity=Severity.WARNING)
        job.tell(JobEventKind.STATE)
    job.end(JobState.FAILED, "gone")
    kept, earlier = job.messages()
    assert (len(kept), earlier, kept[0].text, kept[-1].text) == (200, 51, "line 51", "gone")
    assert (kept[0].severity, kept[-1].severity) == (Severity.WARNING, Severity.ERROR)


def test_a_summary_has_the_weights_of_the_sources_by_name() -> None:
    nodes = JobNodes(sources=("BR", "HN"))
    job = Job("x-1", JobRequest(input="/job.input", nodes=nodes))
    job.report(0.5, TimeReached(weights=(0.97, None)))
    told = job.summary().describe()
    assert (told["sources"], told["weights"]) == (["BR", "HN"], [0.97, None])


def test_the_table_bounds_jobs_that_run_and_remembers_those_that_ended() -> None:
    table = JobTable()
    table.add(made(1), 2)
    with pytest.raises(JobError, match=r"job runs already \(queued\)"):
        table.add(made(2), 2)
    table.add(made(2, "/b.input"), 2)
    with pytest.raises(JobError, match="as many as max_jobs allows"):
        table.add(made(3, "/c.input"), 2)
    with pytest.raises(JobError, match="no job 'x-3' is known"):
        table["x-3"]
    assert table.active("/b.input") is table.last("/b.input") is table["x-2"]
    for job in table:
        job.end(JobState.FINISHED)
    for number in range(10, 10 + KEPT_JOBS + 5):
        table.add(made(number), 2)
        table[f"x-{number}"].end(JobState.FINISHED)
    assert len(list(table)) <= KEPT_JOBS + 1
    assert table.active("/b.input") is None


@pytest.mark.parametrize(
    "told",
    [
        {"manager": 1},
        {"sources": [None]},
        {"processors": ["p1"]},
        {"processors": [["p1", -1]]},
        {"processors": [["p1", "2"]]},
        {"what": 1},
        {"sources": 5},
    ],
)
def test_nodes_that_are_none_are_refused(told: dict[str, object]) -> None:
    with pytest.raises(JobError, match="nodes are manager"):
        JobNodes.read(told)
