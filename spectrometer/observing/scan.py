"""One scan after the other: arm, run, count down, end; the states of a Bank's data taking.

The mode's hardware belongs to the Backend, which is reached through the callables of a `ScanPlan`;
the data-taking programs are `spectrometer.daq.programs`'; whether the board is there meanwhile is
`spectrometer.instruments.boardmonitor`'s; what came of a scan is judged in `spectrometer.observing.scanreport`.

    IDLE -> STARTING -> ARMED -> WAITING -> RUNNING -> ENDING -> IDLE
                     (two-phase starts only)       MONITOR from and to IDLE

`begin` brings a start up to ARMED or WAITING; from there on `step` does what is due, called by a
thread of the scan, or by a plan in virtual time.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from arrayconfig.logs import bind_scan, release_scan
from spectrometer.daq.errors import DaqError
from spectrometer.daq.programs import POLL_S, Programs
from spectrometer.errors import ScanError
from spectrometer.observing.scanmachine import ScanMachine
from spectrometer.observing.scanplan import ScanPlan, StartRequest
from spectrometer.observing.scanreport import ScanOutcome, ScanReport, judge
from spectrometer.observing.scanstate import COMMIT_BEFORE_S, ScanState, commit_refusal
from spectrometer.observing.scantime import ScanTime
from spectrometer.observing.scanwatch import ARRAY_KEY, AT_ONCE_S, LOOK_EVERY_S
from spectrometer.status.errors import StatusMemoryError
from zmqjsonproxy.errors import OperationAbortedError, RefusedError
from zmqjsonproxy.handle import OperationHandle

__all__ = ["ScanControl"]

ARM_BEFORE_S = 0.9  # just after the last pulse per second before the start
ARM_LATEST_S = 0.3  # later the registers may not be written before the pulse
COMMIT_WITHIN_S = 60.0  # a Dealer that has armed and is not heard of for so long has died
START_ANEW_S = (
    10.0  # before the start: what a program may need that has ended while the start waited
)
REVIVE_EVERY_S = 30.0  # a program that ends again and again
RECEIVE_MARGIN_S = 1.5  # before the start the program has to be ready
STOP_WITHIN_S = 5.0


class ScanControl(ScanMachine):
    """Runs the scans of one Bank; see `ScanMachine`. `start` and `close` come from the Bank's command queue,
    everything else from any thread."""

    @property
    def programs(self) -> Programs:
        """Data-taking programs of the mode."""
        return self._programs

    def look_into(self, report: ScanReport) -> None:
        """Bring the report of the present scan up to date; any other stays as it is."""
        if report is self._report and self._state in (
            ScanState.ARMED,
            ScanState.WAITING,
            ScanState.RUNNING,
        ):
            self._ending.take_found(report)

    def close(
        self, why: str, quit_s: float = 5.0, *, by: str = "", keep_programs: bool = False
    ) -> None:
        """End all programs, which complete their files, and with them a scan; in bounded time.

        Args:
            why: For the report of a scan that is ended by this.
            quit_s: What a program has for ending by itself, s.
            by: Who wants it.
            keep_programs: They go on for the next mode, unless a scan has to be ended.
        """
        with self._changed:
            self._closed = True  # from here on nothing revives a program that ends
        try:
            self.cancel_start(why, by)
            if keep_programs and self._state is ScanState.MONITOR:
                self._programs.send("STOP")
        except (ScanError, DaqError) as error:
            self._log.error("%s", error)
        self._programs.give_up()
        if not keep_programs or self.scanning:
            self._programs.close(quit_s)
        with self._changed:
            was_running, report = self.scanning, self._report
            if was_running:
                self._ending.take_found(report)
                report.ended_by = by
                report.close(
                    judge(
                        ScanOutcome.FAILED, why, {}, program=self._programs.name, has_counts=False
                    )
                )
            self._set(ScanState.IDLE)
        if was_running:
            self._ending.tell(report)
        release_scan(self._log)

    # a scan

    def start(
        self,
        request: StartRequest,
        make_plan: Callable[[], ScanPlan],
        operation: OperationHandle,
        answer: Callable[[ScanPlan], Any],
        ready_within: float,
        taken: Callable[[], None] = lambda: None,
    ) -> ScanPlan:
        """Run a start; returns when the scan runs. Commands that come meanwhile are not held up.

        Args:
            request: Whose it is.
            make_plan: Says what to run; called when the programs are there, because that may take a
                while.
            operation: Answers its caller once the programs receive; an abort cancels the start.
            answer: Makes the answer.
            ready_within: How long a program that has to be started may take, s.
            taken: Called once nobody else can start, because this start is known by its state.

        Returns:
            What runs.

        Raises:
            ScanError: The start failed; nothing runs.
            RefusedError: A scan runs already.
            OperationAbortedError: It was cancelled.
        """
        plan = self.begin(request, make_plan, operation, ready_within, taken)
        self._run(plan, request, operation, answer)
        return plan

    def _run(
        self,
        plan: ScanPlan,
        request: StartRequest,
        operation: OperationHandle,
        answer: Callable[[ScanPlan], Any],
    ) -> None:
        """Bring the scan forward in a thread, and wait until it runs."""
        report = self._report
        try:
            threading.Thread(
                target=self._keep, args=(plan,), name=f"scan {plan.number}", daemon=True
            ).start()
        except RuntimeError as error:  # the system has no more threads
            self._undo(ScanOutcome.FAILED, str(error))
            raise ScanError(str(error)) from error
        if request.answers_early:
            operation.accept(answer(plan))
        operation.leave_queue()
        with self._changed:
            self._changed.wait_for(
                lambda: report.outcome not in (ScanOutcome.STARTING, ScanOutcome.WAITING)
            )
        if report.outcome is ScanOutcome.ABORTED:
            raise OperationAbortedError(report.error)
        if report.outcome is ScanOutcome.FAILED:
            raise ScanError(report.error)

    @property
    def unready(self) -> str:
        """Sentence that refuses a start which nobody could wait for; empty: nothing is known to be in
        its way."""
        if not self._programs.is_starting:
            return ""
        return f"{self._programs.name} was started anew and is not ready yet: start again in some seconds"

    def begin(
        self,
        request: StartRequest,
        make_plan: Callable[[], ScanPlan],
        operation: OperationHandle,
        ready_within: float,
        taken: Callable[[], None] = lambda: None,
    ) -> ScanPlan:
        """Bring a start up to where the programs receive; what follows is `step`'s. Arguments and
        errors as `start`."""
        with self._changed:
            if self._state is ScanState.MONITOR:
                self._programs.send("STOP")
            elif self._state is not ScanState.IDLE:
                raise RefusedError(self.holder)
            self._cancel.clear()
            self._why_cancelled, self._is_stop_owed = "", False
            self._request, self._plan = request, None
            self._report = ScanReport(request.id, request.by, banks=tuple(request.banks))
            self._reports.add(self._report)
            self._set(ScanState.STARTING)
        operation.on_abort(lambda: self._take_abort(operation))
        taken()
        try:
            self._programs.start(self._wait, ready_within)
            plan = make_plan()
            self._clock_watch.begin()
            with self._changed:
                self._plan, self._time = plan, ScanTime.fix(plan.start.timestamp(), self._clock)
                self._armed_at = self._clock.monotonic()
                report = self._report
                report.scan, report.start, report.length = plan.number, plan.start, plan.length
                self._tell()
            bind_scan(self._log, plan.number)
            self._programs.begin_watch()
            self._receive(plan)
            self._move(
                ScanState.STARTING, ScanState.ARMED if request.two_phase else ScanState.WAITING
            )
            return plan
        except OperationAbortedError as error:
            self._undo(ScanOutcome.ABORTED, str(error))
            raise
        except BaseException as error:
            self._undo(ScanOutcome.FAILED, str(error) or type(error).__name__)
            raise

    def _take_abort(self, operation: OperationHandle) -> None:
        """Cancel the start that is aborted; a `stop` that it is aborted for finds that done, and is
        to say so."""
        with self._changed:
            self._is_stop_owed = operation.aborted_for == "stop"
            self._report.ended_by = operation.aborted_by or operation.reason
            self._cancel_because(operation.reason)

    def _receive(self, plan: ScanPlan) -> None:
        """Bring the programs to receive."""
        plan.ready_the_fpga()
        left = self._time.left(self._clock.monotonic())
        self._watch.announce(plan, self._time.at, left, self._report.array_state)
        limit = max(left - RECEIVE_MARGIN_S, POLL_S)
        if not self._programs.receive("START", self._wait, limit, self._clock.monotonic):
            remedy = "it is slow: give it more time with a later start, or set_mode with force starts it anew"
            if self._programs.is_deaf(self._wait, self._clock.monotonic):
                self._programs.replace()
                remedy = "it hangs and was started anew; start again"
            found = self._status.get("NETSTAT")
            raise ScanError(
                f"{self._programs.name} did not receive within {limit:.3g} s: NETSTAT is {found}; {remedy}"
            )

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
        """Do what is due in the scan; the seconds until something will be, None if it goes on no
        more by itself."""
        plan, state = self._plan, self._state
        if plan is None or state not in (ScanState.ARMED, ScanState.WAITING, ScanState.RUNNING):
            return None
        if step := self._clock_watch.look():
            self._log.warning(
                "the host's clock was set by %+.2f s; the scan goes on by the monotonic clock", step
            )
        if self._cancel.is_set() and state is not ScanState.RUNNING:
            self._undo(ScanOutcome.ABORTED, self._why_cancelled)
            return None
        left = self._time.left(self._clock.monotonic())
        if state is ScanState.ARMED:
            due = min(
                left - COMMIT_BEFORE_S, self._armed_at + COMMIT_WITHIN_S - self._clock.monotonic()
            )
            if due <= AT_ONCE_S and self._is_not_committed():
                self._undo(
                    ScanOutcome.FAILED,
                    f"armed for {plan.start:%H:%M:%S} UTC, but the start was not committed in time",
                )
                return None
        elif state is ScanState.WAITING:
            due = left - ARM_BEFORE_S
            if due <= AT_ONCE_S:
                self._arm(plan, left)
                due = 0.0
        else:
            return self._watch_running(plan, -left)
        if due > 0 and (why := self._look_while_waiting(plan, left)):
            self._undo(ScanOutcome.FAILED, why)
            return None
        return min(max(due, 0.0), LOOK_EVERY_S)

    def _look_while_waiting(self, plan: ScanPlan, left: float) -> str:
        """Look after programs and board before the start; why it cannot become a scan, empty if it
        can."""
        values = self._watch.count_down(left + plan.length)
        if self._board is not None:
            self._board.look()
        if values.get("DAQERR"):
            return f"{self._programs.name}: {values['DAQERR']}"
        gone = self._programs.gone()
        hangs = "" if gone is not None else self._programs.hangs(values, self._clock.monotonic())
        if gone is None and not hangs:
            return ""
        what = hangs or f"{gone.name if gone is not None else ''} ended while the start waited"
        if left < START_ANEW_S:
            return what
        self._log.warning("%s; it is started anew", what)
        if hangs:
            self._programs.replace()
        try:
            self._programs.start(self._wait, left - START_ANEW_S / 2)
            self._programs.begin_watch()
            self._receive(plan)
        except (ScanError, DaqError) as error:
            return f"{what}; {error}"
        self._report.warnings.append(f"{what}, and was started anew")
        return ""

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
                raise ScanError(
                    f"too late to arm for {plan.start:%H:%M:%S} UTC, by {ARM_LATEST_S - left:.3f} s"
                )
            try:
                plan.arm()
                if (over := -self._time.left(self._clock.monotonic())) > 0:
                    raise ScanError(
                        f"arming ended {over:.3f} s after the start at {plan.start:%H:%M:%S} UTC"
                    )
                self._status.update({"ARMSTATE": "armed", "ACCBLKOU": "-"})
                self._watch.begin()
                self._move(ScanState.WAITING, ScanState.RUNNING)
            except BaseException:
                plan.disarm()
                raise
        except OperationAbortedError as error:
            self._undo(ScanOutcome.ABORTED, str(error))
        except Exception as error:
            self._undo(ScanOutcome.FAILED, str(error))
        else:
            self._log.info("scan %d is armed for %s UTC", plan.number, f"{plan.start:%H:%M:%S}")

    def _watch_running(self, plan: ScanPlan, elapsed: float) -> float | None:
        """Look after a scan that runs; the seconds until the next look, None if it has ended."""
        wait, end = self._watch.look(self._clock.monotonic(), elapsed, plan.length)
        if end is None:
            with self._changed:
                if self._state is ScanState.RUNNING and self._watch.values:
                    self._report.take(self._watch.values)
                    self._tell()
            return wait
        self._end_if_running(end.error, end.stop_within)
        if end.gone is not None:
            with self._changed:
                if not self._closed:
                    self._programs.revive(end.gone)
        return None

    # what others ask of it

    def commit(self, start: datetime, start_id: str) -> None:
        """Confirm an armed start; idempotent.

        Raises:
            RefusedError: Nothing is armed for this second, it is another's start, or it is too
                late.
        """
        with self._changed:
            left = self._time.left(self._clock.monotonic())
            if why := commit_refusal(self._state, self._request, self._plan, start, start_id, left):
                raise RefusedError(why)
            if self._state is ScanState.ARMED:
                self._set(ScanState.WAITING)

    def confirm(self, start_id: str, missing: Sequence[str]) -> bool:
        """Take note of who did not take part in a common start: nobody, and it is whole; False if
        it is not known."""
        report = self._reports.get(start_id)
        if report is None:
            return False
        with self._changed:
            known = {*(report.missing or ()), *missing}
            report.missing = [bank for bank in report.banks if bank in known]
            if report is self._report:
                self._tell()
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
            if not self._state.is_start:
                return False
            self._report.ended_by = by
            self._cancel_because(why)
            self._await_idle("the start")
            return True

    def take_back(self, start_id: str | None, by: str) -> str:
        """Undo a start, whatever has become of it; a sentence, empty if it is not there. Another's
        is not touched.

        Raises:
            ScanError: It does not end in time.
        """
        with self._changed:
            if not self.scanning or not self._request.is_called(start_id):
                return ""
            if not start_id and (self._request.by != by or self._state is ScanState.RUNNING):
                return ""  # without an identity only what one has armed oneself, and no scan
            if self.cancel_start(f"taken back by {by}", by):
                return "Start taken back"
            if self._state is not ScanState.RUNNING:
                return ""
            self._report.ended_by = by
            self._set(ScanState.ENDING)
        self._end(ScanOutcome.ABORTED)
        return "Scan taken back"

    def _await_idle(self, what: str) -> None:
        """Wait for another thread that ends something; the lock is held."""
        if not self._changed.wait_for(lambda: self._state is ScanState.IDLE, STOP_WITHIN_S):
            raise ScanError(
                f"{what} did not end within {STOP_WITHIN_S:g} s; set_mode with force ends everything"
            )

    def stop(self, by: str = "") -> str:
        """End what runs; a sentence that says what ended.

        Args:
            by: Who wants it, for report and log.

        Raises:
            RefusedError: Nothing runs.
            ScanError: The programs did not end the scan in time.
        """
        if self.cancel_start(f"the start was cancelled by {by}", by):
            self._is_stop_owed = False
            return "Scan ended"
        with self._changed:
            if self._state is ScanState.MONITOR:
                self._programs.send("STOP")
                self._set(ScanState.IDLE)
                return "Ending monitor mode."
            if self._state is ScanState.ENDING:  # the thread of the scan is at it
                self._await_idle("the scan")
                return "Scan ended"
            if self._is_stop_owed and self._state is ScanState.IDLE:
                self._is_stop_owed = False
                return "Scan ended"
            if self._state is not ScanState.RUNNING:
                raise RefusedError("No scan running!")
            self._report.ended_by = by
            self._set(ScanState.ENDING)
        self._end(ScanOutcome.STOPPED)
        if self._ending.stuck:
            raise ScanError(self._ending.stuck)
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
        self._monitor_mode.ready(ready_within)
        with self._changed:
            self._status.update({"NETSTAT": "waiting", "DAQERR": ""})
            self._set(ScanState.MONITOR)
        try:
            self._monitor_mode.receive()
        except (ScanError, DaqError, StatusMemoryError):
            with self._changed:
                self._set(ScanState.IDLE)
            raise
        with self._changed:
            if self._state is not ScanState.MONITOR:  # it was stopped before it had begun
                self._programs.send("STOP")

    def tick(self) -> None:
        """Look after what is no scan: a program that has ended, monitor mode, and a board that was
        lost in the last one; once a second."""
        with self._changed:
            if self._closed:
                return
            is_monitor = self._state is ScanState.MONITOR
            if self._state is ScanState.IDLE:
                self._revive()
        if is_monitor:
            self._look_at_monitor()
        if self._board is not None and self._board.is_lost and not self.scanning:
            self._board.look()

    def _revive(self) -> None:
        """Start a program anew that has ended while nothing was asked of it, or the next start would
        have to wait for it."""
        gone, now = self._programs.gone(), self._clock.monotonic()
        if gone is None or gone.returncode is None or now - self._revived_at < REVIVE_EVERY_S:
            return
        self._revived_at = now
        self._log.warning(
            "%s ended, exit status %s; it is started anew", gone.name, gone.returncode
        )
        self._programs.revive(gone)

    def _look_at_monitor(self) -> None:
        why, is_to_be_replaced = self._monitor_mode.trouble()
        if not why:
            return
        with self._changed:
            if self._state is not ScanState.MONITOR or self._closed:
                return
            self._set(ScanState.IDLE)
        self._log.error("monitor mode ended: %s", why)
        if is_to_be_replaced:
            self._programs.replace()
