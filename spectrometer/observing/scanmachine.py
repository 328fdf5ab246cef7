"""State of the data taking of a Bank, and the ends of a scan: as planned, by failure, taken back
before it was one.

How a scan comes so far, and what others ask of it, is `spectrometer.observing.scan`'s; the verdict
on what was recorded is `spectrometer.observing.scanreport`'s.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

from arrayconfig.logs import Log, release_scan
from groundwork.values import JsonObject
from player.clock import Clock, ClockWatch, SystemClock
from spectrometer.daq.errors import DaqError
from spectrometer.daq.programs import Programs
from spectrometer.errors import BankError
from spectrometer.instruments.boardmonitor import BoardMonitor
from spectrometer.observing.monitormode import MonitorMode
from spectrometer.observing.scanending import ScanEnding
from spectrometer.observing.scanplan import ScanPlan, StartRequest
from spectrometer.observing.scanreport import (
    ScanOutcome,
    ScanReport,
    ScanReports,
    Verdict,
    standing,
)
from spectrometer.observing.scanstate import ScanState
from spectrometer.observing.scantime import ScanTime, told_of_steps
from spectrometer.observing.scanwatch import ScanWatch
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.errors import StatusMemoryError
from zmqjsonproxy.errors import OperationAbortedError

__all__ = ["ScanMachine"]


class ScanMachine:
    """States of the scans of one Bank.

    Args:
        status: The status memory.
        programs: What takes the data.
        log: With the Bank's name.
        board: Watched while a scan runs; None: the mode has no board.
        clock: The time.
        reports: Of the Bank; None: new ones.
        tell: Called with how the data taking stands, see `standing`, whenever that changes, in the
            order of the changes.
    """

    def __init__(
        self,
        status: StatusBuffer,
        programs: Programs,
        log: Log,
        board: BoardMonitor | None = None,
        clock: Clock | None = None,
        reports: ScanReports | None = None,
        tell: Callable[[JsonObject], None] = lambda _told: None,
    ) -> None:
        self._status, self._programs, self._log, self._board = status, programs, log, board
        self._clock = SystemClock() if clock is None else clock
        self._reports = ScanReports() if reports is None else reports
        self._changed = threading.Condition()
        self._wake = threading.Event()  # of the thread of the scan
        self._state = ScanState.IDLE
        self._request = StartRequest(id="", by="")
        self._plan: ScanPlan | None = None
        self._time = ScanTime(0.0, 0.0)
        self._clock_watch = ClockWatch(self._clock)
        self._report = ScanReport("", "")
        self._cancel = threading.Event()
        self._why_cancelled = ""
        self._armed_at, self._revived_at = 0.0, -math.inf
        self._watch = ScanWatch(status, programs, log, board)
        self._monitor_mode = MonitorMode(status, programs, self._clock)
        self._ending = self._make_ending()
        self._closed = False
        self._tell_it, self._told = tell, standing(self._state.value, self._reports.get(None))
        self._is_stop_owed = False  # a start was aborted for a `stop` that has not been answered

    def _make_ending(self) -> ScanEnding:
        """Make what ends scans; a model of a Bank has another."""
        return ScanEnding(
            self._status, self._programs, self._log, self._board, self._clock, self._watch
        )

    @property
    def state(self) -> ScanState:
        """State of the data taking."""
        return self._state

    @property
    def scanning(self) -> bool:
        """A scan was accepted and has not ended."""
        return self._state.is_scan

    @property
    def holder(self) -> str:
        """Sentence that refuses a second start: what there is, and whose it is."""
        plan, request = self._plan, self._request
        when = "" if plan is None else f" for {plan.start:%H:%M:%S} UTC"
        return f"a scan has been started already, it is {self._state}{when}, by {request.by}; stop it first"

    # the end of a scan

    def _fail(self, error: str) -> None:
        """End whatever stands, after something that nobody foresaw."""
        if self._state is ScanState.RUNNING:
            self._end_if_running(error)
        elif self.scanning:
            self._undo(ScanOutcome.FAILED, error)

    def _end_if_running(self, error: str, stop_within: float | None = None) -> None:
        with self._changed:
            if self._state is not ScanState.RUNNING or self._closed:
                return
            self._set(ScanState.ENDING)
        self._end(ScanOutcome.DONE, error, stop_within)

    def _end(self, ended: ScanOutcome, error: str = "", stop_within: float | None = None) -> None:
        """From ENDING to IDLE."""
        plan, report = self._plan, self._report
        assert plan is not None
        verdict = Verdict(ScanOutcome.FAILED, error or "its end could not be seen")
        try:
            verdict = self._ending.end(
                report, ended, error, plan.disarm, stop_within, told_of_steps(self._clock_watch)
            )
        finally:
            with self._changed:
                report.close(verdict)
                self._set(ScanState.IDLE)
        self._ending.tell(report)
        release_scan(self._log, plan.number)

    def _undo(self, outcome: ScanOutcome, error: str) -> None:
        """A start did not become a scan."""
        plan, report = self._plan, self._report
        self._log.warning("%s: %s", "a start" if plan is None else f"scan {plan.number}", error)
        try:
            for step in (
                self._watch.retract,
                lambda: self._programs.send("STOP"),
                plan.give_back if plan else bool,
            ):
                try:
                    step()
                except (DaqError, StatusMemoryError, BankError, OSError) as trouble:
                    self._log.error("%s", trouble)
        finally:
            with self._changed:
                report.outcome, report.error, report.found = outcome, error, {}
                self._set(ScanState.IDLE)
            release_scan(self._log, None if plan is None else plan.number)

    # states

    def _cancel_because(self, why: str) -> None:
        if not self._cancel.is_set():
            self._why_cancelled = why
        self._cancel.set()
        self._wake.set()

    def _wait(self, seconds: float) -> None:
        if self._clock.wait(self._cancel, max(seconds, 0.0)):
            raise OperationAbortedError(self._why_cancelled)

    def _move(self, before: ScanState, after: ScanState) -> None:
        with self._changed:
            if self._state is before and not self._cancel.is_set():
                self._report.outcome = (
                    ScanOutcome.RUNNING if after is ScanState.RUNNING else ScanOutcome.WAITING
                )
                self._set(after)
                return
        raise OperationAbortedError(self._why_cancelled)

    def _set(self, state: ScanState) -> None:
        self._log.debug("data taking: from %s to %s", self._state, state)
        self._state = state
        self._tell()
        self._wake.set()
        self._changed.notify_all()

    def _tell(self) -> None:
        """Tell how the data taking stands, if that is news; the lock is held."""
        report, plan = self._reports.get(None), self._plan
        if report is not None and plan is not None and self._state is ScanState.RUNNING:
            since = -self._time.left(self._clock.monotonic())
            report.fraction = min(max(since / plan.length, 0.0), 1.0)
        told = standing(self._state.value, report)
        if told != self._told:
            self._told = told
            self._tell_it(told)
