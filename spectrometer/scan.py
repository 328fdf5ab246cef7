"""One scan after the other: arm, run, count down, end; the states of a Bank's data taking.

The mode's hardware belongs to the Backend, which is reached through the callables of a `ScanPlan`; the data-taking
programs are `spectrometer.programs`'; whether the board is there meanwhile is `spectrometer.boardwatch`'s.

    IDLE -> STARTING -> ARMED -> WAITING -> RUNNING -> ENDING -> IDLE
                     (two-phase starts only)       MONITOR from and to IDLE
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from spectrometer.boardwatch import BoardWatch
from spectrometer.daq.errors import DaqError
from spectrometer.derive.times import mjd
from spectrometer.errors import BankError, ScanError
from spectrometer.programs import POLL_S, Programs
from spectrometer.scanreport import FOUND, ScanReport
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.errors import StatusMemoryError
from zmqjsonproxy.errors import OperationAbortedError, RefusedError
from zmqjsonproxy.handle import OperationHandle
from zmqjsonproxy.logs import bind_scan, release_scan

__all__ = ["ScanControl", "ScanPlan", "ScanState"]

ARM_BEFORE_S = 0.9  # just after the last pulse per second before the start
COMMIT_BEFORE_S = 1.0
RECEIVE_MARGIN_S = 1.5  # the arm delay less this is what the program has to become ready
END_AFTER_S = 1.0  # the last integration is still on its way when the scan's time is over
STOP_WITHIN_S = 5.0
HANGING_STOP_WITHIN_S = 0.5  # a program that hangs, if it can be stopped after all
MONITOR_WITHIN_S = 2.0

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


class ScanState(StrEnum):
    """What the data taking is doing."""

    IDLE = "idle"
    STARTING = "starting"
    ARMED = "armed"
    WAITING = "waiting"
    RUNNING = "running"
    ENDING = "ending"
    MONITOR = "monitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPlan:
    """One scan to be run.

    Attributes:
        start: Full second, UTC.
        length: s.
        number: Scan number.
        arm_delay: What the mode needs before a start, s.
        ready_the_fpga: Called before the programs are told to start.
        arm: The mode's arm phase; called just after the last pulse before the start.
        disarm: The mode's phase after a scan.
        two_phase: Wait for `commit` before arming.
    """

    start: datetime
    length: float
    number: int
    arm_delay: float
    ready_the_fpga: Callable[[], None]
    arm: Callable[[], None]
    disarm: Callable[[], None]
    two_phase: bool = False


class ScanControl:
    """Runs the scans of one Bank. `start` and `close` come from the Bank's lane, everything else from any thread.

    Args:
        status: The status memory.
        programs: What takes the data.
        log: With the Bank's name.
        board: Watched while a scan runs; None: the mode has no board.
    """

    def __init__(self, status: StatusBuffer, programs: Programs, log: Log, board: BoardWatch | None = None) -> None:
        self._status, self._programs, self._log, self._board = status, programs, log, board
        self._changed = threading.Condition()
        self._state = ScanState.IDLE
        self._plan: ScanPlan | None = None
        self._report: ScanReport | None = None
        self._cancel = threading.Event()
        self._committed = threading.Event()
        self._closed = False
        self._stuck = ""  # what did not end with the last scan
        self._cut_short = False  # an abort ended a start, and the `stop` that asked for it has not been answered

    @property
    def state(self) -> ScanState:
        """What the data taking is doing."""
        return self._state

    @property
    def scanning(self) -> bool:
        """A scan was accepted and has not ended."""
        return self._state not in (ScanState.IDLE, ScanState.MONITOR)

    def report(self) -> dict[str, Any]:
        """What became of the last scan, or how it stands; empty if there was none."""
        report = self._report
        if report is None:
            return {}
        if self.scanning:
            self._take_found(report)
        return report.as_dict()

    def close(self, why: str, quit_s: float = 5.0) -> None:
        """End all programs, which complete their files, and with them a scan; in bounded time.

        Args:
            why: For the report of a scan that is ended by this.
            quit_s: What a program has for ending by itself, s.
        """
        with self._changed:
            self._closed = True  # from here on nothing revives a program that ends
        try:
            self.cancel_start()
        except ScanError as error:
            self._log.error("%s", error)
        self._programs.close(quit_s)
        with self._changed:
            if self._report is not None and self.scanning:
                self._report.outcome, self._report.error = "failed", why
            self._set(ScanState.IDLE)
        release_scan(self._log)

    # a scan

    def start(
        self,
        make_plan: Callable[[], ScanPlan],
        operation: OperationHandle,
        answer: Callable[[ScanPlan], Any],
        ready_within: float,
    ) -> ScanPlan:
        """Run a start; returns when the scan runs.

        Args:
            make_plan: Says what to run; called when the programs are there, because that may take a while.
            operation: Answers its caller once the programs receive; an abort cancels the start.
            answer: Makes the answer.
            ready_within: How long a program that has to be started may take, s.

        Returns:
            What runs.

        Raises:
            ScanError: The start failed; nothing runs.
            RefusedError: A scan runs already.
            OperationAbortedError: It was cancelled.
        """
        with self._changed:
            if self._state is ScanState.MONITOR:
                self._programs.send("STOP")
            elif self._state is not ScanState.IDLE:
                raise RefusedError(f"a scan has been started already, it is {self._state}; stop it first")
            self._cancel.clear()
            self._committed.clear()
            self._cut_short = False
            self._plan = None
            self._set(ScanState.STARTING)
        operation.on_abort(self._cancel.set)
        try:
            self._programs.start(self._wait, ready_within)
            plan = make_plan()
            with self._changed:
                self._plan, self._report = plan, ScanReport(plan.number, plan.start, plan.length)
            bind_scan(self._log, plan.number)
            self._programs.begin_watch()
            self._receive(plan)
            self._move(ScanState.STARTING, ScanState.ARMED if plan.two_phase else ScanState.WAITING)
            operation.accept(answer(plan))
            if plan.two_phase:
                self._await_commit(plan)
            self._arm(plan)
            return plan
        except OperationAbortedError:
            self._cut_short = operation.aborted
            self._undo("aborted", "the start was cancelled")
            raise
        except Exception as error:
            self._undo("failed", str(error))
            raise

    def _receive(self, plan: ScanPlan) -> None:
        """Bring the programs to receive."""
        plan.ready_the_fpga()
        day, seconds = mjd(plan.start)
        self._status.remove(FOUND.values())  # of the scan before
        self._status.update({
            "SCANLEN": plan.length, "ARMSTATE": "waiting", "DAQSTART": plan.start.timestamp(), "STT_IMJD": day,
            "STT_SMJD": int(seconds), "STT_OFFS": seconds - int(seconds), "NETSTAT": "waiting", "DAQERR": "",
            "SCANREM": math.floor((plan.start - datetime.now(UTC)).total_seconds() + plan.length),
        })  # fmt: skip
        self._programs.send("START")
        limit = plan.arm_delay - RECEIVE_MARGIN_S
        end = time.monotonic() + limit
        while True:
            values = self._status.read()
            if values.get("NETSTAT") == "receiving":
                return
            if values.get("DAQERR"):
                raise ScanError(f"{self._programs.name}: {values['DAQERR']}")
            if time.monotonic() > end:
                raise ScanError(
                    f"{self._programs.name} did not receive within {limit:g} s: NETSTAT is {values.get('NETSTAT')}; "
                    "set_mode with force starts it anew"
                )
            self._wait(POLL_S)

    def _await_commit(self, plan: ScanPlan) -> None:
        """Wait for `commit`; whoever changes the state under the lock first decides."""
        while self._state is ScanState.ARMED and not self._cancel.is_set():
            left = plan.start.timestamp() - COMMIT_BEFORE_S - time.time()
            if left <= 0:
                with self._changed:
                    if self._state is ScanState.ARMED:
                        raise ScanError(f"armed for {plan.start:%H:%M:%S} UTC, but the start was not committed in time")
            self._committed.wait(min(left, 0.5))
        self._wait(0.0)

    def _arm(self, plan: ScanPlan) -> None:
        left = plan.start.timestamp() - ARM_BEFORE_S - time.time()
        if left < 0:
            raise ScanError(f"too late to arm for {plan.start:%H:%M:%S} UTC, by {-left:.3f} s")
        self._wait(left)
        try:
            plan.arm()
            self._status.update({"ARMSTATE": "armed", "ACCBLKOU": "-"})
            if self._board is not None:
                self._board.begin()
            self._move(ScanState.WAITING, ScanState.RUNNING)
        except BaseException:
            plan.disarm()
            raise
        self._log.info("scan %d is armed for %s UTC", plan.number, f"{plan.start:%H:%M:%S}")

    def commit(self, start: datetime) -> None:
        """Confirm an armed start; idempotent.

        Raises:
            RefusedError: Nothing is armed for this second, or it is too late.
        """
        with self._changed:
            plan = self._plan
            if self._state in (ScanState.WAITING, ScanState.RUNNING) and plan is not None and plan.start == start:
                return
            if self._state is not ScanState.ARMED or plan is None:
                raise RefusedError(f"no start is armed; the state is {self._state}")
            if plan.start != start:
                raise RefusedError(f"armed for {plan.start:%H:%M:%S} UTC, not for {start:%H:%M:%S}")
            if time.time() > plan.start.timestamp() - COMMIT_BEFORE_S:
                raise RefusedError(f"too late to commit for {plan.start:%H:%M:%S} UTC")
            self._set(ScanState.WAITING)
            self._committed.set()

    def cancel_start(self) -> bool:
        """Take back a start that has not become a scan yet; whether there was one.

        Raises:
            ScanError: It does not end in time.
        """
        with self._changed:
            if self._state not in (ScanState.STARTING, ScanState.ARMED, ScanState.WAITING):
                return False
            self._cancel.set()
            self._committed.set()
            self._await_idle("the start")
            return True

    def _await_idle(self, what: str) -> None:
        """Wait for another thread that ends something; the lock is held."""
        if not self._changed.wait_for(lambda: self._state is ScanState.IDLE, STOP_WITHIN_S):
            raise ScanError(f"{what} did not end within {STOP_WITHIN_S:g} s; set_mode with force ends everything")

    def stop(self) -> str:
        """End what runs; a sentence that says what ended.

        Raises:
            RefusedError: Nothing runs.
            ScanError: The programs did not end the scan in time.
        """
        if self.cancel_start():
            self._cut_short = False
            return "Scan ended"
        with self._changed:
            if self._state is ScanState.MONITOR:
                self._programs.send("STOP")
                self._set(ScanState.IDLE)
                return "Ending monitor mode."
            if self._state is ScanState.ENDING:  # the watchdog is at it
                self._await_idle("the scan")
                return "Scan ended"
            if self._cut_short and self._state is ScanState.IDLE:
                self._cut_short = False
                return "Scan ended"
            if self._state is not ScanState.RUNNING:
                raise RefusedError("No scan running!")
            self._set(ScanState.ENDING)
        self._end("stopped")
        if self._stuck:
            raise ScanError(f"{self._stuck}; set_mode with force ends it")
        return "Scan ended"

    def monitor(self, ready_within: float) -> None:
        """Take data without recording them.

        Args:
            ready_within: How long a program that has to be started may take, s.

        Raises:
            RefusedError: A scan runs.
            ScanError: The program did not start.
        """
        state = self.state
        if state is ScanState.MONITOR:
            return
        if state is not ScanState.IDLE:
            raise RefusedError(f"a scan is {state}; stop it first")
        self._programs.start(time.sleep, ready_within)
        with self._changed:
            self._status.update({"NETSTAT": "waiting", "DAQERR": ""})
            self._programs.send("MONITOR")
            self._set(ScanState.MONITOR)
            end = time.monotonic() + MONITOR_WITHIN_S
            while self.state is ScanState.MONITOR and time.monotonic() < end:
                values = self._status.read()
                if values.get("NETSTAT") == "receiving":
                    return
                if values.get("DAQERR"):
                    self._set(ScanState.IDLE)
                    raise ScanError(f"{self._programs.name}: {values['DAQERR']}")
                self._changed.wait(POLL_S)

    def tick(self) -> None:
        """Count down, end the scan when its time is over or what it needs is gone; once a second."""
        plan = self._plan
        with self._changed:
            if self._closed:
                return
            if self._state is ScanState.MONITOR and not self._programs.reports:
                self._set(ScanState.IDLE)
                self._log.error("%s ended in monitor mode", self._programs.name)
        if self._board is not None and (
            self._state is ScanState.RUNNING or (self._board.is_lost and not self.scanning)
        ):
            self._board.look()
        if not self.scanning or self._state in (ScanState.STARTING, ScanState.ENDING) or plan is None:
            return
        left = plan.start.timestamp() + plan.length - time.time()
        values: dict[str, Any] = {}
        try:
            self._status.update({"SCANREM": max(math.floor(left), 0)})
            values = self._status.read()
        except StatusMemoryError as error:  # the scan has to end all the same
            self._log.error("%s", error)
        if self._state is not ScanState.RUNNING:
            return
        if (gone := self._programs.gone()) is not None:
            self._end_if_running(f"{gone.name} ended during the scan, exit status {gone.returncode}")
            with self._changed:
                if not self._closed:
                    self._programs.revive(gone)
        elif values.get("DAQERR") and values.get("SCANSTAT") == "stopped":
            self._end_if_running(str(values["DAQERR"]))
        elif left + END_AFTER_S < 0:
            self._end_if_running("")
        elif self._board is not None and self._board.fault:
            self._end_if_running(self._board.fault)
        elif hangs := self._programs.hangs(values):
            self._end_if_running(hangs, HANGING_STOP_WITHIN_S)

    def _end_if_running(self, error: str, stop_within: float | None = None) -> None:
        with self._changed:
            if self._state is not ScanState.RUNNING or self._closed:
                return
            self._set(ScanState.ENDING)
        self._end("done", error, stop_within)
        with contextlib.suppress(StatusMemoryError):
            self._status.update({"SCANREM": "scan terminated"})

    def _end(self, outcome: str, error: str = "", stop_within: float | None = None) -> None:
        """From ENDING to IDLE: the programs close their files, within so many seconds, and the FPGA is disarmed."""
        plan, report = self._plan, self._report
        assert plan is not None
        assert report is not None
        self._stuck = ""
        limit = STOP_WITHIN_S if stop_within is None else stop_within
        if self._board is not None:
            lost, report.warning = self._board.verdict()
            error = error or lost
        try:
            # Each, whatever becomes of the others.
            for step in (self._tell_the_end, lambda: self._await_the_end(limit), plan.disarm):
                try:
                    step()
                except (BankError, DaqError, StatusMemoryError, OSError) as trouble:
                    error = error or str(trouble)
            self._take_found(report)
            error = error or str(report.found.get("note") or "")
            report.outcome, report.error = ("failed", error) if error else (outcome, "")
        finally:
            with self._changed:
                self._set(ScanState.IDLE)
        if error:
            self._log.error("scan %d failed: %s", plan.number, error)
        else:
            count = report.found.get("integrations") or "no"
            self._log.info("scan %d: %s, %s integrations", plan.number, outcome, count)
            if report.warning:
                self._log.warning("scan %d: %s", plan.number, report.warning)
        release_scan(self._log, plan.number)

    def _tell_the_end(self) -> None:
        try:
            self._status.update({"ARMSTATE": "idle", "DISKSTAT": "-"})
        finally:
            self._programs.send("STOP")

    def _await_the_end(self, limit: float) -> None:
        end = time.monotonic() + limit
        while self._programs.reports and self._status.get("SCANSTAT") not in (None, "stopped"):
            if time.monotonic() > end:
                self._stuck = f"{self._programs.name} did not end the scan within {limit:g} s"
                raise ScanError(self._stuck)
            time.sleep(POLL_S)

    def _undo(self, outcome: str, error: str) -> None:
        """A start did not become a scan."""
        plan = self._plan
        self._log.warning("%s: %s", "a start" if plan is None else f"scan {plan.number}", error)
        try:
            self._status.update({"ARMSTATE": "idle"})
        except StatusMemoryError as trouble:
            self._log.error("%s", trouble)
        try:
            self._programs.send("STOP")
        except DaqError as trouble:
            self._log.error("%s", trouble)
        with self._changed:
            if self._report is not None and plan is not None:
                self._report.outcome, self._report.error = outcome, error
            self._set(ScanState.IDLE)
        release_scan(self._log, None if plan is None else plan.number)

    def _take_found(self, report: ScanReport) -> None:
        try:
            report.take(self._status.read())
        except StatusMemoryError as error:
            report.found = {"note": str(error)}

    # small things

    def _wait(self, seconds: float) -> None:
        if self._cancel.wait(max(seconds, 0.0)):
            raise OperationAbortedError("the start was cancelled")

    def _move(self, before: ScanState, after: ScanState) -> None:
        with self._changed:
            if self._state is before and not self._cancel.is_set():
                if after is ScanState.RUNNING and self._report is not None:
                    self._report.outcome = "running"
                self._set(after)
                return
        raise OperationAbortedError("the start was cancelled")

    def _set(self, state: ScanState) -> None:
        self._log.debug("data taking: from %s to %s", self._state, state)
        self._state = state
        self._changed.notify_all()
