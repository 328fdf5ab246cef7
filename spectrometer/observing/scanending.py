"""End of a scan: its programs are stopped, its board is disarmed, what was recorded is judged and
logged.

The state of the Bank is `spectrometer.observing.scan`'s; one thread at a time ends a scan.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from arrayconfig.logs import Log
from player.clock import Clock
from spectrometer.daq.errors import DaqError
from spectrometer.daq.programs import POLL_S, Programs
from spectrometer.errors import BankError, ScanError
from spectrometer.instruments.boardmonitor import BoardMonitor
from spectrometer.observing.scanreport import ScanOutcome, ScanReport, Verdict, judge
from spectrometer.observing.scanwatch import ScanWatch
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.errors import StatusMemoryError

__all__ = ["STOP_WITHIN_S", "ScanEnding"]

STOP_WITHIN_S = 5.0
STARTED_ANEW = "; it is ended and started anew"
LEVELS = {ScanOutcome.FAILED: logging.ERROR, ScanOutcome.INCOMPLETE: logging.WARNING}


class ScanEnding:
    """End of the scans of one mode.

    Args:
        status, programs, log, board: As of `ScanWatch`.
        clock: The time.
        watch: What was seen while the scan ran.

    Attributes:
        stuck: Sentence on a program that did not end the last scan; empty if all did.
    """

    def __init__(
        self,
        status: StatusBuffer,
        programs: Programs,
        log: Log,
        board: BoardMonitor | None,
        clock: Clock,
        watch: ScanWatch,
    ) -> None:
        self._status, self._programs, self._log, self._board = status, programs, log, board
        self._clock, self._watch = clock, watch
        self.stuck = ""

    def end(
        self,
        report: ScanReport,
        ended: ScanOutcome,
        error: str,
        disarm: Callable[[], None],
        within: float | None,
        clock_steps: str,
    ) -> Verdict:
        """End a scan: the programs close their files, and the FPGA is disarmed.

        Args:
            report: Of the scan; takes what the program tells of the data.
            ended: DONE if it lasted its length, STOPPED or ABORTED if somebody ended it before.
            error: What went wrong; empty if nothing is known to have.
            disarm: The mode's phase after a scan.
            within: What the programs have for it, s; None: the usual time.
            clock_steps: Warning about steps of the wall clock; empty if there were none.
        """
        self.stuck = ""
        limit = STOP_WITHIN_S if within is None else within
        if self._board is not None:
            lost, warning = self._board.verdict()
            error = error or lost
            report.warnings += [warning] if warning else []
        report.warnings += [clock_steps] if clock_steps else []
        for step in (self._tell_the_end, lambda: self._await_the_end(limit), disarm):
            try:  # each, whatever becomes of the others
                step()
            except (BankError, DaqError, StatusMemoryError, OSError) as trouble:
                error = error or str(trouble)
        error = error or self.take_found(report)
        if self.stuck:
            self._programs.replace()
            error += "" if STARTED_ANEW in error else STARTED_ANEW
        with suppress(StatusMemoryError):
            self._status.update({"SCANREM": "scan terminated"})
            self._status.remove(["DAQMONO"])
        if ended is ScanOutcome.ABORTED and not error:
            return Verdict(
                ended, f"taken back by {report.ended_by}", self._judge(ended, "", report).warnings
            )
        return self._judge(ended, error, report)

    def _judge(self, ended: ScanOutcome, error: str, report: ScanReport) -> Verdict:
        return judge(
            ended,
            error,
            report.found,
            program=self._programs.name,
            has_counts=self._programs.has_counts,
            blocked=self._watch.blocked,
            looks=self._watch.looks,
        )

    def take_found(self, report: ScanReport) -> str:
        """Take over what the program tells of the data; what it says went wrong, empty if nothing
        did."""
        try:
            values = self._status.read()
        except StatusMemoryError as error:
            return str(error)
        report.take(values)
        return str(values.get("DAQERR") or "")

    def tell(self, report: ScanReport) -> None:
        """Log the outcome of a scan: what it recorded, and who ended it."""
        count, planned = report.found.get("integrations"), report.found.get("planned")
        told = "no integrations" if count is None else f"{count} integrations"
        told += "" if planned is None else f" of {planned}"
        told += f", ended by {report.ended_by}" if report.ended_by else ""
        level = LEVELS.get(report.outcome, logging.INFO)
        name = "a start" if report.scan is None else f"scan {report.scan}"
        for warning in report.all_warnings:
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
                self.stuck = (
                    f"{self._programs.name} did not end the scan within {limit:g} s{STARTED_ANEW}"
                )
                raise ScanError(self.stuck)
            self._clock.wait(threading.Event(), POLL_S)
