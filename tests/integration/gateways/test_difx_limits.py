"""Hostile, slow, frozen and killed clients: each gets its error or its end, and nobody else notices."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.dealers import eventually
from support.difx_clients import (
    HANG_S,
    GuiClient,
    ScriptClient,
    is_at_end,
    packet,
    read_exactly,
)
from support.difx_gateway import Gateway, gateway
from support.full_disk import room_for

from gateways.difx.protocol.capture import MessageDirection, read_capture
from groundwork.peers import Peers

ERROR = 6
LS = "<operation>ls</operation><path>/</path>{there}"
GET = "<direction>from DiFX</direction><origin>{path}</origin>{{there}}"
PUT = "<direction>to DiFX</direction><destination>{path}</destination>{{there}}"
NODES = '<manager node="h"/><datastream nodes="d"/><process nodes="p"/>'


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Gateway]:
    with gateway(tmp_path) as one:
        yield one


def kill(client: GuiClient) -> None:
    """End a connection as that of a process that was killed with data unread: by a reset."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()


def is_alone(served: Gateway) -> bool:
    return len(served.server) == 0


def test_observers_read_and_change_nothing(tmp_path: Path) -> None:
    with (
        gateway(tmp_path, {"peers": ["127.0.0.0/8=observe"]}) as served,
        ScriptClient(served.port) as script,
    ):
        (served.root / "file").write_bytes(b"data")
        assert (16, b"observer") in script.handshake()
        assert script.lines(script.task_channel("DifxFileOperation", LS)) == [b"file\n"]
        get = script.task_channel("DifxFileTransfer", GET.format(path="/file"))
        assert (script.integer(get), script.next_chunk(get)) == (4, b"data")
        sent = struct.pack(">i", 3000) + bytes(3000)
        put = script.task_channel("DifxFileTransfer", PUT.format(path="/new"), sent)
        assert script.integer(put) == -3
        for number, (kind, body, end) in enumerate(
            (
                ("DifxStart", f"<input>/a.input</input>{NODES}{{there}}", 100),
                ("DifxMachinesDefinition", f"<input>/a.input</input>{NODES}{{there}}", 100),
                ("DifxMk5Control", "<command>x</command>{there}", 110),
                ("DifxGetDirectory", "<mark5>x</mark5><vsn>y</vsn>{there}", 305),
            ),
            2,
        ):
            assert script.sub_packet(script.task_channel(kind, body))[0] == end
            assert len(script.wait_for_errors(number)) == number
        for body in ("<operation>rm</operation><path>/file</path>",):
            script.command("DifxFileOperation", body)
        script.command("DifxStop", "<input>/a.input</input>")
        assert all("operators" in error for error in script.wait_for_errors(7))
        assert [path.name for path in served.root.iterdir()] == ["file"]


def test_who_is_no_peer_is_told_so_and_turned_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Peers, "role", lambda _peers, _address: None)  # as of another host
    with gateway(tmp_path, {"peers": ["10.0.0.0/8"]}) as served:
        with GuiClient(served.port) as client:
            (error,) = client.wait_for_errors()
            assert "(peers)" in error
            assert is_at_end(client.socket)
        assert served.server.refused == 1


def test_too_many_clients_are_turned_away_until_one_leaves(tmp_path: Path) -> None:
    with gateway(tmp_path, {"max_clients": 2}) as served:
        with GuiClient(served.port) as first, GuiClient(served.port) as second:
            first.handshake()
            second.handshake()
            with GuiClient(served.port) as third:
                (error,) = third.wait_for_errors()
                assert "(max_clients)" in error
            second.handshake()
        eventually(lambda: is_alone(served))
        with GuiClient(served.port) as again:
            again.handshake()


def test_too_many_tasks_of_a_client_are_refused_and_the_others_go_on(tmp_path: Path) -> None:
    with gateway(tmp_path, {"max_tasks": 2}) as served, ScriptClient(served.port) as script:
        size = struct.pack(">i", 1)
        waiting = [
            script.task_channel("DifxFileTransfer", PUT.format(path=f"/{name}"), size)
            for name in "ab"
        ]
        script.task_channel("DifxFileOperation", LS)
        (error,) = script.wait_for_errors()
        assert "(max_tasks)" in error
        for channel in waiting:
            script.chunk(channel, b"x")
            assert script.integer(channel) == 1


def test_requests_have_a_limit_of_their_own(tmp_path: Path) -> None:
    with gateway(tmp_path, {"max_document": 1024}) as served, GuiClient(served.port) as client:
        for number in (2, 3, 7, 17, 24):
            client.send(number, b"x" * 1025)
        client.handshake()
        assert [("max_document" in text, level) for level, text in client.said] == [(True, 6)] * 5


def test_without_task_connections_channels_are_what_is_left(tmp_path: Path) -> None:
    with gateway(tmp_path, {"connect_back": "never"}) as served, ScriptClient(served.port) as one:
        assert one.lines(one.task_channel("DifxFileOperation", LS)) == []
        one.send(20)
        one.task_channel("DifxFileOperation", LS)
        (error,) = one.wait_for_errors()
        assert "CHANNEL_ALL_DATA_ON" in error


