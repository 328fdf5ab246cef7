"""The replies to a batch, collected into one message. Threads, but no sockets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from zmqjsonproxy.protocol.arrays import join, size_of
from zmqjsonproxy.protocol.failures import Code
from zmqjsonproxy.protocol.request import Request
from zmqjsonproxy.rpc.protocol.dialect import Malformed
from zmqjsonproxy.rpc.replyencoding import not_begun

__all__ = ["BatchReply"]

_SMALL = 10_000
"""Replies of fewer bytes are never left out: a batch has at most a thousand."""


class BatchReply:
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
