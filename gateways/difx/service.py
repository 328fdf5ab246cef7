"""A gateway as a whole: files, jobs, recorders and Players of one Bank of the kind `difx`. No sockets
of clients, and no bytes of their protocol."""

from __future__ import annotations

import logging
import os
import platform
import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from weakref import WeakSet

from gateways.difx.config import DifxBankConfig, RunnerConfig
from gateways.difx.errors import JobError, MonitorError
from gateways.difx.files import DifxFiles
from gateways.difx.joblog import JobLog
from gateways.difx.jobrecords import JobRecords
from gateways.difx.jobrun import JobRun, filled, job_places
from gateways.difx.jobs import Job, JobTable
from gateways.difx.livesources import LiveBanks, LiveProgram
from gateways.difx.players import DifxPlayers
from gateways.difx.preparing import JobPreparation
from gateways.difx.protocol.handshake import ServerFacts
from gateways.difx.protocol.jobs import (
    JobEvent,
    JobEventKind,
    JobMode,
    JobRequest,
    JobState,
    Severity,
    job_name,
)
from gateways.difx.recorder import DifxRecorder
from gateways.difx.rootfolders import RootFolders
from gateways.difx.runner import ProgramLimits, end_marked
from gateways.difx.units import DifxUnits
from groundwork.closing import Closing
from groundwork.errors import did_you_mean
from groundwork.version import version
from player.tables import Config
from zmqjsonproxy.errors import ProtocolError, RemoteError
from zmqjsonproxy.rights import ClientKeys

__all__ = ["DifxService", "ServiceSettings"]

BEGIN_S = 30.0
"""Time in which the own Player begins an operation."""
CLOSE_S = 2.5
"""Time that jobs have to end when the gateway ends."""
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]")

Listener = Callable[[Job, JobEvent], None]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """Settings of a gateway.

    Attributes:
        name: Of its Bank.
        table: Its table.
        config: The whole configuration.
        url: Where its own Player is called; empty: nobody serves it, and jobs are no operations.
        state_folder: For records of jobs; None: they do not outlive the gateway.
        keys: By which Players are reached; None: without keys.
        limits: Times of programs; the grace is that of each profile.
    """

    name: str
    table: DifxBankConfig
    config: Config
    url: str = ""
    state_folder: Path | None = None
    keys: ClientKeys | None = None
    limits: ProgramLimits = field(default_factory=ProgramLimits)


