"""A job that another Player carries out, as an operation of its Bank."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateways.difx.players import DifxPlayers
from gateways.difx.runner import ProgramEnd
from zmqjsonproxy import ProxyError

__all__ = ["RemoteRun"]

LOOK_EVERY_S = 0.3
ABORT_S = 5.0
"""Time in which an operation ends that is asked to, after the grace."""


@dataclass(eq=False)
class RemoteRun:
    """One run of an operation, in the thread that calls `run`.

    Attributes:
        players: Reaches it.
        player: Bank.
        method: Operation of it, which takes the path of the job's input on the disk.
        path: That path.
        on_line: Takes each sentence on its progress.
        on_progress: Takes the fraction that is done.
        on_quiet: Called when nothing was told for a while, and again.
        grace: Time that it has to end when it is to stop, s.
        quiet: Silence after which `on_quiet` is called, s.
    """

    players: DifxPlayers
    player: str
    method: str
    path: str
    on_line: Callable[[str], None]
    on_progress: Callable[[float], None]
    on_quiet: Callable[[], None]
    grace: float
    quiet: float

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._within = self.grace

    def stop(self, *, grace: float | None = None) -> None:
        """Ask it to end, and return at once; from any thread. Again: with a shorter grace."""
        self._within = self.grace if grace is None else min(grace, self._within)
        self._stop.set()

    def run(self) -> ProgramEnd:
        """Begin the operation, and follow it to its end.

        Raises:
            ProxyError: It cannot be begun.
        """
        part, _, name = self.method.rpartition(".")
        operation = self.players.proxy(self.player, part).begin(name, self.path)
        told_at = time.monotonic()
        told: tuple[float | None, str] = None, ""
        asked_at: float | None = None
        while not operation.wait(LOOK_EVERY_S):
            now, news = time.monotonic(), (operation.fraction, operation.text)
            if news[0] is not None and news[0] != told[0]:
                self.on_progress(news[0])
                told_at = now
            if news[1] and news[1] != told[1]:
                self.on_line(news[1])
                told_at = now
            told = news
            if now >= told_at + self.quiet:
                told_at = now
                self.on_quiet()
            if self._stop.is_set():
                if asked_at is None:
                    asked_at = now
                    self._abort(operation.abort)
                elif now >= asked_at + self._within + ABORT_S:
                    return ProgramEnd(status=None, text=f"{self.player} does not end {self.method}")
        error = operation.exception(LOOK_EVERY_S)
        if error is None:
            return ProgramEnd(status=0)
        return ProgramEnd(status=1, text=f"{self.player} {self.method}: {error}")

    def _abort(self, abort: Callable[[str], None]) -> None:
        try:
            abort("the job was stopped")
        except ProxyError as error:
            self.on_line(f"{self.player} cannot be asked to stop: {error}")
