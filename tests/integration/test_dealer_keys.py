"""The commands `dealer keys ...`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.toy_bank import write_configuration

from dealer import cli, keycommands
from player import cli as player_cli
from zmqjsonproxy.keys import KeyFolder, KeyRing, TrustError, fingerprint
from zmqjsonproxy.keys.pair import new_pair
from zmqjsonproxy.keys.register import make_server
from zmqjsonproxy.keys.ring import add_pins, read_pins_file
from zmqjsonproxy.keys.trust import KeySocket, fetch_key
from zmqjsonproxy.rights import Role

WITHIN_S = 60.0


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An array of one host, which is another one, and an own folder."""
    monkeypatch.setenv("DIBAS_KEYS", str(tmp_path / "own"))
    (tmp_path / "array").mkdir()
    banks = {"BANKA": {"bind": "0.0.0.0", "hpc_host": "hpc1"}}
    return write_configuration(tmp_path / "array" / "dibas.toml", banks)


def keys(config: Path, *words: str) -> int:
    return cli.main(["keys", *words, "--config", str(config)])


def own(tmp_path: Path) -> KeyRing:
    ring = KeyRing.load(tmp_path / "own")
    assert ring is not None
    return ring


@pytest.fixture
def told() -> Iterator[tuple[str, str]]:
    """Yield a port at which a key is told, and the key."""
    public = new_pair().public
    with KeySocket(public, "127.0.0.1", 0) as socket:
        yield str(socket.wait(WITHIN_S)), public


def test_own_key_with_a_role_is_known_to_servers(config: Path, tmp_path: Path) -> None:
    assert keys(config, "new", "anna", "--role", "admin") == 0
    found = KeyFolder(tmp_path / "array" / "keys").find(own(tmp_path).pair.public)
    assert found is not None
    assert (found.name, found.role) == ("anna", Role.ADMIN)
    assert keys(config, "new", "anna", "--role", "admin") == 1, "it is there already"
    assert keys(config, "new", "anna", "--role", "operate", "--replace") == 0


def test_own_key_that_cannot_be_registered_is_not_made(config: Path, tmp_path: Path) -> None:
    keys(config, "new", "anna", "--role", "admin", "--export", str(tmp_path / "anna.keys"))
    assert keys(config, "new", "anna", "--role", "admin") == 1
    assert not (tmp_path / "own").exists()


