"""A long call as both ends see it. No sockets, no threads, no clock."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["OperationRecord", "OperationTable", "State"]


class State(StrEnum):
    """QUEUED and RUNNING may be followed by others, the other three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"

    @property
    def is_final(self) -> bool:
        """Whether nothing can follow."""
        return self not in (State.QUEUED, State.RUNNING)


@dataclass(slots=True)
class OperationRecord:
    """State of one operation; `finish` gives it its only final state.

    Attributes:
        id: Identity, unique for a server process.
        method: `object.method`.
        state: See State.
        fraction: Progress 0..1; None if unknown.
        text: What is being done.
        value: Result, when done.
        error: JSON-RPC error object, when failed or aborted.
    """

    id: str
    method: str
    state: State = State.QUEUED
    fraction: float | None = None
    text: str = ""
    value: Any = None
    error: dict[str, Any] | None = None

    def finish(self, state: State, *, value: Any = None, error: dict[str, Any] | None = None) -> bool:
        """Give the final state; False (and no effect) if it has one."""
        if self.state.is_final:
            return False
        self.value, self.error, self.state = value, error, state
        if state is State.DONE:
            self.fraction = 1.0
        return True

    def describe(self) -> dict[str, Any]:
        """Return the answer of `rpc.operation`."""
        answer: dict[str, Any] = {
            "id": self.id,
            "method": self.method,
            "state": self.state.value,
            "fraction": self.fraction,
            "text": self.text,
        }
        if self.state is State.DONE:
            answer["value"] = self.value
        elif self.state.is_final:
            answer["error"] = self.error
        return answer


class OperationTable:
    """The running operations and the last `keep` finished ones."""

    def __init__(self, keep: int = 100) -> None:
        self._keep = keep
        self._records: OrderedDict[str, OperationRecord] = OrderedDict()

    def add(self, record: OperationRecord) -> None:
        """Take up a new one; forget the oldest finished ones over the limit."""
        self._records[record.id] = record
        if len(self._records) > self._keep:
            finished = [key for key, r in self._records.items() if r.state.is_final]
            for key in finished[: len(self._records) - self._keep]:
                del self._records[key]

    def get(self, identity: str) -> OperationRecord | None:
        """Return the record, or None if it is unknown or was forgotten."""
        return self._records.get(identity)
