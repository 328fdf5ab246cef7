"""Sink that follows the files of a Player, and brings what is new in them to a server.

It keeps no records in memory, and nobody waits for it: a thread of its own sends what the files have
and the server has not.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from groundwork.errors import text_of
from groundwork.truncation import cut
from groundwork.values import JsonObject
from player.sinks.base import CallEntry, HistoryPoint
from player.sinks.destination import Destination, RecordKind, SinkAwayError
from player.sinks.sending import CallSource, PointSource, Sending
from zmqjsonproxy.errors import RefusedError

__all__ = ["FileFollower"]

log = logging.getLogger(__name__)

GATHER_S = 0.2
"""Time that a record waits for others to be sent with, s."""
RETRY_S = 2.0
CLOSE_WITHIN_S = 0.8
MAX_TROUBLE = 300


class FileFollower:
    """Sink of one server.

    Args:
        destination: The server.
        kinds: Records that it is to have.
        gather_s: Pause for others, s.
        retry_s: Pause after what failed, s.
    """

    def __init__(
        self,
        destination: Destination,
        kinds: Sequence[RecordKind] = tuple(RecordKind),
        *,
        gather_s: float = GATHER_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self._name, self._gather_s, self._retry_s = destination.name, gather_s, retry_s
        self._wake, self._ended = threading.Event(), threading.Event()
        self._sending = Sending(destination, kinds, self._ended.wait)
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name=f"sink {self._name}", daemon=True)
        self._thread.start()

    # told by any thread

    def follow_calls(self, source: CallSource) -> None:
        """Begin with a journal."""
        self._sending.follow_calls(source)

    def follow_points(self, source: PointSource) -> None:
        """Begin with a history."""
        self._sending.follow_points(source)

    def take_calls(self, entries: Sequence[CallEntry]) -> None:
        """Take note that there are entries, or ends of some."""
        self._wake.set()

    def take_points(self, points: Sequence[HistoryPoint]) -> None:
        """Take note that there are points."""
        self._wake.set()

    def state(self) -> JsonObject:
        """Return how it fares: `name`, `up`, `trouble`, and of `journal` and `history` what
        `Sending.counts` tells."""
        told: JsonObject = {
            "name": self._name,
            "up": self._sending.is_open,
            "trouble": self._trouble,
        }
        return told | self._sending.counts()

    def close(self) -> None:
        """Send what there is, if that is quick; the rest follows at the next start."""
        self._ended.set()
        self._wake.set()
        self._thread.join(CLOSE_WITHIN_S)

    # in its own thread

    def _run(self) -> None:
        fails = is_last = False
        while not is_last:
            if not fails:
                self._wake.wait()
            is_last = self._ended.wait(self._retry_s if fails else self._gather_s)
            self._wake.clear()
            if not is_last or self._sending.is_open:
                fails = not self._send()
        self._sending.drop()

    def _send(self) -> bool:
        """Send all that is new; False: it must be tried again."""
        try:
            self._sending.send()
        except Exception as error:  # a thread that ends would send no more
            self._sending.drop()
            text = cut(text_of(error), MAX_TROUBLE)
            if not self._trouble and isinstance(error, SinkAwayError | RefusedError):
                told = "%s: gets no records (%s); it is tried each %g s, calls go on"
                log.warning(told, self._name, text, self._retry_s)
            elif not self._trouble:
                log.exception("%s: records cannot be sent", self._name)
            self._trouble = text or type(error).__name__
            return False
        if self._trouble:
            log.warning("%s: gets records again", self._name)
            self._trouble = ""
        return True
