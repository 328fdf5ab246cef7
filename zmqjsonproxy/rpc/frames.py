"""Messages on a ROUTER socket, as lists of frames.

pyzmq's own `_multipart` functions cost three times as much, and its Python layer around `send`,
which is there for draft sockets only, doubles the cost of a frame: what is called here is the layer
below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import zmq

from zmqjsonproxy.protocol.arrays import Framed, size_of
from zmqjsonproxy.rpc.admission import ProvenId

__all__ = [
    "FRAMES_FOLLOW",
    "MAX_COPIED",
    "Sender",
    "frame_receiver",
    "frame_sender",
    "proven_receiver",
    "readiness",
    "receiver",
    "rest_receiver",
    "sender",
    "shared",
]

_MORE = int(zmq.SNDMORE)
FRAMES_FOLLOW = 32
"""First byte of a body behind which there are frames: a space."""
MAX_COPIED = 2**18
"""Smaller frames are copied, bytes: to be told when ZeroMQ has sent one that is not costs more."""
_MAX_FRAMES = 10_000
"""Frames behind a body that are kept; a stranger may send any number."""
_MAX_TRUSTED = 10_000
"""Routing ids that are remembered; a server meets a new one with each connection."""


def frame_receiver(socket: zmq.Socket[bytes]) -> Callable[..., bytes]:
    """Return a function that receives one frame; zmq.Again when nothing arrives within RCVTIMEO, or
    nothing is there, if it is called with zmq.NOBLOCK."""
    receive: Callable[..., bytes] = super(zmq.Socket, socket).recv
    return receive


def frame_sender(socket: zmq.Socket[bytes]) -> Callable[[bytes], object]:
    """Return a function that sends one frame."""
    send: Callable[[bytes], object] = super(zmq.Socket, socket).send
    return send


def readiness(socket: zmq.Socket[bytes]) -> Callable[[], bool]:
    """Return a function that tells whether there is a message to be received."""
    ask: Callable[[int], Any] = super(zmq.Socket, socket).get
    events, readable = int(zmq.EVENTS), int(zmq.POLLIN)

    def is_ready() -> bool:
        return bool(ask(events) & readable)

    return is_ready


def rest_receiver(
    socket: zmq.Socket[bytes], *, read_only: bool = False
) -> Callable[[bytes], bytes]:
    """Return a function that receives what is behind a body: Framed, if the body says that frames
    belong to it.

    Args:
        socket: To receive from.
        read_only: Nobody can change the frames, nor arrays that are made of them.
    """
    receive: Callable[..., Any] = super(zmq.Socket, socket).recv
    ask, more = super(zmq.Socket, socket).get, int(zmq.RCVMORE)

    def take_rest(body: bytes) -> bytes:
        frames: list[memoryview] = []
        wanted, follows = body[:1] == b" ", ask(more)
        while follows:
            frame = receive(0, False)
            if wanted and len(frames) < _MAX_FRAMES:
                buffer = memoryview(frame)  # where it is: not copied
                frames.append(buffer.toreadonly() if read_only else buffer)
            follows = frame.more  # to ask the socket costs more
        return Framed(body, frames) if frames else body

    return take_rest


def receiver(
    socket: zmq.Socket[bytes],
) -> tuple[Callable[[], list[bytes]], Callable[[bytes], None]]:
    """Return two functions: one receives a message, one takes a sender for one of our own callers.

    A message is routing id and body, with REQ's empty frame between if it was sent. Frames behind a
    body that says so by its first byte come with it, as Framed. What a strange peer sends beyond
    that is dropped. The function raises zmq.Again when nothing arrives within RCVTIMEO. A caller that
    is trusted could speak for others: not for where clients are told apart by their keys.
    """
    receive, ask, more, take_rest = (
        frame_receiver(socket),
        socket.get,
        zmq.RCVMORE,
        rest_receiver(socket),
    )
    trusted: set[bytes] = set()

    def receive_message() -> list[bytes]:
        # To ask whether more follows costs as much as three frames. So our own callers are not
        # asked after each message; should one of them send a frame too many, it is met here
        # instead, where it is no routing id.
        rid = receive()
        while rid not in trusted:
            if not ask(more):
                rid = receive()
                continue
            body = receive()
            frames = [rid, body] if body or not ask(more) else [rid, body, receive()]
            if ask(more):
                frames[-1] = take_rest(frames[-1])
            return frames
        body = receive()
        if body and body[0] != FRAMES_FOLLOW:
            return [rid, body]
        frames = [rid, body] if body or not ask(more) else [rid, body, receive()]
        frames[-1] = take_rest(frames[-1])
        return frames

    def trust(rid: bytes) -> None:
        if len(trusted) >= _MAX_TRUSTED:
            trusted.clear()
        trusted.add(rid)

    return receive_message, trust


def proven_receiver(socket: zmq.Socket[bytes]) -> Callable[[], list[bytes]]:
    """Return a function that receives a message, as the first one of `receiver`; its routing id has
    the key that its connection has proven.

    ZeroMQ tells that key with each frame, and it is read with each message: peers choose their
    routing ids, and take those of others who have left. All frames of a message are taken with it, of
    all peers, for one that is left over would be taken for the routing id of another client.
    """
    receive_id = frame_receiver(socket)
    receive: Callable[..., zmq.Frame] = super(zmq.Socket, socket).recv
    property_of: Callable[[zmq.Frame, bytes], Any] = zmq.Frame.get
    ask, more, take_rest = socket.get, zmq.RCVMORE, rest_receiver(socket)
    last = ProvenId()  # most come from the same as the one before, and to make one costs 0.4 us

    def receive_message() -> list[bytes]:
        nonlocal last
        rid = receive_id()
        try:
            frame = receive(0, False)  # which knows what follows: to ask the socket costs more
            try:
                public: Any = property_of(frame, b"User-Id")
            except zmq.ZMQError:  # from within the process, say
                public = ""
            if rid != last or public != last.public:
                last = ProvenId(rid)
                last.public = public
            frames: list[bytes] = [last]
            if frame.more and not frame.bytes:
                frames.append(b"")
                frame = receive(0, False)
            frames.append(take_rest(frame.bytes) if frame.more else frame.bytes)
        except BaseException:  # MemoryError, say
            while ask(more):
                receive_id()
            raise
        return frames

    return receive_message


def _is_copied(frame: bytes) -> bool:
    return memoryview(frame).nbytes < MAX_COPIED


def shared(body: bytes) -> bytes:
    """Return a message that is sent to many: if it is small, its frames are copied once, not for
    each."""
    if type(body) is not Framed or size_of(body) >= MAX_COPIED:
        return body
    return Framed(body, [zmq.Frame(frame, copy=True) for frame in body.frames])


class Sender(Protocol):
    """A function that sends an envelope and a body, and returns what tells when they are sent, if
    `track`."""

    def __call__(
        self, envelope: Sequence[bytes], body: bytes, track: bool = False
    ) -> zmq.MessageTracker | None: ...


def sender(socket: zmq.Socket[bytes], flags: int = 0) -> Sender:
    """Return a function that sends an envelope and a body.

    Args:
        socket: To send on.
        flags: zmq.NOBLOCK or 0. The first frame alone decides: after it a message cannot fail.
    """
    send: Callable[..., zmq.MessageTracker | None] = super(zmq.Socket, socket).send
    first = _MORE | flags

    def send_message(
        envelope: Sequence[bytes], body: bytes, track: bool = False
    ) -> zmq.MessageTracker | None:
        try:
            for frame in envelope:
                send(frame, first)
            if type(body) is not Framed:
                return send(body, flags, len(body) < MAX_COPIED and not track, track)
            send(body, first)
            *others, last = body.frames
            if others and not track and size_of(body) < MAX_COPIED:
                for frame in others:
                    send(frame, first)
                return send(last, flags)
            for frame in others:
                send(frame, first, _is_copied(frame))
            return send(last, flags, _is_copied(last) and not track, track)
        except zmq.ZMQError:
            raise
        except (
            BaseException
        ):  # Ctrl-C between two frames: the next message would be taken for the rest of this one
            send(
                b"", flags
            )  # behind a whole message it is one without receiver, which a ROUTER drops
            raise

    return send_message
