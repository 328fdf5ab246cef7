"""The course of one job: parameters, check, run, end. Blocks its thread until the job has ended."""

from __future__ import annotations

import glob
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from gateways.difx.config import PLACE_HOLDER, RunnerConfig
from gateways.difx.errors import FileFault, FileFaultError
from gateways.difx.files import DifxFiles
from gateways.difx.jobs import Job
from gateways.difx.players import DifxPlayers
from gateways.difx.protocol.jobs import (
    INPUT_SUFFIX,
    JobEventKind,
    JobMode,
    JobRequest,
    JobState,
    Refusal,
    Severity,
)
from gateways.difx.protocol.machinefiles import MACHINES_SUFFIX, THREADS_SUFFIX, beside_input
from gateways.difx.protocol.progress import read_progress
from gateways.difx.remoterun import RemoteRun
from gateways.difx.rootfolders import Place
from gateways.difx.runner import OutputStream, ProgramEnd, ProgramLimits, ProgramRun
from groundwork.errors import text_of
from groundwork.throttle import Throttle
from zmqjsonproxy import ProxyError

__all__ = ["JobRun", "filled", "job_places"]

LOGGED_LINES = 100
"""Lines of a job's output that go to the log in a second; the others are counted."""

log = logging.getLogger(__name__)


def filled(words: Sequence[str], places: Mapping[str, str]) -> list[str]:
    """Return the words of a command with what its place holders stand for."""
    return [PLACE_HOLDER.sub(lambda found: places[found[1]], word) for word in words]


def job_places(request: JobRequest, place: Place) -> dict[str, str]:
    """Return what the place holders of a job's commands stand for.

    Args:
        request: The job.
        place: Of its input file.
    """
    path = str(place.real)
    return {
        "input": path,
        "stem": path.removesuffix(INPUT_SUFFIX),
        "folder": str(place.folder),
        "restart": str(request.restart_s),
        "machines": beside_input(path, MACHINES_SUFFIX),
        "threads": beside_input(path, THREADS_SUFFIX),
        "monitor": "1" if request.mode is JobMode.MONITOR else "0",
    }


class _OverError(Exception):
    """The job has ended, and was told so."""


