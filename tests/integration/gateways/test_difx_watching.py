"""Relay and monitor through a whole gateway, as both families of clients see them."""

from __future__ import annotations

import os
import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from xml.dom import minidom

import pytest
from support.difx_clients import GuiClient, ScriptClient, packet, read_exactly
from support.difx_gateway import Gateway, gateway

from gateways.difx.protocol.jobs import JobEvent, JobEventKind, JobState
from gateways.difx.protocol.products import (
    Product,
    ProductsHeader,
    Scan,
    write_header,
    write_integration,
)

SELECTION, RELAY_ON, MONITOR = 17, 1, 14
HEADER = ProductsHeader(
    job="job",
    integration_s=1.0,
    scans=(Scan(name="No1", start_mjd=60000.0, integrations=10),),
    products=(Product(stations=("AA", "AA"), frequency_mhz=1400, bandwidth_mhz=4.0, channels=4),),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose jobs end at once, and whose products come from a pipe of the test."""
    folder = tmp_path_factory.mktemp("watched")
    os.mkfifo(folder / "stream")
    runner = {"run": ["true"], "products": ["cat", str(folder / "stream")]}
    with gateway(folder, runner={"DIFX-DEVEL": runner}) as found:
        (found.root / "scan1").mkdir()
        for name in ("job", "other"):
            (found.root / "scan1" / f"{name}.input").touch()
        yield found


def stream_of(served: Gateway) -> Path:
    """Return the pipe of the products."""
    return served.root.parent / "stream"


def relayed(client: GuiClient, kind: str) -> minidom.Element:
    """Read up to a message of a type, as the script does; its body."""
    while True:
        _, payload = client.wait_for(RELAY_ON)
        root = minidom.parseString(payload).documentElement
        assert root is not None
        header, body = root.childNodes[0], root.childNodes[-1]
        assert isinstance(header, minidom.Element)
        assert isinstance(body, minidom.Element)
        if text(header, "type") == kind:
            return root


def text(element: minidom.Element, name: str) -> str:
    """Return the text of an element by its name."""
    (found,) = element.getElementsByTagName(name)
    return "".join(node.data for node in found.childNodes if isinstance(node, minidom.Text))


def test_client_hears_of_hosts_and_of_each_state_of_a_job(served: Gateway) -> None:
    with GuiClient(served.port) as client:
        client.send(SELECTION, b"ALL_MESSAGES\n")
        client.send(RELAY_ON, struct.pack(">i", 1))
        load = relayed(client, "DifxLoadMessage")
        assert text(load, "from") == "DIFX"
        assert int(text(load, "totalMemory")) > 0
        client.send(SELECTION, b"SELECTED_MESSAGES\nSTATUS_MESSAGES\n")
        client.settle()
        body = (
            "<input>/scan1/job.input</input><manager node='a'/><datastream nodes='b'/>"
            "<process nodes='c' threads='1'/>{there}"
        )
        with client.task("DifxStart", body):
            states = []
            while "MpiDone" not in states:
                status = relayed(client, "DifxStatusMessage")
                assert text(status, "identifier") == "job"
                states.append(text(status, "state"))
        order = list(dict.fromkeys(states))
        assert order == [
            each
            for each in ("Spawning", "Starting", "Running", "Ending", "Done", "MpiDone")
            if each in order
        ]
        assert (states.count("Done"), states.count("MpiDone")) == (1, 1)


def sub(connection: socket.socket) -> tuple[int, bytes]:
    """Read a sub-packet over TCP."""
    number, length = struct.unpack(">ii", read_exactly(connection, 8))
    return number, read_exactly(connection, length)


def test_monitor_over_tcp_shows_the_products_of_a_job_and_is_closed_by_its_client(
    served: Gateway,
) -> None:
    with GuiClient(served.port) as client, client.listen() as listening:
        client.send(MONITOR, struct.pack(">i", listening.getsockname()[1]))
        connection, _ = listening.accept()
        connection.settimeout(60)
        with connection:
            connection.sendall(packet(103, b"/scan1/job.input"))
            with stream_of(served).open("wb", buffering=0) as feed:
                feed.write(write_header(HEADER) + write_integration(HEADER, [[1, 2, 3, 4]]))
                ids = [sub(connection)[0]]
                while ids[-1] != 143:
                    ids.append(sub(connection)[0])
                expected = [113, 109, 130, 131, 110, 132, 133, 134, 135, 136, 137, 105]
                assert ids == [*expected, 107, 111, 112, 106, 121, 108, 120, 143]
                connection.sendall(packet(123) + packet(122, struct.pack(">iii", 0, 0, 4)))
                connection.sendall(packet(124))
                found = [sub(connection) for _ in range(10)]
                assert [number for number, _ in found] == [
                    *(100, 138, 135, 126, 127, 128, 140, 141, 142, 129)
                ]
                assert found[3][1][16:] == b"".join(b"%14.6e" % each for each in (1, 2, 3, 4))
                connection.sendall(packet(104))
                assert connection.recv(1) == b""
        assert client.settle() == []


def test_monitor_in_a_channel_sends_single_items(served: Gateway) -> None:
    with ScriptClient(served.port) as client:
        client.send(MONITOR, struct.pack(">i", 777))
        client.chunk(777, packet(103, b"/scan1/other.input"))
        with stream_of(served).open("wb", buffering=0) as feed:
            feed.write(write_header(HEADER) + write_integration(HEADER, [[1, 2, 3, 4]]))
            while client.sub_packet(777)[0] != 143:
                pass
            for number, payload in ((123, b""), (122, struct.pack(">iii", 0, 0, 4)), (124, b"")):
                client.chunk(777, packet(number, payload))
            found = {}
            while 129 not in found:
                number, payload = client.sub_packet(777)
                found[number] = payload
            assert len(found[126]) == 16 + 4 * 14
            assert len(found[128]) == 48 + 8 * 14
            client.chunk(777, packet(104))
        client.settle()
        assert not client.chunks[777]


@pytest.mark.parametrize("path", [b"/scan1/none.input", b"/../etc/passwd", b"bank:NONE"])
def test_monitor_of_an_unknown_file_is_refused_and_closed(served: Gateway, path: bytes) -> None:
    with GuiClient(served.port) as client, client.listen() as listening:
        client.send(MONITOR, struct.pack(">i", listening.getsockname()[1]))
        connection, _ = listening.accept()
        connection.settimeout(60)
        with connection:
            connection.sendall(packet(103, path))
            assert sub(connection)[0] == 102
            assert connection.recv(1) == b""


def test_flood_to_a_client_that_reads_nothing_costs_it_alone_and_no_final_state(
    served: Gateway,
) -> None:
    with GuiClient(served.port, receive_bytes=4096) as frozen, GuiClient(served.port) as other:
        frozen.send(SELECTION, b"SELECTED_MESSAGES\nSTATUS_MESSAGES\nALERT_MESSAGES\n")
        frozen.send(RELAY_ON, struct.pack(">i", 1))
        frozen.settle()
        relay = served.server._relay
        for number in range(10_000):
            relay.tell_job("flood", "/flood.input", event(number, JobState.RUNNING))
        relay.tell_job("flood", "/flood.input", event(10_000, JobState.FINISHED))
        assert other.handshake()
        found: list[str] = []
        lost = 0
        while lost + found.count("Running") + relay.left_out < 10_000 or "MpiDone" not in found:
            _, payload = frozen.wait_for(RELAY_ON)
            for state, count in re.findall(rb"<state>(\w+)<|(\d+) messages? left out", payload):
                found.append(state.decode())
                lost += int(count or 0)
        assert (found.count("Done"), found.count("MpiDone")) == (1, 1)
        assert lost + found.count("Running") + relay.left_out == 10_000


def event(number: int, state: JobState) -> JobEvent:
    """Return an event of a job."""
    kind = JobEventKind.ENDED if state.is_final else JobEventKind.STATE
    return JobEvent(job="id", number=number, time=0.0, kind=kind, state=state)


def free_udp_port() -> int:
    """Return a port that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def test_client_hears_a_network_sends_to_it_and_may_change_it(tmp_path: Path) -> None:
    group, other = "239.255.77.1", "239.255.77.2"
    port, second = free_udp_port(), free_udp_port()
    table = {"multicast": {"enable": True, "group": group, "port": port}}
    with gateway(tmp_path, table) as found, GuiClient(found.port) as client:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as station:
            station.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            station.settimeout(60)
            station.bind((other, second))
            loopback = socket.inet_aton("127.0.0.1")
            member = socket.inet_aton(other) + loopback
            station.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            station.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, loopback)
            client.send(SELECTION, b"SELECTED_MESSAGES\nUNKNOWN_MESSAGES\n")
            client.send(RELAY_ON, struct.pack(">i", 1))
            client.settle()
            station.sendto(b"\xff from a network", (group, port))
            assert client.wait_for(RELAY_ON)[1] == b"\xff from a network"
            client.send(7, f"{other}\n{second}".encode())
            client.wait_for(4)
            client.send(2, b"<difxMessage>any</difxMessage>")
            assert station.recv(9000) == b"<difxMessage>any</difxMessage>"
            assert client.wait_for(RELAY_ON)[1] == b"<difxMessage>any</difxMessage>"
            station.sendto(b"from the other", (other, second))
            assert client.wait_for(RELAY_ON)[1] == b"from the other"
            client.send(7, b"without a port")
            assert client.wait_for_errors()
