"""Updates to subscribers, of bare zero-copy PUB/SUB with the same bytes in the same run.

A client has the server publish a burst, and waits until each subscriber has all of it. One
subscriber is ours from end to end: `for update in subscription`. Several are bare sockets in one
thread in both cases, so that the servers are compared, not sixty-four interpreters on two cores.
A ratio is of times: 1.33 is 0.75 of the rate.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import orjson
import zmq

from benchmarks.comparison import Program, Work, compare
from benchmarks.floors import cores, ready
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from zmqjsonproxy import ZMQJSONProxyClient, ZMQJSONProxyServer, query
from zmqjsonproxy.channels import pipe, published

__all__ = ["PARTS"]

SCALARS = 400
BURSTS = {4096: 100, 262144: 24, 1048576: 8}
"""Bytes of a frame: frames in a burst; all that is on its way fits into the bounds of both."""
_TOPIC = b"trace"


class Instrument:
    """Object that publishes bursts."""

    level = published(0.0, unit="dB", doc="A number.")
    trace = pipe(unit="V", x_unit="s", doc="Numbers.")

    def __init__(self, size: int) -> None:
        self._frame = np.frombuffer(os.urandom(size), dtype=np.uint8).view("<f4")

    @query
    def burst(self, count: int) -> int:
        """Publish frames."""
        for _ in range(count):
            self.trace(self._frame)
        return count

    @query
    def count_up(self, count: int) -> int:
        """Publish numbers."""
        for number in range(count):
            self.level = float(number)
        return count


def serve_ours(connection: Connection, size: int) -> None:
    """Serve an Instrument."""
    server = ZMQJSONProxyServer(zmq.Context.instance(), "tcp://127.0.0.1:*")
    server.expose("bank", Instrument(size))
    ready(connection, server.url)
    server.run_loop()


def serve_bare(connection: Connection, size: int) -> None:
    """Publish bursts by PUB; of size 0 numbers as JSON."""
    context: zmq.Context[Any] = zmq.Context.instance()
    asked, publisher = context.socket(zmq.REP), context.socket(zmq.PUB)
    publisher.sndhwm = 0
    frame = np.frombuffer(os.urandom(size), dtype=np.uint8)
    urls = []
    for socket in (asked, publisher):
        socket.bind("tcp://127.0.0.1:*")
        urls.append(socket.get(zmq.LAST_ENDPOINT).decode())
    ready(connection, "|".join(urls))
    while True:
        count = int(asked.recv())
        asked.send(b"")
        for number in range(count):
            if size:
                publisher.send(_TOPIC, zmq.SNDMORE)
                publisher.send(frame, copy=size < 65536)
            else:
                publisher.send(_TOPIC + orjson.dumps({"level": float(number)}))


def _drain(sockets: list[zmq.Socket[bytes]], each: int) -> None:
    """Receive whole messages until each socket had so many frames behind their first one; of ours
    small ones come together."""
    poller, left = zmq.Poller(), dict.fromkeys(sockets, each)
    for socket in sockets:
        poller.register(socket, zmq.POLLIN)
    while left:
        for socket, _ in poller.poll():
            while left.get(socket):
                try:
                    frame = socket.recv(zmq.NOBLOCK, copy=False)
                except zmq.Again:
                    break
                while frame.more:
                    frame = socket.recv(copy=False)
                    left[socket] -= 1
                if not left[socket]:
                    del left[socket]


@contextlib.contextmanager
def _bare_readers(count: int, burst: int, url: str) -> Iterator[Work]:
    context: zmq.Context[Any] = zmq.Context.instance()
    asking, publishing = url.split("|")
    ask, readers = context.socket(zmq.REQ), [context.socket(zmq.SUB) for _ in range(count)]
    ask.connect(asking)
    for reader in readers:
        reader.rcvhwm = 0
        reader.subscribe(_TOPIC)
        reader.connect(publishing)
    time.sleep(1.0)  # until the subscriptions are there, of which PUB/SUB tells nobody

    def work() -> None:
        ask.send(b"%d" % burst)
        ask.recv()
        _drain(readers, burst)

    yield work
    for socket in (ask, *readers):
        socket.close(0)


@contextlib.contextmanager
def _our_readers(count: int, burst: int, url: str) -> Iterator[Work]:
    context: zmq.Context[Any] = zmq.Context.instance()
    readers = [context.socket(zmq.DEALER) for _ in range(count)]
    subscribe = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "rpc.subscribe",
        "params": [[["bank", "trace", {}]]],
        "dealer": {"arrays": True},
    }
    for reader in readers:
        reader.rcvhwm = 0
        reader.connect(url)
        reader.send(orjson.dumps(subscribe))
        reader.recv_multipart()
    with ZMQJSONProxyClient(context, "bank", url) as proxy:

        def work() -> None:
            proxy.burst(burst)
            _drain(readers, burst)

        yield work
    for reader in readers:
        reader.close(0)


@contextlib.contextmanager
def _our_subscription(name: str, method: str, burst: int, url: str) -> Iterator[Work]:
    with ZMQJSONProxyClient(zmq.Context.instance(), "bank", url) as proxy:
        publish = getattr(proxy, method)
        done, left = threading.Event(), 0

        def take(_update: object) -> None:
            nonlocal left
            left -= 1
            if not left:
                done.set()

        with proxy.subscribe(name, take, most=10 * burst) as updates:
            while not updates.received and name == "level":
                time.sleep(0.01)
            time.sleep(0.5)

            def work() -> None:
                nonlocal left
                left = burst
                done.clear()
                publish(burst)
                done.wait()
                assert not updates.lost

            yield work


@contextlib.contextmanager
def _bare_scalars(url: str) -> Iterator[Work]:
    context: zmq.Context[Any] = zmq.Context.instance()
    asking, publishing = url.split("|")
    ask, reader = context.socket(zmq.REQ), context.socket(zmq.SUB)
    ask.connect(asking)
    reader.rcvhwm = 0
    reader.subscribe(_TOPIC)
    reader.connect(publishing)
    time.sleep(0.5)

    def work() -> None:
        ask.send(b"%d" % SCALARS)
        ask.recv()
        for _ in range(SCALARS):
            orjson.loads(reader.recv()[len(_TOPIC) :])

    yield work
    ask.close(0)
    reader.close(0)


def _frames(size: int, subscribers: int, effort: Effort) -> list[Row]:
    here, *others = cores()
    burst = max(BURSTS[size] // (1 if subscribers == 1 else 4), 2)
    ours: Callable[[str], Any] = partial(_our_readers, subscribers, burst)
    if subscribers == 1:
        ours = partial(_our_subscription, "trace", "burst", burst)
    programs = {
        "floor": Program(serve_bare, partial(_bare_readers, subscribers, burst), (size,)),
        "ours": Program(serve_ours, ours, (size,)),
    }
    times = compare(here, others[0] if others else here, programs, effort.once(), 30)
    what = f"{size // 1024} KiB to {subscribers}, per burst of {burst}"
    return [times.row(what, 1 / 0.75, 1 / 0.9, unit="ms")]


def _scalars(effort: Effort) -> list[Row]:
    here, *others = cores()
    programs = {
        "floor": Program(serve_bare, _bare_scalars, (0,)),
        "ours": Program(
            serve_ours, partial(_our_subscription, "level", "count_up", SCALARS), (4096,)
        ),
    }
    times = compare(here, others[0] if others else here, programs, effort.once(), 30)
    return [times.row(f"{SCALARS} numbers to one subscriber", 2.0, unit="ms")]


PARTS: dict[str, Part] = {
    "scalars": _scalars,
    **{
        f"frames{size // 1024}x{subscribers}": partial(_frames, size, subscribers)
        for size in BURSTS
        for subscribers in (1, 8, 64)
    },
}
