"""Table of what hostile clients cost a Player and those who use it honestly.

`python tools/attacks.py [WORD ...]` prints it, in about four minutes; words choose attacks by
their names. A real Player of a simulated spectrometer in a process of its own, by loopback, whose
log nobody reads. An honest client in another process asks it for a status key all the time, on the
Player's core; attackers have the other cores. Exit status 1: a query took more than 200 ms; half of
them, beside an attack that can go on for ever, more than 3 times what they take when nobody else is
there; an attack cost the Player more than 100 MB; or somebody else's command was carried out again.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import zmq

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from tools.replays import Tap, replay  # noqa: E402
from zmqjsonproxy import ProxyError, ZMQJSONProxyClient  # noqa: E402
from zmqjsonproxy.keys.register import make_server, new_client, register  # noqa: E402
from zmqjsonproxy.rights import ClientKeys, KeyPair, Role  # noqa: E402

CORES = sorted(os.sched_getaffinity(0))
SERVERS_CORE, OTHER_CORES = {CORES[0]}, set(CORES[1:] or CORES)

LARGE, TAKEN = 15_000_000, 4_000_000
"""Bytes: of requests that are large, and of the largest that are decoded."""
WORST_MS, MAX_MB, MAX_TIMES = 200.0, 100.0, 3.0
IDLE_S = 1.5
"""For so long the honest client is alone first."""
HALF_OPEN, REPLAYED, AT_ONCE = 5000, 100, 60
GREETING = bytes([0xFF, *[0] * 7, 1, 0x7F, 3])
"""Beginning of what a peer of ZeroMQ says first; 53 bytes are missing."""
AFTERWARDS = 50
"""Queries of the honest client after the last message of an attack, so that its consequences
count."""


def call(method: str, *params: Any, number: int = 1, **keywords: Any) -> bytes:
    """A call as JSON."""
    return json.dumps(
        {"jsonrpc": "2.0", "method": method, "id": number, "params": params or keywords}
    ).encode()


def large(piece: bytes, size: int, last: bytes = b"1") -> bytes:
    """A query with a list of so many pieces that it is a large request."""
    head = b'{"jsonrpc":"2.0","method":"bank.get_status","id":1,"params":[['
    return head + piece * (size // len(piece)) + last + b"]]}"


class Hostile:
    """Tools of an attack.

    Attributes:
        url: Of the Player.
        folder: For files.
        keys: Of the honest client; None: the Player demands none. No attacker has any.
    """

    def __init__(
        self, url: str, folder: Path, stack: ExitStack, keys: ClientKeys | None = None
    ) -> None:
        self.url, self.folder, self.keys, self._stack = url, folder, keys, stack
        self._context = stack.enter_context(zmq.Context())

    def connect(self) -> zmq.Socket[bytes]:
        """A connection; what it is sent and does not read stays where it is."""
        sock: zmq.Socket[bytes] = self._stack.enter_context(self._context.socket(zmq.DEALER))
        sock.linger, sock.rcvhwm, sock.rcvtimeo, sock.sndtimeo = 0, 1, 20_000, 20_000
        sock.set(zmq.RCVBUF, 4096)
        sock.connect(self.url)
        return sock

    @property
    def port(self) -> int:
        """Of the Player."""
        return urlsplit(self.url).port or 0

    def dial(self, said: bytes = b"") -> bool:
        """Open a TCP connection and say no more; False: none is taken."""
        try:
            sock = socket.create_connection(("127.0.0.1", self.port), 0.3)
            sock.sendall(said)
        except OSError:
            return False
        self._stack.enter_context(sock)
        return True

    def ask(self, *bodies: bytes) -> int:
        """Send requests one after the other; how many were answered."""
        sock, answered = self.connect(), 0
        for body in bodies:
            sock.send(body)
            try:
                sock.recv()
                answered += 1
            except zmq.Again:
                print(f"no answer to {body[:80]!r}...", file=sys.stderr)
        return answered

    def push(self, body: bytes, count: int) -> int:
        """Send a request again and again and read nothing; how often it was taken."""
        sock = self.connect()
        sock.sndtimeo = 3000
        for sent in range(count):
            try:
                sock.send(body)
            except zmq.Again:
                return sent
        time.sleep(0.5)
        return count


def _paths(hostile: Hostile) -> int:
    pipe = hostile.folder / "pipe"
    os.mkfifo(pipe)
    paths = [str(pipe), "/dev/zero", "/etc/shadow", "/proc/self/environ"]
    calls = [call("bank.set_param", par_file=path) for path in paths]
    return hostile.ask(*calls, *[call("bank.read_config_file", path) for path in paths])


def _texts(size: int) -> Callable[[Hostile], int]:
    text = "x" * size
    calls = [
        call("rpc.abort", "none", text),
        call(text),
        call(f"bank.{text}"),
        call("bank.set_mode", text),
    ]
    calls += [call("bank.set_param", **{text: 1}), call("bank.get_status", [text])]
    return lambda hostile: hostile.ask(*calls * 3)


def _values(size: int) -> Callable[[Hostile], int]:
    deep = b"[" * 90 + b"]" * 90
    pieces = [
        b"[],",
        b"{},",
        b"1,",
        b'"",',
        b'"\\\\",',
        b"NaN,",
        b"9" * 30 + b",",
        deep + b",",
        b'{"a":1},',
        b'"a":1,',
    ]
    texts = [b"[" * size, b'"' + b'\\"' * (size // 2) + b'"', b"[" + b"[]," * (size // 3) + b"[]]"]
    return lambda hostile: hostile.ask(*[large(piece, size) for piece in pieces], *texts)


def _most_values(hostile: Hostile) -> int:
    pieces = {
        b"1.2345678901234567,": 300_000,
        b"9" * 19 + b",": 300_000,
        b"[],": 95_000,
        b'{"a":1},': 45_000,
    }
    return hostile.ask(*[large(piece, count * len(piece)) for piece, count in pieces.items()] * 2)


def _names(hostile: Hostile) -> int:
    return hostile.ask(
        *[
            call("bank.set_status", **{f"K{n}": n for n in range(count)})
            for count in (700_000, 90_000)
        ]
    )


def _batches(hostile: Hostile) -> int:
    def batch(method: str) -> bytes:
        return b"[" + b",".join(call(method, number=n) for n in range(1000)) + b"]"

    return hostile.ask(
        batch("rpc.discover"), batch("bank.get_status"), batch("rpc.operations"), batch("bank.help")
    )


def _commands(hostile: Hostile) -> int:
    body = call("bank.set_status", NOTE="flood")
    return sum(hostile.push(body, 2000) for _ in range(3))


def _numbers(hostile: Hostile) -> int:
    numbers = [1e300, -1e300, 1e-300, 0, -1, 2**63, 10**400, "1e300", [1] * 1000]
    keys = ["exposure", "scan_length", "integration_time", "hwexposr", "num_spectra"]
    calls = [call("bank.set_param", **{key: number}) for key in keys for number in numbers]
    calls += [call("bank.set_switching_period", number) for number in numbers]
    return hostile.ask(*calls, *[call("bank.add_switching_state", number) for number in numbers])


def _log_lines(hostile: Hostile) -> int:
    text = "x" * 10_000
    return hostile.push(call("bank.set_param", **{text: 1}), 5000) + hostile.push(
        call("bank.set_mode", text), 5000
    )


def _links(hostile: Hostile) -> int:
    victim = hostile.folder / "victim"
    victim.write_text("of somebody else", encoding="utf-8")
    names = [".BANKA.scan-number.new", ".BANKA.scan-number.tmp", ".BANKA.scan-number"]
    for name in names:
        place = hostile.folder / name
        place.unlink(missing_ok=True)
        place.symlink_to(victim)
    hostile.ask(
        *[call("bank.set_scan_number", 100 + n) for n in range(20)],
        call("bank.increment_scan_number"),
    )
    if victim.read_text(encoding="utf-8") != "of somebody else":
        raise RuntimeError(f"{victim} was overwritten through a link")
    return len(names)


def _connections(hostile: Hostile) -> int:
    for taken in range(6000):
        if not hostile.dial() and not hostile.dial():
            return taken
    return 6000


def _half_open(said: bytes) -> Callable[[Hostile], int]:
    def hold(hostile: Hostile) -> int:
        begun, taken = time.monotonic(), sum(hostile.dial(said) for _ in range(HALF_OPEN))
        time.sleep(max(5.0 - (time.monotonic() - begun), 1.0))
        return taken

    return hold


def _garbage(hostile: Hostile) -> int:
    for n in range(1000):
        with socket.create_connection(("127.0.0.1", hostile.port), 10) as sock:
            sock.sendall(os.urandom(1 + n % 300))
    return 1000


def _flood(clients: int) -> Callable[[Hostile], int]:
    """Good queries, of clients that wait for no answer before the next one and take them all."""

    def flood(hostile: Hostile) -> int:
        socks, end, sent = [hostile.connect() for _ in range(clients)], time.monotonic() + 3.0, 0
        for sock in socks:
            sock.rcvhwm = 1000
        while time.monotonic() < end:
            for sock in socks:
                try:
                    sock.send(call("bank.get_status", "BANKNAM"), zmq.DONTWAIT)
                    sent += 1
                    while True:
                        sock.recv(zmq.DONTWAIT)
                except zmq.Again:
                    pass  # no answer yet, or the Player takes no more
        return sent

    return flood


def _waves(hostile: Hostile) -> int:
    """Good queries, as many at a time as are taken for no flood, again and again."""
    sock, end, sent = hostile.connect(), time.monotonic() + 3.0, 0
    while time.monotonic() < end:
        for _ in range(AT_ONCE):
            sock.send(call("bank.get_status", "BANKNAM"))
        for _ in range(AT_ONCE):
            sock.recv()
        sent += AT_ONCE
    return sent


def _replayed(hostile: Hostile) -> int:
    """Send what another client sent, its command too, over connections of the attacker's own."""
    with Tap(hostile.port) as tap:
        with ZMQJSONProxyClient(None, "bank", tap.url, 30.0, keys=hostile.keys) as other:
            other.increment_scan_number()
        recorded = bytes(tap.sent)
    with ZMQJSONProxyClient(None, "bank", hostile.url, 30.0, keys=hostile.keys) as bank:
        before = bank.get_status("SCANNUM")
        for _ in range(REPLAYED):
            replay(hostile.port, recorded)
        again = bank.get_status("SCANNUM") - before
    if again:
        raise RuntimeError(f"the command of another client was carried out {again} times again")
    return REPLAYED


