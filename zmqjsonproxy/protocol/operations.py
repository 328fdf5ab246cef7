"""A long call as both ends see it. No sockets, no threads, no clock: callers say what the time is.

Times are UTC, unix seconds.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

__all__ = ["OperationRecord", "OperationState", "OperationTable", "Progress"]


class OperationState(StrEnum):
    """QUEUED and RUNNING may be followed by others; the rest are final.

    LOST is what became of an operation whose server ended in the middle: nobody knows. No server
    gives it to one of its own.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"
    LOST = "lost"

    @property
    def is_final(self) -> bool:
        """Tell whether nothing can follow."""
        return self not in (OperationState.QUEUED, OperationState.RUNNING)


class Progress(NamedTuple):
    """Progress of the work.

    Attributes:
        fraction: 0..1; None if unknown.
        text: What is being done.
        left_s: What was left when it was said, s, as far as the operation itself knows.
        at: When it was said.
    """

    fraction: float | None = None
    text: str = ""
    left_s: float | None = None
    at: float = 0.0

    def estimate(self, started: float, now: float) -> float | None:
        """Return the seconds that are probably left, None if that cannot be told.

        What the operation says holds; else the part that is left takes as long, for its size, as
        the part that is done: (1 - fraction) / fraction * time so far. Either grows less as time
        passes, and never below 0.

        Args:
            started: When the operation began to run.
            now: Time.
        """
        left = self.left_s
        if left is None:
            if not self.fraction:
                return None
            left = (self.at - started) * (1 - self.fraction) / self.fraction
        return max(left - max(now - self.at, 0.0), 0.0)


_NOTHING_SAID = Progress()
_LONGEST_IDENTITY = 100


@dataclass(slots=True)
class OperationRecord:
    """State of one operation; `finish` gives it its only final state.

    Attributes:
        id: Identity, unique for all servers and their restarts.
        method: `object.method`.
        state: See State.
        progress: The last that was said; replaced as a whole, so that other threads see it as one.
        client: Who asked for it; empty if it was not said.
        asked: When.
        started: When it began to run; None while it waits.
        ended: When it got its final state.
        value: Result, when done.
        size: Of the result, bytes.
        is_kept: False: the result was too large to be kept for so long.
        error: JSON-RPC error object, when failed or aborted.
        on_end: Told when it has got its final state, in the thread that gives it.
        on_change: Told of each change of state and progress, likewise, and never raises.
    """

    id: str
    method: str
    state: OperationState = OperationState.QUEUED
    progress: Progress = _NOTHING_SAID
    client: str = ""
    asked: float = 0.0
    started: float | None = None
    ended: float | None = None
    value: Any = None
    size: int = 0
    is_kept: bool = True
    error: dict[str, Any] | None = None
    on_end: Callable[[OperationRecord], None] | None = None
    on_change: Callable[[OperationRecord], None] | None = None

    def begin(self, now: float) -> bool:
        """Note that it runs; False (and no effect) if it has ended already."""
        if self.state is not OperationState.QUEUED:
            return False
        self.state, self.started = OperationState.RUNNING, now
        self._changed()
        return True

    def say(self, progress: Progress) -> bool:
        """Note how far it is; False (and no effect) if it has ended already."""
        if self.state.is_final:
            return False
        self.progress = progress
        self._changed()
        return True

    def finish(
        self,
        state: OperationState,
        now: float,
        *,
        value: Any = None,
        size: int = 0,
        error: dict[str, Any] | None = None,
    ) -> bool:
        """Give the final state; False (and no effect) if it has one.

        Args:
            state: DONE, FAILED or ABORTED.
            now: Time.
            value: Result, which nobody changes any more.
            size: Of the result, bytes.
            error: JSON-RPC error object.

        Raises:
            ValueError: Not one of these states.
        """
        if state not in (OperationState.DONE, OperationState.FAILED, OperationState.ABORTED):
            raise ValueError(f"{self.method}: {state} is no end that an operation can have here")
        if self.state.is_final:
            return False
        self.value, self.size, self.error, self.ended = value, size, error, now
        if state is OperationState.DONE:
            self.progress = Progress(1.0, self.progress.text, None, now)
        self.state = state  # last: other threads look at it
        if self.on_end is not None:
            self.on_end(self)
        self._changed()
        return True

    def _changed(self) -> None:
        if self.on_change is not None:
            self.on_change(self)

    def forget_value(self) -> int:
        """Let the result go; its size, bytes."""
        size, self.value, self.size, self.is_kept = self.size, None, 0, False
        return size

    def describe(self, now: float, *, with_value: bool = True) -> dict[str, Any]:
        """Return the answer of `rpc.operation`.

        Args:
            now: Time.
            with_value: False: without the result, for lists.
        """
        state, progress, started = self.state, self.progress, self.started
        answer: dict[str, Any] = {
            "id": self.id,
            "method": self.method,
            "state": state.value,
            "fraction": progress.fraction,
            "text": progress.text,
            "estimate": None,
            "client": self.client,
            "asked": self.asked,
            "started": started,
            "ended": self.ended,
        }
        if state is OperationState.RUNNING and started is not None:
            answer["estimate"] = progress.estimate(started, now)
        if state is OperationState.DONE:
            if not self.is_kept:
                answer["is_kept"] = False
            elif with_value:
                answer["value"] = self.value
        elif state.is_final:
            answer["error"] = self.error
        return answer


