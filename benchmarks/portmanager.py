"""The port manager beside the least an asyncio server does: an echo of the same bytes, in the same
run.

GIMME: one request and its reply, on a new connection for each, as services ask, and many on one
connection; against an echo server that returns prepared bytes. Both servers are pinned to one core,
the client to another, or to the same if there is only one. Each port is tested by binding it, 10 to
16 us in the system alone; here that is done ahead, while the client has the answer before, and a
lone request waits for it. LIST: processor time of the server process for a list of 900 entries that
has changed since the last one. Clients: growth of the server's memory by 2,000 connections that
have each asked once.
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.parts import Effort, Part
from benchmarks.rows import Row

__all__ = ["PARTS"]

PORTS = (20000, 29999)
PAIRS = 21
REQUESTS = 200
ENTRIES = 900
LISTS = 200
CLIENTS = 2000

ECHO = """
import asyncio
class Echo(asyncio.Protocol):
    def connection_made(self, transport): self.transport = transport
    def data_received(self, data): self.transport.write(b"OK 31000\\r\\n")
async def main():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


@contextmanager
def _echo(core: int) -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            os.sched_setaffinity(process.pid, {core})
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


@contextmanager
def _server(core: int) -> Iterator[tuple[int, int]]:
    """Our server with its log and usage file, and room for all; yields process id and port."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder, "port")
        command = [
            sys.executable,
            "-m",
            "portmanager.cli",
            "-listen",
            "0",
            "-ports",
            f"{PORTS[0]}-{PORTS[1]}",
            "-log",
            f"{folder}/log",
            "-portfile",
            str(port_file),
            "-pidfile",
            f"{folder}/pid",
            "-usagefile",
            f"{folder}/use",
            f"--per-connection={ENTRIES}",
            f"--per-user={CLIENTS + ENTRIES}",
        ]
        with subprocess.Popen(command) as process:
            try:
                os.sched_setaffinity(process.pid, {core})
                while not port_file.exists():
                    time.sleep(0.01)
                yield process.pid, int(port_file.read_text())
            finally:
                process.terminate()


def _connect(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _fresh(port: int) -> float:
    """Median time of a connection that is made, asks once and has its answer, us."""
    times = []
    for number in range(REQUESTS):
        request = b"GIMME service%d user\n" % number
        began = time.perf_counter()
        with _connect(port) as sock:
            sock.sendall(request)
            answer = sock.recv(100)
            times.append(time.perf_counter() - began)
        if not answer.startswith(b"OK"):
            raise RuntimeError(f"no port: {answer!r}")
    return statistics.median(times) * 1e6


def _kept(port: int) -> float:
    """Median time of a request, us."""
    times = []
    with _connect(port) as sock:
        for number in range(REQUESTS):
            request = b"GIMME service%d user\n" % number
            began = time.perf_counter()
            sock.sendall(request)
            answer = sock.recv(100)
            if not answer.startswith(b"OK"):
                raise RuntimeError(f"no port: {answer!r}")
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


def _gimme(what: str, block: Callable[[int], float], server_core: int, effort: Effort) -> Row:
    with _echo(server_core) as echo, _server(server_core) as (_, port):
        block(echo), block(port)
        both = []
        for _ in range(PAIRS):
            both.append((block(echo), block(port)))
            effort.pass_on()
    ratio = statistics.median(ours / floor for floor, ours in both)
    floor, ours = (statistics.median(figures) for figures in zip(*both, strict=True))
    return Row(what, floor, ours, ratio, 1.5, None, "us")


def _cpu_s(process: int) -> float:
    words = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _list(server_core: int, _effort: Effort) -> Row:
    with (
        _server(server_core) as (process, port),
        _connect(port) as holder,
        _connect(port) as asking,
    ):
        replies = holder.makefile("rb")
        for number in range(ENTRIES - 1):
            holder.sendall(b"GIMME service%d user\n" % number)
            replies.readline()
        lines = asking.makefile("rb")
        began = _cpu_s(process)
        for _ in range(LISTS):
            with _connect(port) as changing:
                changing.sendall(b"GIMME changing user\n")
                changing.recv(100)
                asking.sendall(b"LIST\n")
                for _ in range(int(lines.readline().split()[1])):
                    lines.readline()
        used = _cpu_s(process) - began
        replies.close()
        lines.close()
    return Row("LIST of 900 entries, server CPU", None, used / LISTS * 1e3, None, 2, None, "ms")


def _memory_kib(process: int) -> int:
    rows = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return int(next(row for row in rows if row.startswith("VmRSS")).split()[1])


def _clients(server_core: int, _effort: Effort) -> Row:
    async def hold(process: int, port: int) -> float:
        before = _memory_kib(process)
        clients = await asyncio.gather(
            *(asyncio.open_connection("127.0.0.1", port) for _ in range(CLIENTS))
        )
        for number, (_, writer) in enumerate(clients):
            writer.write(b"GIMME service%d user\n" % number)
        for reader, _ in clients:
            if not (await reader.readline()).startswith(b"OK"):
                raise RuntimeError("a client got no port")
        grown = _memory_kib(process) - before
        for _, writer in clients:
            writer.close()
        return grown / CLIENTS

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, CLIENTS + 200), hard), hard))
    try:
        with _server(server_core) as (process, port):
            grown = asyncio.run(hold(process, port))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return Row(
        "2,000 clients held, each with a port, per client", None, grown, None, 20, None, "KiB"
    )


def _on_cores(measure: Callable[[int, Effort], Row], effort: Effort) -> list[Row]:
    """Measure with this process on the first core and the servers on the last."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})
    try:
        return [measure(cores[-1], effort)]
    finally:
        os.sched_setaffinity(0, cores)


PARTS: dict[str, Part] = {
    "new": partial(
        _on_cores, partial(_gimme, "GIMME on a new connection, of an asyncio echo", _fresh)
    ),
    "kept": partial(
        _on_cores, partial(_gimme, "GIMME on a kept connection, of an asyncio echo", _kept)
    ),
    "list": partial(_on_cores, _list),
    "clients": partial(_on_cores, _clients),
}