def test_a_client_that_asks_nothing_is_ended_if_that_is_wanted(tmp_path: Path) -> None:
    with gateway(tmp_path, {"idle_limit": 0.1}) as served, GuiClient(served.port) as client:
        assert is_at_end(client.socket)


def test_connections_are_kept_alive_by_the_system(served: Gateway) -> None:
    with GuiClient(served.port) as client:
        client.handshake()
        (connection,) = list(served.server._connections)
        found = connection._writer.get_extra_info("socket")
        assert found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_a_reader_that_stops_is_bounded_then_cut_beside_one_that_reads(tmp_path: Path) -> None:
    with gateway(tmp_path, {"takes_nothing": 0.3}) as served:
        with open(served.root / "large", "wb") as large:
            large.truncate(256 << 20)
        (served.root / "small").write_bytes(b"small")
        with ScriptClient(served.port) as stopped, ScriptClient(served.port) as other:
            stopped.task_channel("DifxFileTransfer", GET.format(path="/large"))
            stopped.wait_for(22)  # its size: the task runs
            (connection,) = [
                each for each in served.server._connections if each.outbox.waiting or each._tasks
            ]
            channel = other.task_channel("DifxFileTransfer", GET.format(path="/small"))
            assert (other.integer(channel), other.next_chunk(channel)) == (5, b"small")
            assert connection.outbox.waiting < 1 << 20
            eventually(lambda: len(served.server) == 1)
            assert "takes_nothing" in connection.outbox.fault
            other.handshake()


def test_a_flood_of_mistakes_without_reading_costs_a_bounded_queue(tmp_path: Path) -> None:
    limits = {"takes_nothing": 0.3, "max_queued": 1 << 20}
    with gateway(tmp_path, limits) as served:
        with GuiClient(served.port, receive_bytes=4096) as client, GuiClient(served.port) as other:
            flood = packet(1) * 10_000  # each is answered by an ERROR of ten times its size
            most = 0
            with pytest.raises(OSError):  # however the system tells that it is over
                while True:
                    client.socket.sendall(flood)
                    connections = list(served.server._connections)
                    most = max([most, *(each.outbox.waiting for each in connections)])
            assert most <= 1 << 20
            other.handshake()


def test_early_data_are_bounded(tmp_path: Path) -> None:
    with gateway(tmp_path, {"max_queued": 1 << 20}) as served:
        with ScriptClient(served.port) as script:
            piece = struct.pack(">i", 4711) + bytes(65536)
            try:
                for _ in range(40):
                    script.send(22, piece)
            except OSError:
                pass
            try:
                assert "1048576 bytes wait" in script.wait_for_errors()[0]
            except ConnectionResetError:
                pass  # it sent more than was read: an end without a word
        eventually(lambda: is_alone(served))


def test_killed_clients_leave_nothing_behind(served: Gateway) -> None:
    (served.root / "file").write_bytes(bytes(4 << 20))
    before = len(os.listdir("/proc/self/fd")), threading.active_count()
    for _ in range(3):
        relay = GuiClient(served.port)
        relay.send(1, struct.pack(">i", 1))
        relay.handshake()
        listing = GuiClient(served.port)
        link = listing.task("DifxFileTransfer", GET.format(path="/file"))
        upload = ScriptClient(served.port)
        sent = struct.pack(">i", 1000) + b"half"
        upload.task_channel("DifxFileTransfer", PUT.format(path="/file"), sent)
        upload.handshake()
        early = ScriptClient(served.port)
        early.chunk(1, bytes(100_000))
        early.handshake()
        for client in (relay, listing, upload, early):
            kill(client)
        link.close()
        eventually(lambda: is_alone(served))
    eventually(lambda: [path.name for path in served.root.iterdir()] == ["file"])
    assert (served.root / "file").stat().st_size == 4 << 20
    eventually(lambda: len(os.listdir("/proc/self/fd")) <= before[0] + 2)
    assert threading.active_count() <= before[1] + 32  # threads of the pool stay


def test_a_frozen_upload_ends_and_the_old_file_stays(tmp_path: Path) -> None:
    with gateway(tmp_path, {"takes_nothing": 0.2}) as served:
        (served.root / "file").write_bytes(b"old")
        with GuiClient(served.port) as client:
            with client.task("DifxFileTransfer", PUT.format(path="/file")) as link:
                link.sendall(struct.pack(">i", 1000) + b"half")
                (error,) = client.wait_for_errors()
                assert "takes_nothing" in error
                assert is_at_end(link)
            assert client.handshake()[-1][0] == 18
        assert [path.name for path in served.root.iterdir()] == ["file"]
        assert (served.root / "file").read_bytes() == b"old"


