"""The gateway for DiFX clients as a Bank: its files, jobs, recorders and units are its parts.

Clients of the guiServer protocol reach the same jobs by the endpoint `guiserver`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from gateways.difx.config import DifxBankConfig, config_faults, folder_fault
from gateways.difx.doctor import diagnose
from gateways.difx.errors import JobError
from gateways.difx.jobs import Job
from gateways.difx.jobspart import JobsPart
from gateways.difx.parts import FilesPart, RecorderPart, UnitPart
from gateways.difx.protocol.jobs import JobEvent, JobEventKind, JobState
from gateways.difx.protocol.publications import DIFX_STATES
from gateways.difx.service import DifxService, ServiceSettings
from groundwork.values import JsonObject
from player.alarms.rules import AlarmRule, AlarmSeverity
from player.bank import Bank, BankContext
from player.errors import Fault
from player.findings import Finding, Surroundings
from player.readiness import READY, Depends, Hindrance
from player.tables import BankConfig, Config
from zmqjsonproxy import RefusedError, query
from zmqjsonproxy.channels import computed, message, published

__all__ = ["DifxBank", "DifxService"]

SHOWN_JOBS = 50
PUBLISH_EVERY_S = 0.2
"""Between two publications of the progress of a job."""

_BAD = (JobState.FAILED, JobState.INVALID, JobState.LOST)
_ALARMS = (
    AlarmRule(
        name="job-failed",
        key="jobs.-1.state",
        equals=tuple(state.value for state in _BAD),
        missing_is_well=True,
        severity=AlarmSeverity.FAULT,
        text="the last job failed: its log says why",
    ),
    AlarmRule(
        name="job-errors",
        key="jobs.-1.state",
        equals=(JobState.WITH_ERRORS.value,),
        missing_is_well=True,
        text="the last job ended with errors: its log has them",
    ),
)


class DifxBank(Bank):
    """A Bank that runs correlator jobs for DiFX clients and Dealers."""

    depends: ClassVar[Depends] = {READY: ("jobs",), "jobs": ("roots",), "roots": ()}

    jobs = published(
        list[JsonObject](),
        doc="The last jobs, the oldest first: id, name, input, profile, mode, state, text, client, "
        "fraction, begun, changed (unix seconds, UTC), exit_status, errors, weights, "
        "sources.",
    )
    job = message(
        doc="A job has another state, or is further: id, name, input, state, difx_states (as DiFX "
        "names them), text, fraction, reached_mjd, start_mjd, stop_mjd, weights, is_final."
    )

    def __init__(self, context: BankContext) -> None:
        super().__init__(context)
        assert isinstance(context.config, DifxBankConfig)
        self._config: DifxBankConfig = context.config
        self._open_service: DifxService | None = None
        self._jobs_part: JobsPart | None = None
        self._lock = threading.Lock()
        self._published: dict[str, tuple[float, str]] = {}
        self._summaries: dict[str, JsonObject] = {}
        self._lines, self._lines_at, self._rate = 0, time.monotonic(), 0.0

    # for the host

    @classmethod
    def config_model(cls) -> type[BankConfig]:
        return DifxBankConfig

    @classmethod
    def check(cls, config: Config) -> list[Fault]:
        return config_faults(config)

    @classmethod
    def diagnose(cls, config: Config, bank_name: str, around: Surroundings) -> list[Finding]:
        return diagnose(config, bank_name, around)

    @classmethod
    def declared_alarms(cls) -> Sequence[AlarmRule]:
        return _ALARMS

    @property
    def service(self) -> DifxService:
        """The gateway, for endpoints; RefusedError: the Bank is not open."""
        if self._open_service is None:
            raise RefusedError("the gateway is not open")
        return self._open_service

    def open(self) -> None:
        instrument = self.context.instrument
        for folder in self._config.root_folders(instrument.directory).values():
            if why := folder_fault(folder):
                raise RefusedError(f"banks.{self.name}.root: {folder} {why}; make it")
        settings = ServiceSettings(
            name=self.name,
            table=self._config,
            config=instrument,
            url=self.context.url,
            state_folder=self.context.state_dir,
            keys=self.context.keys,
        )
        self._open_service = DifxService(settings, self._take)
        self._jobs_part = JobsPart(self._open_service)
        try:
            self._open_service.open()
        except JobError as error:
            raise RefusedError(str(error)) from error
        for job in self._open_service.jobs:
            self._publish_job(job)

    def parts(self) -> Mapping[str, object | None]:
        service = self.service
        return {
            "files": FilesPart(service),
            "jobs": self._jobs_part,
            "recorder": RecorderPart(service),
            "unit": UnitPart(service),
        }

    def close(self) -> None:
        if self._open_service is not None:
            self._open_service.close()

    # what is published

    @computed(every=1.0)
    def running_jobs(self) -> int:
        """Jobs that have not ended."""
        return sum(not job.state.is_final for job in self.service.jobs)

    @computed(unit="1/s", every=1.0)
    def line_rate(self) -> float:
        """Lines of output of all jobs per second, since it was read last."""
        now = time.monotonic()
        with self._lock:
            if (passed := now - self._lines_at) >= 0.5:
                self._rate = round(self._lines / passed, 1)
                self._lines, self._lines_at = 0, now
            return self._rate

    def _take(self, job: Job, event: JobEvent) -> None:
        """Publish what an event tells."""
        if self._jobs_part is not None:
            self._jobs_part.take(job, event)
        if event.kind is JobEventKind.OUTPUT:
            with self._lock:
                self._lines += 1
            return
        now = time.monotonic()
        with self._lock:
            at, state = self._published.get(job.id, (-PUBLISH_EVERY_S, ""))
            if state == event.state.value and now < at + PUBLISH_EVERY_S:
                return
            self._published[job.id] = now, event.state.value
            if event.is_last:
                del self._published[job.id]
        self.job(**_message(job, event))
        self._publish_job(job)

    def _publish_job(self, job: Job) -> None:
        """Publish all jobs, one of them anew. Its lock is held, so the others' must not be waited for."""
        known = [each.id for each in self.service.jobs][-SHOWN_JOBS:]
        with self._lock:
            summaries = {**self._summaries, job.id: job.summary().describe()}
            self._summaries = {each: summaries[each] for each in known if each in summaries}
            self.jobs = list(self._summaries.values())

    # for `dealer status` and `dealer doctor`

    @query
    def get_overview(self) -> dict[str, Any]:
        jobs = list(self.service.jobs)
        last = jobs[-1] if jobs else None
        return {
            "kind": self._config.kind,
            "running": sum(not job.state.is_final for job in jobs),
            "jobs": len(jobs),
            "last job": None if last is None else last.name,
            "state": None if last is None else last.state.value,
        }

    @query
    def get_findings(self) -> list[dict[str, str]]:
        findings = [
            Finding(
                "roots",
                f"{folder} {why}: clients see nothing of it",
                f"make it, or correct banks.{self.name}.root",
                self.name,
            )
            for folder in self.service.files.roots.folders.values()
            if (why := folder_fault(folder))
        ]
        return [finding.describe() for finding in findings]

    def hindrances(self) -> list[Hindrance]:
        running: int = self.running_jobs
        most = self._config.max_jobs
        if running < most:
            return []
        text = f"{running} jobs run, as many as max_jobs allows"
        remedy = f"wait for the end of one, or set banks.{self.name}.max_jobs"
        return [Hindrance(thing="jobs", text=text, remedy=remedy, is_fault=False)]


def _message(job: Job, event: JobEvent) -> JsonObject:
    reached = event.reached
    return {
        "id": job.id,
        "name": job.name,
        "input": job.request.input,
        "state": event.state.value,
        "difx_states": [state.value for state in DIFX_STATES[event.state]],
        "text": event.text,
        "fraction": event.fraction,
        "reached_mjd": reached.reached,
        "start_mjd": reached.start,
        "stop_mjd": reached.stop,
        "weights": list(reached.weights),
        "is_final": event.is_last,
    }
