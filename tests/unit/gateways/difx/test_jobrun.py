"""Courses of jobs: the cases of the recorded sequences, with real programs."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from support.difx_jobs import HANG_S, INPUT, kinds_of, service_of, shell

from gateways.difx.jobs import Job
from gateways.difx.protocol.jobs import (
    JobEvent,
    JobEventKind,
    JobMode,
    JobNodes,
    JobRequest,
    JobState,
)
from gateways.difx.protocol.jobsequence import JobSequence
from gateways.difx.runner import ProgramLimits

BEFORE = ["accepted", "parameter_check", "config_check"]
CHECKED = [*BEFORE, "info fine", "config_passed"]
STARTED = [*CHECKED, "parameters_valid", "starting"]
NODES = JobNodes(manager="head", sources=("ds1",), processors=(("p1", 3),))
GOOD = {"check": shell("echo fine"), "run": shell('echo "$2"')}


def test_a_job_is_checked_and_run(tmp_path: Path) -> None:
    with service_of(tmp_path, GOOD) as service:
        stem = tmp_path / "scans" / "scan1" / "job"
        assert kinds_of(service, nodes=NODES) == [*STARTED, f"info {stem}", "complete", "finished"]


def test_output_that_exists_refuses_a_job_unless_it_is_forced(tmp_path: Path) -> None:
    folder = tmp_path / "scans" / "scan1"
    (folder / "job.difx").mkdir(parents=True)
    (folder / "job.difx" / "data").touch()
    (folder / "job2.difx").touch()
    with service_of(tmp_path, GOOD) as service:
        assert kinds_of(service) == [
            *CHECKED,
            "parameters_valid",
            "refused output_exists",
            "refused",
        ]
        assert kinds_of(service, force=True)[6:9] == [
            "deleting_output",
            "starting",
            f"info {folder}/job",
        ]
    assert sorted(path.name for path in folder.glob("*.difx")) == ["job2.difx"]


def test_a_check_alone_starts_nothing(tmp_path: Path) -> None:
    with service_of(tmp_path, GOOD) as service:
        assert kinds_of(service, mode=JobMode.CHECK) == [*CHECKED, "checked"]


@pytest.mark.parametrize(
    ("mode", "after"),
    [
        (JobMode.CHECK, ["invalid"]),
        (JobMode.RUN_IF_VALID, ["invalid"]),
        (JobMode.RUN, ["parameters_valid", "starting", "complete", "finished"]),
        (JobMode.MONITOR, ["parameters_valid", "starting", "complete", "finished"]),
    ],
)
def test_a_check_that_fails_ends_a_job_if_it_is_to(
    tmp_path: Path, mode: JobMode, after: list[str]
) -> None:
    bad = {"check": shell("echo 'no clock' >&2; exit 1"), "run": shell("exit 0")}
    with service_of(tmp_path, bad) as service:
        told = kinds_of(service, mode=mode)
        assert told == [*BEFORE, "error no clock", "config_failed", *after]


def test_a_check_that_is_not_there_counts_as_passed(tmp_path: Path) -> None:
    with service_of(tmp_path, {"check": ["no-such-tool"], "run": shell("exit 0")}) as service:
        told = kinds_of(service)
        assert told[3:] == [
            "config_not_found",
            "config_passed",
            "parameters_valid",
            "starting",
            "complete",
            "finished",
        ]


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("", "no_input"),
        ("/scan1/nothing.input", "input_not_found"),
        ("/../site.toml", "input_not_found"),
        ("/scan1", "input_not_found"),
        ("/" + "a" * 300, "name_too_long"),
    ],
)
def test_an_input_that_is_none_refuses_a_job(tmp_path: Path, path: str, refusal: str) -> None:
    with service_of(tmp_path, GOOD) as service:
        told = kinds_of(service, input=path)
        assert told == ["accepted", "parameter_check", f"refused {refusal}", "refused"]
    assert not list((tmp_path / "scans").rglob("*.difxlog"))


@pytest.mark.parametrize(
    ("nodes", "refusal"),
    [
        (JobNodes(sources=("ds1",), processors=(("p1", 3),)), "no_manager"),
        (JobNodes(manager="head", processors=(("p1", 3),)), "no_sources"),
        (JobNodes(manager="head", sources=("ds1",), processors=(("p1", 0),)), "no_processors"),
    ],
)
def test_nodes_that_are_missing_refuse_a_job_after_the_check(
    tmp_path: Path, nodes: JobNodes, refusal: str
) -> None:
    with service_of(tmp_path, GOOD) as service:
        assert kinds_of(service, nodes=nodes) == [*CHECKED, f"refused {refusal}", "refused"]


def test_nodes_of_a_profile_of_players_have_to_be_banks(tmp_path: Path) -> None:
    with service_of(tmp_path, {"player": "DIFX", "method": "scan"}) as service:
        told = kinds_of(service, nodes=NODES)
        assert told[-2:] == ["refused no_manager", "refused"]


def test_a_start_within_a_job_needs_a_place_for_it(tmp_path: Path) -> None:
    with service_of(tmp_path, GOOD) as service:
        assert kinds_of(service, restart_s=5)[-2:] == ["refused other", "refused"]
    with service_of(tmp_path, {"run": ["/bin/echo", "{restart}", "{monitor}"]}) as service:
        told = kinds_of(service, restart_s=5, mode=JobMode.MONITOR)
        assert told[-3:] == ["info 5 1", "complete", "finished"]


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("echo 'bad data' >&2", ["error bad data", "complete", "with_errors"]),
        ("echo 'WARNING: bad' >&2", ["warning WARNING: bad", "complete", "finished"]),
        ("echo 'no disk' >&2; exit 2", ["error no disk", "failed"]),
        ("kill -9 $$", ["failed"]),
    ],
)
def test_the_exit_status_decides_how_a_job_ended(
    tmp_path: Path, text: str, after: list[str]
) -> None:
    with service_of(tmp_path, {**GOOD, "run": shell(text)}) as service:
        assert kinds_of(service) == [*STARTED, *after]


def test_a_program_that_cannot_be_started_fails_the_job(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    with service_of(tmp_path, {**GOOD, "run": [str(program)]}) as service:
        program.unlink()
        assert kinds_of(service) == [*STARTED, "failed"]


def test_progress_lines_are_progress_and_not_output(tmp_path: Path) -> None:
    line = "progress 0.25 MJD 60000.25 from 60000 to 60001 weights 0.5 -"
    events: list[JobEvent] = []
    run = {"run": shell(f"echo '{line}'")}
    with service_of(tmp_path, run, lambda _, event: events.append(event)) as service:
        told = kinds_of(service)
    assert not [each for each in told if "progress" in each]
    reached = next(event.reached for event in events if event.fraction == 0.25)
    assert (reached.reached, reached.weights) == (60000.25, (0.5, None))
    log = (tmp_path / "scans" / "scan1" / "job.difxlog").read_text()
    assert "DIFX WEIGHTS 0.500\n" in log


class Stopper:
    """Stops a job at its first line of output.

    Args:
        at: Line.
    """

    def __init__(self, at: str) -> None:
        self._at = at

    def __call__(self, job: Job, event: JobEvent) -> None:
        if event.kind is JobEventKind.OUTPUT and event.text == self._at:
            threading.Thread(target=job.stop, args=("by the test",), daemon=True).start()


@pytest.mark.parametrize("place", ["check", "run"])
def test_a_job_that_is_stopped_says_so_and_nothing_else(tmp_path: Path, place: str) -> None:
    slow = shell("trap 'exit 0' INT; echo up; while :; do sleep 0.01; done")
    with service_of(tmp_path, {**GOOD, place: slow}, Stopper("up")) as service:
        told = kinds_of(service)
        assert told[-2:] == ["info up", "stopped"]
        (job,) = service.jobs
        assert (job.state, job.text, job.changes[-2][1]) == (
            JobState.STOPPED,
            "by the test",
            JobState.STOPPING,
        )


def test_a_job_that_ignores_signals_is_killed(tmp_path: Path) -> None:
    deaf = shell("trap '' INT TERM; echo up; while :; do sleep 0.01; done")
    with service_of(tmp_path, {"run": deaf, "grace": 0.05}, Stopper("up")) as service:
        assert kinds_of(service)[-1] == "stopped"


def test_a_silent_job_gives_signs_of_life(tmp_path: Path) -> None:
    quiet = threading.Semaphore(0)

    def count(_job: Job, event: JobEvent) -> None:
        if event.kind is JobEventKind.STATE and event.state is JobState.RUNNING:
            quiet.release()

    assert ProgramLimits().quiet < 4  # clients are told something every 4 s, late or not
    limits = ProgramLimits(quiet=0.02, terminate=0.05)
    with service_of(tmp_path, {"run": shell("exec sleep 300")}, count, limits=limits) as service:
        job = service.new_job(JobRequest(input=INPUT))
        thread = threading.Thread(target=service.run, args=(job,))
        thread.start()
        assert all(quiet.acquire(timeout=HANG_S) for _ in range(3))
        job.stop("enough")
        thread.join(HANG_S)
        assert job.state is JobState.STOPPED


@pytest.mark.parametrize(
    ("runner", "request_", "ids"),
    [
        (GOOD, {}, [102, 103, 127, 114, 125, 104, 113, 114, 114, 117, 101]),
        (GOOD, {"mode": JobMode.CHECK}, [102, 103, 127, 114, 125, 128]),
        (GOOD, {"input": "/scan1/x.input"}, [102, 103, 109, 100]),
        (GOOD, {"nodes": JobNodes()}, [102, 103, 127, 114, 125, 105, 100]),
        (
            {"check": ["no-such-tool"], "run": shell("exit 1")},
            {},
            [102, 103, 127, 115, 126, 125, 104, 113, 114, 116, 119],
        ),
    ],
)
def test_clients_get_the_recorded_sequences(
    tmp_path: Path, runner: dict[str, object], request_: dict[str, object], ids: list[int]
) -> None:
    """Of section 9.3 of the reference; a 114 tells that the program has ended."""
    with service_of(tmp_path, runner) as service:
        kinds_of(service, **request_)
        (job,) = service.jobs
        sequence = JobSequence()
        sent = [items for event in job.follow() for items in sequence.take(event)]
    assert [int.from_bytes(items[0], "big") for items in sent] == ids
