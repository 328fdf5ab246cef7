"""Watch over a scan: its time, a data-taking program that ends or hangs, a board that is lost. Finds
the moment and the reason of its end.

Ends nothing itself. Callers say what the time is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from arrayconfig.logs import Log
from spectrometer.daq.programs import POLL_S, DataTaking, Programs
from spectrometer.derive.times import mjd
from spectrometer.instruments.boardmonitor import BoardMonitor
from spectrometer.observing.scanplan import ScanPlan
from spectrometer.observing.scanreport import FOUND
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.errors import StatusMemoryError

__all__ = ["ARRAY_KEY", "AT_ONCE_S", "END_AFTER_S", "LOOK_EVERY_S", "ScanEnd", "ScanWatch"]

LOOK_EVERY_S = 1.0
END_AFTER_S = (
    1.0  # of a program that does not end by itself, the last integration is still on its way
)
AT_ONCE_S = 1e-6  # what floats differ by
ARRAY_KEY = "ARRAYST"  # for whoever only reads the status memory, and for the header of files
HANGING_STOP_WITHIN_S = 0.5  # a program that hangs, if it can be stopped after all


@dataclass(frozen=True, slots=True)
class ScanEnd:
    """Reason why a scan is to be ended now.

    Attributes:
        error: Empty if its time is over.
        stop_within: What the programs have for it, s; None: the usual time.
        gone: A program that has ended, and has to be started again.
    """

    error: str = ""
    stop_within: float | None = None
    gone: DataTaking | None = None


class ScanWatch:
    """Watch over the scans of one mode, one after the other; used by the thread of the scan.

    Args:
        status: The status memory.
        programs: What takes the data.
        log: With the Bank's name.
        board: None: the mode has no board.

    Attributes:
        looks: Looks at the status memory since the scan began.
        blocked: Those that found NETSTAT `blocked`.
        values: The status memory at the last look; empty if it could not be had.
    """

    def __init__(
        self, status: StatusBuffer, programs: Programs, log: Log, board: BoardMonitor | None
    ) -> None:
        self._status, self._programs, self._log, self._board = status, programs, log, board
        self._due = -math.inf
        self.looks = self.blocked = 0
        self.values: dict[str, Any] = {}

    def announce(self, plan: ScanPlan, at: float, left: float, array_state: str) -> None:
        """Write what the programs need to know of a scan, and forget what they found in the one
        before.

        Args:
            plan: The scan.
            at: Its start by the monotonic clock, s.
            left: Until then, s.
            array_state: Who else takes part.
        """
        day, seconds = mjd(plan.start)
        self._status.remove(FOUND.values())
        self._status.update(
            {
                "SCANLEN": plan.length,
                "ARMSTATE": "waiting",
                "DAQSTART": plan.start.timestamp(),
                "DAQMONO": at,
                "STT_IMJD": day,
                "STT_SMJD": int(seconds),
                "STT_OFFS": seconds - int(seconds),
                "NETSTAT": "waiting",
                "DAQERR": "",
                "SCANREM": math.floor(left + plan.length),
                ARRAY_KEY: array_state,
            }
        )

    def retract(self) -> None:
        """Say that there will be no scan."""
        self._status.update({"ARMSTATE": "idle"})
        self._status.remove(["DAQMONO"])

    def begin(self) -> None:
        """Forget the scan before."""
        self._due, self.values = -math.inf, {}
        self.looks = self.blocked = 0
        if self._board is not None:
            self._board.begin()

    def look(self, now: float, elapsed: float, length: float) -> tuple[float, ScanEnd | None]:
        """Look if it is time to; the seconds until the next look, and why the scan has to end, if
        it has.

        Args:
            now: Monotonic time, s.
            elapsed: Since the start, s; negative before it.
            length: Of the scan, s.
        """
        left, is_due = length - elapsed, now >= self._due
        if left > 0 and not is_due:
            return min(self._due - now, left), None
        values = self.values = self.count_down(left)
        if is_due:
            self._due = now + LOOK_EVERY_S
            if self._board is not None:
                self._board.look()
            if elapsed > 0 and values:
                self.looks += 1
                self.blocked += values.get("NETSTAT") == "blocked"
        return (min(LOOK_EVERY_S, left) if left > 0 else POLL_S), self._end(
            values, now, left, is_due
        )

    def _end(self, values: dict[str, Any], now: float, left: float, is_due: bool) -> ScanEnd | None:
        if (gone := self._programs.gone()) is not None:
            return ScanEnd(
                f"{gone.name} ended during the scan, exit status {gone.returncode}", gone=gone
            )
        has_stopped = values.get("SCANSTAT") == "stopped"
        if has_stopped and values.get("DAQERR"):
            return ScanEnd(str(values["DAQERR"]))
        patience = END_AFTER_S if values.get(FOUND["planned"]) is None else self._programs.lag
        if left <= 0 and (has_stopped or left + patience <= AT_ONCE_S):
            return ScanEnd()
        if self._board is not None and self._board.fault:
            return ScanEnd(self._board.fault)
        if is_due and (hangs := self._programs.hangs(values, now)):
            return ScanEnd(hangs, HANGING_STOP_WITHIN_S)
        return None

    def count_down(self, left: float) -> dict[str, Any]:
        """Write the seconds that are left of the scan; return the status memory, empty if it cannot
        be had."""
        try:
            self._status.update({"SCANREM": max(math.floor(left), 0)})
            return dict(self._status.read())
        except StatusMemoryError as error:  # the scan has to end all the same
            self._log.error("%s", error)
            return {}
