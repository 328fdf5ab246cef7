"""The bridge to a DiFX network, over real multicast on the loopback interface."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections import namedtuple
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager

import psutil
import pytest

from gateways.difx.errors import MulticastError
from gateways.difx.multicast import Bridges, BridgeSettings, interface_address
from gateways.difx.protocol.messagebodies import Info, JobStateBody, encoded
from gateways.difx.protocol.messages import Datagram, read_message

HANG_S = 60.0


def a_group() -> str:
    """Return a group that tests beside this one hardly have."""
    return f"239.255.{os.getpid() % 256}.{random.SystemRandom().randrange(256)}"


@asynccontextmanager
async def bridged(**settings: object) -> AsyncIterator[Bridges]:
    """Open the bridge of a gateway, at a port that the system chooses."""
    bridges = Bridges(BridgeSettings(**{"group": a_group(), "port": 0, **settings}))  # type: ignore[arg-type]  # as keywords
    bridges.open()
    try:
        yield bridges
    finally:
        bridges.close()


@contextmanager
def a_sender() -> Iterator[socket.socket]:
    """Open a program's socket for sending."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        yield made


@contextmanager
def a_listener(settings: BridgeSettings) -> Iterator[socket.socket]:
    """Open a program's socket that listens to the group."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((settings.group, settings.port))
        member = socket.inet_aton(settings.group) + socket.inet_aton("127.0.0.1")
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        made.settimeout(HANG_S)
        yield made


class Heard:
    """Messages that came, awaited."""

    def __init__(self) -> None:
        self.datagrams: list[Datagram] = []
        self._came = asyncio.Event()

    def take(self, datagram: Datagram) -> None:
        """Take a datagram."""
        self.datagrams.append(datagram)
        self._came.set()

    @property
    def data(self) -> list[bytes]:
        """Their bytes."""
        return [each.data for each in self.datagrams]

    async def wait_for(self, is_there: Callable[[], bool]) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(HANG_S):
            while not is_there():
                self._came.clear()
                await self._came.wait()


def test_datagrams_of_a_network_arrive_unchanged_whatever_they_are() -> None:
    async def run() -> None:
        async with bridged() as bridges:
            heard = Heard()
            bridges.join(heard.take)
            place = bridges.settings.group, bridges.settings.port
            status = encoded("node1", JobStateBody(state="Done"), identifier="j").numbered(5)
            with a_sender() as sender:
                for data in (status, b"\xff no XML at all", b"<a b c>"):
                    sender.sendto(data, place)
            await heard.wait_for(lambda: len(heard.data) == 3)
            assert heard.data == [status, b"\xff no XML at all", b"<a b c>"]
            assert [each.header.type for each in heard.datagrams] == ["DifxStatusMessage", "", ""]

    asyncio.run(run())


def test_messages_of_the_gateway_go_out_numbered_and_do_not_come_back() -> None:
    async def run() -> None:
        async with bridged() as bridges:
            heard = Heard()
            bridges.join(heard.take)
            with a_listener(bridges.settings) as listener, a_sender() as sender:
                for _ in range(2):
                    bridges.publish(encoded("BANKA", Info(message="x")))
                got = [read_message(listener.recv(9000)) for _ in range(2)]
                assert [(each.header.sender, each.sequence) for each in got] == [
                    ("BANKA", 1),
                    ("BANKA", 2),
                ]
                sender.sendto(b"of another", (bridges.settings.group, bridges.settings.port))
                await heard.wait_for(lambda: len(heard.data) > 0)
            assert heard.data == [b"of another"]

    asyncio.run(run())


def test_message_of_a_client_goes_out_unchanged_and_to_all_who_listen_here() -> None:
    async def run() -> None:
        async with bridged() as bridges:
            first, second = Heard(), Heard()
            membership = bridges.join(first.take)
            bridges.join(second.take)
            with a_listener(bridges.settings) as listener:
                membership.send(b"<any>")
                assert listener.recv(9000) == b"<any>"
            assert first.data == second.data == [b"<any>"]

    asyncio.run(run())


def test_what_is_set_on_the_sockets_is_read_back() -> None:
    async def run() -> None:
        async with bridged(ttl=5, buffer_bytes=65536) as bridges:
            assert bridges.own is not None
            found = bridges.own
            assert (found.ttl, found.interface_address) == (5, "127.0.0.1")
            assert found.buffer_bytes >= 65536

    asyncio.run(run())


def test_buffer_that_the_system_does_not_give_is_told_with_its_remedy(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> None:
        async with bridged(buffer_bytes=2**31 - 1):
            pass

    asyncio.run(run())
    assert "sysctl net.core.rmem_max=2147483647" in caplog.text


def last_number(heard: Heard) -> int:
    """Return the sequence number of the last message; 0: none came."""
    return 0 if not heard.data else read_message(heard.data[-1]).sequence or 0


def test_of_a_burst_of_5000_every_message_has_arrived_or_is_counted() -> None:
    async def run() -> None:
        async with bridged(buffer_bytes=1 << 17) as bridges:
            heard = Heard()
            bridges.join(heard.take)
            assert bridges.own is not None
            messages = encoded("node1", Info(message="x" * 100))
            with a_sender() as sender:
                place = bridges.settings.group, bridges.settings.port
                for number in range(1, 5001):
                    sender.sendto(messages.numbered(number), place)
                number = 5000
                async with asyncio.timeout(HANG_S):  # one behind the burst shows what is missing
                    while last_number(heard) <= 5000:
                        number += 1
                        sender.sendto(messages.numbered(number), place)
                        await asyncio.sleep(0)
            assert len(heard.data) + bridges.own.sequences.dropped == last_number(heard)

    asyncio.run(run())


def test_settings_of_a_connection_change_at_once_and_alone() -> None:
    async def run() -> None:
        async with bridged() as bridges, bridged() as other:
            first, second = Heard(), Heard()
            changed = bridges.join(first.take)
            bridges.join(second.take)
            changed.change(other.settings.group, other.settings.port)
            assert changed.settings is not None
            assert changed.settings.port == other.settings.port
            with a_sender() as sender:
                sender.sendto(b"new", (other.settings.group, other.settings.port))
                sender.sendto(b"old", (bridges.settings.group, bridges.settings.port))
                await first.wait_for(lambda: len(first.data) > 0)
                await second.wait_for(lambda: len(second.data) > 0)
            assert (first.data, second.data) == ([b"new"], [b"old"])
            changed.close()
            changed.close()

    asyncio.run(run())


@pytest.mark.parametrize("group", ["10.0.0.1", "nonsense", "::1", "255.255.255.255", ""])
def test_group_that_is_none_is_refused_and_all_is_as_before(group: str) -> None:
    async def run() -> None:
        async with bridged() as bridges:
            heard = Heard()
            membership = bridges.join(heard.take)
            with pytest.raises(MulticastError, match="multicast"):
                membership.change(group, 50200)
            with a_sender() as sender:
                sender.sendto(b"x", (bridges.settings.group, bridges.settings.port))
                await heard.wait_for(lambda: len(heard.data) > 0)

    asyncio.run(run())


def test_group_of_the_loopback_network_is_a_plain_address() -> None:
    async def run() -> None:
        async with bridged(group="127.0.0.1") as bridges:
            heard = Heard()
            bridges.join(heard.take)
            with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
                sender.sendto(b"x", ("127.0.0.1", bridges.settings.port))
                await heard.wait_for(lambda: len(heard.data) > 0)

    asyncio.run(run())


def test_datagram_that_is_too_long_is_left_out_and_counted() -> None:
    async def run() -> None:
        async with bridged() as bridges:
            heard = Heard()
            bridges.join(heard.take)
            with a_sender() as sender:
                place = bridges.settings.group, bridges.settings.port
                sender.sendto(b"x" * 10_241, place)
                sender.sendto(b"y" * 10_240, place)
                await heard.wait_for(lambda: len(heard.data) > 0)
            assert heard.data == [b"y" * 10_240]
            assert bridges.own is not None
            assert bridges.own.too_long == 1

    asyncio.run(run())


_Address = namedtuple("_Address", "family address")


@pytest.mark.parametrize(
    ("networks", "interface", "found"),
    [
        ({"lo": "127.0.0.1"}, "lo", "127.0.0.1"),
        ({"lo": "127.0.0.1"}, "127.0.0.1", "127.0.0.1"),
        ({"lo": "127.0.0.1", "a": "10.0.0.1", "b": "10.1.0.1"}, "", None),
        ({"lo": "127.0.0.1"}, "", None),
        ({"lo": "127.0.0.1"}, "eth7", None),
    ],
)
def test_interface_is_named_or_the_only_one(
    monkeypatch: pytest.MonkeyPatch, networks: dict[str, str], interface: str, found: str | None
) -> None:
    addresses = {name: [_Address(socket.AF_INET, each)] for name, each in networks.items()}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: addresses)
    if found is None:
        with pytest.raises(MulticastError, match="interface"):
            interface_address(interface)
    else:
        assert interface_address(interface)[0] == found
