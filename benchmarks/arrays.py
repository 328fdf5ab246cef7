"""Spectra, a large array, and batches: what a caller gets for arrays as frames and for many calls
in one message."""

from __future__ import annotations

import os
from typing import Any

import zmq

from benchmarks.calls import SMALL, _native
from benchmarks.floors import (
    Pairs,
    Telling,
    asking,
    cores,
    echo,
    in_pinned_process,
    pairs,
    ready,
    serving,
)
from benchmarks.rows import Row
from zmqjsonproxy import Hub, ZMQJSONProxyClient, ZMQJSONProxyServer
from zmqjsonproxy.interface import query
from zmqjsonproxy.rpc.protocol import jsonrpc

__all__ = ["rows"]

CHANNELS = 16384
LARGE = 2**18
"""float32 elements: 1 MiB."""
BATCH = 32
"""Calls."""


def rows() -> list[Row]:
    """Measure all of it."""
    core = cores()[0]
    return [*_spectra(core), _large(core), _batch(core)]


class Subject:
    """Returns what was measured, from memory."""

    def __init__(self) -> None:
        import numpy as np

        self._spectrum = np.linspace(0.0, 1.0, CHANNELS) ** 0.5
        self._large = np.linspace(0.0, 1.0, LARGE, dtype=np.float32)
        for array in (self._spectrum, self._large):
            array.flags.writeable = False  # so it can be sent without a copy

    @query
    def get_spectrum(self) -> Any:
        """Return a spectrum."""
        return self._spectrum

    @query
    def add(self, a: int, b: int) -> int:
        """Return the sum."""
        return a + b

    @query
    def get_large(self) -> Any:
        """Return a large array."""
        return self._large


def serve(connection: Telling) -> None:
    """Serve a Subject as `bank` for ever."""
    server = ZMQJSONProxyServer(zmq.Context.instance(), "tcp://127.0.0.1:*")
    server.expose("bank", Subject())
    ready(connection, server.url)
    server.run_loop()


def two_frames(connection: Telling, size: int) -> None:
    """Serve: answer each request with a header and `size` bytes, not copied, that have been written
    before.

    Of memory that was only asked for, as by `bytes(size)`, all pages are the same one, which never
    leaves the cache.
    """
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REP)
    socket.bind("tcp://127.0.0.1:*")
    ready(connection, str(socket.getsockopt_string(zmq.LAST_ENDPOINT)))
    data = os.urandom(size)
    header = b'{"dtype":"<f4","shape":[%d]}' % (size // 4)
    while True:
        socket.recv()
        socket.send(header, zmq.SNDMORE)
        socket.send(data, copy=False)


def _ask_two_frames(url: str, request: bytes) -> Any:
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REQ)
    socket.linger = 0
    socket.connect(url)

    def ask() -> Any:
        socket.send(request)
        socket.recv()
        return socket.recv(copy=False)

    return ask


def _pair(floor_url: str, our_url: str, method: str, frames: bool, count: int) -> Pairs:
    request = _native(f"bank.{method}")
    with ZMQJSONProxyClient(zmq.Context.instance(), "bank", our_url) as proxy:
        floor = _ask_two_frames(floor_url, request) if frames else asking(floor_url, request)
        return pairs(floor, getattr(proxy, method), count)


def _pair_without_arrays(floor_url: str, our_url: str, count: int) -> Pairs:
    """As `_pair`, by a client that gets lists: as where numpy is not installed."""
    jsonrpc._TAKES = False
    return _pair(floor_url, our_url, "get_spectrum", False, count)


def _row(what: str, pair: Pairs, must: float, aim: float) -> Row:
    floor, ours, ratio = pair.quantile(0.5)
    return Row(what, 1e6 * floor, 1e6 * ours, ratio, must, aim, "us")


def _spectra(core: int) -> list[Row]:
    with serving(core, 1, serve) as ours:
        with serving(core, 1, echo, os.urandom(8 * CHANNELS)) as floors:
            as_array = in_pinned_process(
                core, _pair, floors[0][0], ours[0][0], "get_spectrum", False, 500
            )
            as_list = in_pinned_process(core, _pair_without_arrays, floors[0][0], ours[0][0], 50)
    what = f"spectrum of {CHANNELS} float64"
    return [
        _row(f"{what}, as array", as_array, 1.80, 1.45),
        _row(f"{what}, as JSON list", as_list, 15, 12),
    ]


def _large(core: int) -> Row:
    with serving(core, 1, serve) as ours, serving(core, 1, two_frames, 4 * LARGE) as floors:
        pair = in_pinned_process(core, _pair, floors[0][0], ours[0][0], "get_large", True, 200)
    return _row("1 MiB float32 array, of a bare two-frame sender", pair, 1.25, 1.1)


def _batch_pair(floor_url: str, our_url: str) -> Pairs:
    with Hub(zmq.Context.instance()) as hub:
        hub.describe(our_url, "bank")
        calls: list[tuple[str, tuple[int, int], dict[str, Any]]] = [("add", (2, 3), {})] * BATCH
        ask = asking(floor_url, _native("bank.add", 2, 3))
        return pairs(ask, lambda: hub.call_batch(our_url, "bank", calls), SMALL // 8)


def _batch(core: int) -> Row:
    with serving(core, 1, serve) as ours, serving(core, 1, echo, jsonrpc.reply(1000, 5)) as floors:
        floor, many, ratio = in_pinned_process(
            core, _batch_pair, floors[0][0], ours[0][0]
        ).quantile(0.5)
    what = f"{BATCH} calls in one batch, per call"
    return Row(what, 1e6 * floor, 1e6 * many / BATCH, ratio / BATCH, 0.075, 0.06, "us")