class OperationTable:
    """The operations that have not ended, and the last that have: bounded by number, age and size
    of their results.

    Args:
        instance: Identity of the server process; part of the identity of its operations.
        keep: Ended ones that are remembered.
        keep_s: How long, s.
        keep_bytes: Results beyond this are let go, the oldest first; the newest stays whatever its
            size.

    Attributes:
        on_change: Told of each change of an operation: asked for, begun, further, ended; in the
            thread that changes it, in this order. Never raises.
    """

    def __init__(
        self,
        instance: str = "",
        keep: int = 1000,
        keep_s: float = 86400.0,
        keep_bytes: int = 16 * 2**20,
    ) -> None:
        self.instance = instance
        self.on_change: Callable[[OperationRecord], None] | None = None
        self._keep, self._keep_s, self._keep_bytes = keep, keep_s, keep_bytes
        self._records: OrderedDict[str, OperationRecord] = OrderedDict()
        self._just_ended: deque[OperationRecord] = deque()  # by whichever thread ended them
        self._ended: deque[OperationRecord] = deque()
        self._sized: deque[OperationRecord] = deque()  # those of them whose results may be kept
        self._size = 0
        self._count = 0

    def new(self, method: str, now: float, client: str = "") -> OperationRecord:
        """Make a record and take it up; forgets what is too old or too much."""
        self._count += 1
        record = OperationRecord(f"{self.instance}-{self._count}", method, client=client, asked=now)
        record.on_end, record.on_change = self._just_ended.append, self.on_change
        self._records[record.id] = record
        self.tidy(now)
        if self.on_change is not None:
            self.on_change(record)
        return record

    def forget(self, identity: str) -> None:
        """Forget one that was never begun and that nobody was told of."""
        self._records.pop(identity, None)

    def tidy(self, now: float) -> None:
        """Forget what is too old or too much; never what has not ended. Looks at no more than has
        changed."""
        while self._just_ended:
            record = self._just_ended.popleft()
            if record.id in self._records:
                self._ended.append(record)
                self._sized.append(record)
                self._size += record.size
        ended = self._ended
        while ended and (len(ended) > self._keep or now - (ended[0].ended or 0.0) > self._keep_s):
            record = ended.popleft()
            self._records.pop(record.id, None)
            self._size -= record.forget_value()
            if self._sized and self._sized[0] is record:
                self._sized.popleft()
        while self._size > self._keep_bytes and self._sized[0] is not ended[-1]:
            record = self._sized.popleft()
            if record.size:
                self._size -= record.forget_value()

    def get(self, identity: str, now: float) -> OperationRecord | None:
        """Return the record, or None if it is unknown or was forgotten."""
        record = self._records.get(identity)
        if record is not None and record.ended is not None and now - record.ended > self._keep_s:
            self.tidy(now)
            record = self._records.get(identity)
        return record

    def is_of_another_run(self, identity: str) -> bool:
        """Tell whether an identity is one that another process has given: one that served here
        before, perhaps."""
        if len(identity) > _LONGEST_IDENTITY:
            return False
        instance, dash, number = identity.rpartition("-")
        return bool(dash and instance and number.isdigit()) and instance != self.instance

    def records(
        self, now: float, wanted: Callable[[OperationRecord], bool] = lambda _: True
    ) -> list[OperationRecord]:
        """Return those that are wanted, the oldest first."""
        self.tidy(now)
        return [record for record in list(self._records.values()) if wanted(record)]
