"""The gateway for DiFX clients, of bare asyncio programs: transfers, relay, first listing; its memory.

The floors do the same with nothing of a protocol: a server that copies between its socket and a file,
one that writes each message to every client, and an echo. Both sides have the same clients, which only
count bytes; server and clients have a core each, and take turns. Files are in memory where it can be had.
A client in channel mode gets 1024 bytes of a file in a packet, for so the original's clients want them.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import statistics
import struct
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil

from benchmarks.floors import Telling, cores, ready, serving
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from gateways.difx.endpointconfig import GuiServerEndpointConfig
from gateways.difx.protocol.commands import (
    FileAction,
    FileOperation,
    FileTransfer,
    TransferDirection,
)
from gateways.difx.protocol.documents import write_command
from gateways.difx.protocol.frames import Frame, FrameReader, pack_frame
from gateways.difx.protocol.items import integer
from gateways.difx.protocol.messages import (
    EncodedMessage,
    MessageHeader,
    MessageType,
    Node,
    encode_message,
)
from gateways.difx.protocol.packets import Packet, pack_chunk
from gateways.difx.relay import Relay, RelaySettings
from gateways.difx.server import GuiServer
from gateways.difx.share import Threads
from groundwork.addresses import split_url, tcp_url

HOST = "127.0.0.1"
MEMORY = Path("/dev/shm")
FILE_BYTES, PIECE_BYTES = 256 << 20, 1 << 18
"""A bare asyncio copy is fastest in pieces of about this size."""
MAX_FILE_BYTES = 1 << 30
ROUNDS = 5
CHANNEL, CHUNK_HEAD_BYTES, CHUNK_BYTES = 12346, 12, 1024
MESSAGES, CLIENTS, QUEUE = 10_000, 20, 20_000
BATCH = 50
"""Messages that are published before anybody else has a turn."""
SETTLE_S = 0.5
LISTINGS = 60
CONNECTIONS, FIRST_CONNECTIONS = 10_000, 1000
WITHIN_S = 120.0

Address = tuple[str, int]
Take = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


def _gateway(connection: Telling, folder: Path) -> None:
    """Serve: a Player with a gateway whose root is a folder."""
    from player.config import load
    from player.host import Host

    (config := folder / "array.toml").write_text(
        f"""
        [banks.DIFX]
        kind = "difx"
        hpc_host = "localhost"
        root = "{folder}"
        [banks.DIFX.endpoints.guiserver]
        port = 0
        max_file = {MAX_FILE_BYTES}
        """
    )
    with Host(load(config), "DIFX", f"tcp://{HOST}:*", data_root=folder) as host:
        host.open()
        ready(connection, host.endpoint_urls["guiserver"])
        host.wait()


def _serve(connection: Telling, take: Take) -> None:
    """Serve with a bare asyncio server."""

    async def run() -> None:
        server = await asyncio.start_server(take, HOST, 0, limit=PIECE_BYTES)
        ready(connection, tcp_url(HOST, server.sockets[0].getsockname()[1]))
        await server.serve_forever()

    asyncio.run(run())


def _copier(connection: Telling, folder: Path) -> None:
    """Serve: a file to whoever sends 0, and one from whoever sends its size."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (left,) = struct.unpack("!q", await reader.readexactly(8))
        if left == 0:
            with (folder / "there").open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    writer.write(piece)
                    await writer.drain()
        else:
            with (folder / "copied").open("wb") as file:
                while left:
                    piece = await reader.read(PIECE_BYTES)
                    file.write(piece)
                    left -= len(piece)
            writer.write(integer(0))
        writer.close()

    _serve(connection, copy)