def test_line_for_the_administrator_registers_the_key(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keys(config, "new", "anna") == 0
    line = capsys.readouterr().out.splitlines()[-1].replace("ROLE", "observe")
    ring = own(tmp_path)
    assert ring.token not in line
    program, *words = shlex.split(line)
    assert program == "player"
    assert player_cli.main([*words, "--config", str(config)]) == 0
    folder = KeyFolder(tmp_path / "array" / "keys")
    assert getattr(folder.find(ring.pair.public), "role", None) is Role.OBSERVE
    assert getattr(folder.find_token(ring.token), "name", "") == "anna"


def test_bundle_goes_to_another_user_with_the_servers_that_are_trusted(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hpc1 = make_server(tmp_path / "array" / "keys").public
    add_pins(tmp_path / "own", {"hpc1": hpc1, "localhost": new_pair().public}, replace=False)
    bundle = tmp_path / "anna.keys"
    assert keys(config, "new", "anna", "--role", "operate", "--export", str(bundle)) == 0
    monkeypatch.setenv("DIBAS_KEYS", str(tmp_path / "annas"))
    assert keys(config, "import", str(bundle)) == 0
    ring = KeyRing.load()
    assert ring is not None
    assert ring.pins == {"hpc1": hpc1}, "localhost is another host there"
    assert keys(config, "import", str(bundle)) == 0


def test_host_is_trusted_once_its_fingerprint_is_right(
    config: Path, tmp_path: Path, told: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    port, public = told
    trust = ["trust", "localhost", "--key-port", port]
    assert keys(config, *trust, "--fingerprint", fingerprint(new_pair().public)) == 1
    assert "it is not trusted" in capsys.readouterr().err
    assert keys(config, *trust) == 1, "nobody can be asked"
    assert read_pins_file(tmp_path / "own") == {}
    assert keys(config, *trust, "--fingerprint", fingerprint(public)) == 0
    assert read_pins_file(tmp_path / "own") == {"localhost": public}
    assert keys(config, *trust) == 0, "it is trusted already"


def test_port_of_keys_is_that_of_the_configuration(
    config: Path, tmp_path: Path, told: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    port, public = told
    text = config.read_text()
    for number in (port, "0", "70000"):
        config.write_text(text.replace("[instrument]\n", f"[instrument]\nkey_port = {number}\n"))
        status = keys(config, "trust", "localhost", "--yes")
        assert status == (0 if number == port else 2)
    assert "key_port = 0, so Players tell their key nowhere" in capsys.readouterr().err
    assert read_pins_file(tmp_path / "own") == {"localhost": public}


def test_other_key_of_a_trusted_host_is_an_alarm(
    config: Path, tmp_path: Path, told: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    port, public = told
    before = new_pair().public
    add_pins(tmp_path / "own", {"localhost": before}, replace=False)
    trust = ["trust", "localhost", "--key-port", port, "--yes"]
    assert keys(config, *trust) == 1
    said = capsys.readouterr().err
    assert fingerprint(before) in said
    assert fingerprint(public) in said
    assert read_pins_file(tmp_path / "own") == {"localhost": before}
    assert keys(config, *trust, "--replace") == 0
    assert read_pins_file(tmp_path / "own") == {"localhost": public}


def test_without_names_the_hosts_of_all_players_are_asked(
    config: Path, tmp_path: Path, told: tuple[str, str]
) -> None:
    banks = {
        "BANKA": {"hpc_host": "localhost"},
        "BANKB": {"hpc_host": "127.0.0.1", "player_port": "7000-7010"},
    }
    path = write_configuration(tmp_path / "array" / "dibas.toml", banks)
    assert keys(path, "trust", "--key-port", told[0], "--yes") == 0
    assert read_pins_file(tmp_path / "own") == {"localhost": told[1]}


def test_server_may_be_spoken_to_without_keys_by_port(config: Path, tmp_path: Path) -> None:
    assert keys(config, "trust", "localhost:7000", "--plain") == 0
    assert read_pins_file(tmp_path / "own") == {"localhost:7000": "plain"}


def test_one_host_that_does_not_answer_keeps_no_other_from_being_trusted(
    config: Path,
    told: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fetched(host: str, port: int, within: float) -> str:
        if host == "hpc2":
            raise TrustError(f"{host}:{port}", "no key is told there")
        return fetch_key(host, port, within)

    monkeypatch.setattr(keycommands, "fetch_key", fetched)
    words = ["trust", "hpc2", "localhost", "--key-port", told[0], "--yes", "--json"]
    assert keys(config, *words) == 1
    found = json.loads(capsys.readouterr().out)
    assert "no key is told there" in found["hpc2"]["error"]
    assert found["localhost"] == {"fingerprint": fingerprint(told[1])}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["new", "an\nna"], "is no name of a client"),
        (["new", "anna", "--export", "x"], "say its --role"),
        (["trust", "tcp://hpc1:1"], "is a URL"),
        (["trust", "hpc1", "--fingerprint", "12"], "is no fingerprint"),
        (["trust", "a", "b", "--fingerprint", "-".join(["00ff"] * 8)], "of one host"),
    ],
)
def test_words_that_mean_nothing_are_one_sentence(
    config: Path, words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keys(config, *words) == 2
    said = capsys.readouterr().err
    assert text in said
    assert said.count("\n") == 1


def test_own_key_servers_and_clients_are_listed(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keys(config, "list") == 0
    assert "own key: none" in capsys.readouterr().out
    keys(config, "new", "anna", "--role", "admin")
    keys(config, "trust", "hpc1:7000", "--plain")
    keys(config, "new", "ben", "--role", "observe", "--export", str(tmp_path / "ben.keys"))
    keys(config, "revoke", "ben")
    capsys.readouterr()
    assert keys(config, "list", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["own"]["name"] == "anna"
    assert found["servers"] == {"hpc1:7000": "plain"}
    told = {each["name"]: (each["role"], each["revoked"]) for each in found["clients"]}
    assert told == {"anna": ("admin", False), "ben": ("observe", True)}
    assert own(tmp_path).token not in json.dumps(found)


def test_keys_that_others_may_read_are_a_finding_and_an_error(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys(config, "new", "anna")
    (tmp_path / "own" / "client.key").chmod(0o644)
    capsys.readouterr()
    assert cli.main(["status", "--config", str(config)]) == 1
    assert "chmod 600" in capsys.readouterr().err
    assert cli.main(["doctor", "--config", str(config)]) == 1
    assert "chmod 600" in capsys.readouterr().out
