"""Replies on their way to clients, bounded in bytes for those who do not take them. Its socket is
another's.

A ROUTER socket bounds messages, not bytes, and drops what is beyond. So few messages may wait in
the socket, large ones one by one, and the others here, until their client takes them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import zmq

from zmqjsonproxy.channels.protocol.notices import (
    NUMBER_BYTES,
    MessagePart,
    UpdatePart,
    join_updates,
)
from zmqjsonproxy.protocol.arrays import Framed, size_of
from zmqjsonproxy.rpc.frames import MAX_COPIED, sender, shared

__all__ = ["MAX_IN_SOCKET", "SendQueues"]

log = logging.getLogger(__name__)

Missed = Callable[[bytes, bool], None]
"""Told of a client that did not get a message, and whether it is gone."""

MAX_IN_SOCKET = 100
"""Messages to one client that wait in the socket, each smaller than MAX_COPIED."""
_MAX_LARGE = 8 * 2**20
"""Bytes of larger messages to one client that wait there; but one message may have more."""
_MARKED_EVERY = _MAX_LARGE // 4
_RETRY_S, _MAX_RETRY_S = 0.001, 0.5
_MAX_CLIENTS = 1000
"""Clients of which is known what of their large messages the socket may hold; with more, those for
which nothing waits are forgotten."""
_MAX_UPDATES = 20_000
"""Updates that wait for the socket's thread."""
_UPDATES_FOR_S = 0.0003
_UPDATES_AT_ONCE = 500
_NUMBERS_AT_ONCE = 10
_AHEAD_UPDATES, _AHEAD_BYTES, _AHEAD_SENT = 100, 2**17, 2**20
"""With so many updates, or bytes of them, or bytes for all who get them, those are sent that the
thread of the socket publishes while it is at something else. Not for large frames: to copy them from
time to time, instead of all in the end, leaves whoever publishes nothing of the processor's
caches."""
_MAX_JOINED = MAX_COPIED // 2
"""Bytes of updates that are joined."""
_MAX_NUMBERS = _MAX_JOINED - NUMBER_BYTES
_OVERHEAD = 200
"""Of a message that waits, bytes."""


@dataclass(slots=True)
class _SendQueue:
    """Messages that wait for one client, and those of its large ones that the socket may still
    hold.

    To be told when a message is sent costs as much as to send it: of the large ones only that is
    marked with which they have become many since the last mark, and it is sent after all before it.

    Attributes:
        waiting: Envelopes and messages.
        size: Bytes of these.
        in_socket: Bytes of large messages that the socket may still hold.
        unmarked: Those of them behind the last mark.
        marks: Marks that are not sent yet, each with the bytes since the one before.
        dropped: Messages that were dropped since the client took something last.
    """

    waiting: deque[tuple[Sequence[bytes], bytes]] = field(default_factory=deque)
    size: int = 0
    in_socket: int = 0
    unmarked: int = 0
    marks: deque[tuple[zmq.MessageTracker, int]] = field(default_factory=deque)
    dropped: int = 0

    def is_marked(self) -> bool:
        """Return whether there is a mark that is not sent yet."""
        while self.marks and self.marks[0][0].done:
            self.in_socket -= self.marks.popleft()[1]
        return bool(self.marks)

    def may_send(self, size: int) -> bool:
        """Tell whether the socket may be given a message of a size."""
        if size < MAX_COPIED or not self.is_marked():
            return True
        return self.in_socket + size <= _MAX_LARGE


@dataclass(slots=True)
class _Joined:
    """Updates of one client that are sent together.

    Attributes:
        envelope: Of the client.
        missed: Told if it does not get them.
        parts: The updates.
        size: Bytes of them.
        are_framed: They have a frame each.
    """

    envelope: Sequence[bytes]
    missed: Missed
    parts: list[UpdatePart]
    size: int
    are_framed: bool