@pytest.mark.parametrize("is_channel", [True, False])
def test_an_upload_to_a_full_disk_is_refused_and_the_old_file_stays(
    served: Gateway, is_channel: bool
) -> None:
    (served.root / "file").write_bytes(b"old")
    sent = struct.pack(">i", 3 << 20) + bytes(3 << 20)
    client = ScriptClient(served.port) if is_channel else GuiClient(served.port)
    with client, room_for(1 << 20):
        if isinstance(client, ScriptClient):
            channel = client.task_channel("DifxFileTransfer", PUT.format(path="/file"), sent)
            assert client.integer(channel) == -3
        else:
            with client.task("DifxFileTransfer", PUT.format(path="/file")) as link:
                link.sendall(sent)
                assert read_exactly(link, 4) == struct.pack(">i", -3)
        assert len(client.wait_for_errors()) == 1
        assert [path.name for path in served.root.iterdir()] == ["file"]
        assert (served.root / "file").read_bytes() == b"old"


@pytest.mark.parametrize("size", [-1, 1 << 20])
def test_an_upload_beyond_the_limit_is_refused(tmp_path: Path, size: int) -> None:
    with gateway(tmp_path, {"max_file": 1000}) as served, ScriptClient(served.port) as script:
        sent = struct.pack(">i", size) + bytes(max(size, 0))
        channel = script.task_channel("DifxFileTransfer", PUT.format(path="/file"), sent)
        assert script.integer(channel) == -3
        (error,) = script.wait_for_errors()
        assert "(max_file)" in error
        assert script.lines(script.task_channel("DifxFileOperation", LS)) == []


def test_of_many_uploads_to_one_name_one_wins_whole(served: Gateway) -> None:
    def upload(number: int) -> None:
        with ScriptClient(served.port) as script:
            data = bytes([number]) * 200_000
            body = PUT.format(path="/file")
            sent = struct.pack(">i", len(data)) + data
            assert script.integer(script.task_channel("DifxFileTransfer", body, sent)) == 200_000

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_S)
    data = (served.root / "file").read_bytes()
    assert len(data) == 200_000
    assert len(set(data)) == 1
    assert [path.name for path in served.root.iterdir()] == ["file"]


def test_a_job_ends_with_its_client_if_it_is_not_to_outlive_it(tmp_path: Path) -> None:
    run = ["/bin/sh", "-c", "echo running; exec sleep 300"]
    with gateway(tmp_path, keep_jobs=False, runner={"R": {"run": run, "grace": 0.1}}) as served:
        (served.root / "a.input").touch()
        script = ScriptClient(served.port)
        body = f"<input>/a.input</input>{NODES}{{there}}"
        channel = script.task_channel("DifxStart", body)
        while script.sub_packet(channel) != (114, b"running"):
            pass
        job = served.hosted.bank.service.jobs.active("/a.input")  # type: ignore[attr-defined]
        kill(script)
        assert job.wait(HANG_S)
        assert job.state.value == "stopped"


def test_a_thousand_clients_are_served_and_leave_nothing(served: Gateway) -> None:
    clients = [GuiClient(served.port) for _ in range(1000)]
    try:
        for client in clients:
            client.send(8)
        for client in clients:
            client.wait_for(18)
        with pytest.raises(OSError, match="timed out"):
            quiet = clients[500].socket
            quiet.settimeout(0)
            try:
                quiet.recv(1)
            except BlockingIOError:
                raise OSError("timed out") from None
    finally:
        for client in clients:
            client.close()
    eventually(lambda: is_alone(served))


def test_a_capture_has_every_packet_of_both_ways(tmp_path: Path) -> None:
    path = tmp_path / "packets.jsonl"
    with gateway(tmp_path, {"capture": str(path)}) as served:
        (served.root / "file").write_bytes(b"data" * 500)
        with ScriptClient(served.port) as script:
            series = script.handshake()
            get = script.task_channel("DifxFileTransfer", GET.format(path="/file"))
            assert script.integer(get) == 2000
            while script.next_chunk(get)[-4:] != b"data" or script.chunks[get]:
                pass
        with GuiClient(served.port) as gui:
            with gui.task("DifxFileTransfer", PUT.format(path="/put")) as link:
                link.sendall(struct.pack(">i", 3) + b"abc")
                assert read_exactly(link, 4) == struct.pack(">i", 3)
            gui.handshake()
        eventually(lambda: is_alone(served))
    with open(path, "rb") as file:
        captured = read_capture(file)
    first = [each for each in captured if each.client == 1]
    assert [each.packet for each in first if each.direction is MessageDirection.REQUEST] == [
        19,
        8,
        3,
    ]
    replies = [
        (each.packet, each.data) for each in first if each.direction is MessageDirection.REPLY
    ]
    assert replies[: len(series)] == series
    assert [number for number, _ in replies[len(series) :]] == [21, 22, 22, 22]
    second = [each for each in captured if each.client == 2 and each.port is not None]
    came = b"".join(each.data for each in second if each.direction is MessageDirection.REQUEST)
    went = b"".join(each.data for each in second if each.direction is MessageDirection.REPLY)
    assert (came, went) == (struct.pack(">i", 3) + b"abc", struct.pack(">i", 3))
    notes = [each.data.decode() for each in captured if each.direction is MessageDirection.NOTE]
    assert notes[0].startswith("connected 127.0.0.1:")
    assert sum(note.startswith("closed: ") for note in notes) == 2
    assert [each.time for each in captured] == sorted(each.time for each in captured)
