"""Spectra, a large array, and batches: arrays as frames and many calls in one message."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import partial
from typing import Any

import zmq

from benchmarks import bare
from benchmarks.calls import SMALL, calling
from benchmarks.comparison import Program, Work, bare_client, compare, echoed
from benchmarks.floors import Telling, cores, echo, ready, reply, request
from benchmarks.hubs import ThreadHub
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from benchmarks.subject import CHANNELS, LARGE, serve_arrays

__all__ = ["PARTS", "send_two_frames"]

BATCH = 32
"""Calls."""


def two_frames(connection: Telling, size: int) -> None:
    """Serve: answer with a header and `size` bytes, not copied, that have been written before.

    Of memory that was only asked for, as by `bytes(size)`, all pages are the same one, which never
    leaves the cache.
    """
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REP)
    send_two_frames(socket, connection, size)


def send_two_frames(socket: zmq.Socket[bytes], connection: Telling, size: int) -> None:
    """Serve by a socket that is not bound yet, as `two_frames`."""
    socket.bind("tcp://127.0.0.1:*")
    ready(connection, str(socket.getsockopt_string(zmq.LAST_ENDPOINT)))
    data = os.urandom(size)
    header = b'{"dtype":"<f4","shape":[%d]}' % (size // 4)
    while True:
        socket.recv()
        socket.send(header, zmq.SNDMORE)
        socket.send(data, copy=False)


@contextlib.contextmanager
def _asking_two_frames(request: bytes, url: str) -> Iterator[Work]:
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REQ)
    socket.linger = 0
    socket.connect(url)

    def ask() -> Any:
        socket.send(request)
        socket.recv()
        return socket.recv(copy=False)

    yield ask


@contextlib.contextmanager
def _calling_for_lists(url: str) -> Iterator[Work]:
    """Like `calling`, by a client that gets lists: as where numpy is not installed."""
    from zmqjsonproxy.rpc.protocol import jsonrpc

    jsonrpc._TAKES = False
    with calling("get_spectrum", (), url) as work:
        yield work


def _bare(method: str) -> Program:
    return Program(bare.serve_arrays, partial(bare_client, "call_for_array", (method,)))


def _echoed_spectrum() -> Program:
    asked = partial(echoed, request("bank.get_spectrum"))
    return Program(echo, asked, (os.urandom(8 * CHANNELS),))


def _spectrum(effort: Effort) -> list[Row]:
    core = cores()[0]
    programs = {
        "floor": _echoed_spectrum(),
        "bare": _bare("get_spectrum"),
        "ours": Program(serve_arrays, partial(calling, "get_spectrum", ())),
    }
    times = compare(core, core, programs, effort, 500)
    return [times.row(f"spectrum of {CHANNELS} float64, as array", 1.20, 1.10)]


def _list(effort: Effort) -> list[Row]:
    core = cores()[0]
    programs = {"floor": _echoed_spectrum(), "ours": Program(serve_arrays, _calling_for_lists)}
    times = compare(core, core, programs, effort.once(), 50)
    return [times.row(f"spectrum of {CHANNELS} float64, as JSON list", 15, 12)]


def _large(effort: Effort) -> list[Row]:
    core = cores()[0]
    asked = partial(_asking_two_frames, request("bank.get_large"))
    programs = {
        "floor": Program(two_frames, asked, (4 * LARGE,)),
        "bare": _bare("get_large"),
        "ours": Program(serve_arrays, partial(calling, "get_large", ())),
    }
    times = compare(core, core, programs, effort, 200)
    return [times.row("1 MiB float32 array, floor a bare two-frame sender", 1.10, 1.03)]


@contextlib.contextmanager
def _calling_batch(url: str) -> Iterator[Work]:
    with ThreadHub(zmq.Context.instance()) as hub:
        hub.describe(url, "bank")
        calls: list[tuple[str, tuple[int, int], dict[str, Any]]] = [("add", (2, 3), {})] * BATCH
        yield lambda: hub.call_batch(url, "bank", calls)


def _batch(effort: Effort) -> list[Row]:
    core = cores()[0]
    batched = partial(bare_client, "call_batch", (BATCH, "add", 2, 3))
    programs = {
        "floor": Program(echo, partial(echoed, request("bank.add", 2, 3)), (reply(5),)),
        "bare": Program(bare.serve_arrays, batched),
        "ours": Program(serve_arrays, _calling_batch),
    }
    times = compare(core, core, programs, effort, SMALL // 8)
    return [times.row(f"{BATCH} calls in one batch, per call", 1.3, 1.15, calls=BATCH)]


PARTS: dict[str, Part] = {
    "spectrum": _spectrum,
    "list": _list,
    "large": _large,
    "batch": _batch,
}