ATTACKS: dict[str, Callable[[Hostile], int]] = {
    "paths: FIFO, /dev/zero, other files (B.1)": _paths,
    "texts of 15 MB as reasons and names (B.2)": _texts(LARGE),
    "texts of 4 MB as reasons and names (B.2)": _texts(TAKEN),
    "30 requests of 15 MB that are not waited for (B.3)": lambda h: h.push(
        call("bank.get_status", ["x" * LARGE]), 30
    ),
    "2000 statuses that are not read (B.3)": lambda h: h.push(call("bank.get_status"), 2000),
    "1000 discovery documents that are not read (B.3)": lambda h: h.push(
        call("rpc.discover"), 1000
    ),
    "30 requests of 4 MB that are not waited for (B.3)": lambda h: h.push(
        call("bank.get_status", ["x" * TAKEN]), 30
    ),
    "15 MB of brackets, numbers, texts, groups (B.4)": _values(LARGE),
    "4 MB of brackets, numbers, texts, groups (B.4)": _values(TAKEN),
    "as many values and parts as are taken (B.4)": _most_values,
    "set_status of 700,000 and 90,000 names (B.4)": _names,
    "batches of 1000 (B.4)": _batches,
    "6000 commands of three clients (B.5)": _commands,
    "30 commands of 15 MB (B.5)": lambda h: h.push(call("bank.set_status", NOTE="x" * LARGE), 30),
    "30 commands of 4 MB (B.5)": lambda h: h.push(call("bank.set_status", NOTE="x" * TAKEN), 30),
    "10,000 log lines that nobody reads (B.7)": _log_lines,
    "links in the place of the scan number (B.8)": _links,
    "connections without end (B.6)": _connections,
    "5000 connections that say nothing": _half_open(b""),
    "5000 connections that say half a greeting": _half_open(GREETING),
    "a flood of queries of one client": _flood(1),
    "queries of 20 clients at once, each a flood": _flood(20),
    "queries of one client, 60 at once again and again": _waves,
    "100 replays of another client's command": _replayed,
    "100 replays of another client's command, with keys": _replayed,
    "5000 connections that say half a greeting, with keys": _half_open(GREETING),
    "1000 connections with random bytes (B.6)": _garbage,
    "numbers without bounds (B.9)": _numbers,
}


