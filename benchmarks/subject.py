"""Our own server as the benchmarks call it: one process, one object with a method of each kind."""

from __future__ import annotations

import time
from typing import Any

import zmq

from benchmarks.floors import Telling, ready
from zmqjsonproxy import ZMQJSONProxyServer
from zmqjsonproxy.interface import command, query

__all__ = ["STATUS", "player", "serve"]

STATUS: dict[str, Any] = {
    f"KEY{n:05d}": (n * 1.25e6, n, f"value of {n}", n / 7.0, "SIMULATE")[n % 5] for n in range(200)
}
"""200 keys as a status memory has them: numbers, counts and short texts."""


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
        """As `add`, through the command queue."""
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


def player(takes: float = 0.0) -> ZMQJSONProxyServer:
    """Return a server of a Subject as `bank`."""
    server = ZMQJSONProxyServer(zmq.Context.instance(), "tcp://127.0.0.1:*")
    server.expose("bank", Subject(takes))
    return server


def serve(connection: Telling, takes: float = 0.0) -> None:
    """Serve a Subject as `bank` for ever."""
    server = player(takes)
    ready(connection, server.url)
    server.run_loop()
