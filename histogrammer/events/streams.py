"""Live streams of ring items: plain ones over TCP, and messages of ZeroMQ with whole items in them.

    HOST:PORT                 a TCP stream
    pull:tcp://HOST:PORT      a PULL socket
    sub:tcp://HOST:PORT       a SUB socket, subscribed to all

The bytes: docs/protocols/live.md.
"""

from __future__ import annotations

import socket

import numpy as np
import zmq

from groundwork.addresses import split_url
from histogrammer.errors import RingItemError
from histogrammer.events.itemwalk import stretches
from histogrammer.events.live import MAX_ITEM_BYTES, MAX_WAITING_BYTES, LiveInput

__all__ = ["TcpInput", "ZmqInput", "make_stream"]

READ_BYTES = 1 << 20
CONNECT_S = 3.0
KEEPALIVE_S, KEEPALIVE_TIMES = 5, 3
"""A peer that vanished is noticed after some 20 s, though it may be silent for as long as it likes."""
MAX_MESSAGES = 32
"""That ZeroMQ keeps beside those that were taken from it."""
_KINDS = {"pull": zmq.PULL, "sub": zmq.SUB}


def make_stream(text: str, most_waiting: int = MAX_WAITING_BYTES) -> LiveInput:
    """Return the stream that a text names; nothing is connected yet.

    Args:
        text: `HOST:PORT`, `pull:tcp://HOST:PORT` or `sub:tcp://HOST:PORT`.
        most_waiting: Bytes that may wait to be read.

    Raises:
        ValueError: It names none.
    """
    kind, _, url = text.partition(":")
    try:
        if kind in _KINDS:
            host, port = split_url(url)
        else:
            kind, (host, port) = "", split_url(f"tcp://{text}")
    except ValueError:
        port = 0
    if not port:
        raise ValueError(
            f"{text!r:.200} is no stream: HOST:PORT, pull:tcp://HOST:PORT or sub:tcp://HOST:PORT"
        )
    if kind:
        return ZmqInput(_KINDS[kind], url, text, most_waiting)
    return TcpInput(host, port, text, most_waiting)


class TcpInput(LiveInput):
    """A TCP stream of plain ring items, from a server that begins with a whole item.

    Args:
        host: Of the server.
        port: Of the server.
        name: As of `LiveInput`.
        most_waiting: As of `LiveInput`.
    """

    def __init__(
        self, host: str, port: int, name: str, most_waiting: int = MAX_WAITING_BYTES
    ) -> None:
        super().__init__(name, most_waiting)
        self._place = host, port
        self._buffer = np.empty(MAX_ITEM_BYTES, np.uint8)
        self._note(is_connected=False)

    def _receive(self) -> None:
        with socket.create_connection(self._place, CONNECT_S) as link:
            link.setblocking(False)
            link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL):
                link.setsockopt(socket.IPPROTO_TCP, option, KEEPALIVE_S)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_TIMES)
            self._note(is_connected=True, connections=self._counts.connections + 1)
            self._read_all(link)

    def _read_all(self, link: socket.socket) -> None:
        at = end = 0
        offset = 0  # in the stream, of the begin of the buffer
        try:
            while not self._stop.is_set():
                try:
                    count = link.recv_into(self._buffer.data[end : end + READ_BYTES])
                except BlockingIOError:
                    self._stop.wait(None, link.fileno())
                    continue
                if not count:
                    raise ConnectionResetError(0, "the server ended the connection")
                end += count
                for stretch in stretches(self._buffer, at, end, offset=offset):
                    self._check(stretch.needed)
                    self._hand_on(self._buffer, stretch)
                    at = stretch.stop
                if at:
                    self._buffer[: end - at] = self._buffer[at:end].copy()
                    at, end, offset = 0, end - at, offset + at
                if end == len(self._buffer):
                    raise RingItemError(offset, f"an item of more than {MAX_ITEM_BYTES} bytes")
        finally:
            self._note(lost_bytes=self._counts.lost_bytes + end - at)


class ZmqInput(LiveInput):
    """Messages of ZeroMQ; each frame has whole items in it, and is taken as a whole or not at all.

    Args:
        kind: `zmq.PULL`, or `zmq.SUB`.
        url: Of the socket that sends.
        name: As of `LiveInput`.
        most_waiting: As of `LiveInput`.
    """

    def __init__(
        self, kind: int, url: str, name: str, most_waiting: int = MAX_WAITING_BYTES
    ) -> None:
        super().__init__(name, most_waiting)
        self._kind, self._url = kind, url

    def _receive(self) -> None:
        context = zmq.Context()
        link: zmq.Socket[bytes] = context.socket(self._kind)
        try:
            link.set(zmq.LINGER, 0)
            link.set(zmq.RCVHWM, MAX_MESSAGES)
            link.set(zmq.MAXMSGSIZE, MAX_ITEM_BYTES)
            if self._kind == zmq.SUB:
                link.set(zmq.SUBSCRIBE, b"")
            link.connect(self._url)
            descriptor = int(link.get(zmq.FD))
            while not self._stop.is_set():
                try:
                    frame = link.recv(zmq.NOBLOCK, copy=False)
                except zmq.Again:
                    self._stop.wait(None, descriptor)
                    continue
                self._take(frame.buffer)
        finally:
            link.close()
            context.term()

    def _take(self, frame: memoryview) -> None:
        data = np.frombuffer(frame, np.uint8)
        try:
            at = 0
            for stretch in stretches(data, 0, len(data)):
                self._check(stretch.needed)
                at = stretch.stop
            if at != len(data):
                raise RingItemError(at, "a frame ends within an item")
        except RingItemError as error:
            self._refuse(error)
            return
        for stretch in stretches(data, 0, len(data)):
            self._hand_on(data, stretch)
