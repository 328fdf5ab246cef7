"""Reservation of a Bank for one start, from when it is asked for until it begins. Threads, but no
sockets."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime

from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.handle import OperationHandle

__all__ = ["StartHold"]


@dataclass(frozen=True, slots=True)
class _Held:
    operation: OperationHandle
    start_id: str
    by: str
    since: datetime


class StartHold:
    """Reservation of one Bank; whoever comes second is told at once by whom it is held.

    It ends when the start begins, whose state then refuses others; at the latest with the operation
    that it is for, whatever becomes of that: withdrawn, refused, done.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: _Held | None = None

    def take(self, operation: OperationHandle, start_id: str, by: str, now: datetime) -> None:
        """Reserve the Bank for an operation; again for the same one changes nothing.

        Raises:
            RefusedError: Another holds it; the text says who and since when.
        """
        with self._lock:
            held = self._held
            if held is not None and held.operation is operation:
                return
            if held is not None and not held.operation.record.state.is_final:
                raise RefusedError(
                    f"a start was asked for already, by {held.by} at {held.since:%H:%M:%S} UTC, and is not decided yet"
                )
            self._held = _Held(operation, start_id, by, now)

    def withdraw(self, start_id: str, why: str) -> bool:
        """Ask the operation of a start to end, which may still wait for its turn; False if it is
        not held by that."""
        with self._lock:
            held = self._held
        if held is None or held.start_id != start_id or held.operation.record.state.is_final:
            return False
        held.operation.abort(why)
        return True

    def give_up(self, operation: OperationHandle) -> None:
        """End the reservation of an operation."""
        with self._lock:
            if self._held is not None and self._held.operation is operation:
                self._held = None
