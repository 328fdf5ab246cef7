"""Clients of both families at a gateway: handshake, framing, files in all modes, faults, limits of
what they reach."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.difx_clients import (
    GuiClient,
    ScriptClient,
    document,
    is_at_end,
    packet,
    read_exactly,
)
from support.difx_gateway import Gateway, gateway

from gateways.difx.files import Upload

INFORMATION, WARNING, ERROR = 4, 5, 6
LS = "<operation>ls</operation><path>{path}</path><arg>{arg}</arg>"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SHOWN", "yes")
        patched.setenv("HIDDEN_SECRET", "no")
        folder = tmp_path_factory.mktemp("gateway")
        with gateway(folder, environment=["SHOWN"]) as one:
            yield one


@pytest.fixture
def folder(served: Gateway, request: pytest.FixtureRequest) -> str:
    """A folder of one test, as clients name it."""
    name = f"t{abs(hash(request.node.nodeid))}"
    (served.root / name).mkdir()
    return f"/{name}"


class Files:
    """Files of a gateway as one client gets them, in one mode, with documents of one form.

    Args:
        port: Of the gateway.
        is_channel: As the script does, else over TCP.
        wrapped: As the GUI writes documents.
    """

    def __init__(self, port: int, is_channel: bool, wrapped: bool) -> None:
        self.client = GuiClient(port)
        self._wrapped, self._next = wrapped, 12345
        self._script: ScriptClient | None = None
        if is_channel:
            self.client.close()
            self.client = self._script = ScriptClient(port)

    def ls(self, path: str, arg: str = "") -> list[bytes]:
        body = LS.format(path=path, arg=arg) + "{there}"
        if self._script is not None:
            return self._script.lines(self._script.task_channel("DifxFileOperation", body))
        lines = []
        with self.client.task("DifxFileOperation", body, wrapped=self._wrapped) as link:
            while size := struct.unpack(">i", read_exactly(link, 4))[0]:
                lines.append(read_exactly(link, size))
            assert is_at_end(link)
        return lines

    def get(self, path: str) -> bytes | int:
        body = f"<direction>from DiFX</direction><origin>{path}</origin>{{there}}"
        if self._script is not None:
            channel = self._script.task_channel("DifxFileTransfer", body)
            size = self._script.integer(channel)
            chunks = [self._script.next_chunk(channel) for _ in range(-(-max(size, 0) // 1024))]
            assert all(len(chunk) == 1024 for chunk in chunks[:-1])
            data = b"".join(chunks)
        else:
            with self.client.task("DifxFileTransfer", body, wrapped=self._wrapped) as link:
                (size,) = struct.unpack(">i", read_exactly(link, 4))
                data = read_exactly(link, max(size, 0))
                assert is_at_end(link)
        return data if size >= 0 else int(size)

    def put(self, path: str, data: bytes, *, cut: int = 65536) -> int:
        body = f"<direction>to DiFX</direction><destination>{path}</destination>{{there}}"
        sent = struct.pack(">i", len(data)) + data
        if self._script is not None:
            pieces = [sent[first : first + cut] for first in range(0, len(sent), cut)]
            channel = self._script.task_channel("DifxFileTransfer", body, *pieces)
            return self._script.integer(channel)
        with self.client.task("DifxFileTransfer", body, wrapped=self._wrapped) as link:
            link.sendall(sent)
            (answer,) = struct.unpack(">i", read_exactly(link, 4))
            assert is_at_end(link)
        return int(answer)

    def change(self, operation: str, path: str, arg: str = "") -> list[tuple[int, str]]:
        """Diagnostics that an operation causes."""
        before = len(self.client.said)
        body = f"<operation>{operation}</operation><path>{path}</path><arg>{arg}</arg>"
        self.client.command("DifxFileOperation", body, wrapped=self._wrapped)
        while len(self.client.said) == before:
            self.client.read()
        return self.client.said[before:]


MODES = {"tcp-wrapped": (False, True), "tcp-flat": (False, False), "channels": (True, False)}


@pytest.fixture(params=list(MODES))
def files(served: Gateway, request: pytest.FixtureRequest) -> Iterator[Files]:
    found = Files(served.port, *MODES[request.param])
    yield found
    found.client.close()


def test_the_handshake_comes_in_its_order_and_again(served: Gateway) -> None:
    with GuiClient(served.port) as client:
        first = client.handshake()
        assert [number for number, _ in first] == [8, 11, 16, 10, 12, 12, 12, 18]
        told = {payload for _, payload in first}
        assert {b"/", b"operator", b"DIFX-DEVEL", b"DIFX_BASE=/", b"SHOWN=yes"} <= told
        assert not any(b"SECRET" in payload for payload in told)
        assert f"HOSTNAME={os.uname().nodename}".encode() in told
        assert client.handshake() == first


def test_unknown_packets_and_those_of_the_other_direction_are_skipped(served: Gateway) -> None:
    with GuiClient(served.port) as client:
        for number in (0, -1, 25, 99, 2**31 - 1, 4, 6, 9, 10, 11, 12, 16, 18, 21):
            client.send(number, bytes(3000))
        client.send(8, b"not empty, which does not matter")
        assert client.read()[0] == 8
        assert client.said == []


@pytest.mark.parametrize("size", [1, 3, 7])
def test_packets_may_be_cut_anywhere(served: Gateway, size: int) -> None:
    with GuiClient(served.port) as client:
        sent = packet(99, b"xyz") + packet(8)
        for first in range(0, len(sent), size):
            client.socket.sendall(sent[first : first + size])
        assert client.read()[0] == 8


@pytest.mark.parametrize(
    "header",
    [struct.pack(">ii", 3, 2**31 - 1), struct.pack(">ii", 3, -1), struct.pack(">ii", 22, 2**30)],
)
def test_a_length_beyond_the_limit_gets_an_error_and_the_end(
    served: Gateway, header: bytes
) -> None:
    with GuiClient(served.port) as client:
        client.socket.sendall(header + bytes(100))
        (error,) = client.wait_for_errors()
        assert "max_packet" in error
        assert is_at_end(client.socket)


def test_one_clients_mistake_does_not_reach_another(served: Gateway) -> None:
    with GuiClient(served.port) as good, GuiClient(served.port) as bad:
        bad.socket.sendall(struct.pack(">ii", 1, -5))
        bad.wait_for_errors()
        assert good.handshake()[-1][0] == 18
        assert good.said == []


def test_listings_are_those_of_both_clients(files: Files, served: Gateway, folder: str) -> None:
    real = served.root / folder[1:]
    (real / "ab").mkdir()
    (real / "abc").write_bytes(b"12345")
    options = "-d -p --dereference-command-line-symlink-to-dir"
    assert files.ls(f"{folder}/ab*", options) == [
        f"{folder}/ab/\n".encode(),
        f"{folder}/abc\n".encode(),
    ]
    assert files.ls(folder) == [b"ab\n", b"abc\n"]
    assert files.ls(f"{folder}/abc") == [f"{folder}/abc\n".encode()]
    (line,) = files.ls(f"{folder}/abc", '-l -d --time-style=+"%Y-%m-%d %H:%M:%S"')
    assert line[28:32].isdigit()
    assert line[28 + 19 :] == f" {folder}/abc\n".encode()
    assert files.ls(f"{folder}/nothing*") == []
    assert files.client.said == []


def test_an_option_that_is_not_understood_gives_one_error_and_an_empty_list(
    files: Files,
) -> None:
    assert files.ls("/", "--sort=size") == []
    (error,) = files.client.wait_for_errors()
    assert "--sort=size" in error


@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 1025, 5000])
def test_files_go_there_and_back_as_they_are(
    files: Files, served: Gateway, folder: str, size: int
) -> None:
    data = bytes(range(256)) * 20
    path = f"{folder}/file"
    assert files.put(path, data[:size]) == size
    assert (served.root / path[1:]).read_bytes() == data[:size]
    assert files.get(path) == data[:size]


def test_a_file_of_ten_mebibytes_goes_there_and_back(
    files: Files, served: Gateway, folder: str
) -> None:
    data = os.urandom(1 << 20) * 10
    assert files.put(f"{folder}/large", data) == len(data)
    assert files.get(f"{folder}/large") == data


def test_size_and_data_of_an_upload_may_be_cut_anywhere(served: Gateway, folder: str) -> None:
    files = Files(served.port, True, False)
    with files.client:
        for cut in (1, 3, 5, 4096):
            assert files.put(f"{folder}/cut", b"0123456789", cut=cut) == 10
            assert (served.root / folder[1:] / "cut").read_bytes() == b"0123456789"


def test_data_may_come_before_the_command(served: Gateway, folder: str) -> None:
    with ScriptClient(served.port) as script:
        script.chunk(12346, struct.pack(">i", 5) + b"he")
        script.chunk(12346, b"")
        body = f"<direction>to DiFX</direction><destination>{folder}/early</destination>{{there}}"
        channel = script.task_channel("DifxFileTransfer", body, b"llo")
        assert script.integer(channel) == 5
    assert (served.root / folder[1:] / "early").read_bytes() == b"hello"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("relative", -1),
        ("{folder}/none", -2),
        ("{folder}", -2),
        ("/../../etc/passwd", -2),
        ("{folder}/out", -2),
        ("{folder}/large", -3),
    ],
)
def test_faults_of_downloads_have_their_numbers_and_reasons(
    files: Files, served: Gateway, folder: str, path: str, code: int
) -> None:
    real = served.root / folder[1:]
    (real / "out").symlink_to("/etc/passwd")
    with open(real / "large", "wb") as large:
        large.truncate(2**31)
    assert files.get(path.format(folder=folder)) == code
    (error,) = files.client.wait_for_errors()
    assert path.format(folder=folder) in error


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("relative", -1),
        ("{folder}/none/file", -2),
        ("{folder}/file/below", -5),
        ("/../../tmp/escaped", None),
        ("{folder}", -3),
        ("/", -3),
    ],
)
def test_faults_of_uploads_have_their_numbers_and_reasons(
    files: Files, served: Gateway, folder: str, path: str, code: int | None
) -> None:
    (served.root / folder[1:] / "file").write_bytes(b"old")
    answer = files.put(path.format(folder=folder), b"x" * 3000)
    assert answer == code if code is not None else answer < 0
    assert len(files.client.wait_for_errors()) == 1
    assert not Path("/tmp/escaped").exists()
    assert (served.root / folder[1:] / "file").read_bytes() == b"old"


def test_operations_on_files_are_done_and_told(files: Files, served: Gateway, folder: str) -> None:
    real = served.root / folder[1:]
    for operation, path, arg in (
        ("mkdir", "a/b", ""),
        ("touch", "a/b/file", ""),
        ("cp", "a/b/file", "{folder}/copy"),
        ("mv", "copy", "{folder}/moved"),
        ("rm", "mov*", ""),
        ("touch", "a/second", ""),
        ("rm", "a/second", "-rf"),
        ("rm", "a/b/file", ""),
        ("rmdir", "a/b", ""),
        ("rm", "a", "-rf"),
    ):
        ((level, text),) = files.change(operation, f"{folder}/{path}", arg.format(folder=folder))
        assert level == INFORMATION, text
    assert list(real.iterdir()) == []


@pytest.mark.parametrize(
    ("operation", "path", "arg"),
    [
        ("rm", "/", "-rf"),
        ("rmdir", "/", ""),
        ("rm", "/..", "-rf"),
        ("rm", "{folder}", ""),
        ("rm", "/*/file", ""),
        ("rm", "{folder}/none", ""),
        ("rmdir", "{folder}/none", ""),
        ("mv", "{folder}/none", "/x"),
        ("cp", "/../etc/passwd", "{folder}/stolen"),
        ("mkdir", "/../escaped", ""),
        ("touch", "/none/file", ""),
        ("rm", "{folder}", "--no-preserve-root"),
    ],
)
def test_operations_that_are_refused_say_why(
    files: Files, served: Gateway, folder: str, operation: str, path: str, arg: str
) -> None:
    ((level, text),) = files.change(
        operation, path.format(folder=folder), arg.format(folder=folder)
    )
    assert level == ERROR
    assert len(text) > 20
    assert (served.root / folder[1:]).is_dir()


@pytest.mark.parametrize("name", ["a;touch x", "$(touch x)", "`touch x`", "it's", 'a"b', "a\nb"])
def test_names_are_taken_literally(files: Files, served: Gateway, folder: str, name: str) -> None:
    before = set(Path.cwd().iterdir())
    written = name.replace("\n", "&#10;").replace('"', "&quot;")
    assert files.put(f"{folder}/{written}", b"data") == 4
    assert [path.name for path in (served.root / folder[1:]).iterdir()] == [name]
    assert files.get(f"{folder}/{written}") == b"data"
    ((level, _),) = files.change("rm", f"{folder}/{written}")
    assert level == INFORMATION
    assert set(Path.cwd().iterdir()) == before


def test_changes_are_seen_by_the_listing_behind_them(served: Gateway, folder: str) -> None:
    with ScriptClient(served.port) as script:
        for number in range(20):
            body = f"<operation>mkdir</operation><path>{folder}/{number:02}</path>"
            script.command("DifxFileOperation", body, wrapped=False)
        body = LS.format(path=folder, arg="") + "{there}"
        lines = script.lines(script.task_channel("DifxFileOperation", body))
    assert lines == [f"{number:02}\n".encode() for number in range(20)]


def test_nothing_follows_the_last_item_of_a_channel(served: Gateway, folder: str) -> None:
    with ScriptClient(served.port) as script:
        for _ in range(3):
            body = LS.format(path=folder, arg="") + "{there}"
            channel = script.task_channel("DifxFileOperation", body)
            assert script.announced.count(channel) == 0
            assert script.lines(channel) == []
            assert script.handshake()[-1][0] == 18
            assert script.announced.count(channel) == 1
            assert not script.chunks[channel]


def test_a_channel_may_be_used_again_when_its_task_is_over(served: Gateway, folder: str) -> None:
    with ScriptClient(served.port) as script:
        for _ in range(3):
            script.command(
                "DifxFileOperation", LS.format(path=folder, arg="") + "<port>50300</port>"
            )
            assert script.lines(50300) == []
        assert script.said == []


def test_a_channel_may_be_used_again_as_soon_as_its_task_has_answered(
    served: Gateway, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end, has_ended = threading.Event(), threading.Event()
    log_sum = Upload.log_sum

    def slow(upload: Upload) -> None:
        may_end.wait(30)
        log_sum(upload)
        has_ended.set()

    monkeypatch.setattr(Upload, "log_sum", slow)  # the last step of an upload, behind its answer
    body = "<direction>to DiFX</direction><destination>{}</destination><port>50300</port>"
    with ScriptClient(served.port) as client:
        client.command("DifxFileTransfer", body.format(f"{folder}/one"))
        client.chunk(50300, struct.pack(">i", 3) + b"abc")
        assert client.integer(50300) == 3
        client.command("DifxFileTransfer", body.format(f"{folder}/two"))
        client.wait_for(21)
        may_end.set()
        assert has_ended.wait(30)
        client.handshake()
        client.chunk(50300, struct.pack(">i", 4) + b"defg")
        assert client.integer(50300) == 4
        assert client.settle()
        assert client.errors() == []


def test_a_listing_of_no_path_is_empty_and_an_error(served: Gateway) -> None:
    with ScriptClient(served.port) as script:
        for path in ("", "<path></path>", "<path>None</path>"):
            body = f"<operation>ls</operation>{path}{{there}}"
            assert script.lines(script.task_channel("DifxFileOperation", body)) == []
        assert len(script.wait_for_errors(3)) == 3
    with GuiClient(served.port) as gui:
        with gui.task("DifxFileOperation", "<operation>ls</operation>{there}") as link:
            assert read_exactly(link, 4) == bytes(4)
            assert is_at_end(link)
        gui.command("DifxFileOperation", "<operation>mkdir</operation>")
        assert len(gui.wait_for_errors(2)) == 2


def test_modes_may_be_switched_between_tasks(served: Gateway, folder: str) -> None:
    with ScriptClient(served.port) as client:
        body = LS.format(path=folder, arg="") + "{there}"
        channel = client.task_channel("DifxFileOperation", body)
        client.send(20)
        with client.task("DifxFileOperation", body) as link:
            assert read_exactly(link, 4) == bytes(4)
        assert client.lines(channel) == []
        client.send(19)
        assert client.lines(client.task_channel("DifxFileOperation", body)) == []


BAD_DOCUMENTS: dict[str, tuple[bytes, int]] = {
    "no XML": (b"hello", ERROR),
    "cut off": (document("DifxStop", "<input>/x.input</input>")[:-30], ERROR),
    "lone ampersand": (document("DifxStop", "<input>a & b</input>"), ERROR),
    "a tag of words": (b"<a b c>", ERROR),
    "NUL": (document("DifxStop", "<input>\0</input>"), ERROR),
    "document type": (b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + document("DifxStop", "&b;"), ERROR),
    "external": (
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + document("DifxStop", "&b;"),
        ERROR,
    ),
    "1 MiB": (document("DifxStop", "x" * (1 << 20)), ERROR),
    "unknown type": (document("DifxSurprise", ""), WARNING),
    "no command": (document("DifxLoadMessage", ""), WARNING),
    "other case": (document("difxstop", "<input>/x</input>"), WARNING),
    "unknown operation": (document("DifxFileOperation", "<operation>dd</operation>"), ERROR),
    "no port": (
        document("DifxFileOperation", "<operation>ls</operation><path>/</path>"),
        ERROR,
    ),
}


@pytest.mark.parametrize("name", list(BAD_DOCUMENTS))
def test_a_bad_document_gets_exactly_one_answer(served: Gateway, name: str) -> None:
    data, level = BAD_DOCUMENTS[name]
    with GuiClient(served.port) as client:
        client.send(3, data)
        client.handshake()
        ((number, text),) = client.said
        assert number == level, text
        assert "\n" not in text


@pytest.mark.parametrize("entity", ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;"])
def test_the_five_entities_are_understood(files: Files, folder: str, entity: str) -> None:
    meant = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'"}[entity]
    assert files.put(f"{folder}/a{entity}b", b"1") == 1
    assert files.ls(folder) == [f"a{meant}b\n".encode()]


BAD_PACKETS: dict[str, tuple[int, bytes]] = {
    "relay without its switch": (1, b""),
    "settings without a line feed": (7, b"224.2.2.1 50200"),
    "settings of half a MiB": (7, b"x" * (1 << 19)),
    "unknown version": (15, b"DIFX-NEVER"),
    "unknown script": (13, b"/usr/bin/rungeneric.DIFX-NEVER"),
    "long path": (13, b"x" * 5000),
    "monitor by a word": (14, b"a port"),
    "a chunk without channel": (22, b"abc"),
    "half a list": (23, struct.pack(">ii", 2, 7) + b"file"),
    "list of very many": (23, struct.pack(">i", 2**31 - 1)),
    "half a status": (24, struct.pack(">ii", 1, 100)),
}


@pytest.mark.parametrize("name", list(BAD_PACKETS))
def test_a_bad_payload_gets_exactly_one_error(served: Gateway, name: str) -> None:
    with GuiClient(served.port) as client:
        client.send(*BAD_PACKETS[name])
        client.handshake()
        assert [number for number, _ in client.said] == [ERROR]


@pytest.mark.parametrize("path", ["rungeneric.DIFX-DEVEL", "/a/b/rungeneric.DIFX-DEVEL"])
def test_a_version_is_chosen_without_an_answer(served: Gateway, path: str) -> None:
    with GuiClient(served.port) as client:
        client.send(13, path.encode())
        client.send(15, b"DIFX-DEVEL")
        assert client.settle() == []


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("address", "port", "reason"),
    [
        ("127.0.0.1", free_port, "Connection refused"),
        ("127.0.0.2", free_port, "only to 127.0.0.1"),
        ("10.9.8.7", free_port, "only to 127.0.0.1"),
        ("localhost", free_port, "only to 127.0.0.1"),
        ("127.0.0.1", lambda: 22, "only to ports from 1024"),
        ("127.0.0.1", lambda: 70000, "only to ports from 1024"),
        ("127.0.0.1", None, "the gateway's own"),
    ],
)
def test_a_task_connection_that_cannot_be_made_is_an_error(
    served: Gateway, address: str, port: Callable[[], int] | None, reason: str
) -> None:
    with GuiClient(served.port) as client:
        number = served.port if port is None else port()
        there = f"<address>{address}</address><port>{number}</port>"
        client.command("DifxFileOperation", LS.format(path="/", arg="") + there)
        (error,) = client.wait_for_errors()
        assert reason in error
        assert "connect" in error
        client.handshake()
        assert len(client.errors()) == 1


def test_a_half_closed_client_still_gets_its_answer(served: Gateway, folder: str) -> None:
    (served.root / folder[1:] / "file").write_bytes(b"x" * 300_000)
    with ScriptClient(served.port) as script:
        body = f"<direction>from DiFX</direction><origin>{folder}/file</origin>{{there}}"
        channel = script.task_channel("DifxFileTransfer", body)
        script.send(8)
        script.socket.shutdown(socket.SHUT_WR)
        size, got = script.integer(channel), 0
        while got < size:
            got += len(script.next_chunk(channel))
        assert got == 300_000
        with pytest.raises(EOFError):
            while True:
                script.read()


def test_many_tasks_of_one_client_go_on_beside_each_other(served: Gateway, folder: str) -> None:
    with ScriptClient(served.port) as script:
        waiting = script.task_channel(
            "DifxFileTransfer",
            f"<direction>to DiFX</direction><destination>{folder}/slow</destination>{{there}}",
            struct.pack(">i", 4),
        )
        body = LS.format(path=folder, arg="") + "{there}"
        channels = [script.task_channel("DifxFileOperation", body) for _ in range(10)]
        for channel in reversed(channels):
            assert script.lines(channel) == []
        script.chunk(waiting, b"data")
        assert script.integer(waiting) == 4
