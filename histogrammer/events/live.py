"""Live source of events: a thread that receives whatever comes, and skips events that come faster
than they are processed, so that the sender never waits for the analysis.

What is not an event to be left out (definitions, variables, changes of state, formats) is never
skipped: for it the thread waits. Only whole items are handed on, each checked before.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from dataclasses import replace

import zmq

from groundwork.errors import text_of
from groundwork.truncation import cut
from histogrammer.errors import EventFileError, RingItemError
from histogrammer.events.itemwalk import Raw, Stretch
from histogrammer.events.livecounts import LiveCounts
from histogrammer.events.protocol.paramitems import read_definitions
from histogrammer.events.protocol.ringitems import ItemType, RingItem
from histogrammer.events.reserve import Reserve
from histogrammer.events.stopsign import StopSign

__all__ = ["MAX_ITEM_BYTES", "MAX_NAMES", "MAX_WAITING_BYTES", "LiveInput"]

MAX_WAITING_BYTES = 1 << 25
"""Of items that came and are not processed yet."""
MAX_ITEM_BYTES = 1 << 23
"""A whole ring buffer of the data acquisition."""
MAX_NAMES = 100_000
"""Of parameters that one source defines; each becomes one of the histogrammer."""
FIRST_PAUSE_S, LAST_PAUSE_S = 0.2, 5.0
"""Before a connection is tried again: at first, and when it has failed many times."""
END_S = 1.0

log = logging.getLogger(__name__)


class LiveInput(ABC):
    """A live source, received from `open` on and until `close`. It has no end: a connection that is
    lost is made anew.

    Args:
        name: Its name in errors and accounts.
        most_waiting: Bytes that may wait to be read.
    """

    size = None

    def __init__(self, name: str, most_waiting: int = MAX_WAITING_BYTES) -> None:
        self.name = name
        self._counts = LiveCounts()
        self._reserve = Reserve(most_waiting)
        self._stop = StopSign()
        self._names: set[str] = set()
        self._thread: threading.Thread | None = None

    @property
    def live(self) -> LiveCounts:
        """Counts until now."""
        return self._counts

    def open(self) -> None:
        """Begin to receive; nothing happens if that was done.

        Raises:
            EventFileError: The system has no thread left.
        """
        if self._thread is not None:
            return
        thread = threading.Thread(target=self._run, name=f"receiving {self.name}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise EventFileError(self.name, 0, text_of(error)) from error
        self._thread = thread

    def read_into(self, room: memoryview) -> int | None:
        """Read without waiting; None if nothing has come."""
        return self._reserve.read_into(room)

    def wait(self, stop: StopSign) -> None:
        """Wait until something comes, or for the sign."""
        self._reserve.wait(stop)

    def fault(self) -> str:
        """Return nothing: it has no end."""
        return ""

    def close(self) -> None:
        """Receive no more; may be called twice."""
        self._stop.set()
        self._reserve.close()
        if self._thread is not None:
            self._thread.join(END_S)  # a name may be looked up still; it ends after that
        else:
            self._stop.close()

    @abstractmethod
    def _receive(self) -> None:
        """Receive from one connection until it is lost, or the sign to stop.

        Raises:
            OSError: It cannot be made, or is lost.
            RingItemError: What came is no ring item.
        """

    # for the thread

    def _note(self, **changed: object) -> None:
        self._counts = replace(self._counts, **changed)  # type: ignore[arg-type]

    def _hand_on(self, data: Raw, stretch: Stretch) -> None:
        """Hand items on, or skip them and count that."""
        piece, counts = data[stretch.start : stretch.stop].data, self._counts
        self._note(
            events=counts.events + stretch.events,
            items=counts.items + stretch.items,
            bytes=counts.bytes + len(piece),
        )
        if stretch.needed is not None:
            self._reserve.put(piece)
        elif not self._reserve.offer(piece):
            self._note(
                skipped_events=counts.skipped_events + stretch.events,
                skipped_items=counts.skipped_items + stretch.items,
                skipped_bytes=counts.skipped_bytes + len(piece),
            )

    def _check(self, item: RingItem | None) -> None:
        """Refuse names without end: RingItemError."""
        if item is not None and item.type == ItemType.PARAMETER_DEFINITIONS:
            names = {name for _number, name in read_definitions(item).names}
            if len(self._names | names) > MAX_NAMES:
                reason = f"more than {MAX_NAMES} different parameters were defined"
                raise RingItemError(item.offset, reason)
            self._names |= names

    def _refuse(self, error: RingItemError) -> None:
        """Take note of what is no ring item."""
        self._note(refused=self._counts.refused + 1, trouble=cut(str(error), 200))

    def _run(self) -> None:
        pause = FIRST_PAUSE_S
        try:
            while not self._stop.is_set():
                before = self._counts.items
                self._try()
                pause = FIRST_PAUSE_S if self._counts.items > before else pause
                self._stop.wait(pause)
                pause = min(2 * pause, LAST_PAUSE_S)
        finally:
            self._stop.close()

    def _try(self) -> None:
        try:
            self._receive()
        except RingItemError as error:
            self._refuse(error)
        except (OSError, zmq.ZMQError) as error:
            self._note(trouble=cut(error.strerror or str(error), 200))
        except Exception as error:  # a source that falls silent for good would not be noticed
            log.exception("%s: receiving failed", self.name)
            self._note(trouble=cut(text_of(error), 200))
        if self._counts.is_connected:
            self._note(is_connected=False)
