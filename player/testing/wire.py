"""The line between a client and a Player, which a test can cut, stop and make slow."""

from __future__ import annotations

import contextlib
import itertools
import math
import selectors
import socket
import struct
import threading
import time
from collections import deque
from typing import Any

from groundwork.closing import Closing

__all__ = ["Wire"]

CHUNK = 1 << 16
_AHEAD_S = 0.02


class Wire(Closing):
    """A TCP relay on loopback in a thread of its own; close it, or use it in a `with`.

    Args:
        port: Where the Player serves on this computer.

    Attributes:
        url: Where clients connect instead.
        delay_s: What is sent is passed on so much later, s.
        bytes_per_s: So much is passed on at most, both ways together.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.delay_s = 0.0
        self.bytes_per_s = math.inf
        self._passed_at = 0.0  # when the line has passed on what it took, by its speed
        self._stopped = self._refusing = self._closing = False
        self._lock = threading.Lock()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._late: deque[tuple[float, socket.socket, bytes]] = deque()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="wire", daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Reset all connections; new ones are possible at once."""
        with self._lock:
            for end in list(self._pairs):
                self._drop(end)

    def down(self) -> None:
        """Reset all connections, and all new ones until `up`."""
        self._refusing = True
        self.cut()

    def up(self) -> None:
        """Pass connections and bytes on again."""
        self._refusing = self._stopped = False

    def stop(self) -> None:
        """Pass nothing on until `up`, with all connections open, as a computer that hangs."""
        self._stopped = True

    def close(self) -> None:
        """End the thread and all connections; may be called twice."""
        self._closing = True
        self._thread.join(5)
        self.cut()
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(self._listener)
        self._listener.close()
        self._selector.close()

    def _run(self) -> None:
        for turn in itertools.count():
            if self._closing:
                return
            ready: list[Any] = [key.fileobj for key, _ in self._selector.select(0.01)]
            first = turn % len(ready) if ready else 0  # none is always the last
            for end in ready[first:] + ready[:first]:
                with self._lock:
                    self._ready(end)
            with self._lock:
                self._pass_on()
            if self._stopped or self._is_busy():
                time.sleep(0.005)  # what is ready stays so

    def _ready(self, end: socket.socket) -> None:
        if end is self._listener:
            self._connect()
        elif end in self._pairs and not self._stopped and not self._is_busy():
            try:
                data = end.recv(CHUNK)
            except OSError:
                data = b""
            if data:
                begins = max(time.monotonic(), self._passed_at)
                self._passed_at = begins + len(data) / self.bytes_per_s
                self._late.append((self._passed_at + self.delay_s, self._pairs[end], data))
            else:
                self._drop(end)

    def _is_busy(self) -> bool:
        """Tell whether the line is slower than what is sent, so that no more is taken for now."""
        return self._passed_at - time.monotonic() > _AHEAD_S

    def _connect(self) -> None:
        client, _ = self._listener.accept()
        if self._refusing:
            _reset(client)
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._port), timeout=5)
        except OSError:
            _reset(client)
            return
        for end, other in ((client, server), (server, client)):
            end.settimeout(5)
            self._pairs[end] = other
            self._selector.register(end, selectors.EVENT_READ)

    def _pass_on(self) -> None:
        while self._late and not self._stopped and self._late[0][0] <= time.monotonic():
            _, end, data = self._late.popleft()
            if end in self._pairs:
                try:
                    end.sendall(data)
                except OSError:
                    self._drop(end)

    def _drop(self, end: socket.socket) -> None:
        for one in (end, self._pairs.get(end)):
            if one is not None and self._pairs.pop(one, None) is not None:
                self._selector.unregister(one)
                _reset(one)


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()