GOES_ON = ("connections", "flood of", "replays")
"""Words of attacks of one client that can go on for ever: a usual query has to be as quick all the time.
Others are bursts of large messages, of which each takes its moment, and clients who each get their
share."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """Keys of the honest client, and of the server at whatever address."""

    pair: KeyPair
    server: str

    def for_server(self, _url: str) -> str:
        """See `ClientKeys`."""
        return self.server


def _ask_all_the_time(url: str, keys: ClientKeys | None, results: Connection) -> None:
    """The honest client: tells how long its queries took since it was asked last, ms."""
    with ZMQJSONProxyClient(None, "bank", url, 30.0, keys=keys) as bank:
        took: list[float] = []
        while True:
            begun = time.perf_counter()
            bank.get_status("BANKNAM")
            took.append(1e3 * (time.perf_counter() - begun))
            if results.poll(0.005):
                if results.recv() is None:
                    return
                results.send(took)
                took = []


@contextmanager
def honest_client(url: str, keys: ClientKeys | None) -> Iterator[Connection]:
    """Its process; whatever is sent is answered with what it has measured."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_ask_all_the_time, args=(url, keys, theirs), daemon=True
    )
    with on_cores(SERVERS_CORE):  # before ZeroMQ starts its threads, which inherit it
        process.start()
    try:
        yield ours
    finally:
        ours.send(None)
        process.join(10)


