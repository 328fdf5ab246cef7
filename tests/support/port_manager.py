"""Port managers for tests: our server as a process, and stand-ins for the servers that sites
have."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from support.player_run import poll

from groundwork.closing import Closing
from portmanager.binding import port_is_free
from portmanager.protocol.tcllist import join_list, split_list

WITHIN_S = 30.0


def free_pool(size: int) -> tuple[int, int]:
    """Return lowest and highest of so many neighbouring ports that are free, below those that the
    system gives."""
    for top in range(31900 - os.getpid() % 50 * 20, 10000, -size):
        if all(port_is_free(port) for port in range(top - size + 1, top + 1)):
            return top - size + 1, top
    raise OSError(f"no {size} neighbouring free ports")


class ServerProcess:
    """Our server as users start it, on a port of the system, its files in a folder."""

    def __init__(
        self, folder: Path, *options: str, size: int = 8, listen: int = 0, pool: str = ""
    ) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        if not pool:
            low, high = free_pool(size)
            pool = f"{low}-{high}"
        self.pool = pool
        self.port_file, self.pid_file, self.usage = (
            folder / "listen.port",
            folder / "pm.pid",
            folder / "ports.txt",
        )
        self.log = folder / "pm.log"
        self.command = [
            sys.executable,
            "-m",
            "portmanager.cli",
            "-listen",
            str(listen),
            "-ports",
            self.pool,
            "-portfile",
            str(self.port_file),
            "-pidfile",
            str(self.pid_file),
            "-usagefile",
            str(self.usage),
            "-log",
            str(self.log),
            *options,
        ]

    def __enter__(self) -> Self:
        self.port_file.unlink(missing_ok=True)
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True)
        poll(lambda: self.port_file.exists() or self.process.poll() is not None, "the port file")
        assert self.process.poll() is None, self.process.communicate()[1]
        self.port = int(self.port_file.read_text())
        self.low, self.high = map(int, self.pool.split("-"))
        poll(lambda: "listening on" in self.log.read_text(), "the log says that it listens")
        return self

    def __exit__(self, *_exc: object) -> None:
        self.end()

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it; its stderr must be empty and its exit status 0, unless it is killed."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        complaint = self.process.communicate(timeout=WITHIN_S)[1]
        if self.process.returncode != -signal.SIGKILL:
            assert (complaint, self.process.returncode) == ("", 0)


def connect(port: int) -> socket.socket:
    """Return a connection to a server on loopback."""
    sock = socket.create_connection(("127.0.0.1", port), WITHIN_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def ask(sock: socket.socket, data: bytes, size: int) -> bytes:
    """Send bytes and return so many of the reply."""
    sock.sendall(data)
    return take(sock, size)


def take(sock: socket.socket, size: int | None = None) -> bytes:
    """Return so many bytes, or all until the end."""
    got = b""
    while size is None or len(got) < size:
        more = sock.recv(65536 if size is None else size - len(got))
        if not more:
            break
        got += more
    return got


def line(sock: socket.socket, data: bytes) -> bytes:
    """Send bytes and return one line of the reply."""
    sock.sendall(data)
    got = b""
    while not got.endswith(b"\n"):
        more = sock.recv(1)
        if not more:
            break
        got += more
    return got


class StandIn(Closing):
    """A server of the original kind ("tcl") or of the Rust kind, with the flaws that a client has
    to live with.

    tcl: a request that comes in two pieces is an empty line; names move; a LIST leaves in two
        writes.
    rust: words, not lists; LF; what comes together with a request is lost; each refusal closes; no
        second instance, and an old one is forgotten only some ms after it has gone.
    """

    def __init__(
        self, kind: str, *, ports: Sequence[int] = (30998, 30999, 31000), chop: bool = False
    ) -> None:
        """Serve; `ports` are those it lends, the highest first: free ones, if somebody is to serve
        there."""
        self.kind, self.chop = kind, chop
        self.free = sorted(ports)
        self.lent: dict[int, tuple[str, str]] = {}
        self.requests: list[bytes] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """End it."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self.drop()
        for thread in self._threads:
            thread.join(WITHIN_S)
        self._listener.close()

    def drop(self) -> None:
        """End all connections."""
        with self._lock:
            connections, self._connections = self._connections, []
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the client was faster

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        mine: list[int] = []
        with connection:
            try:
                while data := connection.recv(4096):
                    self.requests.append(data)
                    goes_on = True
                    for reply, stays in (
                        self._tcl(data, mine) if self.kind == "tcl" else self._rust(data, mine)
                    ):
                        for at in range(0, len(reply), 1 if self.chop else len(reply)):
                            connection.sendall(reply[at : at + (1 if self.chop else len(reply))])
                        goes_on = stays
                        if not stays:
                            break
                    if not goes_on:
                        break
            except OSError:
                pass  # the client has gone
        if self.kind == "rust":
            time.sleep(0.05)
        with self._lock:
            for port in mine:
                del self.lent[port]
                self.free.append(port)

    def _take(self, mine: list[int], service: str, user: str) -> int:
        port = self.free.pop()
        self.lent[port] = (service, user)
        mine.append(port)
        return port

    def _tcl(self, data: bytes, mine: list[int]) -> Iterator[tuple[bytes, bool]]:
        if not data.endswith(b"\n"):
            yield b"FAIL {Invalid request }\r\n", False
            return
        for text in data.decode().splitlines():
            words = [*split_list(text), "", ""]
            with self._lock:
                if words[0] == "GIMME":
                    reply = (
                        f"OK {self._take(mine, *words[1:3])}"
                        if self.free
                        else "FAIL {no free ports}"
                    )
                elif words[0] == "LIST":
                    rows, seen = [], dict[tuple[str, str], int]()
                    for port, key in sorted(
                        self.lent.items(), key=lambda item: (item[1][::-1], str(item[0]))
                    ):
                        seen[key] = seen.get(key, -1) + 1
                        name = key[0] + (f"_{seen[key]}" if seen[key] else "")
                        rows.append(join_list([str(port), name, key[1]]))
                    reply = "\r\n".join((f"OK {len(rows)}", *rows))
                    yield reply.encode(), True
                    reply = ""
                else:
                    yield f"FAIL {{Invalid request {text}}}\r\n".encode(), False
                    return
            yield (reply + "\r\n").encode(), True

    def _rust(self, data: bytes, mine: list[int]) -> Iterator[tuple[bytes, bool]]:
        words = data.split(b"\n")[0].decode().split()
        with self._lock:
            if words == ["LIST"]:
                rows = [
                    f"{port} {service} {user}\n"
                    for port, (service, user) in sorted(self.lent.items())
                ]
                yield f"OK {len(rows)}\n{''.join(rows)}".encode(), True
            elif len(words) != 3 or words[0] != "GIMME":
                yield b"FAIL - invalid request\n", False
            elif (words[1], words[2]) in self.lent.values():
                yield b"FAIL - Duplicate port allocation attempted\n", False
            elif not self.free:
                yield b"FAIL - No free ports available\n", False
            else:
                yield f"OK {self._take(mine, words[1], words[2])}\n".encode(), True


@contextmanager
def scripted_server(*replies: bytes) -> Iterator[int]:
    """A server that answers each thing it gets with the next of some bytes, then closes; yields its
    port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        # A client that has seen enough may be gone before the last byte.
        with connection, suppress(BrokenPipeError, ConnectionResetError):
            connection.settimeout(WITHIN_S)
            for reply in replies:
                if not connection.recv(4096):
                    return
                for at in range(len(reply)):
                    connection.sendall(reply[at : at + 1])

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join(WITHIN_S)
        listener.close()
