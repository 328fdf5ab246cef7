"""CPU time of a mirror server, of bare `sendall` of the same bytes; time from the refresh of a display
memory to a copy of it.

The floor is a thread for each client that sends prepared bytes for each request. All clients ask at
once, and the next time when all have their updates; between two times a spectrum changes, so that ours
makes a new update of all channels. Clients throw away what they get, in the kernel.
"""

from __future__ import annotations

import asyncio
import logging
import select
import socket
import statistics
import struct
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.comparison import cpu_s
from benchmarks.floors import Telling, cores, ready, serving
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from groundwork.addresses import split_url, tcp_url
from groundwork.listening import listen
from histogrammer.axes import Axis
from histogrammer.bank import HistogrammerBank
from histogrammer.display.protocol.directory import MirrorDirectory
from histogrammer.display.reader import open_key
from histogrammer.engine import Engine
from histogrammer.mirror.keeper import MirrorKeeper
from histogrammer.mirror.places import Places
from histogrammer.mirror.server import MirrorServer, MirrorServerSettings
from histogrammer.mirror.updates import Updates
from histogrammer.service import Histogrammer, HistogrammerSettings
from histogrammer.spectra import KINDS
from player.testing import HostedBank
from portmanager.protocol.urls import ManagerAddress

HOST = "127.0.0.1"
CLIENTS = 20
ROUNDS = 12
LINES, PLANES = 200, 10
WHAT = f"{LINES} spectra of 4096 and {PLANES} of 512 x 512"
REQUEST = struct.pack("=II", 8, 2)
PAUSES_S = (0.0, 0.15, 0.4, 0.55, 0.7, 0.85, 1.1, 0.3)
"""Between a copy and the next change: they meet the requests at any time."""


def _book(engine: Engine) -> None:
    """Book what is shown, and bind it."""
    rng = np.random.default_rng(1)
    for name in ("x", "y"):
        engine.row_of(name)
    for number in range(LINES + PLANES):
        if number < LINES:
            made = KINDS["1"].define(f"s{number}", [["x"]], [Axis(0, 4096, 4096)])
        else:
            made = KINDS["2"].define(f"s{number}", [["x"], ["y"]], [Axis(0, 512, 512)] * 2)
        cells = engine.create_spectrum(made).contents.cells
        cells[...] = rng.integers(1, 1000, cells.shape)
        engine.bindings.bind(made.name)


def _change(engine: Engine, count: float) -> None:
    engine.set_channel(engine.spectrum("s0"), 7, None, count)
    engine.bindings.refresh()


def _ours(connection: Telling) -> None:
    """Serve mirrors; a first client's bytes each have a spectrum changed."""
    with tempfile.TemporaryDirectory() as folder:
        settings = HistogrammerSettings(home=Path(folder), threads=1)
        with Histogrammer(settings) as one:
            one.worker.ask(_book)
            asyncio.run(_serve(connection, one))


