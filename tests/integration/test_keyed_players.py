"""Players that demand keys, and Dealers of each role: real processes, loopback."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.dealers import eventually
from support.keyed_array import KeyedArray
from support.player_run import PlayerRun, free_port
from support.toy_bank import ToyBank, write_configuration

from dealer import AsyncDealer, Dealer, PlayersError
from dealer import cli as dealer_cli
from player import cli as player_cli
from player.config import load
from player.host import Host
from player.testing import HostedBank
from zmqjsonproxy import command
from zmqjsonproxy.channels import published
from zmqjsonproxy.errors import KeysNeededError, RevokedKeyError, RoleTooLowError, UnknownKeyError
from zmqjsonproxy.keys.register import make_server, revoke
from zmqjsonproxy.keys.trust import fetch_key
from zmqjsonproxy.rights import Role

WITHIN_S = 60.0


class Station(ToyBank):
    """Publishes what others follow."""

    wind = published(1.5, writable=True)

    @command
    def blow(self, speed: float) -> float:
        """Publish a number."""
        self.wind = speed
        return speed


def why(error: PlayersError) -> type[BaseException]:
    (outcome,) = error.failed.values()
    return type(outcome.error)


@pytest.fixture
def array(tmp_path: Path) -> KeyedArray:
    table = {"hpc_host": "localhost", "player_port": free_port()}
    return KeyedArray(tmp_path, {"BANKA": table})


@pytest.fixture
def host(array: KeyedArray) -> Iterator[Host]:
    with Host(load(array.config), "BANKA", kind=Station) as host:
        host.open()
        assert host.wait_until_ready()
        yield host


def dealer(array: KeyedArray, name: str, role: Role | None) -> Dealer:
    return Dealer(config=array.config, keys=array.ring(name, role), timeout=WITHIN_S)


def test_each_role_may_what_it_may(array: KeyedArray, host: Host) -> None:
    with dealer(array, "anna", Role.OPERATE) as d:
        eventually(lambda: not d.outcomes("get_bank_name")["BANKA"].error)
        assert d.blow(2.5) == {"BANKA": 2.5}
    with dealer(array, "cleo", Role.OBSERVE) as d:
        eventually(lambda: not d.outcomes("get_bank_name")["BANKA"].error)
        with pytest.raises(PlayersError) as caught:
            d.blow(3.5)
        assert why(caught.value) is RoleTooLowError
        assert d["BANKA"].get_properties("wind") == {"wind": 2.5}


def test_clients_without_a_key_or_with_an_unknown_one_are_told_so(
    array: KeyedArray, host: Host
) -> None:
    for keys, error in (array.ring("zoe", None), UnknownKeyError), (None, KeysNeededError):
        with Dealer(config=array.config, keys=keys, timeout=WITHIN_S) as d:
            with pytest.raises(PlayersError) as caught:
                d.remote.get_bank_name()
            assert why(caught.value) is error


def test_revoked_client_is_cut_off(array: KeyedArray, host: Host) -> None:
    with dealer(array, "anna", Role.OPERATE) as d:
        eventually(lambda: not d.outcomes("get_bank_name")["BANKA"].error)
        revoke(array.key_dir, "anna")
        eventually(lambda: d.outcomes("get_bank_name")["BANKA"].error)
        assert type(d.outcomes("get_bank_name")["BANKA"].error) is RevokedKeyError


def test_player_lives_without_its_key_folder_and_says_so(
    array: KeyedArray, host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    with dealer(array, "anna", Role.OPERATE) as d:
        eventually(lambda: not d.outcomes("get_bank_name")["BANKA"].error)
        array.key_dir.rename(array.folder / "away")
        eventually(lambda: d.outcomes("get_bank_name")["BANKA"].error)
        assert "nobody is let in" in caplog.text
        assert host.read_again() != "", "it reaches itself"
        (array.folder / "away").rename(array.key_dir)
        eventually(lambda: not d.outcomes("get_bank_name")["BANKA"].error)


def test_task_has_keys_as_a_thread_has(array: KeyedArray, host: Host) -> None:
    async def ask() -> Any:
        ring = array.ring("anna", Role.ADMIN)
        async with AsyncDealer(config=array.config, keys=ring, timeout=WITHIN_S) as d:
            end = time.monotonic() + WITHIN_S
            while (await d.outcomes("get_bank_name"))["BANKA"].error and time.monotonic() < end:
                await asyncio.sleep(0.05)
            return await d.get_bank_name()

    assert asyncio.run(ask()) == {"BANKA": "BANKA"}


def test_player_follows_another_one_of_its_host_by_their_key(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    make_server(tmp_path / "keys")
    sections = {"instrument": {"keys": True, "key_port": 0, "key_dir": str(tmp_path / "keys")}}
    with HostedBank(Station, name="BANKW", sections=sections, folder=tmp_path / "one") as station:
        remote = {"url": station.url, "properties": ["wind"]}
        settings = {"remotes": {"mast": remote}}
        with HostedBank(Station, settings, sections=sections, folder=tmp_path / "two") as follower:
            keys = follower.host.client_keys
            with Dealer(follower.players, keys=keys) as d, d.subscribe("wind@mast") as sub:
                sub.wait_for(lambda u: u.value == 1.5, WITHIN_S)
                station.proxy.blow(4.5)
                sub.wait_for(lambda u: u.value == 4.5, WITHIN_S)


def test_programs_of_the_array_reach_a_player_with_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key_port = free_port()
    array = KeyedArray(
        tmp_path,
        {"BANKA": {"hpc_host": "localhost", "player_port": free_port()}},
        key_port=key_port,
    )
    monkeypatch.setenv("DIBAS_KEYS", str(array.client("anna", Role.ADMIN)))
    monkeypatch.setenv("DIBAS_CONFIG", str(array.config))
    with PlayerRun("BANKA", "--config", array.config, log=tmp_path / "log") as run:
        run.wait_ready()
        assert fetch_key("127.0.0.1", key_port, WITHIN_S) == array.public
        assert player_cli.main(["ready", "BANKA", "--timeout", "60"]) == 0
        player_cli.main(["doctor", "BANKA"])
        assert "served at" in capsys.readouterr().out
        for words in (["status"], ["list", "BANKA"], ["doctor"], ["call", "BANKA", "get_kind"]):
            assert dealer_cli.main(words) == 0, capsys.readouterr()
        monkeypatch.setenv("DIBAS_KEYS", "")
        capsys.readouterr()
        assert dealer_cli.main(["doctor"]) == 1
        assert "demands keys, and this client has none for it" in capsys.readouterr().out


def test_player_beyond_loopback_demands_keys_of_all(tmp_path: Path) -> None:
    path = write_configuration(
        tmp_path / "dibas.toml",
        {"BANKA": {"bind": "0.0.0.0", "hpc_host": "127.0.0.1", "player_port": free_port()}},
        "key_port = 0",
    )
    make_server(tmp_path / "keys")
    with Host(load(path), "BANKA", kind=ToyBank) as host:
        host.open()
        assert host.wait_until_ready()
        with Dealer(config=path, timeout=WITHIN_S) as d:
            with pytest.raises(PlayersError) as caught:
                d.remote.get_bank_name()
            assert why(caught.value) is KeysNeededError


def test_a_player_whose_key_was_replaced_is_found_by_the_doctor(
    array: KeyedArray, host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    (array.key_dir / "server.key").unlink()
    make_server(array.key_dir)
    player_cli.main(["doctor", "BANKA", "--config", str(array.config), "--json"])
    (told,) = [
        each for each in json.loads(capsys.readouterr().out)["findings"] if each["bank"] == "BANKA"
    ]
    path = array.key_dir / "server.key"
    assert told["text"].endswith(f" has another key than {path}, replaced while it ran")
    assert told["remedy"] == "restart it, or put the old key back"
