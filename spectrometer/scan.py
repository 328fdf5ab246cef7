"""One scan after the other: arm, run, count down, end; the states of a Bank's data taking.

The mode's hardware belongs to the Backend, which is reached through the callables of a `ScanPlan`; the data-taking
programs are `spectrometer.programs`'; whether the board is there meanwhile is `spectrometer.boardwatch`'s; what came of
a scan is judged in `spectrometer.scanreport`.

    IDLE -> STARTING -> ARMED -> WAITING -> RUNNING -> ENDING -> IDLE
                     (two-phase starts only)       MONITOR from and to IDLE

`begin` brings a start up to ARMED or WAITING; from there on `step` does what is due, called by a thread of the scan, or
by a plan in virtual time.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from player.clock import Clock, SystemClock
from spectrometer.boardwatch import BoardWatch
from spectrometer.daq.errors import DaqError
from spectrometer.derive.times import mjd
from spectrometer.errors import BankError, ScanError
from spectrometer.programs import POLL_S, Programs
from spectrometer.scanplan import ScanPlan, StartRequest
from spectrometer.scanreport import FOUND, Outcome, ScanReport, ScanReports, Verdict, judge
from spectrometer.scantime import ScanTime
from spectrometer.scanwatch import AT_ONCE_S, LOOK_EVERY_S, ScanWatch
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.errors import StatusMemoryError
from zmqjsonproxy.errors import OperationAbortedError, RefusedError
from zmqjsonproxy.handle import OperationHandle
from zmqjsonproxy.logs import bind_scan, release_scan

__all__ = ["ScanControl", "ScanState"]

ARM_BEFORE_S = 0.9  # just after the last pulse per second before the start
ARM_LATEST_S = 0.3  # later the registers may not be written before the pulse
COMMIT_BEFORE_S = 1.0
RECEIVE_MARGIN_S = 1.5  # before the start the program has to be ready
STOP_WITHIN_S = 5.0
MONITOR_WITHIN_S = 2.0
STARTED_ANEW = "; it is ended and started anew"
ARRAY_KEY = "ARRAYST"  # for whoever only reads the status memory, and for the header of files

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


class ScanControl:
    """Runs the scans of one Bank. `start` and `close` come from the Bank's lane, everything else from any thread.

    Args:
        status: The status memory.
        programs: What takes the data.
        log: With the Bank's name.
        board: Watched while a scan runs; None: the mode has no board.
        clock: The time.
        reports: Of the Bank; None: new ones.
    """

    def __init__(
        self,
        status: StatusBuffer,
        programs: Programs,
        log: Log,
        board: BoardWatch | None = None,
        clock: Clock | None = None,
        reports: ScanReports | None = None,
    ) -> None:
        self._status, self._programs, self._log, self._board = status, programs, log, board
        self._clock = SystemClock() if clock is None else clock
        self._reports = ScanReports() if reports is None else reports
        self._changed = threading.Condition()
        self._wake = threading.Event()  # of the thread of the scan
        self._state = ScanState.IDLE
        self._request = StartRequest(id="", by="")
        self._plan: ScanPlan | None = None
        self._time = ScanTime(0.0, 0.0, 0.0)
        self._report = ScanReport("", "")
        self._cancel = threading.Event()
        self._why_cancelled = ""
        self._watch = ScanWatch(status, programs, log, board)
        self._closed = False
        self._stuck = ""  # what did not end with the last scan
        self._cut_short = False  # an abort ended a start, and the `stop` that asked for it has not been answered

    @property
    def state(self) -> ScanState:
        """State of the data taking."""
        return self._state

    @property
    def scanning(self) -> bool:
        """A scan was accepted and has not ended."""
        return self._state not in (ScanState.IDLE, ScanState.MONITOR)

    @property
    def holder(self) -> str:
        """Sentence that refuses a second start: what there is, and whose it is."""
        plan, request = self._plan, self._request
        when = "" if plan is None else f" for {plan.start:%H:%M:%S} UTC"
        return f"a scan has been started already, it is {self._state}{when}, by {request.by}; stop it first"

    def look_into(self, report: ScanReport) -> None:
        """Bring the report of the present scan up to date; any other stays as it is."""
        if report is self._report and self.scanning:
            self._take_found(report)

    def close(self, why: str, quit_s: float = 5.0, *, keep_programs: bool = False) -> None:
        """End all programs, which complete their files, and with them a scan; in bounded time.

        Args:
            why: For the report of a scan that is ended by this.
            quit_s: What a program has for ending by itself, s.
            keep_programs: They go on for the next mode, unless a scan has to be ended.
        """
        with self._changed:
            self._closed = True  # from here on nothing revives a program that ends
        try:
            self.cancel_start(why)
        except ScanError as error:
            self._log.error("%s", error)
        if keep_programs and not self.scanning:
            if self._state is ScanState.MONITOR:
                self._programs.send("STOP")
        else:
            self._programs.close(quit_s)
        with self._changed:
            was_running, report = self.scanning, self._report
            if was_running:
                self._take_found(report)
                report.close(judge(Outcome.FAILED, why, {}, program=self._programs.name, has_counts=False))
            self._set(ScanState.IDLE)
        if was_running:
            self._tell_outcome(report)
        release_scan(self._log)

    # a scan

    def start(
        self,
        request: StartRequest,
        make_plan: Callable[[], ScanPlan],
        operation: OperationHandle,
        answer: Callable[[ScanPlan], Any],
        ready_within: float,
    ) -> ScanPlan:
        """Run a start; returns when the scan runs. Commands that come meanwhile are not held up.

        Args:
            request: Whose it is.
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
        plan = self.begin(request, make_plan, operation, ready_within)
        report = self._report
        if request.answers_early:
            operation.accept(answer(plan))
        threading.Thread(target=self._keep, args=(plan,), name=f"scan {plan.number}", daemon=True).start()
        operation.leave_lane()
        with self._changed:
            self._changed.wait_for(lambda: report.outcome not in (Outcome.STARTING, Outcome.WAITING))
        if report.outcome is Outcome.ABORTED:
            self._cut_short = operation.aborted
            raise OperationAbortedError(report.error)
        if report.outcome is Outcome.FAILED:
            raise ScanError(report.error)
        return plan

    def begin(
        self,
        request: StartRequest,
        make_plan: Callable[[], ScanPlan],
        operation: OperationHandle,
        ready_within: float,
    ) -> ScanPlan:
        """Bring a start up to where the programs receive; what follows is `step`'s. Arguments and errors as `start`."""
        with self._changed:
            if self._state is ScanState.MONITOR:
                self._programs.send("STOP")
            elif self._state is not ScanState.IDLE:
                raise RefusedError(self.holder)
            self._cancel.clear()
            self._why_cancelled, self._cut_short = "", False
            self._request, self._plan = request, None
            self._report = ScanReport(request.id, request.by, banks=tuple(request.banks))
            self._reports.add(self._report)
            self._set(ScanState.STARTING)
        operation.on_abort(lambda: self._cancel_because(operation.reason))
        try:
            self._programs.start(self._wait, ready_within)
            plan = make_plan()
            wall, monotonic = self._clock.time(), self._clock.monotonic()
            with self._changed:
                self._plan, self._time = plan, ScanTime.fix(plan.start.timestamp(), wall, monotonic)
                report = self._report
                report.scan, report.start, report.length = plan.number, plan.start, plan.length
            bind_scan(self._log, plan.number)
            self._programs.begin_watch()
            self._receive(plan)
            self._move(ScanState.STARTING, ScanState.ARMED if request.two_phase else ScanState.WAITING)
            return plan
        except OperationAbortedError as error:
            self._cut_short = operation.aborted
            self._undo(Outcome.ABORTED, str(error))
            raise
        except Exception as error:
            self._undo(Outcome.FAILED, str(error))
            raise

    def _receive(self, plan: ScanPlan) -> None:
        """Bring the programs to receive."""
        plan.ready_the_fpga()
        day, seconds = mjd(plan.start)
        self._status.remove(FOUND.values())  # of the scan before
        left = self._time.left(self._clock.monotonic())
        self._status.update({
            "SCANLEN": plan.length, "ARMSTATE": "waiting", "DAQSTART": plan.start.timestamp(), "DAQMONO": self._time.at,
            "STT_IMJD": day, "STT_SMJD": int(seconds), "STT_OFFS": seconds - int(seconds), "NETSTAT": "waiting",
            "DAQERR": "", "SCANREM": math.floor(left + plan.length), ARRAY_KEY: self._report.array_state,
        })  # fmt: skip
        limit = max(left - RECEIVE_MARGIN_S, POLL_S)
        if not self._programs.receive("START", self._wait, limit, self._clock.monotonic):
            remedy = "set_mode with force starts it anew"
            if self._programs.is_deaf:
                self._programs.replace()
                remedy = "it hangs and was started anew; start again"
            found = self._status.get("NETSTAT")
            raise ScanError(f"{self._programs.name} did not receive within {limit:.3g} s: NETSTAT is {found}; {remedy}")

    # from WAITING or ARMED to the end

    def _keep(self, plan: ScanPlan) -> None:
        """Bring a scan forward until it has ended; the body of its thread."""
        while self._plan is plan:
            self._wake.clear()
            try:
                left = self.step()
            except Exception as error:  # whatever it is, the scan must not stay as it is for ever
                self._log.exception("scan %d", plan.number)
                self._fail(f"{type(error).__name__}: {error}")
                return
            if left is None:
                return
            self._clock.wait(self._wake, left)

    def step(self) -> float | None:
        """Do what is due in the scan; the seconds until something will be, None if it goes on no more by itself."""
        plan, state = self._plan, self._state
        if plan is None or state in (ScanState.IDLE, ScanState.MONITOR, ScanState.STARTING, ScanState.ENDING):
            return None
        self._look_at_clock()
        if self._cancel.is_set() and state is not ScanState.RUNNING:
            self._undo(Outcome.ABORTED, self._why_cancelled)
            return None
        left = self._time.left(self._clock.monotonic())
        if state is ScanState.ARMED:
            due = left - COMMIT_BEFORE_S
            if due <= AT_ONCE_S and self._is_not_committed():
                self._undo(
                    Outcome.FAILED, f"armed for {plan.start:%H:%M:%S} UTC, but the start was not committed in time"
                )
                return None
        elif state is ScanState.WAITING:
            due = left - ARM_BEFORE_S
            if due <= AT_ONCE_S:
                self._arm(plan, left)
                due = 0.0
        else:
            return self._watch_running(plan, -left)
        if due > 0:
            self._watch.count_down(left + plan.length)
        return min(max(due, 0.0), LOOK_EVERY_S)

    def _is_not_committed(self) -> bool:
        """Decide, under the lock, between a commit and the end of the time for it."""
        with self._changed:
            if self._state is ScanState.ARMED:
                self._set(ScanState.STARTING)  # a commit is refused from here on
                return True
        return False

    def _arm(self, plan: ScanPlan, left: float) -> None:
        try:
            if left < ARM_LATEST_S:
                raise ScanError(f"too late to arm for {plan.start:%H:%M:%S} UTC, by {ARM_LATEST_S - left:.3f} s")
            try:
                plan.arm()
                if (over := -self._time.left(self._clock.monotonic())) > 0:
                    raise ScanError(f"arming ended {over:.3f} s after the start at {plan.start:%H:%M:%S} UTC")
                self._status.update({"ARMSTATE": "armed", "ACCBLKOU": "-"})
                self._watch.begin()
                self._move(ScanState.WAITING, ScanState.RUNNING)
            except BaseException:
                plan.disarm()
                raise
        except OperationAbortedError as error:
            self._undo(Outcome.ABORTED, str(error))
        except Exception as error:
            self._undo(Outcome.FAILED, str(error))
        else:
            self._log.info("scan %d is armed for %s UTC", plan.number, f"{plan.start:%H:%M:%S}")

    def _watch_running(self, plan: ScanPlan, elapsed: float) -> float | None:
        """Look after a scan that runs; the seconds until the next look, None if it has ended."""
        wait, end = self._watch.look(self._clock.monotonic(), elapsed, plan.length)
        if end is None:
            return wait
        self._end_if_running(end.error, end.stop_within)
        if end.gone is not None:
            with self._changed:
                if not self._closed:
                    self._programs.revive(end.gone)
        return None

    def _look_at_clock(self) -> None:
        step = self._time.look(self._clock.time(), self._clock.monotonic())
        if step:
            self._log.warning("the host's clock was set by %+.1f s; the scan goes on by the monotonic clock", step)

    # what others ask of it

    def commit(self, start: datetime, start_id: str) -> None:
        """Confirm an armed start; idempotent.

        Raises:
            RefusedError: Nothing is armed for this second, it is another's start, or it is too late.
        """
        with self._changed:
            plan, request = self._plan, self._request
            is_ours = request.is_called(start_id)
            is_going = self._state in (ScanState.WAITING, ScanState.RUNNING) and request.two_phase
            if is_going and is_ours and plan is not None and plan.start == start:
                return
            if self._state is not ScanState.ARMED or plan is None:
                held = f", by {request.by}" if self.scanning else ""
                raise RefusedError(f"no start is armed; the state is {self._state}{held}")
            if plan.start != start:
                raise RefusedError(f"armed for {plan.start:%H:%M:%S} UTC, not for {start:%H:%M:%S}, by {request.by}")
            if not is_ours:
                raise RefusedError(f"the start that is armed for {plan.start:%H:%M:%S} UTC is that of {request.by}")
            if self._time.left(self._clock.monotonic()) < COMMIT_BEFORE_S:
                raise RefusedError(f"too late to commit for {plan.start:%H:%M:%S} UTC")
            self._set(ScanState.WAITING)

    def confirm(self, start_id: str, missing: Sequence[str]) -> bool:
        """Take note of who did not take part in a common start: nobody, and it is whole; False if it is not known."""
        report = self._reports.get(start_id)
        if report is None:
            return False
        with self._changed:
            report.missing = sorted({*(report.missing or ()), *missing})
            if report is not self._report or not self.scanning:
                return True
        with contextlib.suppress(StatusMemoryError):
            self._status.update({ARRAY_KEY: report.array_state})
        return True

    def cancel_start(self, why: str, by: str = "") -> bool:
        """Take back a start that has not become a scan yet, whosever it is; whether there was one.

        Args:
            why: For its report.
            by: Who wants it.

        Raises:
            ScanError: It does not end in time.
        """
        with self._changed:
            if self._state not in (ScanState.STARTING, ScanState.ARMED, ScanState.WAITING):
                return False
            self._report.ended_by = by
            self._cancel_because(why)
            self._await_idle("the start")
            return True

    def take_back(self, start_id: str | None, by: str) -> str:
        """Undo a start, whatever has become of it; a sentence, empty if it is not there. Another's is not touched.

        Raises:
            ScanError: It does not end in time.
        """
        with self._changed:
            if not self.scanning or not self._request.is_called(start_id):
                return ""
            if self.cancel_start(f"taken back by {by}", by):
                return "Start taken back"
            if self._state is not ScanState.RUNNING:
                return ""
            self._report.ended_by = by
            self._set(ScanState.ENDING)
        self._end(Outcome.ABORTED)
        return "Scan taken back"

    def _cancel_because(self, why: str) -> None:
        if not self._cancel.is_set():
            self._why_cancelled = why
        self._cancel.set()
        self._wake.set()

    def _await_idle(self, what: str) -> None:
        """Wait for another thread that ends something; the lock is held."""
        if not self._changed.wait_for(lambda: self._state is ScanState.IDLE, STOP_WITHIN_S):
            raise ScanError(f"{what} did not end within {STOP_WITHIN_S:g} s; set_mode with force ends everything")

    def stop(self, by: str = "") -> str:
        """End what runs; a sentence that says what ended.

        Args:
            by: Who wants it, for report and log.

        Raises:
            RefusedError: Nothing runs.
            ScanError: The programs did not end the scan in time.
        """
        if self.cancel_start(f"the start was cancelled by {by}", by):
            self._cut_short = False
            return "Scan ended"
        with self._changed:
            if self._state is ScanState.MONITOR:
                self._programs.send("STOP")
                self._set(ScanState.IDLE)
                return "Ending monitor mode."
            if self._state is ScanState.ENDING:  # the thread of the scan is at it
                self._await_idle("the scan")
                return "Scan ended"
            if self._cut_short and self._state is ScanState.IDLE:
                self._cut_short = False
                self._report.ended_by = by
                return "Scan ended"
            if self._state is not ScanState.RUNNING:
                raise RefusedError("No scan running!")
            self._report.ended_by = by
            self._set(ScanState.ENDING)
        self._end(Outcome.STOPPED)
        if self._stuck:
            raise ScanError(self._stuck)
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
        self._programs.start(self._sleep, ready_within)
        with self._changed:
            self._status.update({"NETSTAT": "waiting", "DAQERR": ""})
            self._set(ScanState.MONITOR)
        try:
            self._programs.receive("MONITOR", self._sleep, MONITOR_WITHIN_S, self._clock.monotonic)
        except ScanError:
            with self._changed:
                self._set(ScanState.IDLE)
            raise
        with self._changed:
            if self._state is not ScanState.MONITOR:  # it was stopped before it had begun
                self._programs.send("STOP")

    def tick(self) -> None:
        """Look after what is no scan: monitor mode, and a board that was lost in the last one; once a second."""
        with self._changed:
            if self._closed:
                return
            if self._state is ScanState.MONITOR and not self._programs.reports:
                self._set(ScanState.IDLE)
                self._log.error("%s ended in monitor mode", self._programs.name)
        if self._board is not None and self._board.is_lost and not self.scanning:
            self._board.look()

    # its end

    def _fail(self, error: str) -> None:
        """End whatever stands, after something that nobody foresaw."""
        if self._state is ScanState.RUNNING:
            self._end_if_running(error)
        elif self.scanning:
            self._undo(Outcome.FAILED, error)

    def _end_if_running(self, error: str, stop_within: float | None = None) -> None:
        with self._changed:
            if self._state is not ScanState.RUNNING or self._closed:
                return
            self._set(ScanState.ENDING)
        self._end(Outcome.DONE, error, stop_within)

    def _end(self, ended: Outcome, error: str = "", stop_within: float | None = None) -> None:
        """From ENDING to IDLE: the programs close their files, within so many seconds, and the FPGA is disarmed."""
        plan, report = self._plan, self._report
        assert plan is not None
        self._stuck = ""
        limit = STOP_WITHIN_S if stop_within is None else stop_within
        lost = ""
        if self._board is not None:
            lost, warning = self._board.verdict()
            report.warnings += [warning] if warning else []
        error = error or lost
        try:
            # Each, whatever becomes of the others.
            for step in (self._tell_the_end, lambda: self._await_the_end(limit), plan.disarm):
                try:
                    step()
                except (BankError, DaqError, StatusMemoryError, OSError) as trouble:
                    error = error or str(trouble)
            error = error or self._take_found(report)
            report.warnings += [self._time.sentence] if self._time.sentence else []
            if self._stuck:
                self._programs.replace()
                error += "" if STARTED_ANEW in error else STARTED_ANEW
            verdict = self._judge(ended, error, report)
            with contextlib.suppress(StatusMemoryError):
                self._status.update({"SCANREM": "scan terminated"})
                self._status.remove(["DAQMONO"])
            with self._changed:
                report.close(verdict)
                if ended is Outcome.ABORTED and not report.error:
                    report.error = f"taken back by {report.ended_by}"
        finally:
            with self._changed:
                if not report.outcome.is_final:
                    report.outcome, report.error = Outcome.FAILED, error or "its end could not be seen"
                self._set(ScanState.IDLE)
        self._tell_outcome(report)
        release_scan(self._log, plan.number)

    def _judge(self, ended: Outcome, error: str, report: ScanReport) -> Verdict:
        """Compare what was planned with what was recorded; a model of a Bank records nothing."""
        return judge(
            ended, error, report.found, program=self._programs.name, has_counts=self._programs.has_counts,
            blocked=self._watch.blocked, looks=self._watch.looks,
        )  # fmt: skip

    def _tell_outcome(self, report: ScanReport) -> None:
        """Log the outcome of a scan: what it recorded, and who ended it."""
        count, planned = report.found.get("integrations"), report.found.get("planned")
        told = "no integrations" if count is None else f"{count} integrations"
        told += "" if planned is None else f" of {planned}"
        told += f", ended by {report.ended_by}" if report.ended_by else ""
        level = {Outcome.FAILED: logging.ERROR, Outcome.INCOMPLETE: logging.WARNING}.get(report.outcome, logging.INFO)
        name = "a start" if report.scan is None else f"scan {report.scan}"
        for warning in report.warnings:
            self._log.warning("%s: %s", name, warning)
        if report.error:
            self._log.log(level, "%s %s: %s", name, report.outcome.value, report.error)
        else:
            self._log.log(level, "%s: %s, %s", name, report.outcome.value, told)

    def _tell_the_end(self) -> None:
        try:
            self._status.update({"ARMSTATE": "idle", "DISKSTAT": "-"})
        finally:
            self._programs.send("STOP")

    def _await_the_end(self, limit: float) -> None:
        end = self._clock.monotonic() + limit
        while self._programs.reports and self._status.get("SCANSTAT") not in (None, "stopped"):
            if self._clock.monotonic() > end:
                self._stuck = f"{self._programs.name} did not end the scan within {limit:g} s{STARTED_ANEW}"
                raise ScanError(self._stuck)
            self._sleep(POLL_S)

    def _undo(self, outcome: Outcome, error: str) -> None:
        """A start did not become a scan."""
        plan, report = self._plan, self._report
        self._log.warning("%s: %s", "a start" if plan is None else f"scan {plan.number}", error)
        try:
            self._status.update({"ARMSTATE": "idle"})
            self._status.remove(["DAQMONO"])
        except StatusMemoryError as trouble:
            self._log.error("%s", trouble)
        try:
            self._programs.send("STOP")
        except DaqError as trouble:
            self._log.error("%s", trouble)
        if plan is not None:
            plan.give_back()
        with self._changed:
            report.outcome, report.error = outcome, error
            self._set(ScanState.IDLE)
        release_scan(self._log, None if plan is None else plan.number)

    def _take_found(self, report: ScanReport) -> str:
        """Take over what the program tells of the data; what it says went wrong, empty if nothing did."""
        try:
            values = self._status.read()
        except StatusMemoryError as error:
            return str(error)
        report.take(values)
        return str(values.get("DAQERR") or "")

    # small things

    def _wait(self, seconds: float) -> None:
        if self._clock.wait(self._cancel, max(seconds, 0.0)):
            raise OperationAbortedError(self._why_cancelled)

    def _sleep(self, seconds: float) -> None:
        self._clock.wait(threading.Event(), seconds)

    def _move(self, before: ScanState, after: ScanState) -> None:
        with self._changed:
            if self._state is before and not self._cancel.is_set():
                self._report.outcome = Outcome.RUNNING if after is ScanState.RUNNING else Outcome.WAITING
                self._set(after)
                return
        raise OperationAbortedError(self._why_cancelled)

    def _set(self, state: ScanState) -> None:
        self._log.debug("data taking: from %s to %s", self._state, state)
        self._state = state
        self._wake.set()
        self._changed.notify_all()