async def _serve(connection: Telling, one: Histogrammer) -> None:
    async def change(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        count = 0.0
        while await reader.read(1):
            count += 1
            one.worker.ask(partial(_change, count=count))
            writer.write(b"\0")
        writer.close()

    control = await asyncio.start_server(change, HOST, 0)
    log = logging.LoggerAdapter(logging.getLogger(__name__))
    server = MirrorServer(Updates(one.worker), MirrorDirectory(), log, MirrorServerSettings())
    listening = listen(HOST, 0)
    ready(connection, " ".join(_url(each) for each in (*control.sockets, listening)))
    await server.serve(listening, asyncio.Event())


def _url(listening: socket.socket) -> str:
    return tcp_url(HOST, listening.getsockname()[1])


def _floor(connection: Telling, size: int) -> None:
    """Send as many bytes for each request; what is sent to the other port is sent back."""
    data = struct.pack("=II", size, 4) + bytes(size - 8)
    control, listening = socket.create_server((HOST, 0)), socket.create_server((HOST, 0))
    ready(connection, " ".join(_url(each) for each in (control, listening)))

    def serve(peer: socket.socket, answer: bytes) -> None:
        while peer.recv(8):
            peer.sendall(answer)

    def accept(at: socket.socket, answer: bytes) -> None:
        while True:
            peer, _ = at.accept()
            threading.Thread(target=serve, args=(peer, answer), daemon=True).start()

    threading.Thread(target=accept, args=(control, b"\0"), daemon=True).start()
    accept(listening, data)


class _Clients:
    """All clients of one server, and the one that has its spectra changed."""

    def __init__(self, stack: ExitStack, urls: str) -> None:
        control, mirror = map(split_url, urls.split())
        self._control = stack.enter_context(socket.create_connection(control))
        self._peers = [
            stack.enter_context(socket.create_connection(mirror)) for _ in range(CLIENTS)
        ]

    def update(self) -> int:
        """Have all of them get an update after a change; its bytes."""
        self._control.sendall(b"\0")
        self._control.recv(1)
        for peer in self._peers:
            peer.sendall(REQUEST)
        left: dict[int, int] = {}
        found, waiting = {peer.fileno(): peer for peer in self._peers}, select.poll()
        for number in found:
            waiting.register(number, select.POLLIN)
        size = 0
        while found:
            for number, _ in waiting.poll():
                if number not in left:
                    (size,) = struct.unpack("=I", found[number].recv(8, socket.MSG_WAITALL)[:4])
                    left[number] = size - 8
                else:
                    left[number] -= found[number].recv_into(_NOWHERE, 0, socket.MSG_TRUNC)
                if not left[number]:
                    waiting.unregister(number)
                    del found[number]
        return size


_NOWHERE = bytearray(1 << 20)
"""Linux writes nothing here with MSG_TRUNC, and takes as much away."""


def _cpu(effort: Effort) -> list[Row]:
    core = cores()[0]
    with ExitStack() as stack:
        ((ours_urls, ours_id),) = stack.enter_context(serving(core, 1, _ours))
        ours = _Clients(stack, ours_urls)
        full, size = ours.update(), ours.update()
        if full != size + 5_600_000:
            raise RuntimeError(f"updates of {full} and {size} bytes")
        ((floor_urls, floor_id),) = stack.enter_context(serving(core, 1, _floor, size))
        floor = _Clients(stack, floor_urls)
        floor.update()
        times = []
        for _ in range(ROUNDS):
            own = _spent(ours, ours_id)
            times.append((own, _spent(floor, floor_id)))
    own_ms, floor_ms = (1e3 * statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(one / other for one, other in times)
    what = f"CPU time of an update for {CLIENTS} mirrors, {WHAT}"
    return [Row(what, floor_ms, own_ms, ratio, 1.3, None, "ms")]


def _spent(clients: _Clients, process: int) -> float:
    before = cpu_s([process])
    clients.update()
    return cpu_s([process]) - before


def _delays(pauses: Sequence[float]) -> tuple[list[float], float]:
    """Return times from refreshes to the copy, and the period of the refreshes, s."""
    endpoints = {"mirror": {"port": 0}, "spectcl": {"port": 0}}
    with HostedBank("histogrammer", {"endpoints": endpoints, "home": ".", "threads": 1}) as hosted:
        assert isinstance(hosted.bank, HistogrammerBank)
        worker = hosted.bank.histogrammer.worker
        worker.ask(_book)
        rest, mirror = (
            str(split_url(hosted.endpoints[name].rstrip("/").replace("http", "tcp"))[1])
            for name in ("spectcl", "mirror")
        )
        places = Places(host=HOST, rest=rest, mirror=mirror, user=None, manager=ManagerAddress())
        with MirrorKeeper(places, places.source()) as keeper, open_key(keeper.copy.key) as seen:
            thread = threading.Thread(target=keeper.run, daemon=True)
            thread.start()
            while not keeper.updates:
                time.sleep(0.01)
            counts, taken = seen["s0"].counts, []
            for number, pause in enumerate(pauses, 1):
                time.sleep(pause)
                begun = time.monotonic()
                worker.ask(partial(_change, count=number))
                while counts[7] != number:
                    time.sleep(0.001)
                taken.append(time.monotonic() - begun)
            period = worker.ask(lambda engine: engine.bindings.refresh_every)
        thread.join()
    return taken, period


def _refresh(effort: Effort) -> list[Row]:
    taken, period = _delays(PAUSES_S)
    what = f"refresh of the display memory to a copy, longest of {len(taken)}, {WHAT}"
    return [Row(what, None, max(taken) / period, None, 1.5, None, "periods")]


PARTS: dict[str, Part] = {"cpu": _cpu, "refresh": _refresh}
