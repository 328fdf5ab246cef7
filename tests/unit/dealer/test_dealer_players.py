"""Places where a Dealer finds its Players, and what it says when it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dealer.errors import ConfigurationError, DealerError
from dealer.players import configuration_path, find_players, players_of_file

ARRAY = """
[instrument]
player_port = 7000
[dealer]
players = ["BANKB", "BANKA"]
[banks.BANKA]
hpc_host = "hpc1"
kind = "spectrometer"
[banks.BANKB]
hpc_host = "hpc2"
player_port = 7001
[banks.BANKC]
hpc_host = "hpc3"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "dibas.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_players_come_in_the_order_of_the_list_with_the_port_of_their_bank_or_of_all(
    tmp_path: Path,
) -> None:
    urls = players_of_file(written(tmp_path, ARRAY))
    assert list(urls.items()) == [("BANKB", "tcp://hpc2:7001"), ("BANKA", "tcp://hpc1:7000")]


def test_without_a_list_all_banks_are_players_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = ARRAY.replace('players = ["BANKB", "BANKA"]', "")
    assert list(players_of_file(written(tmp_path, text))) == ["BANKA", "BANKB", "BANKC"]


@pytest.mark.parametrize(
    ("bind", "reached_at"),
    [
        ("0.0.0.0", "hpc1"),
        ("*", "hpc1"),
        ("::", "hpc1"),
        ("127.0.0.1", "127.0.0.1"),
        ("lo", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("10.0.0.5", "10.0.0.5"),
        ("::1", "[::1]"),
        ("[fd00::5]", "[fd00::5]"),
        ("eth0", "hpc1"),
    ],
)
def test_a_player_that_keeps_to_one_address_is_asked_there(
    tmp_path: Path, bind: str, reached_at: str
) -> None:
    text = f'[instrument]\nbind = "{bind}"\n[banks.BANKA]\nhpc_host = "hpc1"\n'
    assert players_of_file(written(tmp_path, text)) == {"BANKA": f"tcp://{reached_at}:6667"}


def test_the_banks_own_bind_wins(tmp_path: Path) -> None:
    text = '[instrument]\nbind = "127.0.0.1"\n[banks.BANKA]\nhpc_host = "hpc1"\nbind = "0.0.0.0"\n'
    assert players_of_file(written(tmp_path, text)) == {"BANKA": "tcp://hpc1:6667"}


def test_all_faults_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        instrument = 3
        [dealer]
        players = ["BANKA", "BANKB", "BANKB", "BANKC", "BANKD", "BANKE"]
        [banks.BANKA]
        player_port = 6667
        [banks.BANKB]
        hpc_host = "hpc2"
        player_port = "6667"
        [banks.BANKC]
        hpc_host = "hpc3"
        player_port = 65536
        [banks.BANKE]
        hpc_host = "hpc3"
        """,
    )
    with pytest.raises(ConfigurationError) as caught:
        players_of_file(path)
    assert caught.value.faults == [
        "instrument: a table",
        "dealer.players: BANKB is there 2 times",
        "banks.BANKA.hpc_host: the host that runs the Player is missing",
        "banks.BANKB.player_port: '6667' is no TCP port",
        "banks.BANKC.player_port: 65536 is no TCP port",
        "dealer.players: BANKD: there is no table [banks.BANKD]",
    ]
    assert str(caught.value).startswith(f"{path}:\n  instrument: a table\n")


def test_two_banks_at_one_address_are_a_fault(tmp_path: Path) -> None:
    path = written(tmp_path, '[banks.BANKA]\nhpc_host = "hpc1"\n[banks.BANKB]\nhpc_host = "hpc1"\n')
    with pytest.raises(ConfigurationError, match="BANKB: tcp://hpc1:6667 is the address of BANKA"):
        players_of_file(path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no Player is named"),
        ("players = [", r"dibas\.toml:1: not TOML: "),
        ('[dealer]\nplayers = "BANKA, BANKB"', "dealer.players: a list of Bank names"),
        ("[dealer]\nplayers = [1]", "dealer.players: a list of Bank names"),
        ("banks = []", "banks: a table"),
    ],
)
def test_a_file_without_usable_players_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        players_of_file(written(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml:\n  cannot be read: No such file"):
        find_players(None, tmp_path / "nowhere.toml")


def test_the_file_is_looked_for_in_argument_then_config_then_installation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DIBAS_DIR", "/opt/dibas")
    monkeypatch.delenv("DIBAS_CONFIG", raising=False)
    assert configuration_path() == Path("/opt/dibas/etc/config/dibas.toml")
    monkeypatch.setenv("DIBAS_CONFIG", "/etc/array.toml")
    assert configuration_path() == Path("/etc/array.toml")
    assert configuration_path(tmp_path) == tmp_path


def test_without_any_source_the_error_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIBAS_DIR", raising=False)
    monkeypatch.delenv("DIBAS_CONFIG", raising=False)
    with pytest.raises(DealerError, match=r"set DIBAS_CONFIG or DIBAS_DIR in the environment"):
        find_players()


def test_a_dictionary_is_taken_as_it_is_and_keeps_its_order() -> None:
    given = {
        "BANKB": "tcp://172.18.0.2:6667",
        "BANKA": "tcp://172.18.0.1:6667",
        "X": "ipc:///run/player",
    }
    urls = find_players(given, "/nonexistent/is/not/read")
    assert urls == given
    assert list(urls) == list(given)


@pytest.mark.parametrize(
    "players",
    [
        "BANKA",
        ["BANKA"],
        5,
        {"BANKA": "172.18.0.1:6667"},
        {"BANKA": 6667},
        {1: "tcp://h:1"},
        {"BANKA": "tcp://host"},
        {"BANKA": "tcp://host:"},
        {"BANKA": "tcp://host:99999"},
        {"BANKA": "tcp://:6667"},
    ],
)
def test_anything_else_is_refused_and_the_form_shown(players: Any) -> None:
    with pytest.raises(ConfigurationError, match=r'as \{"BANKA": "tcp://host:6667"\}'):
        find_players(players)


def test_all_bad_entries_of_a_dictionary_are_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_players({"BANKA": "hpc1", "BANKB": "tcp://hpc2:6667", "BANKC": ""})
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["'BANKA'", "'BANKC'"]
