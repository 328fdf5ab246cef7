"""The mirror server of a histogrammer, its clients as the reference has them: good, slow and hostile."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.mirror_peer import FULL, PARTIAL, MirrorPeer
from support.player_run import ROOT, poll

from groundwork.listening import listen
from histogrammer.axes import Axis
from histogrammer.bank import HistogrammerBank
from histogrammer.display.memory import MemoryKind
from histogrammer.display.protocol.directory import MirrorDirectory
from histogrammer.display.source import ask_source
from histogrammer.engine import Engine
from histogrammer.mirror.endpoint import MirrorEndpoint
from histogrammer.mirror.server import MirrorServer, MirrorServerSettings
from histogrammer.mirror.updates import Updates
from histogrammer.service import Histogrammer, HistogrammerSettings
from histogrammer.spectra import KINDS
from player.testing import HostedBank

TABLES = 5_600_000
LOG = logging.getLogger("tests.mirror")


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedBank]:
    folder = tmp_path_factory.mktemp("mirror")
    endpoints = {"mirror": {"port": 0, "max_clients": 40}, "spectcl": {"port": 0}}
    table = {"home": str(folder), "shm_mbytes": 20, "threads": 1, "endpoints": endpoints}
    with HostedBank("histogrammer", table, folder=folder) as made:
        yield made


@dataclass(frozen=True)
class Served:
    """A histogrammer and its mirror server."""

    histogrammer: Histogrammer
    server: MirrorServer
    port: int
    rest: str

    def book(self, kind: str, name: str, *axes: Axis) -> None:
        """Book a spectrum, and bind it."""

        def book(engine: Engine) -> None:
            parameters = [["a"]] if len(axes) == 1 else [["a"], ["b"]]
            for parameter in "ab":
                engine.row_of(parameter)
            engine.create_spectrum(KINDS[kind].define(name, parameters, axes))
            engine.bindings.bind(name)

        self.histogrammer.worker.ask(book)

    def fill(self, name: str, first: int = 0) -> None:
        """Give a spectrum other counts, which are shown at once."""

        def fill(engine: Engine) -> None:
            cells = engine.spectrum(name).contents.cells
            cells[...] = first + np.arange(cells.size).reshape(cells.shape)
            engine.spectrum(name).version += 1
            engine.bindings.refresh()

        self.histogrammer.worker.ask(fill)

    def memory(self) -> bytes:
        """Return what displays of this host see, without the owner's mark."""
        memory = self.histogrammer.memory
        assert memory is not None
        data = bytearray(Path(memory.key.removeprefix("file:")).read_bytes())
        data[5_439_872:5_440_000] = bytes(128)
        return bytes(data)

    def mirrors(self) -> set[tuple[str, str]]:
        """Return the directory, as REST clients see it."""
        return {(entry.host, entry.key) for entry in ask_source(self.rest).mirrors}


@pytest.fixture
def served(hosted: HostedBank) -> Iterator[Served]:
    """The histogrammer without spectra, and without clients."""
    bank, endpoint = hosted.bank, hosted.host._site_endpoints["mirror"]
    assert isinstance(bank, HistogrammerBank)
    assert isinstance(endpoint, MirrorEndpoint)
    assert endpoint.server is not None
    port = int(hosted.endpoints["mirror"].rpartition(":")[2])
    one = Served(bank.histogrammer, endpoint.server, port, hosted.endpoints["spectcl"])
    yield one
    poll(lambda: not len(one.server), "all clients are gone")
    one.histogrammer.worker.ask(lambda e: [e.delete_spectrum(name) for name in list(e.spectra)])


