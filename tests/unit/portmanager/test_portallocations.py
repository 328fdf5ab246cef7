"""Rights, and ports that come back to those who had them: no sockets, holders that the test
makes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest
from support.port_manager import free_pool

from portmanager import portallocations
from portmanager.portallocations import PortAllocations
from portmanager.protocol.lines import Gimme
from portmanager.protocol.pool import Pool


class Connection:
    """A holder of ports."""

    uid = None

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.address, self.port = address, 5000

    def abort(self) -> None:
        """Nothing to end."""


def made(*peers: str, size: int = 4) -> PortAllocations:
    return PortAllocations(Pool(*free_pool(size)), peers, lambda: None)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.getLogger("portmanager.portallocations").setLevel(logging.ERROR)
    yield
    logging.getLogger("portmanager.portallocations").setLevel(logging.NOTSET)


def port_of(desk: PortAllocations, service: str, wish: int | None = None) -> int:
    grant = desk.lend(Gimme(service, "bob", wish), Connection())
    assert grant is not None
    return grant.lent.port


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        (("0.0.0.0/0",), [True] * 5),
        ((), [True, True, True, False, False]),
        (("192.0.2.0/24=admin",), [True, True, True, True, False]),
    ],
)
def test_who_may_list_is_a_setting(who: tuple[str, ...], allowed: list[bool]) -> None:
    addresses = ("127.0.0.1", "::1", "::ffff:127.0.0.2", "192.0.2.7", "198.51.100.1")
    assert [made(*who).may_list(one) for one in addresses] == allowed


def test_own_addresses_are_local() -> None:
    assert made().is_local("127.0.0.2")
    assert not made().is_local("192.0.2.7")


def test_an_address_that_comes_to_this_computer_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own: set[str] = set()
    now = 1000.0
    monkeypatch.setattr(portallocations, "is_own_address", lambda address: address in own)
    monkeypatch.setattr(portallocations.time, "monotonic", lambda: now)
    desk = made()
    assert not desk.is_local("192.0.2.7")
    own.add("192.0.2.7")
    now += portallocations.ADDRESSES_KNOWN_FOR_S + 1
    assert desk.is_local("192.0.2.7")


def test_other_computers_have_half_of_the_connections_and_leave_what_they_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = made()
    desk.most = 4
    far = [Connection("192.0.2.7") for _ in range(3)]
    assert [desk.admit(one) for one in far] == [True, True, False]
    monkeypatch.setattr(
        portallocations, "is_own_address", lambda address: True
    )  # what is known of them changes meanwhile
    monkeypatch.setattr(portallocations, "ADDRESSES_KNOWN_FOR_S", 0.0)
    desk._known_until = 0.0
    for one in far:
        desk.leave(one)
    monkeypatch.setattr(portallocations, "is_own_address", lambda address: False)
    assert [desk.admit(one) for one in far] == [True, True, False]
    assert [desk.admit(Connection()) for _ in range(3)] == [True, True, False]


def test_each_instance_gets_a_port_that_its_service_had_before() -> None:
    desk = made()
    low = desk.pool.low
    desk.earlier = {("bob", "foo"): [low, low + 1]}
    assert [port_of(desk, "foo") for _ in range(3)] == [low, low + 1, desk.pool.high]


def test_a_wish_is_met_if_it_can_be() -> None:
    desk = made()
    assert port_of(desk, "foo", desk.pool.low) == desk.pool.low
    assert port_of(desk, "foo", desk.pool.low) == desk.pool.high


def test_nearly_full_is_said_and_full_is_none(caplog: pytest.LogCaptureFixture) -> None:
    async def fill() -> None:
        desk = made(size=10)
        logging.getLogger("portmanager.portallocations").setLevel(logging.WARNING)
        while desk.lend(Gimme("foo", "bob"), Connection()) is not None:
            pass
        desk.write_notes()

    asyncio.run(fill())
    assert [one.getMessage() for one in caplog.records if "lent" in one.getMessage()] == [
        "9 of 10 ports are lent"
    ]
