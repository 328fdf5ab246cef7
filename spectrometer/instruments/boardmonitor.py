"""Board monitor: reachability during a scan, and what an absence says about its data.

It is asked each second for the state of its FPGA. A look never waits: it asks, and a later one
hears. A board that does not answer may go on sending data; one that comes back without its image
does not.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from arrayconfig.logs import Log
from spectrometer.errors import BankError
from spectrometer.instruments.errors import BoardError
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.errors import StatusMemoryError

__all__ = ["BoardMonitor", "MonitoredBoard"]

STATE_KEY = "BOARDST"  # for whoever only reads the status memory
ANSWERS_WITHIN_S = 5.0
LATE_S = 2.0  # a board that is well answers within milliseconds
QUESTION, NEWER_QUESTION = "status", "fpgastatus"  # as newer servers have renamed it
SHOWN = 3  # absences that a sentence names


class MonitoredBoard(Protocol):
    """Connection that answers for a board: `spectrometer.instruments.katcp.BoardConnection`."""

    @property
    def name(self) -> str: ...
    def ask(self, name: str, within_s: float) -> Future[Any]: ...


@dataclass(slots=True)
class _Absence:
    """From the first question without an answer to the first one with."""

    since: datetime
    why: str
    until: datetime | None = None

    def __str__(self) -> str:
        end = "" if self.until is None else f" to {self.until:%H:%M:%S}"
        return f"{self.since:%H:%M:%S}{end} UTC ({self.why})"


class BoardMonitor:
    """Monitor of one board; from any thread.

    Args:
        board: Its connection, which connects again by itself when something is asked.
        status: The status memory, for the key BOARDST.
        log: With the Bank's name.
    """

    def __init__(self, board: MonitoredBoard, status: StatusBuffer, log: Log) -> None:
        self._board, self._status, self._log = board, status, log
        self._lock = threading.Lock()
        self._request = QUESTION
        self._question: Future[Any] | None = None
        self._asked_at, self._asked = datetime.now(UTC), time.monotonic()
        self._absences: list[_Absence] = []
        self._without_image = ""

    def begin(self) -> None:
        """A scan begins, which was armed on this board."""
        with self._lock:
            self._question, self._absences, self._without_image = None, [], ""
            self._tell("answers")

    def look(self) -> None:
        """Hear what came of the last question, and ask the next one."""
        with self._lock:
            if self._question is not None:
                if not self._question.done():
                    return
                self._hear_answer(self._question)
            self._asked_at, self._asked = datetime.now(UTC), time.monotonic()
            try:
                self._question = self._board.ask(self._request, ANSWERS_WITHIN_S)
            except BankError as error:  # it is being closed
                self._log.debug("%s", error)

    def _hear_answer(self, question: Future[Any]) -> None:
        self._question = None
        if not question.cancelled():
            self._hear(question.exception())

    def _hear(self, error: BaseException | None) -> None:
        reply = (
            error.reply if isinstance(error, BoardError) else "" if error is None else str(error)
        )
        if reply.startswith("invalid") and self._request == QUESTION:
            self._request = NEWER_QUESTION
            return
        is_there = error is None or reply.startswith(("fail", "invalid"))
        absent = self._absent
        if not is_there and absent is None:
            self._absences.append(_Absence(self._asked_at, reply))
            self._log.error("board %s does not answer any more: %s", self._board.name, reply)
            self._tell(f"lost {self._asked_at:%H:%M:%S} UTC")
        elif is_there and absent is not None:
            absent.until = datetime.now(UTC)
            self._log.warning("board %s answers again", self._board.name)
            self._tell("answers")
        if reply.startswith("fail") and not self._without_image:
            gone = f", after it did not answer: {self._told()}" if self._absences else ""
            self._without_image = (
                f"board {self._board.name} runs no image any more, found at {self._asked_at:%H:%M:%S} UTC{gone}; "
                "it has lost power or was programmed by another; set_mode with force sets it up again"
            )
            self._tell("no image")

    @property
    def is_lost(self) -> bool:
        """The last question had no answer."""
        return self._absent is not None

    @property
    def fault(self) -> str:
        """Why data from now on are none; empty while the board may do its work."""
        return self._without_image

    def verdict(self) -> tuple[str, str]:
        """(failure, warning) of the scan, either or both empty: data of a board that is gone are
        not to be trusted."""
        with self._lock:
            if self._question is not None and self._question.done():
                self._hear_answer(self._question)
            if self._without_image:
                return self._without_image, ""
            if not self._absences:
                return "", self._late()
            if (absent := self._absent) is not None:
                text = f"board {self._board.name} does not answer since {absent}: data since then are not to be trusted"
                return text, ""
            return (
                "",
                f"board {self._board.name} did not answer from {self._told()}; its image runs",
            )

    def _late(self) -> str:
        """Of the last question of a scan, which may be over before the time for an answer is."""
        late = time.monotonic() - self._asked
        if self._question is None or late < LATE_S:
            return ""
        return f"board {self._board.name} had not answered for {late:.0f} s when the scan ended; see if it is there"

    @property
    def _absent(self) -> _Absence | None:
        return self._absences[-1] if self._absences and self._absences[-1].until is None else None

    def _told(self) -> str:
        more = len(self._absences) - SHOWN
        return ", ".join(map(str, self._absences[:SHOWN])) + (
            f" and {more} times more" if more > 0 else ""
        )

    def _tell(self, state: str) -> None:
        try:
            self._status.update({STATE_KEY: state})
        except StatusMemoryError as error:
            self._log.error("%s", error)
