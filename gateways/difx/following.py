"""A reader of a job's events: bounded, for threads and for tasks of an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator

from gateways.difx.protocol.jobs import JobEvent, JobEventKind
from groundwork.closing import Closing

__all__ = ["MAX_EVENTS", "JobFollower"]

MAX_EVENTS = 1000
"""Events of OUTPUT and STATE that wait for one reader."""


class JobFollower(Closing):
    """Events of one job for one reader. The job never waits for it.

    Of OUTPUT and STATE at most `most` wait, the oldest are left out, and an OMITTED tells how many.
    No other event is ever left out.

    Args:
        most: Events that wait.
        leave: Called once when the reader closes it.
    """

    def __init__(self, most: int = MAX_EVENTS, leave: Callable[[JobFollower], None] | None = None):
        self._most, self._leave = most, leave
        self._waiting: deque[JobEvent] = deque()
        self._droppable = 0
        self._changed = threading.Condition()
        self._tell: list[Callable[[], None]] = []
        self._is_over = False
        self.omitted = 0
        """Events that were left out so far."""

    # the job's side

    def put(self, event: JobEvent) -> None:
        """Take an event; in any thread, at once."""
        with self._changed:
            if self._is_over:
                return
            self._waiting.append(event)
            self._droppable += event.may_be_omitted
            if self._droppable > self._most:
                self._omit_oldest()
            self._is_over = event.is_last
            tell = list(self._tell)
            self._changed.notify_all()
        for each in tell:
            each()

    def _omit_oldest(self) -> None:
        """Leave the oldest out that may be, and count it where it was."""
        index = next(i for i, event in enumerate(self._waiting) if event.may_be_omitted)
        old = self._waiting[index]
        before = self._waiting[index - 1] if index else None
        count = 1
        if before is not None and before.kind is JobEventKind.OMITTED:
            count += int(before.text.partition(" ")[0])
            del self._waiting[index - 1]
            index -= 1
        self._waiting[index] = JobEvent(
            job=old.job,
            number=old.number,
            time=old.time,
            kind=JobEventKind.OMITTED,
            state=old.state,
            text=f"{count} lines left out: they came faster than they were read",
        )
        self._droppable -= 1
        self.omitted += 1

    # the reader's side

    def take(self) -> list[JobEvent]:
        """Return what waits, without waiting."""
        with self._changed:
            return self._take(len(self._waiting))

    def _take(self, count: int) -> list[JobEvent]:
        taken = [self._waiting.popleft() for _ in range(count)]
        self._droppable -= sum(event.may_be_omitted for event in taken)
        return taken

    def get(self, timeout: float | None = None) -> JobEvent | None:
        """Wait for the next event; None: there is none within `timeout` s, or nothing follows."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_over, timeout)
            return self._take(1)[0] if self._waiting else None

    @property
    def is_over(self) -> bool:
        """All was read, or it is closed."""
        with self._changed:
            return self._is_over and not self._waiting

    def __iter__(self) -> Iterator[JobEvent]:
        """Yield events to the last one; waits in this thread."""
        while (event := self.get()) is not None:
            yield event

    async def __aiter__(self) -> AsyncIterator[JobEvent]:
        """Yield events to the last one; waits in the running loop, and blocks nothing."""
        loop, come = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            try:
                loop.call_soon_threadsafe(come.set)
            except RuntimeError:  # the loop is closed: nobody reads any more
                self.close()

        with self._changed:
            self._tell.append(tell)
        try:
            while True:
                come.clear()
                for event in self.take():
                    yield event
                if self.is_over:
                    return
                await come.wait()
        finally:
            with self._changed:
                if tell in self._tell:
                    self._tell.remove(tell)

    def close(self) -> None:
        """Read no more; may be called twice. The job goes on."""
        with self._changed:
            was_over, self._is_over = self._is_over, True
            self._waiting.clear()
            self._droppable = 0
            tell, self._tell = self._tell, []
            self._changed.notify_all()
        if self._leave is not None and not was_over:
            self._leave(self)
        for each in tell:
            each()