@dataclass(eq=False)
class JobRun:
    """The course of a job; `run` once.

    Attributes:
        job: Whose events tell it.
        runner: Its profile.
        files: Where its files are.
        players: Those that may run it.
        limits: Times of its programs.
    """

    job: Job
    runner: RunnerConfig
    files: DifxFiles
    players: DifxPlayers
    limits: ProgramLimits = field(default_factory=ProgramLimits)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._current: ProgramRun | RemoteRun | None = None
        self._throttle = Throttle(LOGGED_LINES)

    def run(self) -> None:
        """Carry the job out; when it returns, or raises, the job has its final state."""
        job = self.job
        job.tell(JobEventKind.ACCEPTED, state=JobState.CONFIGURING)
        if job.state.is_final:
            return
        job.on_stop(self._stop)
        try:
            self._parameters()
            self._check()
            self._nodes()
            self._output()
            self._work()
        except _OverError:
            return
        except (FileFaultError, ProxyError, OSError) as error:
            job.end(JobState.FAILED, text_of(error))
        except BaseException as error:
            job.end(JobState.FAILED, f"fault in the gateway: {type(error).__name__}: {error}")
            raise

    def kill(self) -> None:
        """End it within seconds, for the gateway ends."""
        self.job.stop("the gateway ends")
        with self._lock:
            current = self._current
        if isinstance(current, ProgramRun):
            current.stop(grace=0.5, terminate=0.5)
        elif current is not None:
            current.stop(grace=0.0)

    # steps

    def _parameters(self) -> None:
        """Find the input file."""
        job, path = self.job, self.job.request.input
        job.tell(JobEventKind.PARAMETER_CHECK)
        if not path:
            self._refuse(Refusal.NO_INPUT, "no input file is named")
        try:
            place = self.files.roots.existing(path)
        except FileFaultError as error:
            is_long = len(path) > 255 and error.fault is FileFault.OTHER
            self._refuse(
                Refusal.NAME_TOO_LONG if is_long else Refusal.INPUT_NOT_FOUND, text_of(error)
            )
        if not place.name or not place.real.is_file():
            self._refuse(Refusal.INPUT_NOT_FOUND, f"{path:.300}: is no file")
        self._place = place
        self._go_on()

    def _check(self) -> None:
        """Let the check program look at the job."""
        job = self.job
        job.tell(JobEventKind.CONFIG_CHECK)
        if self.runner.check is None:
            self._line(Severity.WARNING, f"profile {job.request.profile} has no check: it passes")
            job.tell(JobEventKind.CONFIG_PASSED)
        else:
            self._check_by(self.runner.check)
        if job.request.mode is JobMode.CHECK:
            self._end(JobState.CHECKED, "the check passed, and no more was asked for")

    def _check_by(self, command: Sequence[str]) -> None:
        job = self.job
        try:
            end = self._program(command)
        except OSError as error:
            text = f"the check cannot be made: {error}"
            job.tell(JobEventKind.CONFIG_NOT_FOUND, text, severity=Severity.WARNING)
            job.tell(JobEventKind.CONFIG_PASSED)
            return
        self._go_on()
        if not end.sentence():
            job.tell(JobEventKind.CONFIG_PASSED)
            return
        text = f"the check {end.sentence()}"
        job.tell(JobEventKind.CONFIG_FAILED, text, severity=Severity.WARNING)
        if job.request.mode.stops_at_fault:
            self._end(JobState.INVALID, f"the check {end.sentence()}")

    def _nodes(self) -> None:
        """Look at the nodes, if they were given."""
        job, nodes = self.job, self.job.request.nodes
        if nodes is not None:
            processors = [name for name, threads in nodes.processors if threads > 0]
            for refusal, what, names in (
                (Refusal.NO_MANAGER, "head node", [nodes.manager] if nodes.manager else []),
                (Refusal.NO_SOURCES, "data sources", list(nodes.sources)),
                (Refusal.NO_PROCESSORS, "processors", processors),
            ):
                if not names:
                    self._refuse(refusal, f"the job names no {what}")
                unknown = [name for name in names if not self._is_known(name)]
                if unknown:
                    self._refuse(
                        refusal,
                        f"{unknown[0]}: is no Bank of the configuration, and one of the {what}; there "
                        f"are {', '.join(self.players.names)}",
                    )
        if job.request.restart_s and not self._can_restart():
            self._refuse(
                Refusal.OTHER,
                f"profile {job.request.profile} cannot start within a job: {{restart}} is in no argument "
                "of its run",
            )
        job.tell(JobEventKind.PARAMETERS_VALID)

    def _is_known(self, name: str) -> bool:
        return self.runner.player is None or len(self.players.matching(name)) == 1

    def _can_restart(self) -> bool:
        return any("{restart}" in word for word in self.runner.run or ())

    def _output(self) -> None:
        """Remove output that exists, or refuse the job."""
        folder, name = self.files.roots.shown(self._place.folder) or "/", self.job.name
        patterns = [
            f"{glob.escape(folder.rstrip('/'))}/{pattern.replace('{job}', glob.escape(name))}"
            for pattern in self.runner.output
        ]
        found = [entry.path for pattern in patterns for entry in self.files.find(pattern)]
        if not found:
            return
        if not self.job.request.force:
            text = f"{found[0]:.300}: output exists; remove it, or force the start"
            self._refuse(Refusal.OUTPUT_EXISTS, text)
        self.job.tell(JobEventKind.DELETING_OUTPUT, f"{', '.join(found):.500}")
        for path in found:
            self.files.remove(path, with_folders=True)
        self._go_on()

    def _work(self) -> None:
        """Run the job."""
        job = self.job
        job.tell(JobEventKind.STARTING, state=JobState.RUNNING)
        errors_before = job.errors
        end = self._remote() if self.runner.run is None else self._program(self.runner.run)
        job.exit_status = end.status
        self._go_on()
        if sentence := end.sentence():
            self._end(JobState.FAILED, f"job {job.name}: the program {sentence}")
        job.tell(JobEventKind.COMPLETE)
        if count := job.errors - errors_before:
            self._end(JobState.WITH_ERRORS, f"job {job.name} ended well, but told {count} errors")
        self._end(JobState.FINISHED, f"job {job.name} is done")

    # programs

    def _program(self, command: Sequence[str]) -> ProgramEnd:
        """Run a program to its end; OSError: it cannot be started."""
        program = ProgramRun(
            filled(command, job_places(self.job.request, self._place)),
            self.job.id,
            self._take,
            on_quiet=self._sign_of_life,
            on_exit=self._has_exited,
            folder=self._place.folder,
            limits=self.limits,
        )
        program.start()
        end = self._followed(program)
        for pid, name in end.survivors:
            text = f"process {pid} ({name}), which the job started, runs on: end it"
            self._line(Severity.WARNING, text)
        if end.is_cut:
            text = "the output was still open after the end of the program, and is cut"
            self._line(Severity.WARNING, text)
        return end

    def _remote(self) -> ProgramEnd:
        """Let another Player run the job."""
        assert self.runner.player is not None
        assert self.runner.method is not None
        remote = RemoteRun(
            self.players,
            self.runner.player,
            self.runner.method,
            str(self._place.real),
            on_line=lambda line: self._line(Severity.INFO, line),
            on_progress=lambda fraction: self.job.report(fraction),
            on_quiet=self._sign_of_life,
            grace=self.limits.grace,
            quiet=self.limits.quiet,
        )
        return self._followed(remote)

    def _followed(self, run: ProgramRun | RemoteRun) -> ProgramEnd:
        with self._lock:
            self._current = run
        if self.job.stop_reason:
            run.stop()
        try:
            return run.run()
        finally:
            with self._lock:
                self._current = None

    def _take(self, stream: OutputStream, line: str) -> None:
        """Take a line of output."""
        progress = read_progress(line) if stream is OutputStream.STDOUT else None
        if progress is not None:
            self.job.report(*progress)
        else:
            self._line(stream.severity(line), line)

    def _line(self, severity: Severity, line: str) -> None:
        self.job.tell(JobEventKind.OUTPUT, line, severity=severity)
        if left_out := self._throttle.take_left_out(time.monotonic()):
            log.warning("job %s: %d more lines left out here", self.job.name, left_out)
        if self._throttle.takes():
            log.log(_LEVELS[severity], "job %s: %s", self.job.name, line)

    def _sign_of_life(self) -> None:
        self.job.tell(JobEventKind.STATE)

    def _has_exited(self) -> None:
        if self.job.state is JobState.RUNNING:
            self.job.enter(JobState.FINISHING)

    # ends

    def _stop(self) -> None:
        """Stop what runs now; in any thread, at once."""
        self.job.enter(JobState.STOPPING, self.job.stop_reason)
        with self._lock:
            current = self._current
        if current is not None:
            current.stop()

    def _go_on(self) -> None:
        """End the job if it was asked to stop."""
        if self.job.stop_reason:
            self._end(JobState.STOPPED, self.job.stop_reason)

    def _refuse(self, refusal: Refusal, text: str) -> NoReturn:
        self.job.tell(JobEventKind.REFUSED, text, severity=Severity.ERROR, refusal=refusal)
        self._end(JobState.REFUSED, text)

    def _end(self, state: JobState, text: str) -> NoReturn:
        self.job.end(state, text)
        raise _OverError


_LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.ERROR: logging.ERROR,
}