class _JoinedUpdates:
    """Updates that go to a client in one message, as many as there are at a time.

    Args:
        send: Sends a message of so many updates to a client.
    """

    def __init__(self, send: Callable[[Sequence[bytes], bytes, Missed, int], None]) -> None:
        self._send = send
        self._clients: dict[bytes, _Joined] = {}
        self._run: list[UpdatePart] = []  # that were put last, all for the same clients
        self._run_for: Sequence[Sequence[bytes]] = ()
        self._run_size, self._is_framed = 0, False
        self._sent: tuple[list[UpdatePart], bytes] = [], b""  # most clients get the same
        self._is_shared = False

    def put(self, envelopes: Sequence[Sequence[bytes]], part: UpdatePart, missed: Missed) -> None:
        """Add a part for clients; what cannot be joined is sent, behind what was put before."""
        is_message, is_framed, size = False, False, NUMBER_BYTES
        if type(part) is tuple:  # most are numbers
            if envelopes is self._run_for and not self._is_framed and self._run_size < _MAX_NUMBERS:
                self._run.append(part)
                self._run_size += NUMBER_BYTES
                return
        elif isinstance(part, MessagePart):
            is_message, is_framed, size = not part.is_update, part.frame is not None, part.size
        if (
            envelopes is self._run_for
            and not is_message
            and self._run_size + size < _MAX_JOINED
            and is_framed is self._is_framed
        ):
            self._run.append(part)
            self._run_size += size
            return
        self._end_run()
        if not isinstance(part, MessagePart) or part.is_update:
            self._run, self._run_for, self._missed = [part], envelopes, missed
            self._run_size, self._is_framed = size, is_framed
            return
        for envelope in envelopes:
            if (known := self._clients.pop(envelope[0], None)) is not None:
                self._send_joined(known)
            self._send(envelope, part.body, missed, 1)

    def _end_run(self) -> None:
        """Add the updates that were put last to those of each client."""
        clients, parts, size, is_framed = self._clients, self._run, self._run_size, self._is_framed
        for envelope in self._run_for:
            known = clients.get(envelope[0])
            if known is not None and not (
                known.size + size < _MAX_JOINED and known.are_framed is is_framed
            ):
                self._send_joined(clients.pop(envelope[0]))
                known = None
            if known is None:
                clients[envelope[0]] = _Joined(envelope, self._missed, [*parts], size, is_framed)
            else:
                known.parts += parts
                known.size += size
        self._run_for = ()

    def send(self) -> None:
        """Send all that is left."""
        self._end_run()
        for known in self._clients.values():
            self._send_joined(known)

    def _send_joined(self, known: _Joined) -> None:
        parts, body = self._sent
        if known.parts != parts:
            body = join_updates(known.parts)
            self._sent, self._is_shared = (known.parts, body), False
        elif not self._is_shared:
            body = shared(body)
            self._sent, self._is_shared = (parts, body), True
        self._send(known.envelope, body, known.missed, len(known.parts))


class _Hold:
    """Times at which no update is sent ahead."""

    __slots__ = ("depth",)

    def __init__(self) -> None:
        self.depth = 0

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *_exc: object) -> None:
        self.depth -= 1


