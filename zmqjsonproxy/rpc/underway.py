"""The calls of a server that wait for a command queue or run in one: to be cancelled, and gathered into
replies to batches.

Threads, but no sockets.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from zmqjsonproxy.protocol.arrays import join, size_of
from zmqjsonproxy.rpc.commandqueues import CommandQueue, Job
from zmqjsonproxy.rpc.outcomes import not_begun
from zmqjsonproxy.rpc.protocol import jsonrpc
from zmqjsonproxy.rpc.protocol.dialect import Malformed, Request
from zmqjsonproxy.rpc.protocol.jsonrpc import Code

__all__ = ["CallsUnderWay", "Gathering", "UnderWay", "due_at"]

_SMALL = 10_000
"""Replies of fewer bytes are never left out: a batch has at most a thousand."""
_REASON = "its caller cancelled the call"


@dataclass(slots=True, eq=False)
class UnderWay:
    """A call that was handed to a command queue.

    Attributes:
        key: Routing id of its client, and its request number.
        queue: Where it waits or runs.
        job: What waits or runs there.
        accepted: Its caller has been answered: an operation that may still wait.
        cancelled: It was taken out of its command queue, and only has to say so.
    """

    key: tuple[bytes, Any]
    queue: CommandQueue
    job: Job
    accepted: bool = False
    cancelled: bool = False


def due_at(deadline_s: Any) -> float | None:
    """Return when nobody waits for a call any more, s, monotonic; None: no such time was given."""
    if not isinstance(deadline_s, (int, float)):
        return None
    try:
        return time.monotonic() + deadline_s
    except OverflowError:  # JSON's integers have no end
        return None


class CallsUnderWay:
    """Calls that have no reply yet, or wait, by client and request number; usable from any thread.

    As many as command queues hold: each is forgotten with its reply, an accepted operation when it begins.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[tuple[bytes, Any], UnderWay] = {}

    def add(self, call: UnderWay) -> None:
        """Take up a call, before it is put into its command queue. Of two with the same number the later one
        is meant."""
        with self._lock:
            self._calls[call.key] = call

    def end(self, call: UnderWay) -> None:
        """Forget a call: it is answered, or accepted and begun."""
        with self._lock:
            if self._calls.get(call.key) is call:
                del self._calls[call.key]

    def cancel(self, client: bytes, number: Any, only_waiting: bool = False) -> str:
        """Cancel a call of a client.

        Args:
            client: Its routing id.
            number: Of the call.
            only_waiting: What has been begun goes on, an operation too.

        Returns:
            "not begun": it was waiting, and is answered that it was cancelled. "aborting": an
            operation is asked to end. "running": it goes on. "unknown": there is none (any more),
            or an operation that was accepted, which only `only_waiting` withdraws.
        """
        with self._lock:
            call = self._calls.get((client, number))
        if call is None or (call.accepted and not only_waiting):
            return "unknown"
        operation = call.job.operation
        if operation is not None and not only_waiting:
            return (
                "aborting"
                if call.queue.abort_operations(_REASON, operation.id).count
                else "running"
            )
        if not call.queue.withdraw(call.job):
            return "running"
        if operation is not None:
            operation.abort(_REASON)  # has no hooks: it was not begun
        call.cancelled = True
        call.job.carry_out()
        return "not begun"

    def answer_cancel(self, request: Request, client: bytes) -> bytes | None:
        """Cancel what a request says; the reply, which tells what came of it, or None if none is
        wanted."""
        known = (
            {"id": request.args[0]}
            if len(request.args) == 1 and not request.kwargs
            else request.kwargs
        )
        only_waiting, others = known.get("only_waiting", False), known.keys() - {"only_waiting"}
        is_id = not request.args[1:] and others == {"id"} and type(known["id"]) in (int, str, float)
        if is_id and type(only_waiting) is bool:
            body = jsonrpc.reply(request.id, self.cancel(client, known["id"], only_waiting))
        else:
            text = f"{jsonrpc.CANCEL}: `id` is the number or text of a call that was made over the same connection"
            body = not_begun(request, Code.BAD_PARAMETERS, "BadParametersError", text)[0]
        return None if request.notification else body


class Gathering:
    """The replies to a batch, sent as one when all are there; none, if none is wanted.

    Args:
        send: Takes the whole; called in the thread that adds the last one, or closes.
        most: Bytes of all replies; one beyond is left out, with an error in its place.
    """

    def __init__(self, send: Callable[[bytes], None], most: int) -> None:
        self._send, self._most = send, most
        self._lock = threading.Lock()
        self._replies: list[bytes] = []
        self._size = 0
        self._missing = 1  # until it is closed

    def expect(self) -> None:
        """Wait for one more reply."""
        with self._lock:
            self._missing += 1

    def without(self, request: Request) -> bytes:
        """Return the reply to a query that is not to be carried out, for there is no room for its
        reply; else empty."""
        text = f"nothing was done: the replies before it have {self._size} bytes of {self._most}"
        return _left_out(request, text) if self._size > self._most else b""

    def add(self, request: Request | Malformed, reply: bytes) -> None:
        """Take a reply that was expected, to a part of the batch."""
        size = size_of(reply)
        if isinstance(request, Request) and size > _SMALL and self._size + size > self._most:
            text = f"it was carried out: its reply has {size} bytes, those before it {self._size} of {self._most}"
            reply = _left_out(request, text)
            size = len(reply)
        self.close((reply,), size)

    def close(self, replies: Iterable[bytes] = (), size: int = 0) -> None:
        """Take the last replies, of so many bytes, and expect no more."""
        with self._lock:
            self._replies += replies
            self._size += size
            self._missing -= 1
            is_complete = not self._missing and bool(self._replies)
        if is_complete:
            self._send(join(self._replies))


def _left_out(request: Request, why: str) -> bytes:
    text = f"{request.target}: {why} (max_batch_reply_bytes); make several batches of it"
    return not_begun(request, Code.TOO_LARGE, "TooLargeError", text)[0]
