"""A gateway as a whole: records that outlive it, jobs that are lost, its end, what clients are told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.difx_jobs import HANG_S, INPUT, kinds_of, service_of, shell

from gateways.difx import jobs
from gateways.difx.errors import JobError
from gateways.difx.jobs import Job
from gateways.difx.protocol.jobs import JobEvent, JobEventKind, JobRequest, JobState
from gateways.difx.status import recorded_statuses
from groundwork.processgroups import marked_processes

GOOD = {"run": shell("echo done")}
ROOT = Path(__file__).resolve().parents[4]
GATEWAY = """
import sys
from pathlib import Path
from support.difx_jobs import service_of, shell
from gateways.difx.protocol.jobs import JobRequest
text = "(trap '' TERM; sleep 300 & echo $!; while :; do sleep 0.02; done)"
tell = lambda job, event: event.kind == "output" and print(job.id, event.text, flush=True)
service = service_of(Path(sys.argv[1]), {"run": shell(text)}, tell)
service.run(service.new_job(JobRequest(input="/scan1/job.input")))
"""


def test_a_job_that_ran_when_the_gateway_was_killed_is_lost_and_ended(tmp_path: Path) -> None:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    with subprocess.Popen(
        [sys.executable, "-c", GATEWAY, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
    ) as gateway:
        assert gateway.stdout is not None
        gateway.stdout.readline()  # that it has no check
        identity, child = gateway.stdout.readline().decode().split()
        gateway.send_signal(signal.SIGKILL)
        gateway.wait(HANG_S)
    assert psutil.pid_exists(int(child))
    with service_of(tmp_path, GOOD) as service:
        service.open()
        assert marked_processes(f"DIFX_JOB={identity}") == []
        job = service.jobs[identity]
        assert (job.state, job.name) == (JobState.LOST, "job")
        (status,) = recorded_statuses(service.files, service.jobs, "/*/*.input", is_short=True)
        assert status.records[0][24:].startswith("Crashed  job job is lost")
        assert kinds_of(service)[-1] == "finished"
    log = (tmp_path / "scans" / "scan1" / "job.difxlog").read_text().splitlines()
    assert ["STATUS Crashed" in line for line in log].count(True) == 1
    with service_of(tmp_path, GOOD) as service:
        service.open()
        assert [job.state for job in service.jobs] == [JobState.LOST, JobState.FINISHED]


def test_states_are_recorded_and_told_after_a_restart(tmp_path: Path) -> None:
    with service_of(tmp_path, GOOD) as service:
        kinds_of(service)
    (tmp_path / "scans" / "scan1" / "new.input").touch()
    (tmp_path / "scans" / "scan1" / "logged.input").touch()
    line = "Tue Nov 21 02:00:09 2026 000 head STATUS Done  all ok\n"
    (tmp_path / "scans" / "scan1" / "logged.difxlog").write_text(f"{line}nonsense\n")
    with service_of(tmp_path, GOOD) as service:
        service.open()
        told = recorded_statuses(service.files, service.jobs, "/scan1/*", is_short=False)
    assert [each.path for each in told] == [
        "/scan1/job.input",
        "/scan1/logged.input",
        "/scan1/new.input",
    ]
    states = [record[24:].split()[0] for record in told[0].records]
    assert states == ["Spawning", "Starting", "Running", "Ending", "Done", "MpiDone"]
    assert told[1].records == ("Tue Nov 21 02:00:09 2026Done  all ok",)
    assert (told[2].records, told[2].has_log) == ((), False)


def test_a_record_that_is_none_is_passed_over(tmp_path: Path) -> None:
    with service_of(tmp_path, GOOD) as service:
        kinds_of(service)
    folder = tmp_path / "state" / "difx-DIFX"
    (folder / "0.json").write_text("{")
    (folder / "1.json").write_text(json.dumps({"id": "x"}))
    with service_of(tmp_path, GOOD) as service:
        service.open()
        assert [job.state for job in service.jobs] == [JobState.FINISHED]


@pytest.mark.parametrize(
    "damage",
    [
        {"request": {"nodes": {"what": 1}}},
        {"request": {"input": 5}},
        {"request": {"profile": ["DEVEL"]}},
        {"changes": [["yesterday", "finished", ""]]},
        {"changes": [[1e30, "finished", ""]]},
        {"begun": float("inf")},
        {"begun": 10**400},
        {"fraction": float("nan")},
        {"exit_status": float("inf")},
        {"text": "\ud800"},
        {"state": "running", "client": None},
    ],
)
def test_a_damaged_record_is_passed_over(tmp_path: Path, damage: dict[str, Any]) -> None:
    with service_of(tmp_path, GOOD) as service:
        kinds_of(service)
    (path,) = (tmp_path / "state" / "difx-DIFX").glob("*.json")
    told = json.loads(path.read_text())
    request = told["request"] | damage.pop("request", {})
    path.write_text(json.dumps({**told, **damage, "request": request}))
    with service_of(tmp_path, GOOD) as service:
        service.open()
        assert list(service.jobs) == []


def test_what_is_no_file_and_what_is_nested_beyond_reason_are_no_records(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "difx-DIFX"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "0.json")
    (folder / "1.json").write_text("[" * 100_000)
    (folder / "2.json").mkdir()
    with service_of(tmp_path, GOOD) as service:
        service.open()
        assert list(service.jobs) == []


def test_jobs_that_are_forgotten_have_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "KEPT_JOBS", 3)
    with service_of(tmp_path, GOOD) as service:
        service.open()
        for number in range(8):
            kinds_of(service, input=f"/scan1/none{number}.input")
        known = {job.id for job in service.jobs}
        records = list((tmp_path / "state" / "difx-DIFX").glob("*.json"))
        assert {json.loads(path.read_text())["id"] for path in records} == known
        assert len(known) == 4


def test_two_gateways_of_a_name_do_not_take_each_others_jobs(tmp_path: Path) -> None:
    with service_of(tmp_path, GOOD) as service, service_of(tmp_path, GOOD) as other:
        service.open()
        with pytest.raises(JobError, match="another gateway of this name runs here"):
            other.open()
    with service_of(tmp_path, GOOD) as service:
        service.open()


def test_the_end_of_the_gateway_ends_its_jobs(tmp_path: Path) -> None:
    up = threading.Event()

    def look(_job: Job, event: JobEvent) -> None:
        if event.text == "up":
            up.set()

    deaf = shell("trap '' INT TERM; echo up; while :; do sleep 0.01; done")
    service = service_of(tmp_path, {"run": deaf, "grace": 600}, look)
    job = service.new_job(JobRequest(input=INPUT))
    thread = threading.Thread(target=service.run, args=(job,))
    thread.start()
    assert up.wait(HANG_S)
    service.close()
    thread.join(HANG_S)
    assert (job.state, job.text) == (JobState.STOPPED, "the gateway ends")
    with pytest.raises(JobError, match="the gateway ends"):
        service.new_job(JobRequest(input=INPUT))


def test_two_jobs_run_at_once_and_one_of_an_input(tmp_path: Path) -> None:
    both = threading.Barrier(2)
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "other.input").touch()

    def meet(_job: Job, event: JobEvent) -> None:
        if event.kind is JobEventKind.OUTPUT and event.text == "up":
            both.wait(HANG_S)

    with service_of(tmp_path, {"run": shell("echo up")}, meet) as service:
        jobs = [service.new_job(JobRequest(input=path)) for path in (INPUT, "/other.input")]
        with pytest.raises(JobError, match="job runs already"):
            service.new_job(JobRequest(input="/scan1/../scan1/./job.input"))
        threads = [threading.Thread(target=service.run, args=(job,)) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANG_S)
        assert [job.state for job in jobs] == [JobState.FINISHED] * 2


def test_clients_see_only_variables_that_are_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("SECRET", "word")
    monkeypatch.setenv("DIFX_BASE", "/usr/local")
    table = {"environment": ["TZ", "NOTHING", "DIFX_BASE"], "base": "/base", "difx_version": "2.8"}
    with service_of(tmp_path, GOOD, table=table) as service:
        facts = service.facts("observer")
    assert set(facts.environment) == {"DIFX_BASE", "HOSTNAME", "TZ"}
    assert facts.environment["DIFX_BASE"] == facts.base == "/base"
    assert facts.environment["HOSTNAME"]
    assert (facts.user, facts.versions, facts.difx_version) == ("observer", ("DEVEL",), "2.8")
    assert facts.version.startswith("dealer-player ")


def test_a_profile_that_is_none_is_named(tmp_path: Path) -> None:
    with service_of(tmp_path, GOOD) as service:
        assert service.runner("") is service.runner("DEVEL")
        with pytest.raises(JobError, match="'DEVELS': is no runner profile; there are DEVEL"):
            service.new_job(JobRequest(input=INPUT, profile="DEVELS"))