class SendQueues:
    """Sends replies; `send`, `flush` and `hold` are for the thread of the socket, `post` and
    `is_full` for any.

    Args:
        socket: A ROUTER with ROUTER_MANDATORY.
        wake: Makes the thread of the socket call `flush`; usable from any thread.
        most: A client of whose replies more bytes wait is `is_full`; twice as many are dropped.
        name: Of the server, in logs.

    Attributes:
        hold: While it is entered no update is sent but by `flush`.
    """

    def __init__(
        self, socket: zmq.Socket[bytes], wake: Callable[[], None], most: int, name: str
    ) -> None:
        self._send = sender(socket, zmq.NOBLOCK)
        self._wake, self._most, self.name = wake, most, name
        self._posted: deque[tuple[Sequence[bytes], bytes]] = deque()
        self._updates: deque[tuple[Sequence[Sequence[bytes]], UpdatePart, Missed]] = deque()
        self._updates_size, self._is_rung = 0, False
        self._owner, self.hold = 0, _Hold()  # thread of the socket
        self._is_ahead = False
        self._later: deque[Callable[[], object]] = deque()
        self._large_posted: dict[bytes, int] = {}  # of each client, bytes
        self._lock = threading.Lock()
        self._clients: dict[bytes, _SendQueue] = {}
        self._size, self._retry, self._is_armed = 0, _RETRY_S, False
        self._timer: threading.Timer | None = None

    def post(self, envelope: Sequence[bytes], body: bytes) -> None:
        """Leave a reply for the thread of the socket."""
        self._posted.append((envelope, body))
        if (size := size_of(body)) >= MAX_COPIED:
            self._count_posted(envelope[0], size)
        self._wake()

    def post_update(
        self, envelopes: Sequence[Sequence[bytes]], part: UpdatePart, missed: Missed
    ) -> bool:
        """Leave a message, or a part of one, for several clients for the thread of the socket; it
        waits behind what was left so before, and all replies go first.

        Args:
            envelopes: Of the clients.
            part: The message; updates are joined.
            missed: Told there which client did not get it, for it takes too little, or is gone.

        Returns:
            False if too much waits, and nobody gets it.
        """
        is_update, size = True, NUMBER_BYTES + _OVERHEAD
        if isinstance(part, MessagePart):
            is_update, size = part.is_update, part.size + _OVERHEAD
        with self._lock:
            count = len(self._updates)
            size += self._updates_size
            if count and (size > 2 * self._most or count >= _MAX_UPDATES):
                return False
            self._updates_size = size
            self._updates.append((envelopes, part, missed))
            is_rung, self._is_rung = self._is_rung, True
        if not is_rung:
            self._wake()
        is_much = (
            count >= _AHEAD_UPDATES or size > _AHEAD_BYTES or size * len(envelopes) > _AHEAD_SENT
        )
        if is_much and is_update and self._may_send_ahead():
            self._send_ahead()
        return True

    def _may_send_ahead(self) -> bool:
        return self._owner == threading.get_ident() and not self.hold.depth

    def _send_ahead(self) -> None:
        """Send what a call has posted that this thread carries out, before its end: clients work
        beside it. Whoever publishes has locks: what runs others' code waits for `flush`."""
        self._is_ahead = True
        try:
            self._send_posted()
            self._send_updates()
        except zmq.ZMQError:  # which ends the loop
            pass
        finally:
            self._is_ahead = False

    def _send_updates(self) -> None:
        """Send updates, for a moment: calls are answered in between."""
        with self.hold:  # else what is published meanwhile might overtake them
            self._send_joined_updates()

    def _send_joined_updates(self) -> None:
        clock = time.monotonic
        end, joined = clock() + _UPDATES_FOR_S, _JoinedUpdates(self._send_update)
        with self._lock:
            taken = list(islice(self._updates, _UPDATES_AT_ONCE))
        count = size = 0
        try:
            for envelopes, part, missed in taken:
                count += 1
                joined.put(envelopes, part, missed)
                if isinstance(part, MessagePart):
                    size += part.size
                else:
                    size += NUMBER_BYTES
                    if count % _NUMBERS_AT_ONCE:
                        continue
                if clock() > end:
                    break
            joined.send()
        finally:
            with self._lock:  # nobody else takes any
                self._updates_size -= size + count * _OVERHEAD
                for _ in range(count):
                    self._updates.popleft()

    def _send_update(
        self, envelope: Sequence[bytes], body: bytes, missed: Missed, updates: int
    ) -> None:
        if self.is_full(envelope[0]):
            for _ in range(updates):
                self._tell(partial(missed, envelope[0], False))
        elif not self.send(envelope, body):
            self._tell(partial(missed, envelope[0], True))

    def _tell(self, function: Callable[[], object]) -> None:
        if self._is_ahead:
            self._later.append(function)
        else:
            function()

    def _count_posted(self, client: bytes, size: int) -> None:
        with self._lock:
            self._large_posted[client] = self._large_posted.get(client, 0) + size
            if not self._large_posted[client]:
                del self._large_posted[client]

    def send(self, envelope: Sequence[bytes], body: bytes) -> bool:
        """Send a reply, or keep it until its client takes it; False: that one is gone."""
        size = len(body) if type(body) is not Framed else size_of(body)
        known = self._clients.get(envelope[0]) if self._clients else None
        if size >= MAX_COPIED or (known is not None and known.waiting):
            return self._put(envelope, body, size, known)
        try:
            self._send(envelope, body)
        except zmq.Again:
            return self._put(envelope, body, size, known)
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            return False
        return True

    def is_full(self, client: bytes) -> bool:
        """Tell whether so much waits for a client, or for all, that it must take something before
        it asks for more."""
        if not self._size and not self._large_posted:
            return False
        known = self._clients.get(client)
        waiting = known.size if known is not None else 0
        everybody_waits = bool(waiting) and self._size > 2 * self._most
        return everybody_waits or waiting + self._large_posted.get(client, 0) > self._most

    def waiting(self, envelope: Sequence[bytes], body: bytes) -> int | None:
        """Return how many bytes wait here for a client; None: it is gone, which a message that is
        sent to it tells if nothing waits. For the thread of the socket."""
        known = self._clients.get(envelope[0])
        if (known is None or not known.waiting) and not self.send(envelope, body):
            return None
        known = self._clients.get(envelope[0])
        return (known.size if known is not None else 0) + self._large_posted.get(envelope[0], 0)

    def flush(self) -> None:
        """Send what was posted, and what clients take by now."""
        self._is_rung = False  # first of all: what is posted from now on rings again
        self._send_posted()
        self._is_rung = False  # before it looks: whoever leaves one from now on wakes it again
        while self._later:
            self._later.popleft()()
        if self._updates:
            self._owner = threading.get_ident()
            self._send_updates()
            if self._updates:
                self._is_rung = True
                self._wake()
        if self._size and not self._is_armed:
            before = self._size
            for known in list(self._clients.values()):
                self._send_waiting(known)
            self._retry = _RETRY_S if self._size < before else min(2 * self._retry, _MAX_RETRY_S)
            self._come_back()

    def _send_posted(self) -> None:
        while self._posted:
            envelope, body = self._posted.popleft()
            self.send(envelope, body)
            if (size := size_of(body)) >= MAX_COPIED:
                self._count_posted(envelope[0], -size)

    def close(self) -> None:
        """Keep nothing more."""
        self._clients.clear()
        self._size = self._owner = 0
        if self._timer is not None:
            self._timer.cancel()

    def _put(
        self, envelope: Sequence[bytes], body: bytes, size: int, known: _SendQueue | None
    ) -> bool:
        """Send a large message, or keep one behind those that wait; False: its client is gone."""
        client = envelope[0]
        if known is None:
            self._forget_idle()
            known = self._clients[client] = _SendQueue()
        if not known.waiting and known.may_send(size) and self._give(known, envelope, body, size):
            return client in self._clients
        size += _OVERHEAD
        if known.waiting and (
            known.size + size > 2 * self._most or self._size + size > 3 * self._most
        ):
            if not known.dropped:
                text = "%s: a client does not take its replies: %d bytes wait for it, the others are dropped"
                self._tell(partial(log.warning, text, self.name, known.size))
            known.dropped += 1
            return True
        if (
            type(body) is bytes and size < MAX_COPIED
        ):  # an encoder's own has three times its room behind it
            body = bytes(memoryview(body))
        known.waiting.append((envelope, body))
        known.size += size
        self._size += size
        self._come_back()
        return True

    def _give(self, known: _SendQueue, envelope: Sequence[bytes], body: bytes, size: int) -> bool:
        """Give the socket a message that it may have; whether it is done with."""
        is_large = size >= MAX_COPIED
        marks = is_large and known.unmarked + size > _MARKED_EVERY
        try:
            tracker = self._send(envelope, body, marks)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            self._size -= known.size
            self._clients.pop(envelope[0], None)
            known.waiting.clear()
            return True
        if is_large:
            known.in_socket += size
            known.unmarked += size
            if tracker is not None:
                known.marks.append((tracker, known.unmarked))
                known.unmarked = 0
        return True

    def _send_waiting(self, known: _SendQueue) -> None:
        while known.waiting:
            envelope, body = known.waiting[0]
            size = size_of(body)
            if not known.may_send(size) or not self._give(known, envelope, body, size):
                return
            if known.waiting:
                known.waiting.popleft()
                known.size -= size + _OVERHEAD
                self._size -= size + _OVERHEAD
        known.dropped = 0

    def _forget_idle(self) -> None:
        if len(self._clients) < _MAX_CLIENTS:
            return
        for client, known in list(self._clients.items()):
            if not known.waiting and not known.is_marked():
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
