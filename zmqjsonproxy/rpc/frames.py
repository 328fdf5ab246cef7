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
    """Return a function that receives one message: routing id and body, with REQ's empty frame between if it was sent.

    What a strange peer sends beyond that is dropped. It raises zmq.Again when nothing arrives within RCVTIMEO.
    """
    receive, ask, more = frame_receiver(socket), socket.get, zmq.RCVMORE

    def receive_message() -> list[bytes]:
        # The look whether anything is left costs more than a frame: here nobody waits for it, after a frame a caller.
        while ask(more):
            receive()
        frames = [receive(), receive()]  # what ROUTER hands out has two at least
        if not frames[1] and ask(more):
            frames.append(receive())
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