def test_the_first_update_is_full_and_later_ones_are_as_the_reference_has_them(
    served: Served,
) -> None:
    served.book("1", "line", Axis(0, 510, 510))
    served.fill("line")
    with MirrorPeer(served.port) as peer:
        first = peer.update()
        assert (first.kind, len(first.body)) == (FULL, TABLES + 2048)
        assert first.body == served.memory()[: TABLES + 2048]
        served.fill("line", first=7)
        second = peer.update()
        assert (second.kind, len(second.body)) == (PARTIAL, 2048)
        assert np.frombuffer(second.body, np.uint32).tolist() == list(range(7, 519))
        assert peer.update() == second
        served.book("2", "plane", Axis(0, 4, 4), Axis(-1, 1, 2))
        third = peer.update()
        assert third.kind == FULL
        assert third.body == served.memory()[: TABLES + 2048 + 4 * 24]
        served.histogrammer.worker.ask(
            lambda engine: [engine.bindings.unbind(n) for n in ("line", "plane")]
        )
        assert peer.update().kind == FULL
        nothing = peer.update()
        assert (nothing.kind, nothing.body) == (PARTIAL, b"")


def test_all_clients_share_what_is_made_once_for_each_change(served: Served) -> None:
    served.book("2", "plane", Axis(0, 256, 256), Axis(0, 256, 256))
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(MirrorPeer(served.port)) for _ in range(20)]
        built = served.server.updates.built
        for change in range(3):
            served.fill("plane", first=change)
            for peer in peers:
                peer.ask()
            bodies = {peer.receive().body[-4 * 258 * 258 :] for peer in peers}
            assert len(bodies) == 1
            assert bodies.pop() == served.memory()[TABLES:][: 4 * 258 * 258]
        assert served.server.updates.built == built + 3


def test_copies_are_listed_as_long_as_their_clients_are_there(served: Served) -> None:
    with MirrorPeer(served.port) as one, MirrorPeer(served.port) as other:
        one.send(1, b"abcd")
        one.send(1, "file:/ä b".encode())
        other.send(1, b"efgh")
        one.update()
        other.update()
        keys = {("127.0.0.1", key) for key in ("abcd", "file:/ä b", "efgh")}
        assert served.mirrors() == keys
        with MirrorPeer(served.port) as again:
            again.send(1, b"abcd")
            assert again.is_closed()
        assert served.mirrors() == keys
        one.close()
        poll(lambda: served.mirrors() == {("127.0.0.1", "efgh")}, "both copies of one are gone")
    poll(lambda: not served.mirrors(), "all copies are gone")


HOSTILE = [
    struct.pack("=II", 8, 0),
    struct.pack("=II", 8, 99),
    struct.pack("=II", 9, 2) + b"x",
    struct.pack("=II", 0xFFFFFFFF, 2),
    struct.pack("=II", 8, 1),
    struct.pack("=II", 8 + 1025, 1) + b"k" * 1025,
    struct.pack("=II", 0xFFFFFFFF, 1) + b"k" * 2000,
    struct.pack("=II", 10, 1) + b"\xff\xfe",
    struct.pack("=II", 0, 2),
    struct.pack("=II", 8, 3),
    b"GET /spectcl/version HTTP/1.1\r\nHost: x\r\n\r\n",
]


def test_hostile_clients_are_closed_and_logged_and_others_served(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    served.book("1", "line", Axis(0, 510, 510))
    served.server._throttle._most = served.server._throttle._room = 1000
    with caplog.at_level("WARNING"), MirrorPeer(served.port) as good:
        good.update()
        for data in HOSTILE:
            with MirrorPeer(served.port) as bad:
                bad.send(1, b"evil")
                bad.update()
                bad.socket.sendall(data)
                assert bad.is_closed()
            poll(lambda: not served.mirrors(), "its copy is not listed")
        for end in (b"\0", struct.pack("=II", 12, 1) + b"ab"):
            with MirrorPeer(served.port) as short:
                short.socket.sendall(end)
                short.socket.shutdown(socket.SHUT_WR)
                assert short.is_closed()
        assert good.update().kind == PARTIAL
    said = [record.getMessage() for record in caplog.records if "is closed:" in record.getMessage()]
    assert len(said) == len(HOSTILE) + 2
    assert said[-1].endswith("an end after 10 bytes of a message")


def test_clients_beyond_the_limit_are_refused_and_the_others_are_served(served: Served) -> None:
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(MirrorPeer(served.port)) for _ in range(40)]
        poll(lambda: len(served.server) == 40, "all are accepted")
        with MirrorPeer(served.port) as more:
            assert more.is_closed()
        assert peers[-1].update().kind == FULL


