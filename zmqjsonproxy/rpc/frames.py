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


def frame_receiver(socket: zmq.Socket[bytes]) -> Callable[[], bytes]:
    """Return a function that receives one frame; zmq.Again when nothing arrives within RCVTIMEO."""
    receive: Callable[[], bytes] = super(zmq.Socket, socket).recv
    return receive


def receiver(socket: zmq.Socket[bytes]) -> Callable[[], list[bytes]]:
    """Return a function that receives one message: the routing id, and one frame or more.

    It raises zmq.Again when nothing arrives within RCVTIMEO.
    """
    receive: Callable[..., Any] = super(zmq.Socket, socket).recv

    def receive_message() -> list[bytes]:
        frames = [receive()]
        while True:  # what ROUTER hands out has two frames at least
            frame = receive(0, False)  # a Frame knows whether there are more; asking the socket costs more
            frames.append(frame.bytes)
            if not frame.more:
                return frames

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