def _echo(connection: Telling) -> None:
    """Serve: what comes is sent back."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
        writer.close()

    _serve(connection, answer)


def _receive(peer: socket.socket, count: int) -> None:
    """Take so many bytes, or more."""
    buffer = bytearray(1 << 20)
    while count > 0:
        got = peer.recv_into(buffer)
        if got == 0:
            raise RuntimeError(f"{count} bytes of an answer did not come")
        count -= got


def _send_file(send: Callable[[bytes], object], wrap: Callable[[bytes], bytes]) -> None:
    piece = wrap(bytes(PIECE_BYTES))
    for _ in range(FILE_BYTES // PIECE_BYTES):
        send(piece)


@contextmanager
def _connected(address: Address) -> Iterator[socket.socket]:
    with socket.create_connection(address, WITHIN_S) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield peer


@contextmanager
def _task(peer: socket.socket, command: Callable[[int], bytes]) -> Iterator[socket.socket]:
    """Send a command, and take the connection that the server makes for it."""
    with socket.create_server((HOST, 0)) as listening:
        listening.settimeout(WITHIN_S)
        peer.sendall(command(listening.getsockname()[1]))
        task, _ = listening.accept()
    with task:
        yield task


def _frames(peer: socket.socket) -> Iterator[Frame]:
    reader = FrameReader()
    while data := peer.recv(PIECE_BYTES):
        yield from reader.feed(data)
    raise RuntimeError("the gateway has ended the connection")


def _transfer(direction: TransferDirection, port: int) -> bytes:
    asked = FileTransfer(
        direction=direction, origin="/there", destination="/stored", address=HOST, port=port
    )
    return pack_frame(Packet.COMMAND, write_command(asked))


def _download(address: Address) -> None:
    with (
        _connected(address) as peer,
        _task(peer, lambda port: _transfer(TransferDirection.DOWNLOAD, port)) as task,
    ):
        _receive(task, 4 + FILE_BYTES)


def _upload(address: Address) -> None:
    with (
        _connected(address) as peer,
        _task(peer, lambda port: _transfer(TransferDirection.UPLOAD, port)) as task,
    ):
        task.sendall(integer(FILE_BYTES))
        _send_file(task.sendall, bytes)
        _check(task.recv(4))


def _download_in_chunks(address: Address) -> None:
    with _connected(address) as peer:
        peer.sendall(
            pack_frame(Packet.CHANNEL_ALL_DATA_ON) + _transfer(TransferDirection.DOWNLOAD, CHANNEL)
        )
        _receive(peer, FILE_BYTES + FILE_BYTES // CHUNK_BYTES * CHUNK_HEAD_BYTES)


def _upload_in_chunks(address: Address) -> None:
    with _connected(address) as peer:
        peer.sendall(
            pack_frame(Packet.CHANNEL_ALL_DATA_ON) + _transfer(TransferDirection.UPLOAD, CHANNEL)
        )
        peer.sendall(pack_chunk(CHANNEL, integer(FILE_BYTES)))
        _send_file(peer.sendall, lambda piece: pack_chunk(CHANNEL, piece))
        _check(next(f.payload[4:] for f in _frames(peer) if f.id == Packet.CHANNEL_DATA))


def _check(answer: bytes) -> None:
    if answer != integer(FILE_BYTES):
        raise RuntimeError(f"an upload was answered by {answer.hex(' ')}")


def _bare_download(address: Address) -> None:
    with _connected(address) as peer:
        peer.sendall(struct.pack("!q", 0))
        _receive(peer, FILE_BYTES)


def _bare_upload(address: Address) -> None:
    with _connected(address) as peer:
        peer.sendall(struct.pack("!q", FILE_BYTES))
        _send_file(peer.sendall, bytes)
        _receive(peer, 4)


def _seconds(work: Callable[[Address], None], address: Address) -> float:
    begun = time.perf_counter()
    work(address)
    return time.perf_counter() - begun


TRANSFERS: Sequence[
    tuple[str, Callable[[Address], None], Callable[[Address], None], float, float | None]
] = (
    ("download of 256 MiB", _download, _bare_download, 0.6, 0.8),
    ("upload of 256 MiB", _upload, _bare_upload, 0.6, 0.8),
    ("download of 256 MiB in a channel", _download_in_chunks, _bare_download, 0.3, None),
    ("upload of 256 MiB in a channel", _upload_in_chunks, _bare_upload, 0.3, None),
)


def _transfers(effort: Effort) -> list[Row]:
    found = []
    core = cores()[0]
    with (
        _folder() as folder,
        serving(core, 1, _gateway, folder) as [(ours_url, _)],
        serving(core, 1, _copier, folder) as [(floor_url, _)],
    ):
        ours, floor = split_url(ours_url), split_url(floor_url)
        with (folder / "there").open("wb") as file:
            file.truncate(FILE_BYTES)
        for what, work, bare, must, aim in TRANSFERS:
            times = []
            for _ in range(ROUNDS):
                times.append((_seconds(work, ours), _seconds(bare, floor)))
                effort.pass_on()
            own, other = (
                FILE_BYTES / 1e6 / statistics.median(column) for column in zip(*times, strict=True)
            )
            ratio = statistics.median(floor_s / ours_s for ours_s, floor_s in times)
            found.append(Row(what, other, own, ratio, must, aim, "MB/s"))
    return found


def _relayed() -> list[EncodedMessage]:
    """Messages as many senders' Banks would tell them; the last one is not as any other."""
    made = []
    for number in range(MESSAGES):
        text = "the end" if number == MESSAGES - 1 else f"integration {number:05d} is written"
        header = MessageHeader(
            sender=f"player{number % 16}", identifier="player", type=MessageType.ALERT
        )
        body = Node("difxAlert", children=(Node("alertMessage", text), Node("severity", "4")))
        made.append(encode_message(header, body))
    return made