def test_clients_that_come_and_go_leave_no_descriptor(served: Served) -> None:
    server = served.server
    known, before = server.accepted + server.refused, len(os.listdir("/proc/self/fd"))
    for _ in range(300):
        MirrorPeer(served.port).close()
    poll(lambda: server.accepted + server.refused == known + 300, "all came")
    poll(lambda: not len(server), "all are gone")
    assert len(os.listdir("/proc/self/fd")) <= before + 2


def test_an_update_is_whole_while_spectra_come_and_go(served: Served) -> None:
    with MirrorPeer(served.port) as peer:
        for number in range(25):
            peer.ask()
            name = f"s{number % 5}"
            if number >= 5:
                served.histogrammer.worker.ask(lambda engine, n=name: engine.delete_spectrum(n))
            served.book("1", name, Axis(0, 1, 10 + number))
            served.fill(name, first=number)
            update = peer.receive()
            if update.kind == FULL:
                tables = update.body[:TABLES]
            used = len(update.body) - (TABLES if update.kind == FULL else 0)
            ends = [0]
            for slot in np.flatnonzero(np.frombuffer(tables, np.uint32, 10_000, 2_680_000)):
                (first,) = struct.unpack_from("=I", tables, 2_640_000 + 4 * slot)
                channels, _ = struct.unpack_from("=2I", tables, 8 * slot)
                ends.append(4 * (first + channels))
            assert used == max(ends)


@dataclass(frozen=True)
class Alone:
    """A server with limits of its own, in the test's loop."""

    server: MirrorServer
    port: int


@contextlib.asynccontextmanager
async def alone(histogrammer: Histogrammer, **limits: Any) -> Any:
    """Run a server on a histogrammer."""
    settings = MirrorServerSettings(**limits)
    server = MirrorServer(
        Updates(histogrammer.worker), MirrorDirectory(), logging.LoggerAdapter(LOG), settings
    )
    ended, listening = asyncio.Event(), listen("127.0.0.1", 0)
    task = asyncio.create_task(server.serve(listening, ended))
    try:
        yield Alone(server, listening.getsockname()[1])
    finally:
        ended.set()
        await task
        listening.close()


