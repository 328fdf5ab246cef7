"""Players that take the first free port of a range, and whoever looks for them there."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.free_ports import bound, range_with_its_first_taken
from support.toy_bank import write_configuration

from dealer import AsyncDealer, Dealer
from player.cli import main
from player.config import load
from player.doctor import address_findings
from player.endpoints.base import EndpointContext
from player.errors import NotReadyError, PortTakenError
from player.host import Host
from player.ports import port_of
from player.services import found_in_range
from player.tables import EndpointConfig

PORTS = 4


@pytest.fixture
def taken() -> Iterator[int]:
    with range_with_its_first_taken(PORTS) as port:
        yield port


def test_two_players_share_a_range_and_are_found_by_their_names(
    taken: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ports = f"{taken}-{taken + PORTS - 1}"
    table = {"player_port": ports, "hpc_host": "localhost"}
    path = write_configuration(tmp_path / "dibas.toml", {"BANKA": table, "BANKB": table})
    config = load(path)
    with Host(config, "BANKA") as first, Host(config, "BANKB") as second:
        first.open()
        second.open()
        assert [port_of(host.url) - taken for host in (first, second)] == [1, 2]
        with Dealer(config=path) as d:
            d.add_active_player("BANKA", "BANKB")
            assert d.get_bank_name() == {"BANKA": "BANKA", "BANKB": "BANKB"}
            assert d.outcomes("rpc.ping")["BANKB"].value["name"] == "BANKB"
            with d.subscribe("subscribers") as sub:
                assert {sub.next(30).source, sub.next(30).source} == {"BANKA", "BANKB"}

        async def ask() -> object:
            async with AsyncDealer(config=path) as awaited:
                return await awaited["BANKB"].get_bank_name()

        assert asyncio.run(ask()) == "BANKB"
        assert main(["ready", "BANKB", "--config", str(path)]) == 0
        assert capsys.readouterr().out == f"ready: BANKB at {second.url}\n"
        assert address_findings(config, "BANKB", config.url("BANKB"))[1] == []
        with pytest.raises(NotReadyError, match=r"no server BANKC at the ports .* BANKA, BANKB"):
            found_in_range(config.url("BANKA"), "BANKC")


def test_a_range_without_a_free_port_is_named(taken: int, tmp_path: Path) -> None:
    ports = f"{taken}-{taken + 1}"
    path = write_configuration(tmp_path / "dibas.toml", {"BANKA": {"player_port": ports}})
    config = load(path)
    text = f"all ports from {taken} to {taken + 1} are taken"
    with bound(taken + 1):
        with Host(config, "BANKA") as host, pytest.raises(PortTakenError, match=text):
            host.open()
        _, (finding,) = address_findings(config, "BANKA", config.url("BANKA"))
    assert (finding.text[: len(text)], "a longer range" in finding.remedy) == (text, True)


def test_an_endpoint_takes_the_first_free_port_of_its_range() -> None:
    context = EndpointContext(
        name="http",
        bank="BANKA",
        config=EndpointConfig(),
        bind="127.0.0.1",
        log=logging.LoggerAdapter(logging.getLogger("tests")),
        on_end=lambda _reason: None,
        on_quit=lambda _reason: None,
        lend=lambda _service, at: at(1),
        url="tcp://127.0.0.1:1",
        directory=Path(),
        areas={},
    )

    def at(port: int) -> int:
        if port < 7002:
            raise OSError(errno.EADDRINUSE, "in use")
        return port

    assert context.serve("7000-7005", at) == 7002
    with pytest.raises(PortTakenError, match="all ports from 7000 to 7001 are taken"):
        context.serve("7000-7001", at)
