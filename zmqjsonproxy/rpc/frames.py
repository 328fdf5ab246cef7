"""Messages on a ROUTER socket, as lists of frames.

pyzmq's own `_multipart` functions cost three times as much, and its Python layer around `send`, which is there for
draft sockets only, doubles the cost of a frame: what is called here is the layer below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import zmq

__all__ = ["frame_receiver", "receiver", "sender"]

_MORE = int(zmq.SNDMORE)
_ROUTING_ID_MOST = 255
"""Longest routing id of ZeroMQ; what is longer is a frame too many, and is not remembered, bytes."""
_KNOWN_MOST = 10_000
"""Routing ids that are remembered; a server meets a new one with each connection."""


def frame_receiver(socket: zmq.Socket[bytes]) -> Callable[[], bytes]:
    """Return a function that receives one frame; zmq.Again when nothing arrives within RCVTIMEO."""
    receive: Callable[[], bytes] = super(zmq.Socket, socket).recv
    return receive


def receiver(socket: zmq.Socket[bytes]) -> Callable[[], list[bytes]]:
    """Return a function that receives one message: routing id and body, with REQ's empty frame between if it was sent.

    What a strange peer sends beyond that is dropped. It raises zmq.Again when nothing arrives within RCVTIMEO.
    """
    receive, ask, more = frame_receiver(socket), socket.get, zmq.RCVMORE
    known: set[bytes] = set()

    def receive_message() -> list[bytes]:
        # To ask whether more follows costs as much as three frames. So it is not asked after each message: a frame too
        # many is met here instead, where it is no routing id that was seen before.
        rid = receive()
        while rid not in known:
            if not ask(more) or len(rid) > _ROUTING_ID_MOST:
                rid = receive()
                continue
            if len(known) >= _KNOWN_MOST:
                known.clear()
            known.add(rid)
        body = receive()
        return [rid, body] if body or not ask(more) else [rid, body, receive()]

    return receive_message


def sender(socket: zmq.Socket[bytes], flags: int = 0) -> Callable[[Sequence[bytes], bytes], None]:
    """Return a function that sends an envelope and a body.

    Args:
        socket: To send on.
        flags: zmq.NOBLOCK or 0. The first frame alone decides: after it a message cannot fail.
    """
    send: Callable[..., Any] = super(zmq.Socket, socket).send
    first = _MORE | flags

    def send_message(envelope: Sequence[bytes], body: bytes) -> None:
        for frame in envelope:
            send(frame, first)
        send(body, flags)

    return send_message