class DifxService(Closing):
    """A gateway. Thread-safe; what waits for disks, programs or Players is called in a thread.

    Args:
        settings: As they hold until its end.
        on_event: Told of each event of each job, in order, in the thread that tells it.

    Attributes:
        files: Those of the clients' "/".
        jobs: All that are known, also of earlier runs.
        players: Other Players of the configuration.
        recorder: Recordings of Players.
        units: Commands to Players.
    """

    def __init__(self, settings: ServiceSettings, on_event: Listener | None = None) -> None:
        table, config = settings.table, settings.config
        self.settings = settings
        self._listeners: tuple[Listener, ...] = () if on_event is None else (on_event,)
        self.files = DifxFiles(RootFolders(table.root_folders(config.directory)))
        self.jobs = JobTable()
        self.players = DifxPlayers(config, {settings.name: settings.url}, settings.keys)
        self.recorder = DifxRecorder(self.players, self.files)
        self.units = DifxUnits(self.players, table.commands)
        folder = settings.state_folder
        name = _UNFIT.sub("_", settings.name)
        self._records = JobRecords(None if folder is None else folder / f"difx-{name}")
        self._runs: dict[str, JobRun] = {}
        self._preparations: WeakSet[JobPreparation] = WeakSet()
        self._logs: dict[str, JobLog] = {}
        self._saved: dict[str, JobState] = {}
        self._lock = threading.Lock()
        self._is_closed = False

    def open(self) -> None:
        """Take up the jobs of earlier runs; those that ran are lost, and their processes are ended.

        Raises:
            JobError: Another gateway of this name runs.
        """
        limits = self.settings.limits
        self._records.open()
        for job in self._records.load():
            self.jobs.keep(job)
            if job.state.is_final:
                continue
            survivors = end_marked(job.id, limits.terminate, limits.kill)
            text = f"job {job.name} is lost: the gateway ended while it ran"
            for pid, name in survivors:
                text += f"; process {pid} ({name}) runs on, end it"
            job.on_event = self._take
            self._logs[job.id] = JobLog(self.files.roots, job, self.settings.name)
            job.end(JobState.LOST, text)

    def close(self) -> None:
        """End all jobs, within seconds; may be called twice."""
        with self._lock:
            self._is_closed = True
            runs, preparations = list(self._runs.values()), list(self._preparations)
        for run in runs:
            run.kill()
        for preparation in preparations:
            preparation.stop(grace=0.5)
        for job in self.jobs:
            job.stop("the gateway ends")
        for run in runs:
            if not run.job.wait(CLOSE_S):
                log.error("job %s has not ended within %g s", run.job.name, CLOSE_S)
        self.players.close()
        self._records.close()

    def listen(self, listener: Listener) -> None:
        """Have somebody else told of each event, too, to the end of the gateway; see `on_event`."""
        self._listeners += (listener,)

    # what clients are told of it

    @property
    def keeps_jobs(self) -> bool:
        """Jobs outlive the connection of their client."""
        return self.settings.table.keep_jobs

    @property
    def profiles(self) -> list[str]:
        """Names of the runner profiles that clients may choose."""
        return list(self.settings.table.runner)

    def runner(self, profile: str) -> RunnerConfig:
        """Return a profile; empty: the first. JobError: there is none."""
        known = self.settings.table.runner
        name = profile or next(iter(known), "")
        if name not in known:
            told = ", ".join(known) or "none"
            raise JobError(
                f"{name!r:.80}: is no runner profile; there are {told} (`runner` of the table of "
                f"{self.settings.name}){did_you_mean(name, known)}"
            )
        return known[name]

    def facts(self, user: str) -> ServerFacts:
        """Return what a client is told at the handshake.

        Args:
            user: Name that stands for its rights.
        """
        table = self.settings.table
        environment = {"DIFX_BASE": table.base, "HOSTNAME": platform.node() or "localhost"}
        environment |= {
            name: value
            for name in table.environment
            if name != "DIFX_BASE" and (value := os.environ.get(name))
        }
        return ServerFacts(
            version=f"dealer-player {version()}",
            difx_version=table.difx_version or "",
            base=table.base,
            user=user,
            versions=tuple(table.offered),
            environment=environment,
        )

    # jobs

    def start(self, request: JobRequest, client: str = "") -> Job:
        """Begin a job as an operation of the Bank, so that everybody sees it; the job.

        Waits for the own Player, for milliseconds. Follow the job for all else.

        Args:
            request: What is wanted.
            client: On whose behalf.

        Raises:
            JobError: It cannot be begun.
            ProxyError: The own Player does not begin it.
        """
        self.runner(request.profile)
        url = self.settings.url
        (begun,) = self.players.hub.begin_each(
            [url], "bank.jobs", "start", (), request.describe(), BEGIN_S, client
        )
        if isinstance(begun.error, RemoteError):
            raise JobError(begun.error.text) from begun.error
        if begun.error is not None:
            raise begun.error
        if not isinstance(begun.value, dict):
            raise ProtocolError(f"{url} began no operation, but answered {begun.value!r:.200}")
        return self.jobs[str(begun.value["operation"])]

    def new_job(self, request: JobRequest, client: str = "", identity: str = "") -> Job:
        """Take a job up that waits for its turn: `run` runs it.

        Args:
            request: What is wanted.
            client: On whose behalf.
            identity: Of its operation; empty: it has none.

        Raises:
            JobError: No such profile, too many jobs, or one of this input runs.
        """
        self.runner(request.profile)
        profile = request.profile or next(iter(self.settings.table.runner))
        job = Job(
            id=identity or uuid.uuid4().hex,
            request=replace(request, profile=profile, input=self.files.canonical(request.input)),
            client=client,
            on_event=self._take,
        )
        with self._lock:
            if self._is_closed:
                raise JobError(f"{request.input:.300}: the gateway ends, and begins no job")
        for old in self.jobs.add(job, self.settings.table.max_jobs):
            self._records.forget(old)
        job.tell(JobEventKind.STATE)
        return job

    def run(self, job: Job) -> None:
        """Carry a job out, in this thread, to its final state."""
        runner = self.runner(job.request.profile)
        limits = replace(self.settings.limits, grace=runner.grace)
        run = JobRun(job, runner, self.files, self.players, limits)
        with self._lock:
            self._runs[job.id] = run
            is_closed = self._is_closed
        try:
            if is_closed:
                job.stop("the gateway ends")
            if not job.state.is_final:
                run.run()
        finally:
            with self._lock:
                del self._runs[job.id]

    def stop(self, input: str, reason: str = "stopped") -> bool:
        """Ask the job of an input file to stop, and return at once; False: there is none."""
        job = self.jobs.active(self.files.canonical(input))
        return job is not None and job.stop(reason)

    def find_products(self, path: str, profile: str = "") -> LiveProgram | LiveBanks:
        """Return where the live products of an input file come from.

        Args:
            path: Of the input file.
            profile: Runner profile; empty: that of the last job of it, else the first.

        Raises:
            DifxError: There is no such file, or the profile has no products.
        """
        place = self.files.roots.existing(path)
        if not place.name or not place.real.is_file():
            raise MonitorError(f"{path:.300}: is no input file")
        job = self.jobs.last(path)
        runner = self.runner(profile or (job.request.profile if job is not None else ""))
        if runner.banks is not None:
            urls = tuple((name, self.players.url(name)) for name in runner.banks)
            return LiveBanks(urls, job_name(path))
        if runner.products is None:
            raise MonitorError(
                f"{path:.300}: the profile has no live products: `products` or `banks` in its table"
            )
        request = JobRequest(input=path, mode=JobMode.MONITOR)
        words = filled(runner.products, job_places(request, place))
        return LiveProgram(tuple(words), place.folder)

    def _take(self, job: Job, event: JobEvent) -> None:
        """Take note of an event: record, log, whoever wants to be told."""
        if event.kind is JobEventKind.CONFIG_CHECK:  # the input file is there
            self._logs[job.id] = JobLog(self.files.roots, job, self.settings.name)
            self._logs[job.id].begin()
        if (written := self._logs.get(job.id)) is not None:
            written.take(event)
        if self._saved.get(job.id) is not event.state:
            self._saved[job.id] = event.state
            self._records.save(job)
        if event.is_last:
            self._logs.pop(job.id, None)
            self._saved.pop(job.id, None)
            level = logging.WARNING if event.severity is Severity.ERROR else logging.INFO
            log.log(level, "job %s of %s: %s", job.name, job.client or "a client", event.text)
        for listener in self._listeners:
            listener(job, event)

    # preparation

    def preparation(
        self,
        profile: str,
        folder: str,
        file: str,
        *,
        model_only: bool = False,
        on_file: Callable[[str], None] = lambda _path: None,
        on_line: Callable[[Severity, str], None] = lambda _severity, _line: None,
    ) -> JobPreparation:
        """Return a preparation of jobs; arguments as of Preparation.

        Raises:
            JobError: The profile prepares none, or the name is none.
            FileFaultError: The folder or the file is not there.
        """
        runner = self.runner(profile)
        made = JobPreparation(
            uuid.uuid4().hex,
            runner,
            self.files,
            folder,
            file,
            model_only=model_only,
            on_file=on_file,
            on_line=on_line,
            limits=replace(self.settings.limits, grace=runner.grace),
        )
        self._preparations.add(made)
        return made
