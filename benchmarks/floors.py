"""The floors of calls and fan-out, and how processes are pinned and paired.

A floor is the least that pyzmq can do: a REQ socket here, a REP socket in another process, prepared bytes both ways,
no JSON, no deadline, no error handling.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import queue
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Protocol

import zmq

__all__ = [
    "Pairs",
    "Telling",
    "asking",
    "cores",
    "echo",
    "in_pinned_process",
    "pairs",
    "ready",
    "serving",
    "side_by_side",
]

# Each process is forked from a fresh one that has imported what all of them need, and has no threads.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["benchmarks.floors", "benchmarks.subject", "dealer", "zmqjsonproxy.rpc.client"])
START_WITHIN = 60.0
"""s; for 64 processes on one core."""


def cores() -> list[int]:
    """Return the processors that this process may use."""
    return sorted(os.sched_getaffinity(0))


def _pinned(core: int, connection: Connection, target: Callable[..., Any], args: Sequence[Any]) -> None:
    os.sched_setaffinity(0, {core})  # before ZeroMQ starts its thread, which inherits it
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # for a thousand servers in one process
    zmq.Context.instance().set(zmq.MAX_SOCKETS, 5000)
    target(connection, *args)


class Telling(Protocol):
    """What a server is given to tell its address: a Connection, or a stand-in."""

    def send(self, url: str, /) -> None:
        """Take the address."""


def ready(connection: Telling, url: str) -> None:
    """Tell the parent of a server where it serves."""
    connection.send(url)


@contextlib.contextmanager
def serving(core: int, count: int, target: Callable[..., None], *args: Any) -> Iterator[list[tuple[str, int]]]:
    """Run `count` servers, each a process of its own, all on one core; (URL, process id) of each.

    Args:
        core: Processor.
        count: Number of processes.
        target: Called as `target(connection, *args)`; says `ready(connection, url)`, then serves for ever.
        *args: Further arguments.
    """
    started = []
    try:
        for _ in range(count):
            here, there = _PROCESSES.Pipe()
            process = _PROCESSES.Process(target=_pinned, args=(core, there, target, args), daemon=True)
            process.start()
            there.close()
            started.append((process, here))
        found = []
        for process, here in started:
            if not here.poll(START_WITHIN):
                raise TimeoutError(f"{target.__name__}: not ready within {START_WITHIN:g} s")
            found.append((str(here.recv()), process.pid or 0))
        yield found
    finally:
        for process, _ in started:
            process.terminate()
        for process, here in started:
            process.join(5)
            here.close()


def in_pinned_process(core: int, target: Callable[..., Any], *args: Any) -> Any:
    """Return what `target(*args)` returns in a process of its own on one core."""
    here, there = _PROCESSES.Pipe()
    process = _PROCESSES.Process(target=_pinned, args=(core, there, _report, (target, *args)))
    process.start()
    there.close()
    try:
        result = here.recv()
    except EOFError:
        raise RuntimeError(f"{target.__name__}: its process ended without a result") from None
    finally:
        process.join()
        here.close()
    return result


def _report(connection: Connection, target: Callable[..., Any], *args: Any) -> None:
    connection.send(target(*args))


class _Gathering:
    """Takes the addresses of many servers in one process."""

    def __init__(self) -> None:
        self.urls: queue.SimpleQueue[str] = queue.SimpleQueue()

    def send(self, url: str) -> None:
        """Take one."""
        self.urls.put(url)


def side_by_side(connection: Connection, count: int, target: Callable[..., None], *args: Any) -> None:
    """Serve: run `count` servers, each in a thread of this process; the URLs are told as one text with blanks.

    They stand for hosts, and share an interpreter only here. A thread that waits for it wakes every 5 ms to ask for it,
    which with a thousand of them is all that the processor does; they give it up themselves with each message.
    """
    sys.setswitchinterval(1.0)
    gathering = _Gathering()
    for _ in range(count):
        threading.Thread(target=target, args=(gathering, *args), daemon=True).start()
    ready(connection, " ".join(gathering.urls.get(timeout=START_WITHIN) for _ in range(count)))
    threading.Event().wait()


def echo(connection: Telling, reply: bytes | None = None) -> None:
    """Serve: answer each request with `reply`, or with itself."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REP)
    socket.bind("tcp://127.0.0.1:*")
    ready(connection, str(socket.getsockopt_string(zmq.LAST_ENDPOINT)))
    receive, send = socket.recv, socket.send
    while True:
        request = receive()
        send(request if reply is None else reply)


def asking(url: str, request: bytes) -> Callable[[], object]:
    """Return a function that makes one round trip to `echo`."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REQ)
    socket.linger = 0
    socket.connect(url)
    send, receive = socket.send, socket.recv

    def ask() -> bytes:
        send(request)
        return receive()

    return ask


@dataclass(frozen=True, slots=True)
class Pairs:
    """Times of alternating blocks, s: one list of calls per block."""

    floor: list[list[float]]
    ours: list[list[float]]

    def quantile(self, part: float) -> tuple[float, float, float]:
        """Return the median over blocks of a quantile (0.5: p50) of floor and ours, s, and of their ratio."""
        low, own = ([_quantile(block, part) for block in blocks] for blocks in (self.floor, self.ours))
        ratios = [b / a for a, b in zip(low, own, strict=True)]
        return statistics.median(low), statistics.median(own), statistics.median(ratios)


def _quantile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(part * len(ordered)), len(ordered) - 1)]


def _block(work: Callable[[], object], count: int) -> list[float]:
    clock, times = time.perf_counter, []
    for _ in range(count):
        begun = clock()
        work()
        times.append(clock() - begun)
    return times


def pairs(floor: Callable[[], object], ours: Callable[[], object], count: int, blocks: int = 10) -> Pairs:
    """Run blocks of `count` calls in turn: floor, ours, floor, ours ..."""
    for work in (floor, ours):
        _block(work, max(count // 4, 20))
    gc.collect()
    found = Pairs([], [])
    for _ in range(blocks):
        found.floor.append(_block(floor, count))
        found.ours.append(_block(ours, count))
    return found
