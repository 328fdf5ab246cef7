"""A stand-in of the original guiServer: its packets, sequences and flaws, on a real socket.

What its clients meet is here as the sheet of the protocol has it: announced sizes that are too
small, answers that never come, normal actions told as warnings, uploads cut at NUL bytes. Programs
are not run: `jobs` says what each job does.

    with OriginalGuiServer(folder) as server:
        DifxClient("127.0.0.1", server.port)
"""

from __future__ import annotations

import contextlib
import queue
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

from support.player_run import poll

from groundwork.closing import Closing

WITHIN_S = 30.0
HOLD = -1
"""Step of a job: wait until it is released, or stopped."""
NORMAL_RUN = [
    (102, ""),
    (103, ""),
    (127, ""),
    (114, "checking\n"),
    (125, ""),
    (104, ""),
    (113, ""),
    (114, "50 %\n"),
    (115, "late\n"),
    (117, ""),
    (101, ""),
]
Step = tuple[int, str]


def integer(value: int) -> bytes:
    return struct.pack(">i", value)


def frame(number: int, payload: bytes = b"") -> bytes:
    return struct.pack(">ii", number, len(payload)) + payload


class OriginalGuiServer(Closing):
    """A guiServer.

    Args:
        base: Its DIFX_BASE.
        versions: Names of `rungeneric` scripts; none: it warns.
        multiplexes: False: a server of the published page, which knows no channels.
    """

    def __init__(
        self,
        base: Path,
        *,
        versions: Sequence[str] = ("DIFX-2.6", "DIFX-DEVEL"),
        multiplexes: bool = True,
    ) -> None:
        self.base, self.versions, self.multiplexes = base, sorted(versions), multiplexes
        self.jobs: dict[str, list[Step]] = {}
        self.released = threading.Event()
        self.stopped: dict[str, threading.Event] = {}
        self.received: list[tuple[int, bytes]] = []
        """Packets of all clients."""
        self.silent: set[int] = set()
        """Packets that it takes and forgets."""
        self.refused: dict[int, str] = {}
        """Packets that it answers with this error and no more, as its successors do."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._clients: list[_Client] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                client = _Client(self, connection)
                self._clients.append(client)
                client.begin(client.serve)

    def publish(self, datagram: bytes) -> None:
        """Let all clients that want it have a message of the multicast network; waits for the first
        of them."""
        clients = poll(lambda: [c for c in self._clients if c.relays], "a client that wants relay")
        for client in clients:
            client.send(1, datagram)

    def hang_up(self) -> None:
        """End all connections."""
        for client in self._clients:
            client.close()

    def close(self) -> None:
        self.released.set()
        with contextlib.suppress(OSError):  # closed already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(WITHIN_S)
        for client in self._clients:
            client.close()
            client.join()


class _Task:
    """A task connection: items out, bytes in."""

    def __init__(self, item: Callable[[bytes], None], read: Callable[[int], bytes]) -> None:
        self.item, self.read = item, read

    def sub_packet(self, number: int, data: bytes | str = b"", *, short_by: int = 0) -> None:
        payload = data.encode() if isinstance(data, str) else data
        self.sub_packet_items(number, [payload] if payload else [], short_by=short_by)

    def sub_packet_items(self, number: int, items: Sequence[bytes], *, short_by: int = 0) -> None:
        self.item(integer(number))
        self.item(integer(sum(map(len, items)) - short_by))
        for each in items:
            self.item(each)


class _Client:
    def __init__(self, server: OriginalGuiServer, connection: socket.socket) -> None:
        self.server, self.connection = server, connection
        self.channels_on = self.relays = False
        self._writing = threading.Lock()
        self._chunks: dict[int, queue.Queue[bytes]] = {}
        self._threads: list[threading.Thread] = []

    def begin(self, work: Callable[[], None]) -> None:
        def run() -> None:
            with contextlib.suppress(OSError, EOFError, queue.Empty):
                work()

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        for waiting in list(self._chunks.values()):
            waiting.put(b"")

    def join(self) -> None:
        for thread in self._threads:
            thread.join(WITHIN_S)
        self.connection.close()

    # --- the primary connection

    def send(self, number: int, payload: bytes | str = b"") -> None:
        data = payload.encode() if isinstance(payload, str) else payload
        with self._writing:
            self.connection.sendall(frame(number, data))

    def serve(self) -> None:
        try:
            while True:
                number, length = struct.unpack(">ii", exactly(self.connection, 8))
                payload = exactly(self.connection, max(length, 0))
                self.server.received.append((number, payload))
                if number in self.server.refused:
                    self.send(6, self.server.refused[number])
                elif number not in self.server.silent:
                    self.take(number, payload)
        finally:
            self.close()

    def take(self, number: int, payload: bytes) -> None:
        if number == 8:
            self.handshake()
        elif number == 1:
            self.relays = payload != integer(0)
        elif number in (19, 20) and self.server.multiplexes:
            self.channels_on = number == 19
        elif number == 22:
            (channel,) = struct.unpack(">i", payload[:4])
            self.chunks_of(channel).put(payload[4:])
        elif number == 3:
            self.command(payload)
        elif number == 24:
            self.job_status(payload)
        elif number == 23:
            self.file_list(payload)
        elif number == 14:
            (port,) = struct.unpack(">i", payload)
            self.task(self.connection.getpeername()[0], port, self.monitor)

    def handshake(self) -> None:
        self.send(8, "3.1")
        self.send(11, str(self.server.base))
        self.send(16, "difx")
        for version in self.server.versions:
            self.send(10, version)
        if not self.server.versions:
            self.send(5, "no versions of DiFX found")
        self.send(12, f"DIFX_BASE={self.server.base}")
        self.send(12, "HOSTNAME=head")
        if self.server.multiplexes:
            self.send(18)

    # --- task connections

    def chunks_of(self, channel: int) -> queue.Queue[bytes]:
        return self._chunks.setdefault(channel, queue.Queue())

    def task(self, address: str, port: int, work: Callable[[_Task], None]) -> None:
        if self.channels_on:
            self.begin(lambda: self._in_channel(port, work))
        else:
            self.begin(lambda: self._over_tcp(address, port, work))

    def _in_channel(self, channel: int, work: Callable[[_Task], None]) -> None:
        held = bytearray()

        def read(count: int) -> bytes:
            while len(held) < count:
                held.extend(self.chunks_of(channel).get(timeout=WITHIN_S))
            data = bytes(held[:count])
            del held[:count]
            return data

        self.send(21, integer(channel))
        work(_Task(lambda item: self.send(22, integer(channel) + item), read))

    def _over_tcp(self, address: str, port: int, work: Callable[[_Task], None]) -> None:
        try:
            connection = socket.create_connection((address, port), 5)
        except OSError:
            self.send(6, f"client socket connection to {address} port {port} failed")
            return
        with connection:
            connection.settimeout(WITHIN_S)
            work(_Task(connection.sendall, lambda count: exactly(connection, count)))

    # --- commands

    def command(self, document: bytes) -> None:
        root = ElementTree.fromstring(document)
        kind = root.findtext("header/type", "")
        body = root.find("body")
        assert body is not None
        texts = {each.tag: each.text or "" for each in body.iter()}
        address, port = texts.get("address", ""), int(texts.get("port") or 0)
        works: dict[str, Callable[[_Task], None]] = {
            "DifxFileTransfer": lambda task: self.transfer(task, texts),
            "DifxStart": lambda task: self.job(task, texts["input"]),
            "DifxMachinesDefinition": lambda task: self.machines(task, texts["input"]),
            "DifxVex2DifxRun": lambda task: self.prepare(task, texts),
            "DifxGetDirectory": lambda task: self.directory(task, texts["vsn"]),
            "DifxMark5Copy": self.copy,
            "DifxMk5Control": lambda task: self.unit(task, texts["command"]),
        }
        if kind == "DifxFileOperation":
            self.file_operation(texts, address, port)
        elif kind == "DifxStop":
            stopped = self.server.stopped.get(texts["input"])
            if stopped is not None:
                stopped.set()
        elif kind in works:
            self.task(address, port, works[kind])
        else:
            self.send(5, f"unknown command type {kind}")

    def file_operation(self, texts: dict[str, str], address: str, port: int) -> None:
        words = f"{texts['operation']} {texts.get('arg', '')} {texts['path']}"
        if texts["operation"] == "ls":
            self.task(address, port, lambda task: self.listing(task, words))
            return
        if texts["operation"] in ("mv", "cp"):
            words = f"{texts['operation']} {texts['path']} {texts['arg']}"
        elif texts["operation"] == "mkdir":
            words = f"mkdir -p {texts['path']}"
        elif texts["operation"] == "rm":
            words = f"rm {texts.get('arg', '')} {texts['path']}"
        shell(words)  # whatever comes of it, nobody is told

    def listing(self, task: _Task, words: str) -> None:
        for line in shell(words).splitlines(keepends=True):
            task.item(integer(len(line)))
            task.item(line)
        task.item(integer(0))

    def transfer(self, task: _Task, texts: dict[str, str]) -> None:
        if texts["direction"] == "from DiFX":
            self.download(task, texts["origin"])
        else:
            self.upload(task, texts["destination"])

    def download(self, task: _Task, origin: str) -> None:
        path = Path(origin)
        if not path.is_absolute():
            task.item(integer(-1))
        elif not path.exists():
            task.item(integer(-2))
        elif path.is_dir():
            task.item(integer(4096))  # and then it has nothing to send
        else:
            data = path.read_bytes()
            task.item(integer(len(data)))
            for at in range(0, len(data), 1024):
                task.item(data[at : at + 1024])

    def upload(self, task: _Task, destination: str) -> None:
        (size,) = struct.unpack(">i", task.read(4))
        data = task.read(size)
        path = Path(destination)
        if not path.is_absolute():
            task.item(integer(-1))
        elif not path.parent.exists():
            task.item(integer(-2))
        elif not path.parent.is_dir():
            task.item(integer(-5))
        else:
            blocks = [data[at : at + 1024] for at in range(0, size, 1024)]
            task.item(integer(size))  # before the file is there
            path.write_bytes(b"".join(block.partition(b"\0")[0] for block in blocks))

    def job(self, task: _Task, path: str) -> None:
        steps = self.server.jobs.get(Path(path).name, NORMAL_RUN)
        if not Path(path).exists():
            steps = [(102, ""), (103, ""), (109, ""), (100, "")]
        stopped = self.server.stopped[path] = threading.Event()
        self.send(5, "running mpifxcorr")
        for number, text in steps:
            if number == HOLD:
                while not (stopped.is_set() or self.server.released.is_set()):
                    stopped.wait(0.02)
                if stopped.is_set():
                    task.sub_packet(100)
                    return
                continue
            if number in (114, 115, 116):
                self.send(number - 110, text)
            task.sub_packet(number, text)
        self.send(5, "mpifxcorr complete")

    def machines(self, task: _Task, path: str) -> None:
        stem = path.removesuffix(".input")
        for number, text in (
            *((102, ""), (103, ""), (108, ""), (111, f"{stem}.machines"), (109, "")),
            *((110, f"{stem}.threads"), (104, ""), (122, ""), (119, "p2"), (120, "p1")),
            *((115, ""), (116, ""), (101, "")),
        ):
            task.sub_packet(number, text)

    def prepare(self, task: _Task, texts: dict[str, str]) -> None:
        self.send(5, "vex2difx is about to run")
        stem = f"{texts['passPath']}/{texts['file'].removesuffix('.v2d')}_1"
        for path in (f"{stem}.input", f"{stem}.im"):
            task.item(integer(len(path)))
            task.item(path.encode())
        task.item(integer(0))

    def directory(self, task: _Task, medium: str) -> None:
        task.sub_packet(301)
        task.sub_packet(303, f"/dirs/{medium}.dir")
        if medium == "NONE+000":
            task.sub_packet(308)
            task.sub_packet(304)  # and no more, in a channel for ever
            if self.channels_on:
                self.server.released.wait(WITHIN_S)
            return
        task.sub_packet(307, "Nov 21 02:00")
        task.sub_packet(309)
        for line in (f"{medium} 1 A", "0 scan1"):
            task.sub_packet(310, line)
        task.sub_packet(302)

    def copy(self, task: _Task) -> None:
        for number, text in (
            *((301, ""), (312, "copying"), (305, "outName = /data/scan1"), (305, "slow disk")),
            *((314, ""), (302, "")),
        ):
            task.sub_packet(number, text)

    def unit(self, task: _Task, command: str) -> None:
        for number, text in ((102, ""), (108, f"{command} done\n"), (110, "hot\n"), (101, "")):
            task.sub_packet(number, text)

    # --- requests that are packets of their own

    def job_status(self, payload: bytes) -> None:
        short, pattern, address, port = counted(payload, "issi")
        del short

        def work(task: _Task) -> None:
            task.sub_packet(102)
            task.sub_packet(110, "Tue Nov 21 02:00:10 2026")
            for line in shell(f"ls -d {pattern}").split():
                path = Path(line.decode())
                log = path.with_suffix(".difxlog")
                task.sub_packet(104, str(path))
                states = (
                    [each for each in log.read_text().splitlines() if "STATUS" in each]
                    if log.exists()
                    else []
                )
                if not log.exists():
                    task.sub_packet(105)
                elif not states:
                    task.sub_packet(108)
                else:
                    task.sub_packet(106, states[-1][:24] + states[-1].partition("STATUS ")[2])
            task.sub_packet(101)

        self.task(str(address), int(port), work)

    def file_list(self, payload: bytes) -> None:
        (count,) = struct.unpack(">i", payload[:4])
        *files, destination, form, _mjd, address, port = counted(
            payload[4:], "s" * int(count) + "ssisi"
        )

        def work(task: _Task) -> None:
            task.sub_packet(102)
            if form not in ("MKIV", "VLBA", "MARK5B", "VDIF"):
                task.sub_packet(109, str(form))
                task.sub_packet(100)
                return
            if Path(str(destination)).exists():
                task.sub_packet(103, str(destination))
                if struct.unpack(">i", task.read(4)) != (106,):
                    task.sub_packet(100)
                    return
            task.sub_packet(104, str(destination))
            for file in files:
                task.sub_packet(111, f"{file} 61000.5 61000.6")
            task.sub_packet_items(110, [integer(len(files))])
            task.sub_packet(101)

        self.task(str(address), int(port), work)

    # --- the monitor

    def monitor(self, task: _Task) -> None:
        Monitor(task, self.server).serve()


class Monitor:
    """One session: a job with one baseline and one autocorrelation, of four channels each."""

    def __init__(self, task: _Task, server: OriginalGuiServer) -> None:
        self._task, self._server = task, server

    def serve(self) -> None:
        wanted: list[int] = []
        size = 4096
        while True:
            number, length = struct.unpack(">ii", self._task.read(8))
            payload = self._task.read(length)
            if number == 103:
                if not Path(payload.decode()).exists():
                    self._task.sub_packet(102, "input file not found")
                    return
                self._announce()
            elif number == 139:
                (size,) = struct.unpack(">i", payload)
            elif number == 123:
                wanted = []
            elif number == 122:
                wanted.append(struct.unpack(">iii", payload)[0])
            elif number == 124:
                self._task.sub_packet(100, "data will follow")
                self._data(wanted, size)
            elif number == 104:
                return

    def _announce(self) -> None:
        task = self._task
        task.sub_packet(100, "reading the input file")
        task.sub_packet(113)
        for number, data in (
            *((109, integer(1)), (130, "job"), (131, "TEST"), (110, integer(0)), (132, "No0001")),
            *((133, "61000.5000000"), (134, "61000.6000000"), (135, "3C84")),
            *((136, "0.871803603947190"), (137, "0.724515000000000"), (105, integer(1))),
            *((107, integer(0)), (111, "EF"), (112, "WB"), (106, integer(1))),
            *((108, struct.pack(">d", 1642.25)), (114, integer(1)), (115, integer(0))),
            *((116, integer(1)), (117, integer(0)), (118, integer(1)), (119, integer(0))),
            *((120, struct.pack(">iii", 0, 0, 4)), (121, "EF"), (108, struct.pack(">d", 1642.25))),
            *((120, struct.pack(">iii", 1, 4, 4)), (143, b"")),
        ):
            task.sub_packet(number, data)

    def _data(self, wanted: list[int], size: int) -> None:
        lags = max(size, 8)
        self._task.sub_packet(138, "No0001")
        self._task.sub_packet(135, "3C84")
        for product in wanted:
            head = [integer(product), integer(4), integer(43200), integer(2)]
            values = [decimal(product + n) for n in range(4)]
            lag_head = [integer(product), integer(lags // 2), integer(43200), integer(2)]
            lag_head += [integer(3), decimal(0.25), decimal(17.5)]
            lag_values = [decimal(n) for n in range(lags)]
            for number, items, short_by in (
                (126, head + values, 0),
                (127, head + values, 0),
                (128, lag_head + lag_values, 4),
                (140, head + values, 4),
                (141, head + values, 4),
                (142, lag_head + lag_values, 4),
            ):
                self._task.sub_packet_items(number, items, short_by=short_by)
            self._task.sub_packet(129)


def decimal(value: float) -> bytes:
    return b"%14.6e" % value


def counted(payload: bytes, form: str) -> list[int | str]:
    """Read fields: `i` an int, `s` a text with its length."""
    found: list[int | str] = []
    at = 0
    for kind in form:
        (value,) = struct.unpack_from(">i", payload, at)
        at += 4
        if kind == "s":
            found.append(payload[at : at + value].decode())
            at += value
        else:
            found.append(value)
    return found


def exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def shell(words: str) -> bytes:
    """Run a line as the original does: all of it, through a shell."""
    return subprocess.run(
        ["/bin/sh", "-c", words],
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=WITHIN_S,
    ).stdout
