"""The objects that the benchmarks call, and our own server of them."""

from __future__ import annotations

import time
from typing import Any

import zmq

from benchmarks.floors import Telling, ready
from zmqjsonproxy import ZMQJSONProxyServer, command, query

__all__ = [
    "CHANNELS",
    "LARGE",
    "STATUS",
    "ArraySubject",
    "Subject",
    "player",
    "serve",
    "serve_arrays",
    "serve_at",
]

STATUS: dict[str, Any] = {
    f"KEY{n:05d}": (n * 1.25e6, n, f"value of {n}", n / 7.0, "SIMULATE")[n % 5] for n in range(200)
}
"""200 keys as a status memory has them: numbers, counts and short texts."""
CHANNELS = 16384
LARGE = 2**18
"""float32 elements: 1 MiB."""


class Subject:
    """One method of each kind."""

    def __init__(self, takes: float = 0.0) -> None:
        self._takes = takes  # s
        self._value = 0

    @query
    def add(self, a: int, b: int) -> int:
        """Return the sum."""
        return a + b

    @query
    def get_status(self) -> dict[str, Any]:
        """Return all keys."""
        return STATUS

    @command
    def set_value(self, a: int, b: int) -> int:
        """Like `add`, through the command queue."""
        self._value = a + b
        return self._value

    @command
    def hold(self, seconds: float) -> None:
        """Take long, as a command that waits for an instrument."""
        time.sleep(seconds)

    @command
    def work(self) -> bool:
        """Take as long as this server was told to."""
        time.sleep(self._takes)
        return True


class ArraySubject:
    """Returns arrays from memory."""

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


def player(takes: float = 0.0) -> ZMQJSONProxyServer:
    """Return a server of a Subject as `bank`."""
    server = ZMQJSONProxyServer(zmq.Context.instance(), "tcp://127.0.0.1:*")
    server.expose("bank", Subject(takes))
    return server


def serve(connection: Telling, takes: float = 0.0) -> None:
    """Serve a Subject as `bank` for ever."""
    serve_at(connection, player(takes))


def serve_arrays(connection: Telling) -> None:
    """Serve an ArraySubject as `bank` for ever."""
    server = ZMQJSONProxyServer(zmq.Context.instance(), "tcp://127.0.0.1:*")
    server.expose("bank", ArraySubject())
    serve_at(connection, server)


def serve_at(connection: Telling, server: ZMQJSONProxyServer) -> None:
    """Tell where a server is, and serve for ever."""
    ready(connection, server.url)
    server.run_loop()
