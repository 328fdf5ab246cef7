"""The floors of calls and fan-out, and how processes are pinned.

A floor is the least that pyzmq can do: a REQ socket here, a REP socket in another process, prepared
bytes both ways, no JSON, no deadline, no error handling. The second floor, the bare design, is in
`bare.py`.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import resource
import select
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, Protocol

import orjson
import zmq

__all__ = [
    "Echo",
    "Served",
    "Telling",
    "asking",
    "cores",
    "echo",
    "in_pinned_process",
    "ready",
    "reply",
    "request",
    "serving",
    "side_by_side",
]

# Each process is forked from a fresh one that has imported what all need, and has no threads.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["benchmarks.bare", "benchmarks.calls", "dealer"])
_POLLIN = int(zmq.POLLIN)
START_WITHIN = 60.0
"""s; for 64 processes on one core."""


def cores() -> list[int]:
    """Return the processors that this process may use."""
    return sorted(os.sched_getaffinity(0))


def _pinned(
    core: int, connection: Connection, target: Callable[..., Any], args: Sequence[Any]
) -> None:
    os.sched_setaffinity(0, {core})  # before ZeroMQ starts its thread, which inherits it
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (most, most)
    )  # for a thousand servers in one process
    zmq.Context.instance().set(zmq.MAX_SOCKETS, 5000)
    target(connection, *args)


class Telling(Protocol):
    """Way for a server to tell its address: a Connection, or a stand-in."""

    def send(self, url: str, /) -> None:
        """Take the address."""


def ready(connection: Telling, url: str) -> None:
    """Tell the parent of a server where it serves."""
    connection.send(url)


@contextlib.contextmanager
def serving(
    core: int, count: int, target: Callable[..., None], *args: Any
) -> Iterator[list[tuple[str, int]]]:
    """Run `count` servers, each a process of its own, all on one core; (URL, process id) of each.

    Args:
        core: Processor.
        count: Number of processes.
        target: Called as `target(connection, *args)`; says `ready(connection, url)`, then serves.
        *args: Further arguments.
    """
    started = []
    try:
        for _ in range(count):
            here, there = _PROCESSES.Pipe()
            process = _PROCESSES.Process(
                target=_pinned, args=(core, there, target, args), daemon=True
            )
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


class Served(Protocol):
    """One of many servers in a thread.

    Attributes:
        url: Its address.
    """

    url: str

    def fileno(self) -> int:
        """Return the descriptor that is readable when `serve_waiting` may have something to do."""

    def serve_waiting(self) -> None:
        """Answer what has arrived."""


def side_by_side(
    connection: Connection, count: int, make: Callable[..., Served], *args: Any
) -> None:
    """Serve: run `count` servers `make(*args)` in one thread, by epoll; tell their URLs as one
    text.

    They stand for hosts, which share neither an interpreter nor caches. With a thread each, those
    that a request wakes at the same time wait for one another's interpreter lock, and their stacks
    displace the caller's data: a floor that asks one after the other has nothing of that, and with
    a process each it is worse still.
    """
    # Command queues give the interpreter up themselves; who waits for it need not ask every 5 ms.
    sys.setswitchinterval(1.0)
    servers = [make(*args) for _ in range(count)]
    waiting, serve = select.epoll(), {}
    for server in servers:
        serve[server.fileno()] = server.serve_waiting
        waiting.register(server.fileno(), select.EPOLLIN)
    gc.collect()
    gc.freeze()  # on a host of its own each would have to look through what is its own only
    ready(connection, " ".join(server.url for server in servers))
    while True:
        for number, _ in waiting.poll():
            serve[number]()


class Echo:
    """Answers each request with `reply`, or with itself."""

    def __init__(self, reply: bytes | None = None) -> None:
        self._reply = reply
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REP)
        self._socket.bind("tcp://127.0.0.1:*")
        self.url = str(self._socket.getsockopt_string(zmq.LAST_ENDPOINT))

    def fileno(self) -> int:
        """See Served."""
        return int(self._socket.get(zmq.FD))

    def serve_waiting(self) -> None:
        """See Served."""
        socket, reply = self._socket, self._reply
        ask: Callable[[int], Any] = socket.get
        while ask(zmq.EVENTS) & _POLLIN:
            request = socket.recv()
            socket.send(request if reply is None else reply)

    def serve(self) -> None:
        """Answer for ever."""
        receive, send, reply = self._socket.recv, self._socket.send, self._reply
        while True:
            request = receive()
            send(request if reply is None else reply)


def echo(connection: Telling, reply: bytes | None = None) -> None:
    """Serve: answer each request with `reply`, or with itself."""
    server = Echo(reply)
    ready(connection, server.url)
    server.serve()


def request(method: str, *params: object) -> bytes:
    """Return what our client sends, as near as makes no difference to the floor."""
    dealer = {"deadline_s": 60.0}
    return orjson.dumps(
        {"jsonrpc": "2.0", "method": method, "id": 1000, "params": params, "dealer": dealer}
    )


def reply(result: object) -> bytes:
    """Return what our server answers, as `request`."""
    return orjson.dumps({"jsonrpc": "2.0", "id": 1000, "result": result})


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