def test_a_slow_client_costs_the_others_nothing_and_is_closed(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    served.book("2", "plane", Axis(0, 1800, 1800), Axis(0, 1800, 1800))  # more than sockets hold

    async def check() -> None:
        async with alone(served.histogrammer, piece_within=600.0) as one:
            with MirrorPeer(one.port, receive_buffer=4096) as slow, MirrorPeer(one.port) as good:
                slow.ask()
                assert (await asyncio.to_thread(good.update)).kind == FULL
                assert (await asyncio.to_thread(good.update)).kind == PARTIAL
                assert len(one.server) == 2
        async with alone(served.histogrammer, piece_within=0.1) as one:
            with MirrorPeer(one.port, receive_buffer=4096) as slow:
                slow.ask()
                while not one.server.accepted or len(one.server):
                    await asyncio.sleep(0.01)
                with pytest.raises((EOFError, ConnectionError)):
                    await asyncio.to_thread(slow.receive)

    with caplog.at_level("WARNING"):
        asyncio.run(check())
    assert "it took no 4 MiB of an update in 0.1 s" in caplog.text


def test_old_updates_are_not_kept_for_slow_clients_without_limit(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    served.book("2", "plane", Axis(0, 1800, 1800), Axis(0, 1800, 1800))

    async def check() -> None:
        async with alone(served.histogrammer, max_held_bytes=20 << 20) as one:
            slow = [MirrorPeer(one.port, receive_buffer=4096) for _ in range(3)]
            for number, peer in enumerate(slow):
                await asyncio.to_thread(served.fill, "plane", number)
                peer.ask()
                while sum(each is not None for each in one.server._tasks.values()) < min(
                    number + 1, 2
                ):
                    await asyncio.sleep(0.01)
            while len(one.server) > 2:
                await asyncio.sleep(0.01)
            assert (await asyncio.to_thread(slow[2].receive)).kind == FULL
            for peer in slow:
                peer.close()

    with caplog.at_level("WARNING"):
        asyncio.run(check())
    assert "clients that are too slow are closed: 1" in caplog.text


def test_a_histogrammer_that_has_ended_closes_its_clients(tmp_path: Path) -> None:
    settings = HistogrammerSettings(home=tmp_path, shm_mbytes=1, threads=1, spectra_bytes=1 << 20)

    async def check() -> None:
        with Histogrammer(settings) as histogrammer:
            async with alone(histogrammer) as one:
                with MirrorPeer(one.port) as peer:
                    await asyncio.to_thread(peer.update)
                    histogrammer.close()
                    peer.ask()
                    assert await asyncio.to_thread(peer.is_closed)

    asyncio.run(check())


# a reader in another language, made from the reference


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader in C++, compiled."""
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("there is no C++ compiler")
    program = tmp_path_factory.mktemp("reader") / "mirror_reader"
    source = ROOT / "tests" / "support" / "mirror_reader.cpp"
    subprocess.run([compiler, "-O1", "-o", str(program), str(source)], check=True)
    return program


def lines_of(process: subprocess.Popen[str]) -> list[str]:
    """Read what the reader says of one update."""
    assert process.stdout is not None
    return list(iter(process.stdout.readline, "end\n"))


def wanted(served: Served) -> list[str]:
    """Return what it has to say of the spectra that are bound."""

    def describe(engine: Engine) -> list[str]:
        lines = []
        for name, slot in engine.bindings.items():
            one = engine.spectrum(name)
            shown, cells = one.shown, one.contents.cells.ravel().astype(np.uint64)
            x, y = shown.x_axis, shown.y_axis
            limits = (x.low, x.high, *((0, 0) if y is None else (y.low, y.high)))
            weighted = int((cells * np.arange(1, len(cells) + 1, dtype=np.uint64)).sum())
            lines.append(
                "\t".join(
                    [str(slot), name, "4" if y is None else "5", str(x.bins + 2)]
                    + ["1" if y is None else str(y.bins + 2)]
                    + [f"{limit:g}" for limit in limits]
                    + [str(int(cells.sum())), str(weighted)]
                )
                + "\n"
            )
        return lines

    return served.histogrammer.worker.ask(describe)


def test_a_reader_in_another_language_sees_every_bound_spectrum_right(
    served: Served, reader: Path
) -> None:
    served.book("1", "line", Axis(0, 2048, 4096))
    served.book("2", "plane", Axis(-3, 5, 30), Axis(0.5, 2, 20))
    served.book("1", "with blank", Axis(0, 1, 7))
    command = [str(reader), "127.0.0.1", str(served.port)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        for change in range(3):
            for name in ("line", "plane", "with blank"):
                served.fill(name, first=1000 * change)
            process.stdin.write("\n")
            process.stdin.flush()
            first, *found = lines_of(process)
            assert first.split("\t")[0] == str(PARTIAL if change else FULL)
            assert found == wanted(served)
        served.histogrammer.worker.ask(lambda engine: engine.bindings.unbind("plane"))
        served.book("1", "in its place", Axis(0, 9, 9))
        process.stdin.write("\n")
        process.stdin.close()
        first, *found = lines_of(process)
        assert first.split("\t")[0] == str(FULL)
        assert sorted(found) == sorted(wanted(served))


def test_a_reader_in_another_language_attaches_a_segment_by_its_key(reader: Path) -> None:
    settings = HistogrammerSettings(
        home=Path("/none"),
        shm_kind=MemoryKind.SYSV,
        shm_mbytes=1,
        threads=1,
        spectra_bytes=1 << 20,
    )
    with Histogrammer(settings) as histogrammer:
        served = Served(histogrammer, None, 0, "")  # type: ignore[arg-type]  # it has no server
        served.book("1", "line", Axis(0, 10, 10))
        served.fill("line", first=5)
        assert histogrammer.memory is not None
        key = histogrammer.memory.key
        found = subprocess.run([str(reader), key], capture_output=True, text=True, check=True)
        assert found.stdout.splitlines(keepends=True) == [*wanted(served), "end\n"]
    gone = subprocess.run([str(reader), key], capture_output=True, text=True, check=False)
    assert gone.returncode == 1
