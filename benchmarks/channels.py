"""Live channels at work: calls beside many subscribers, updates over bad lines, frames from a
data-taking program to a callback, frames out of shared memory.

Subscribers and viewers are bare sockets in a process of their own, which only take what comes. Bad
lines are the relay of `player.testing`, in the client's process. Of shared memory the floor is one
TCP stream of the same bytes, and a ratio is of times: 0.4 is 2.5 times the rate.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import orjson
import zmq

from benchmarks.comparison import Program, Work, compare
from benchmarks.floors import cores, in_pinned_process, ready, serving
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from benchmarks.streams import serve_ours
from player.bank import Bank
from player.testing import HostedBank
from player.testing.wire import Wire
from spectrometer.daq.liveframes import FrameWriter, LiveFrameReader
from spectrometer.daq.protocol.liveframes import LiveSpectrum
from spectrometer.spectra.publisher import SPECTRUM, SpectrumPublisher
from zmqjsonproxy import ZMQJSONProxyClient, ZMQJSONProxyServer, query
from zmqjsonproxy.channels import pipe
from zmqjsonproxy.channels.properties import table_of

__all__ = ["PARTS"]

SUBSCRIBERS, VIEWERS = 64, 20
KEYS, RATE_HZ = 20, 10
"""Numbers that a Bank publishes, each so often."""
ROUND_TRIP_S, STALL_S = 0.3, 5.0
OVER_LINE = {4096: 500, 1048576: 20}
"""Bytes of a frame: frames in a burst."""
CUTS = 5
SPECTRA = 400
SPECTRUM_EVERY_S = 0.02
CHANNELS = 4096
MEMORY = {16384: (1 / 2.5, 1 / 3), 262144: (1 / 3, 1 / 4), 4194304: (1 / 3.5, 1 / 5)}
"""Bytes of a frame: must and aim."""
FRAMES = 20
"""That are taken at a time: of a stream some are there already."""
_WITHIN_S = 60.0


# calls beside subscribers


class BusyBank(Bank):
    """Publishes numbers all the time, and adds."""

    @query
    def add(self, a: int, b: int) -> int:
        """Return the sum."""
        return a + b


def serve_busy(connection: Connection) -> None:
    """Serve a BusyBank, over HTTP too."""
    with HostedBank(BusyBank, {"endpoints": {"http": {}}}) as hosted:
        table = table_of(hosted.bank)
        ready(connection, f"{hosted.url}|{hosted.endpoints['http']}")
        number = 0
        while True:
            time.sleep(1 / RATE_HZ)
            number += 1
            for key in range(KEYS):
                table.publish(f"key.{key}", number)


def attend(connection: Connection, url: str) -> None:
    """Subscribe many times, and take what comes."""
    calls, web = url.split("|")
    poller = zmq.Poller()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
    wishes = {"jsonrpc": "2.0", "id": 1, "method": "rpc.subscribe"}
    for _ in range(SUBSCRIBERS):
        subscriber = context.socket(zmq.DEALER)
        subscriber.connect(calls)
        subscriber.send(orjson.dumps(wishes | {"params": [[["bank", "key.*", {}]]]}))
        poller.register(subscriber, zmq.POLLIN)
    host, _, port = web.rstrip("/").rpartition("/")[2].rpartition(":")
    viewers = []
    for _ in range(VIEWERS):
        viewer = socket.create_connection((host, int(port)))
        viewer.sendall(b"GET /events?pattern=key.* HTTP/1.1\r\nHost: %b\r\n\r\n" % host.encode())
        viewers.append(viewer)
        poller.register(viewer, zmq.POLLIN)
    ready(connection, "")
    by_number = {viewer.fileno(): viewer for viewer in viewers}
    while True:
        for one, _ in poller.poll():
            if isinstance(one, int):
                by_number[one].recv(1 << 16)
            else:
                one.recv_multipart()


@contextlib.contextmanager
def _alone(url: str) -> Iterator[Work]:
    with ZMQJSONProxyClient(zmq.Context.instance(), "bank", url.split("|")[0]) as proxy:
        yield lambda: proxy.add(2, 3)


@contextlib.contextmanager
def _attended(url: str) -> Iterator[Work]:
    with serving(cores()[0], 1, attend, url), _alone(url) as work:
        time.sleep(1.0)  # until all of them are served
        yield work


def _beside(effort: Effort) -> list[Row]:
    here, *others = cores()
    programs = {"floor": Program(serve_busy, _alone), "ours": Program(serve_busy, _attended)}
    times = compare(here, others[0] if others else here, programs, effort.once(), 1000)
    what = f"p99 of a small call beside {SUBSCRIBERS} subscribers and {VIEWERS} viewers, of idle"
    return [times.row(what, 1.5, part=0.99)]


# over bad lines


class _Line:
    """Subscription to frames over a line.

    Args:
        url: Of the Player.
        delay_s: Each way.
        stack: Ends it.
    """

    def __init__(self, url: str, delay_s: float, stack: contextlib.ExitStack) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
        self.wire = stack.enter_context(Wire(int(url.rpartition(":")[2])))
        self.wire.delay_s = delay_s
        self.player = stack.enter_context(ZMQJSONProxyClient(context, "bank", url))
        proxy = stack.enter_context(ZMQJSONProxyClient(context, "bank", self.wire.url))
        self.updates = stack.enter_context(proxy.subscribe("trace", most=1_000_000))
        self._wait("it opened", lambda: bool(self.updates.events))

    def _wait(self, what: str, is_so: Callable[[], bool]) -> float:
        begun = time.monotonic()
        while not is_so():
            if time.monotonic() - begun > _WITHIN_S:
                raise TimeoutError(f"{what}: not within {_WITHIN_S:g} s")
            time.sleep(0.001)
        return time.monotonic() - begun

    def publish(self, frames: int) -> Callable[[], bool]:
        """Have frames published, not over the line; return what tells whether each is there, or is
        known to be lost."""
        updates = self.updates
        after = updates.received + updates.lost + frames
        self.player.burst(frames)
        return lambda: updates.received + updates.lost >= after

    def burst(self, frames: int) -> float:
        """Return the time that frames take, s."""
        begun = time.monotonic()
        self._wait("all frames came", self.publish(frames))
        return time.monotonic() - begun

    def cut(self) -> float:
        """Return the time from a cut until the subscription is open again, s."""
        before = self.updates.reopened
        self.wire.cut()
        return self._wait("it opened again", lambda: self.updates.reopened > before)

    def stall(self, frames: int) -> float:
        """Return the time from the end of a stall until all is known of what was published in it,
        s."""
        self.wire.stop()
        is_there = self.publish(frames)
        time.sleep(STALL_S)
        self.wire.up()
        return self._wait("what was published came", is_there)


def _over_line(url: str, size: int, delay_s: float) -> dict[str, float]:
    """Return bytes per second, and times until frames come again, s, over a line."""
    with contextlib.ExitStack() as stack:
        line, count = _Line(url, delay_s, stack), OVER_LINE[size]
        time.sleep(1.0)
        found = {"rate": size * count / statistics.median(line.burst(count) for _ in range(5))}
        if size == min(OVER_LINE):
            found["again"] = statistics.median(line.cut() for _ in range(CUTS))
            found["stalled"] = line.stall(count)
        return found


def _lines(effort: Effort) -> list[Row]:
    here, *others = cores()
    rows = []
    for size in OVER_LINE:
        for delay_s in (0.0, ROUND_TRIP_S / 2):
            with serving(others[0] if others else here, 1, serve_ours, size) as ((url, _),):
                found = in_pinned_process(here, _over_line, url, size, delay_s)
            effort.pass_on()
            line = f"frames of {size // 1024} KiB, round trip {2000 * delay_s:g} ms"
            rows.append(Row(line, None, found["rate"] / 2**20, None, None, None, "MiB/s"))
            if "again" in found:
                what = f"{line}: a cut to the subscription reopened"
                rows.append(Row(what, None, 1000 * found["again"], None, None, None, "ms"))
                what = f"{line}: a stall of {STALL_S:g} s to what was published in it"
                rows.append(Row(what, None, 1000 * found["stalled"], None, None, None, "ms"))
    return rows


# from a data-taking program to a callback


class LiveSpectra:
    """Object that publishes what a program leaves in shared memory."""

    spectrum = pipe(unit="counts^2", x_unit="Hz", doc="Live spectra.")


def _memory_of(folder: str) -> Path:
    return Path(folder) / "live"


def serve_spectra(connection: Connection, folder: str) -> None:
    """Serve LiveSpectra."""
    server = ZMQJSONProxyServer(zmq.Context.instance(), "tcp://127.0.0.1:*")
    spectra = LiveSpectra()
    server.expose("bank", spectra)
    publisher = SpectrumPublisher(_memory_of(folder), table_of(spectra))
    ready(connection, server.url)
    server.run_loop()
    publisher.close()


def _spectrum(data: np.ndarray[tuple[int, ...], np.dtype[np.float32]], number: int) -> LiveSpectrum:
    return LiveSpectrum(
        rows=["XX"], x_starts=[0.0], x_delta=1.0, time=time.time(), integration=number, data=data
    )


def take_data(connection: Connection, folder: str) -> None:
    """Write a spectrum every now and then, with the time of its writing."""
    data = np.zeros((1, CHANNELS), np.float32)
    writer = FrameWriter(_memory_of(folder), data.nbytes)
    ready(connection, "")
    number = 0
    while True:
        time.sleep(SPECTRUM_EVERY_S)
        writer.write(_spectrum(data, number))
        number += 1


def _latencies(url: str) -> list[float]:
    """Return the age of each spectrum when its callback has it, s."""
    found: list[float] = []
    enough = threading.Event()

    def take(update: object) -> None:
        found.append(time.time() - getattr(update, "time", 0.0))
        if len(found) > SPECTRA:
            enough.set()

    with (
        ZMQJSONProxyClient(zmq.Context.instance(), "bank", url) as proxy,
        proxy.subscribe(SPECTRUM, take),
    ):
        if not enough.wait(_WITHIN_S):
            raise TimeoutError(f"{len(found)} spectra came within {_WITHIN_S:g} s")
    return sorted(found[1:])


def _latency(_effort: Effort) -> list[Row]:
    here, *others = cores()
    there = others[0] if others else here
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm") as folder,
        serving(there, 1, serve_spectra, folder) as ((url, _),),
        serving(there, 1, take_data, folder),
    ):
        found = in_pinned_process(here, _latencies, url)
    what = f"spectrum of {CHANNELS} channels, data-taking program to callback"
    return [
        Row(f"{what}, {name}", None, 1000 * found[int(part * len(found))], None, None, None, "ms")
        for name, part in (("p50", 0.5), ("p99", 0.99))
    ]


# out of shared memory


def serve_tcp(connection: Connection, size: int) -> None:
    """Send frames over a TCP connection, one after the other."""
    listener = socket.create_server(("127.0.0.1", 0))
    ready(connection, str(listener.getsockname()[1]))
    stream, _ = listener.accept()
    frame = os.urandom(size)
    with contextlib.suppress(OSError):
        while True:
            stream.sendall(frame)


@contextlib.contextmanager
def _from_tcp(size: int, port: str) -> Iterator[Work]:
    frame = memoryview(bytearray(size))
    with socket.create_connection(("127.0.0.1", int(port))) as stream:

        def work() -> None:
            for _ in range(FRAMES):
                there = 0
                while there < size:
                    there += stream.recv_into(frame[there:])

        yield work


def serve_memory(connection: Connection, size: int, folder: str) -> None:
    """Write frames into shared memory, one after the other."""
    data = np.frombuffer(os.urandom(size), np.uint8).view(np.float32).reshape(1, -1)
    writer, number = FrameWriter(_memory_of(folder), size), 0
    ready(connection, folder)
    while True:
        writer.write(_spectrum(data, number))
        number += 1


@contextlib.contextmanager
def _from_memory(folder: str) -> Iterator[Work]:
    reader = LiveFrameReader(_memory_of(folder))

    def work() -> None:
        for _ in range(FRAMES):
            while reader.next() is None:
                pass

    yield work
    reader.close()


def _memory(size: int, effort: Effort) -> list[Row]:
    here, *others = cores()
    must, aim = MEMORY[size]
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        programs = {
            "floor": Program(serve_tcp, partial(_from_tcp, size), (size,)),
            "ours": Program(serve_memory, _from_memory, (size, folder)),
        }
        there = others[0] if others else here
        times = compare(here, there, programs, effort.once(), min(2**20 // size + 4, 50))
    what = f"newest frame of {size // 1024} KiB out of shared memory, of one TCP stream, {FRAMES}"
    return [times.row(what, must, aim, unit="ms")]


PARTS: dict[str, Part] = {
    "beside": _beside,
    "lines": _lines,
    "latency": _latency,
    **{f"memory{size // 1024}": partial(_memory, size) for size in MEMORY},
}
