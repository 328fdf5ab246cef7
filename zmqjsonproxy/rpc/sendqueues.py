"""Replies on their way to clients, bounded in bytes for those who do not take them. Its socket is
another's.

A ROUTER socket bounds messages, not bytes, and drops what is beyond. So few messages may wait in
the socket, large ones one by one, and the others here, until their client takes them.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import zmq

from zmqjsonproxy.protocol.arrays import Framed, size_of
from zmqjsonproxy.rpc.frames import COPIED_MOST, sender

__all__ = ["IN_SOCKET_MOST", "SendQueues"]

log = logging.getLogger(__name__)

IN_SOCKET_MOST = 100
"""Messages to one client that wait in the socket, each smaller than COPIED_MOST."""
_LARGE_MOST = 8 * 2**20
"""Bytes of larger messages to one client that wait there; but one message may have more."""
_RETRY_S, _RETRY_MOST_S = 0.005, 0.5
_OVERHEAD = 200
"""Of a message that waits, bytes."""


@dataclass(slots=True)
class _SendQueue:
    waiting: deque[tuple[Sequence[bytes], bytes]] = field(default_factory=deque)
    size: int = 0
    sent: deque[tuple[zmq.MessageTracker, int]] = field(
        default_factory=deque
    )  # large ones, still in the socket
    dropped: int = 0

    def may_send(self, size: int) -> bool:
        """Tell whether the socket may be given a message of a size: a large one when those before
        are all but sent."""
        return (
            size < COPIED_MOST
            or self.is_idle()
            or sum(n for _, n in self.sent) + size <= _LARGE_MOST
        )

    def is_idle(self) -> bool:
        """Return whether all large messages are sent."""
        while self.sent and self.sent[0][0].done:
            self.sent.popleft()
        return not self.sent


class SendQueues:
    """Sends replies; `send` and `flush` are for the thread of the socket, `post` and `is_full` for
    any.

    Args:
        socket: A ROUTER with ROUTER_MANDATORY.
        wake: Makes the thread of the socket call `flush`; usable from any thread.
        most: A client of whose replies more bytes wait is `is_full`; twice as many are dropped.
        name: Of the server, in logs.
    """

    def __init__(
        self, socket: zmq.Socket[bytes], wake: Callable[[], None], most: int, name: str
    ) -> None:
        self._send = sender(socket, zmq.NOBLOCK)
        self._wake, self._most, self.name = wake, most, name
        self._posted: deque[tuple[Sequence[bytes], bytes]] = deque()
        self._large_posted: dict[bytes, int] = {}  # of each client, bytes
        self._lock = threading.Lock()
        self._clients: dict[bytes, _SendQueue] = {}
        self._size, self._retry, self._is_armed = 0, _RETRY_S, False
        self._timer: threading.Timer | None = None

    def post(self, envelope: Sequence[bytes], body: bytes) -> None:
        """Leave a reply for the thread of the socket."""
        self._posted.append((envelope, body))
        if (size := size_of(body)) >= COPIED_MOST:
            self._count_posted(envelope[0], size)
        self._wake()

    def _count_posted(self, client: bytes, size: int) -> None:
        with self._lock:
            self._large_posted[client] = self._large_posted.get(client, 0) + size
            if not self._large_posted[client]:
                del self._large_posted[client]

    def send(self, envelope: Sequence[bytes], body: bytes) -> None:
        """Send a reply, or keep it until its client takes it; to one who is gone it is dropped."""
        size = len(body) if type(body) is not Framed else size_of(body)
        if size < COPIED_MOST and not (self._clients and envelope[0] in self._clients):
            try:
                self._send(envelope, body)
                return
            except zmq.Again:
                pass
            except zmq.ZMQError as error:
                if error.errno != zmq.EHOSTUNREACH:
                    raise
                return
        self._put(envelope, body, size)

    def is_full(self, client: bytes) -> bool:
        """Tell whether so much waits for a client, or for all, that it must take something before
        it asks for more."""
        if not self._size and not self._large_posted:
            return False
        known = self._clients.get(client)
        waiting = known.size if known is not None else 0
        everybody_waits = bool(waiting) and self._size > 2 * self._most
        return everybody_waits or waiting + self._large_posted.get(client, 0) > self._most

    def flush(self) -> None:
        """Send what was posted, and what clients take by now."""
        while self._posted:
            envelope, body = self._posted.popleft()
            self.send(envelope, body)
            if (size := size_of(body)) >= COPIED_MOST:
                self._count_posted(envelope[0], -size)
        if self._size and not self._is_armed:
            before = self._size
            for client, known in list(self._clients.items()):
                self._send_waiting(client, known)
            self._retry = _RETRY_S if self._size < before else min(2 * self._retry, _RETRY_MOST_S)
            self._come_back()

    def close(self) -> None:
        """Keep nothing more."""
        self._clients.clear()
        self._size = 0
        if self._timer is not None:
            self._timer.cancel()

    def _put(self, envelope: Sequence[bytes], body: bytes, size: int) -> None:
        client, size = envelope[0], size + _OVERHEAD
        known = self._clients.get(client)
        if known is None:
            self._forget_idle()
            known = self._clients[client] = _SendQueue()
        if known.waiting and (
            known.size + size > 2 * self._most or self._size + size > 3 * self._most
        ):
            if not known.dropped:
                log.warning(
                    "%s: a client does not take its replies: %d bytes wait for it, the others are dropped",
                    self.name,
                    known.size,
                )
            known.dropped += 1
            return
        if (
            type(body) is bytes and size < COPIED_MOST
        ):  # an encoder's own has three times its room behind it
            body = bytes(memoryview(body))
        known.waiting.append((envelope, body))
        known.size += size
        self._size += size
        self._send_waiting(client, known)
        self._come_back()

    def _send_waiting(self, client: bytes, known: _SendQueue) -> None:
        while known.waiting:
            envelope, body = known.waiting[0]
            size = size_of(body)
            if not known.may_send(size):
                return
            try:
                tracker = self._send(envelope, body, size >= COPIED_MOST)
            except zmq.Again:
                return
            except zmq.ZMQError as error:
                if error.errno != zmq.EHOSTUNREACH:
                    raise
                self._size -= known.size
                del self._clients[client]
                return
            known.waiting.popleft()
            known.size -= size + _OVERHEAD
            self._size -= size + _OVERHEAD
            if tracker is not None:
                known.sent.append((tracker, size))
        known.dropped = 0

    def _forget_idle(self) -> None:
        for client in [
            client
            for client, known in self._clients.items()
            if not known.waiting and known.is_idle()
        ]:
            del self._clients[client]

    def _come_back(self) -> None:
        """Flush again in a while, if anything waits."""
        if not self._size or self._is_armed:
            return
        self._timer = threading.Timer(self._retry, self._ring)
        self._timer.daemon = True
        self._is_armed = True
        try:
            self._timer.start()
        except RuntimeError:  # no more threads: with the next reply
            self._is_armed = False

    def _ring(self) -> None:
        self._is_armed = False
        self._wake()
