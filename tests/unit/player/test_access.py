"""At which addresses keys are demanded, and what is said where they are missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.keyed_array import KeyedArray
from support.toy_bank import write_configuration

from player.access import Access, key_findings, keys_of_host
from player.config import load
from player.errors import ConfigError, KeysMissingError, OwnKeysError
from zmqjsonproxy.keys.register import make_server, new_client, register, revoke
from zmqjsonproxy.keys.ring import add_pins
from zmqjsonproxy.rights import Role


def access(tmp_path: Path, instrument: str = "", host: str = "") -> Access:
    path = write_configuration(tmp_path / "dibas.toml", {"BANKA": {}}, instrument)
    return Access(load(path), "BANKA", host)


@pytest.mark.parametrize(
    ("instrument", "host", "is_demanded"),
    [
        ("", "127.0.0.1", False),
        ("", "127.0.0.2", False),
        ("", "::1", False),
        ("", "localhost", False),
        ("", "lo", False),
        ("", "0.0.0.0", True),
        ("", "*", True),
        ("", "::", True),
        ("", "10.0.0.1", True),
        ("", "eth0", True),
        ("", "hpc1", True),
        ("keys = true", "127.0.0.1", True),
        ("keys = true", "10.0.0.1", True),
        ("insecure = true", "127.0.0.1", False),
        ("insecure = true", "0.0.0.0", False),
        ("insecure = true", "hpc1", False),
    ],
)
def test_keys_are_demanded_at_all_addresses_but_the_loopback_one(
    tmp_path: Path, instrument: str, host: str, is_demanded: bool
) -> None:
    assert access(tmp_path, instrument).is_demanded(host) is is_demanded


def test_keys_and_insecure_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="keys = true and insecure = true: one of them"):
        access(tmp_path, "keys = true\ninsecure = true")


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1"])
def test_address_without_keys_is_refused_with_the_line_to_add(tmp_path: Path, host: str) -> None:
    with pytest.raises(KeysMissingError) as caught:
        access(tmp_path, host=host).server_keys()
    text, file = str(caught.value), tmp_path / "dibas.toml"
    assert f"callers at {host} need keys" in text
    assert f"type: player keys new --config {file}" in text
    assert f"write insecure = true below [instrument] in {file}" in text


def test_folder_that_others_may_use_is_refused_with_what_to_type(tmp_path: Path) -> None:
    make_server(tmp_path / "keys")
    (tmp_path / "keys").chmod(0o755)
    for host in "0.0.0.0", "127.0.0.1":
        with pytest.raises(KeysMissingError, match=f"chmod 700 {tmp_path / 'keys'}"):
            access(tmp_path, "keys = true", host).server_keys()


def test_server_of_calls_gets_the_key_and_finds_clients(tmp_path: Path) -> None:
    array = KeyedArray(tmp_path, {"BANKA": {}})
    ring = array.ring("anna", Role.OPERATE)
    with Access(load(array.config), "BANKA") as of_bank:
        keys = of_bank.server_keys()
        assert keys is not None
        assert (keys.public, keys.on_loopback) == (array.public, True)
        assert of_bank.folder() is of_bank.folder()
        for found in keys.find(ring.pair.public), keys.find_token(ring.token):
            assert found is not None
            assert (found.name, found.role) == ("anna", Role.OPERATE)


def test_without_keys_the_server_of_calls_gets_none(tmp_path: Path) -> None:
    with access(tmp_path) as of_bank:
        assert of_bank.server_keys() is None
        assert of_bank.client_keys() is None


def test_where_callers_need_no_keys_the_server_knows_tokens_of_people(tmp_path: Path) -> None:
    make_server(tmp_path / "keys")
    made = new_client("anna")
    register(tmp_path / "keys", "anna", Role.OBSERVE, made.public, made.digest)
    with access(tmp_path) as of_bank:
        keys = of_bank.server_keys()
        assert keys is not None
        assert not keys.on_loopback
        found = keys.find_token(made.own.token)
        assert found is not None
        assert (found.name, found.role) == ("anna", Role.OBSERVE)
    assert access(tmp_path, "insecure = true").server_keys() is None


def test_folder_that_cannot_be_used_is_said_and_stops_nobody_who_needs_no_keys(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_server(tmp_path / "keys")
    (tmp_path / "keys").chmod(0o755)
    assert access(tmp_path).server_keys() is None
    assert f"chmod 700 {tmp_path / 'keys'}" in caplog.text


@pytest.mark.parametrize(
    ("word", "role"),
    [("none", None), ("observe", Role.OBSERVE), ("operate", Role.OPERATE), ("admin", Role.ADMIN)],
)
def test_role_of_clients_of_the_original_is_that_of_the_file(
    tmp_path: Path, word: str, role: Role | None
) -> None:
    assert access(tmp_path).original_role is Role.OPERATE
    assert access(tmp_path, f'original_role = "{word}"').original_role is role


def test_servers_of_a_host_know_each_other_and_what_they_trust_elsewhere(tmp_path: Path) -> None:
    banks = {
        "BANKA": {"hpc_host": "localhost"},
        "BANKB": {"hpc_host": "localhost", "player_port": 7000},
    }
    array = KeyedArray(tmp_path, banks)
    add_pins(array.key_dir, {"hpc2": "a" * 40}, replace=False)
    keys = keys_of_host(load(array.config), "BANKA")
    assert keys is not None
    assert keys.pair.public == array.public
    assert keys.for_server("tcp://127.0.0.1:6667") == array.public
    assert keys.for_server("tcp://localhost:7000") == array.public
    assert keys.for_server("tcp://hpc2:6667") == "a" * 40
    assert keys.for_server("tcp://hpc3:6667") is None


def test_bank_without_keys_beside_one_with_keys_is_called_without(tmp_path: Path) -> None:
    make_server(tmp_path / "keys")
    banks = {
        "BANKA": {"hpc_host": "localhost", "bind": "0.0.0.0", "player_port": 7000},
        "BANKB": {"hpc_host": "localhost", "player_port": 7001},
    }
    config = load(write_configuration(tmp_path / "dibas.toml", banks))
    keys = keys_of_host(config, "BANKA")
    assert keys is not None
    assert keys.for_server("tcp://127.0.0.1:7000") == keys.pair.public
    assert keys.for_server("tcp://127.0.0.1:7001") is None


def test_player_without_keys_reaches_itself_whatever_its_user_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = KeyedArray(tmp_path, {"BANKA": {}})
    monkeypatch.setenv("DIBAS_KEYS", str(array.client("anna", None)))
    (tmp_path / "other").mkdir()
    of_bank = access(tmp_path / "other")
    of_bank.url = "tcp://127.0.0.1:45678"
    keys = of_bank.client_keys()
    assert keys is not None
    assert keys.for_server("tcp://127.0.0.1:45678") is None
    assert keys.for_server("tcp://127.0.0.1:45679") == array.public


def test_keys_of_the_user_that_cannot_be_used_are_an_error_of_the_player(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = KeyedArray(tmp_path, {"BANKA": {}})
    own = array.client("anna", None)
    (own / "client.key").chmod(0o644)
    monkeypatch.setenv("DIBAS_KEYS", str(own))
    (tmp_path / "other").mkdir()
    with pytest.raises(OwnKeysError, match="chmod 600"):
        access(tmp_path / "other").client_keys()


def test_doctor_finds_what_is_wrong_with_keys(tmp_path: Path) -> None:
    banks = {"BANKA": {"bind": "0.0.0.0"}, "BANKB": {"player_port": 7001}}
    config = load(write_configuration(tmp_path / "dibas.toml", banks))
    (finding,) = key_findings(config)
    assert finding.text.startswith("BANKA: callers at 0.0.0.0 need keys")
    assert "player keys new" in finding.remedy
    make_server(tmp_path / "keys")
    (finding,) = key_findings(config)
    assert "no client is known" in finding.text
    register(tmp_path / "keys", "anna", Role.ADMIN, "a" * 40)
    assert key_findings(config) == []
    revoke(tmp_path / "keys", "anna")
    assert key_findings(config) == []
    file = tmp_path / "keys" / "clients" / "anna.key"
    file.chmod(0o644)
    finding = key_findings(config)[0]
    assert f"chmod 600 {file}" in finding.remedy
    (tmp_path / "keys").chmod(0o750)
    (finding,) = key_findings(config)
    assert "chmod 700" in finding.remedy


def test_doctor_says_nothing_of_keys_where_nobody_needs_any(tmp_path: Path) -> None:
    for line in "", "insecure = true":
        path = write_configuration(tmp_path / "dibas.toml", {"BANKA": {}}, line)
        assert key_findings(load(path)) == []


def test_key_folder_is_beside_the_configuration_or_where_it_says(tmp_path: Path) -> None:
    for line, folder in (("", tmp_path / "keys"), ("/etc/my keys", Path("/etc/my keys"))):
        instrument = f"key_dir = {json.dumps(line)}" if line else ""
        path = write_configuration(tmp_path / "dibas.toml", {"BANKA": {}}, instrument)
        assert load(path).key_dir == folder