@contextmanager
def on_cores(cores: set[int]) -> Iterator[None]:
    """Have processes that are started within run on some cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _keys(folder: Path) -> Pinned:
    """Make keys of a Player, and of a client that may all."""
    server, client = make_server(folder), new_client("honest")
    register(folder, "honest", Role.ADMIN, client.public)
    return Pinned(KeyPair(client.public, client.own.secret), server.public)


@contextmanager
def player(
    folder: Path, *, is_keyed: bool
) -> Iterator[tuple[str, psutil.Process, ClientKeys | None]]:
    """A Player whose mode is set, and whose log nobody reads; keys of an honest client."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    key = 0x5B000000 | os.getpid() & 0xFFFFFF
    own = (
        f'status_memory = {{ key = {key}, semaphore = "/attacks_{key:x}" }}\nplayer_port = {port}\n'
    )
    text = (ROOT / "conf" / "dibas.toml").read_text(encoding="utf-8")
    text = text.replace("[banks.BANKA]\n", f"[banks.BANKA]\n{own}", 1)
    keys = _keys(folder / "keys") if is_keyed else None
    demand = f"keys = {str(is_keyed).lower()}\nkey_port = 0\n"
    path = folder / "dibas.toml"
    path.write_text(text.replace("[instrument]\n", f"[instrument]\n{demand}", 1), encoding="utf-8")
    url = f"tcp://127.0.0.1:{port}"
    words = [sys.executable, "-m", "player.cli", "BANKA", url, "simulate", "--config", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DIBAS_DATA": str(folder)}
    with on_cores(SERVERS_CORE):
        process = subprocess.Popen(words, stderr=subprocess.PIPE, env=environment, cwd=ROOT)
    with process:
        try:
            with ZMQJSONProxyClient(None, "bank", url, 60.0, keys=keys) as bank:
                end = time.monotonic() + 60
                while True:
                    try:
                        bank.set_mode("MODE1")
                        break
                    except ProxyError:
                        if time.monotonic() > end or process.poll() is not None:
                            raise
                        time.sleep(0.1)
            yield url, psutil.Process(process.pid), keys
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                print("the Player does not end", file=sys.stderr)
                process.kill()


@dataclass(frozen=True, slots=True)
class Result:
    """Account of an attack."""

    name: str
    count: int
    seconds: float
    asked: int
    idle_ms: float
    half_ms: float
    worst_ms: float
    grown_mb: float
    fault: str = ""

    @property
    def times(self) -> float:
        """Length of a usual query, as a multiple of that when nobody else is there."""
        return self.half_ms / self.idle_ms

    @property
    def trouble(self) -> str:
        """Return what was too much of it; empty: nothing."""
        is_slow = self.times > MAX_TIMES and any(word in self.name for word in GOES_ON)
        is_much = is_slow or self.worst_ms > WORST_MS or self.grown_mb > MAX_MB
        return self.fault or ("too much" if is_much else "")

    def line(self) -> str:
        """Return it as a row of the table."""
        half = f"{self.idle_ms:.2f} -> {self.half_ms:.2f} | {self.times:.1f}"
        return (
            f"| {self.name} | {self.count} | {self.seconds:.1f} | {self.asked} | {half} | "
            f"{self.worst_ms:.0f} | {self.grown_mb:.0f} | {self.trouble} |"
        )


def measure(name: str, hostile: Hostile, process: psutil.Process, honest: Connection) -> Result:
    """Carry out an attack, and measure what it costs until the honest client has asked often enough
    after it."""
    done, fault = threading.Event(), ""

    def heard() -> list[float]:
        honest.send("how long?")
        took: list[float] = honest.recv()
        return took

    heard()
    time.sleep(IDLE_S)
    idle = statistics.median(heard())
    peak = [process.memory_info().rss]
    before = peak[0]

    def sample() -> None:
        while not done.wait(0.01) and process.is_running():
            peak[0] = max(peak[0], process.memory_info().rss)

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    begun, count = time.monotonic(), 0
    try:
        count = ATTACKS[name](hostile)
    except RuntimeError as error:
        fault = str(error)
    seconds = time.monotonic() - begun
    during = heard()
    took, after = list(during), 0
    while after < AFTERWARDS or time.monotonic() - begun < seconds + 1.0:
        time.sleep(0.1)
        more = heard()
        took, after = took + more, after + len(more)
    done.set()
    sampler.join()
    return Result(
        name=name,
        count=count,
        seconds=seconds,
        asked=len(took),
        idle_ms=idle,
        half_ms=statistics.median(during or took),
        worst_ms=max(took),
        grown_mb=(peak[0] - before) / 2**20,
        fault=fault,
    )


def attack(name: str) -> Result:
    """Carry out an attack against a Player of its own."""
    with (
        tempfile.TemporaryDirectory() as text,
        player(Path(text), is_keyed=name.endswith("with keys")) as (url, process, keys),
        honest_client(url, keys) as honest,
        ExitStack() as stack,
        on_cores(OTHER_CORES),
    ):
        return measure(name, Hostile(url, Path(text), stack, keys), process, honest)


def main(words: list[str]) -> int:
    """Print the table."""
    names = [name for name in ATTACKS if not words or any(word in name for word in words)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 2 * HALF_OPEN), hard), hard))
    print(
        "| attack | sent | s | honest queries | half of them, ms: alone -> beside it | times | "
        "the longest, ms | memory, MB | |\n|---|---:|---:|---:|---:|---:|---:|---:|---|"
    )
    results: list[Result] = []
    for name in names:
        results.append(attack(name))
        print(results[-1].line(), flush=True)
    return 1 if any(result.trouble for result in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