def _relay(connection: Telling) -> None:
    """Serve: the relay of a gateway, which begins when somebody connects to the second address."""
    messages = _relayed()

    async def run() -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        relay = Relay(RelaySettings(name="DIFX", players={}, queue=QUEUE))
        relay.open()
        config = GuiServerEndpointConfig.model_validate({"relay_queue": QUEUE})
        log: Any = logging.getLogger("benchmarks")
        nobody: Any = SimpleNamespace(profiles=())  # clients of the relay ask no Bank
        with ThreadPoolExecutor(1) as executor, socket.create_server((HOST, 0)) as listening:
            server = GuiServer(config, nobody, log, Threads(executor), relay, nobody)

            async def publish(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                for number, message in enumerate(messages):
                    relay.publish(message)
                    if number % BATCH == 0:
                        await asyncio.sleep(0)
                writer.close()

            control = await asyncio.start_server(publish, HOST, 0)
            ports = (each.getsockname()[1] for each in (listening, control.sockets[0]))
            ready(connection, " ".join(tcp_url(HOST, port) for port in ports))
            await loop.create_task(server.serve(listening, ended))

    asyncio.run(run())


def _broadcast(connection: Telling) -> None:
    """Serve: the same packets to all clients, with nothing between."""
    packets = [pack_frame(Packet.RELAY, each.numbered(0)) for each in _relayed()]

    async def run() -> None:
        writers: list[asyncio.StreamWriter] = []

        async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            await reader.read()

        async def publish(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for packet in packets:
                for each in writers:
                    each.write(packet)
                for each in writers:
                    await each.drain()
            writers.clear()
            writer.close()

        servers = [await asyncio.start_server(take, HOST, 0) for take in (join, publish)]
        ports = (each.sockets[0].getsockname()[1] for each in servers)
        ready(connection, " ".join(tcp_url(HOST, port) for port in ports))
        await servers[0].serve_forever()

    asyncio.run(run())


def _hear(peer: socket.socket) -> int:
    """Take messages until the last one; how many came."""
    count, tail = 0, b""
    while True:
        data = peer.recv(1 << 18)
        if not data:
            raise RuntimeError("the server has ended a connection")
        tail += data
        count += tail.count(b"<difxMessage>")
        if b"the end" in tail and tail.endswith(b"</difxMessage>"):
            return count
        cut = tail.rfind(b"<difxMessage>") + 1
        tail = tail[cut:] if cut else tail[-12:]


def _relay_cpu(urls: str, pid: int) -> float:
    """Have all messages told to all clients; CPU time of the server, s."""
    address, control = (split_url(url) for url in urls.split())
    asked = pack_frame(Packet.RELAY, integer(1))
    with ExitStack() as stack, ThreadPoolExecutor(CLIENTS) as threads:
        peers = [stack.enter_context(_connected(address)) for _ in range(CLIENTS)]
        for peer in peers:
            peer.sendall(asked)
        time.sleep(SETTLE_S)  # all have joined, which nothing tells
        before = psutil.Process(pid).cpu_times()
        hearing = [threads.submit(_hear, peer) for peer in peers]
        with _connected(control):
            counts = {each.result() for each in hearing}
        after = psutil.Process(pid).cpu_times()
    if counts != {MESSAGES}:
        raise RuntimeError(f"clients had {sorted(counts)} messages of {MESSAGES}")
    return after.user + after.system - before.user - before.system


def _relay_rows(effort: Effort) -> list[Row]:
    core, times = cores()[0], []
    for _ in range(ROUNDS):
        found = []
        for target in (_relay, _broadcast):
            with serving(core, 1, target) as [(urls, pid)]:
                found.append(_relay_cpu(urls, pid))
        times.append(found)
        effort.pass_on()
    own, floor = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(ours_s / floor_s for ours_s, floor_s in times)
    what = f"relay of {MESSAGES:,} messages to {CLIENTS} clients, CPU"
    return [Row(what, floor, own, ratio, 3.0, None, "s")]


def _list(address: Address) -> None:
    """Connect, have the handshake, and list the root."""
    asked = FileOperation(operation=FileAction.LS, path="/", address=HOST, port=CHANNEL)
    with _connected(address) as peer:
        peer.sendall(pack_frame(Packet.CHANNEL_ALL_DATA_ON) + pack_frame(Packet.GUISERVER_VERSION))
        frames = _frames(peer)
        next(frame for frame in frames if frame.id == Packet.CHANNEL_ALL_DATA)
        peer.sendall(pack_frame(Packet.COMMAND, write_command(asked)))
        end = struct.pack("!ii", CHANNEL, 0)
        next(frame for frame in frames if frame.id == Packet.CHANNEL_DATA and frame.payload == end)


def _ask_echo(address: Address) -> None:
    """Connect, and have something sent back twice."""
    with _connected(address) as peer:
        for _ in range(2):
            peer.sendall(b"12345678")
            _receive(peer, 8)


def _listing(effort: Effort) -> list[Row]:
    core, times = cores()[0], []
    with (
        _folder() as folder,
        serving(core, 1, _gateway, folder) as [(ours_url, _)],
        serving(core, 1, _echo) as [(floor_url, _)],
    ):
        ours, floor = split_url(ours_url), split_url(floor_url)
        for _ in range(LISTINGS):
            times.append((_seconds(_list, ours), _seconds(_ask_echo, floor)))
            effort.pass_on()
    own_ms, floor_ms = (1e3 * statistics.median(column) for column in zip(*times, strict=True))
    what = "connection, handshake, first listing; floor: connection, two echoes"
    return [Row(what, floor_ms, own_ms, None, 20.0, None, "ms")]


def _memory(effort: Effort) -> list[Row]:
    with _folder() as folder, serving(cores()[0], 1, _gateway, folder) as [(url, pid)]:
        address, process = split_url(url), psutil.Process(pid)
        for _ in range(FIRST_CONNECTIONS):
            _list(address)
        before = process.memory_info().rss
        for _ in range(CONNECTIONS):
            _list(address)
            effort.pass_on()
        grown = (process.memory_info().rss - before) / 1024
    what = f"memory of the gateway, growth over {CONNECTIONS:,} connections"
    return [Row(what, None, grown, None, 1024.0, None, "KiB", grain=512.0)]


PARTS: dict[str, Part] = {
    "transfers": _transfers,
    "relay": _relay_rows,
    "listing": _listing,
    "memory": _memory,
}
