"""The `.difxlog` of a job beside its input: states, lines and weights, for those who read it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from datetime import datetime

from gateways.difx.errors import FileFaultError
from gateways.difx.jobs import Job
from gateways.difx.protocol.difxlog import (
    DIFXLOG_SUFFIX,
    AlertLine,
    StatusLine,
    WeightsLine,
    ctime_text,
    last_status,
    write_log_line,
)
from gateways.difx.protocol.jobs import JobEvent, JobEventKind, JobState, Severity
from gateways.difx.protocol.machinefiles import beside_input
from gateways.difx.protocol.messagebodies import DifxState
from gateways.difx.protocol.publications import DIFX_STATES
from gateways.difx.rootfolders import RootFolders
from groundwork.regularfiles import NotRegularError, open_regular

__all__ = ["JobLog", "last_logged_status", "status_record"]

TAIL_BYTES = 1 << 20
"""Of a log, in which its last state is looked for."""

log = logging.getLogger(__name__)


def status_record(time: float, state: DifxState, text: str) -> str:
    """Return a state as the answer to GET_JOB_STATUS has it."""
    return _status(time, state, text, "-").record


def _status(time: float, state: DifxState, text: str, sender: str) -> StatusLine:
    at = ctime_text(datetime.fromtimestamp(time))
    return StatusLine(time=at, sender=sender, state=state.value, text=text)


class JobLog:
    """The log of one job; events are taken until the last one. Faults are told once, in our own log.

    Args:
        roots: Where files may be.
        job: That it is of.
        sender: Node that the lines name.
    """

    def __init__(self, roots: RootFolders, job: Job, sender: str) -> None:
        self.path, self._job = beside_input(job.request.input, DIFXLOG_SUFFIX), job
        self._sender, self._file = "_".join(sender.split()), -1
        self._state: JobState | None = None
        self._weights: tuple[float | None, ...] = ()
        try:
            place = roots.new(self.path)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            with place.open_folder() as folder:
                self._file = os.open(place.name, flags | os.O_NONBLOCK, 0o644, dir_fd=folder)
        except FileFaultError as error:
            log.warning("no .difxlog is written: %s", error)

    def begin(self) -> None:
        """Write the states of the job so far."""
        for at, state, text in self._job.changes:
            self._state = state
            self._write(
                _status(at, difx_state, text, self._sender) for difx_state in DIFX_STATES[state]
            )

    def take(self, event: JobEvent) -> None:
        """Write what an event tells."""
        self._write(self._lines(event))
        if event.is_last:
            self.close()

    def _write(self, lines: Iterable[AlertLine | StatusLine | WeightsLine]) -> None:
        text = "".join(map(write_log_line, lines))
        if not text or self._file < 0:
            return
        try:
            os.write(self._file, text.encode("utf-8", "replace"))
        except OSError as error:
            log.warning("%s ends here: %s", self.path, error.strerror)
            self.close()

    def _lines(self, event: JobEvent) -> list[AlertLine | StatusLine | WeightsLine]:
        lines: list[AlertLine | StatusLine | WeightsLine] = []
        at = ctime_text(datetime.fromtimestamp(event.time))
        if event.state is not self._state:
            self._state = event.state
            lines += [
                _status(event.time, state, event.text, self._sender)
                for state in DIFX_STATES[event.state]
            ]
        elif event.kind is JobEventKind.OUTPUT and event.text:
            lines.append(
                AlertLine(
                    time=at,
                    sender=self._sender,
                    severity=_SEVERITIES[event.severity],
                    text=event.text,
                )
            )
        weights = event.reached.weights
        if weights != self._weights:
            self._weights = weights
            known = tuple(weight for weight in weights if weight is not None)
            lines.append(WeightsLine(time=at, sender=self._sender, weights=known))
        return lines

    def close(self) -> None:
        """Write no more; may be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


_SEVERITIES = {Severity.INFO: "INFO", Severity.WARNING: "WARNING", Severity.ERROR: "ERROR"}


def last_logged_status(roots: RootFolders, input: str) -> StatusLine | None:
    """Return the last state in the `.difxlog` of an input file; None: it tells none.

    Raises:
        FileFaultError: There is no log.
    """
    path = beside_input(input, DIFXLOG_SUFFIX)
    place = roots.existing(path)
    try:
        descriptor = open_regular(place.real)
    except NotRegularError as error:
        raise FileFaultError(f"{path:.300}: {error}") from error
    try:
        first = max(os.fstat(descriptor).st_size - TAIL_BYTES, 0)
        data = os.pread(descriptor, TAIL_BYTES, first)
    finally:
        os.close(descriptor)
    return last_status(data.decode("utf-8", "replace").split("\n"))
