"""Dealers that find Players by the names of services: both kinds, real port managers, real
Players."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.both import Waiting
from support.native_player import NativePlayer
from support.original_server import OriginalPlayer
from support.player_run import ROOT, clean_environment, free_port, poll, python
from support.port_manager import ServerProcess, StandIn

from dealer import AsyncDealer, ConfigurationError, Dealer, PlayersError
from groundwork.closing import Closing
from portmanager import PortManager

MakeDealer = Callable[..., Any]


@pytest.fixture(params=["blocking", "asyncio"])
def make_dealer(request: pytest.FixtureRequest) -> Iterator[MakeDealer]:
    if request.param == "blocking":
        yield Dealer
        return
    with asyncio.Runner() as runner:

        def make(*args: Any, **kwargs: Any) -> Any:
            async def within_the_loop() -> AsyncDealer:
                return AsyncDealer(*args, **kwargs)

            return Waiting(runner, runner.run(within_the_loop()))

        yield make


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path / "pm") as server:
        yield server


class Service(Closing):
    """A native Player on a port that it was lent, under a name."""

    def __init__(self, manager_port: int, bank: str, user: str = "vegas", **settings: Any) -> None:
        self.client = PortManager("127.0.0.1", manager_port, user=user)
        self.port = self.client.get_port(bank)
        self.player = NativePlayer(f"tcp://127.0.0.1:{self.port}", bank=bank, **settings)

    def close(self) -> None:
        self.player.close()
        self.client.close()


@pytest.fixture
def found(make_dealer: MakeDealer, manager: ServerProcess) -> Iterator[tuple[Any, Service]]:
    """A Dealer that knows a Player by its name, and has asked it."""
    with (
        make_dealer({"BANKA": f"service:BANKA@127.0.0.1:{manager.port}"}) as d,
        Service(manager.port, "BANKA") as service,
    ):
        assert d.get_mode() == (True, None)
        yield d, service


def eventually(d: Any, method: str, *args: Any) -> dict[str, Any]:
    """Answers of all active Players, as soon as they give them."""
    answers: dict[str, Any] = {}

    def answered() -> bool:
        answers.update(d.outcomes(method, *args))
        return all(one.error is None for one in answers.values())

    poll(answered, f"answers to {method}")
    return {bank: one.value for bank, one in answers.items()}


def test_all_players_of_a_port_manager_are_found(
    make_dealer: MakeDealer, manager: ServerProcess
) -> None:
    with (
        Service(manager.port, "BANKB"),
        Service(manager.port, "BANKA"),
        PortManager("127.0.0.1", manager.port) as other,
    ):
        other.get_port("RingMaster")
        with make_dealer(f"portmanager://127.0.0.1:{manager.port}") as d:
            assert list(d) == ["BANKA", "BANKB"]
            d.add_active_player("BANKB")
            assert d.get_status("BANKNAM") == {"BANKA": "BANKA", "BANKB": "BANKB"}
            assert d["BANKB"].get_mode() is None


def test_names_and_addresses_mix_and_a_player_of_the_original_has_a_name_too(
    make_dealer: MakeDealer, manager: ServerProcess
) -> None:
    with (
        PortManager("127.0.0.1", manager.port) as client,
        Service(manager.port, "BANKA"),
        NativePlayer(bank="BANKB") as plain,
        OriginalPlayer(f"tcp://127.0.0.1:{client.get_port('OLD')}", bank="BANKC") as original,
    ):
        at = f"127.0.0.1:{manager.port}"
        players = {
            "BANKA": f"service:BANKA@{at}",
            "BANKB": plain.url,
            "BANKC": f"service://{at}/OLD",
        }
        with make_dealer(players) as d:
            d.add_active_player("BANKB", "BANKC")
            assert d.get_status("BANKNAM") == {bank: bank for bank in players}
        assert original.is_alive


def test_a_player_is_followed_to_its_new_port_and_that_is_said_once(
    make_dealer: MakeDealer, manager: ServerProcess, caplog: pytest.LogCaptureFixture
) -> None:
    with make_dealer({"BANKA": f"service:BANKA@127.0.0.1:{manager.port}"}) as d:
        first = Service(manager.port, "BANKA")
        bank = d["BANKA"]
        try:
            assert d.get_mode() == (True, None)
        finally:
            first.close()
        with Service(manager.port, "BANKA", mode="MODE2") as second:
            assert second.port != first.port
            assert eventually(d, "get_mode") == {"BANKA": "MODE2"}
            assert bank.get_mode() == "MODE2"  # the proxy of before
            said = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
            assert (
                f"BANKA has moved from tcp://127.0.0.1:{first.port} to tcp://127.0.0.1:{second.port}"
                in said
            )
            assert d.get_mode() == (True, "MODE2")
    assert sum("moved" in one.getMessage() for one in caplog.records) == 1


def test_a_silent_player_is_left_for_the_one_that_took_its_name(
    found: tuple[Any, Service], manager: ServerProcess
) -> None:
    d, old = found
    old.player.suspend()
    old.client.close()  # its host has gone, and with it the name
    with Service(manager.port, "BANKA", mode="MODE3"):
        assert eventually(d, "get_mode") == {"BANKA": "MODE3"}
    old.player.resume()


def test_without_its_port_manager_a_dealer_goes_on_with_what_it_knows(
    found: tuple[Any, Service], manager: ServerProcess
) -> None:
    d, one = found
    manager.end()
    assert d.get_mode() == (True, None)
    one.player.kill()
    with NativePlayer(f"tcp://127.0.0.1:{one.port}", mode="MODE1"):
        assert eventually(d, "get_mode") == {"BANKA": "MODE1"}


def test_an_absent_port_manager_and_an_absent_player_are_told_apart(
    make_dealer: MakeDealer, manager: ServerProcess
) -> None:
    at = f"127.0.0.1:{manager.port}"

    def told(of_players: str, of_itself: str) -> None:
        with make_dealer({"BANKA": f"service:BANKA@{at}"}) as d:
            with pytest.raises(PlayersError, match=of_players):
                d.get_mode()
        with pytest.raises(ConfigurationError, match=of_itself):
            make_dealer(f"portmanager://{at}")

    told(
        r"service 'BANKA' at the port manager .*: found none; is its",
        r"knows no service BANK\.\.\.; do its Players run",
    )
    manager.end()
    told(
        f"the port manager at {at} does not tell: .*Errno 111",
        f"the port manager at {at} does not answer .*is one running there",
    )


def test_each_of_two_users_has_players_of_the_same_name(
    make_dealer: MakeDealer, manager: ServerProcess
) -> None:
    at = f"127.0.0.1:{manager.port}"
    with (
        Service(manager.port, "BANKA", "alice", mode="MODE1"),
        Service(manager.port, "BANKA", "bob", mode="MODE2"),
    ):
        for user, mode in (("alice", "MODE1"), ("bob", "MODE2")):
            with make_dealer(f"portmanager://{at}?user={user}") as d:
                assert d.get_mode() == (True, mode)
            with make_dealer({"BANKA": f"service://{at}/BANKA?user={user}"}) as d:
                assert d.get_mode() == (True, mode)
        with pytest.raises(
            ConfigurationError, match=r"BANKA at .* is there of alice, bob; say whose: \?user=alice"
        ):
            make_dealer(f"portmanager://{at}")
        with (
            make_dealer({"BANKA": f"service:BANKA@{at}"}) as d,
            pytest.raises(PlayersError, match="say whose it is"),
        ):
            d.get_mode()


@pytest.mark.parametrize("kind", ["tcl", "rust"])
def test_servers_of_other_makes_are_asked_too(make_dealer: MakeDealer, kind: str) -> None:
    with _stand_in(kind) as server, Service(server.port, "BANKA", mode="MODE1"):
        with make_dealer(f"portmanager://127.0.0.1:{server.port}") as d:
            assert d.get_mode() == (True, "MODE1")


@contextmanager
def _stand_in(kind: str) -> Iterator[StandIn]:
    with StandIn(kind, ports=[free_port() for _ in range(3)]) as server:
        yield server


def test_the_file_names_services_and_the_dealer_a_port_manager(
    manager: ServerProcess, tmp_path: Path
) -> None:
    path = tmp_path / "dibas.toml"
    path.write_text(
        f'[instrument]\nplayer_port = "service:"\nportmanager = "localhost:{manager.port}"\nbind = "127.0.0.1"\n'
        f'[dealer]\nplayers = ["BANKA", "BANKX"]\nportmanager = "127.0.0.1:{manager.port}"\n'
        '[banks.BANKA]\nhpc_host = "hpc1"\n'
    )
    with Service(manager.port, "BANKA"), Service(manager.port, "BANKX"), Dealer(config=path) as d:
        d.add_active_player("BANKX")
        assert d.get_status("BANKNAM") == {"BANKA": "BANKA", "BANKX": "BANKX"}


def test_the_command_takes_a_port_manager_in_the_place_of_a_file(
    manager: ServerProcess, tmp_path: Path
) -> None:
    at = f"portmanager://127.0.0.1:{manager.port}"

    def dealer(*words: str, status: int = 0) -> str:
        done = python(
            "-m",
            "dealer.cli",
            *words,
            "--config",
            at,
            cwd=tmp_path,
            env=clean_environment(PYTHONPATH=str(ROOT)),
        )
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    assert f"the port manager at 127.0.0.1:{manager.port} knows no service BANK" in dealer(
        "list", status=1
    )
    assert "; portmanager list --host HOST shows" in dealer("doctor", status=1)
    with Service(manager.port, "BANKA", mode="MODE1"):
        assert dealer("list").startswith(f"BANKA  service://127.0.0.1:{manager.port}/BANKA")
        assert "set_mode" in dealer("list", "banka")
        assert dealer("call", "BANKA", "get_mode") == "MODE1\n"
        assert "BANKA: fine, at service://" in dealer("doctor")
        assert "class " in dealer("stubs")
    assert "a port manager knows where Players are, and no more" in dealer("hosts", status=2)
