"""The commands `player keys ...`."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from support.toy_bank import write_configuration

from player import cli
from zmqjsonproxy.keys import KeyFolder, fingerprint
from zmqjsonproxy.keys.pair import new_pair, pair_of_secret
from zmqjsonproxy.keys.ring import read_bundle_file
from zmqjsonproxy.rights import Role


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_configuration(tmp_path / "dibas.toml", {"BANKA": {}})


def keys(config: Path, *words: str) -> int:
    return cli.main(["keys", *words, "--config", str(config)])


def test_key_of_the_servers_is_made_once_and_shown(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = os.umask(0)
    try:
        assert keys(config, "new") == 0
    finally:
        os.umask(before)
    public = KeyFolder(config.parent / "keys").server().public
    assert fingerprint(public) in capsys.readouterr().out
    assert stat.S_IMODE((config.parent / "keys" / "server.key").stat().st_mode) == 0o600
    assert keys(config, "show") == 0
    assert capsys.readouterr().out == (
        f"public key:  {public}\nfingerprint: {fingerprint(public)}\n"
    )
    assert keys(config, "show", "--json") == 0
    assert json.loads(capsys.readouterr().out)["fingerprint"] == fingerprint(public)
    assert keys(config, "new") == 1
    assert "is there already" in capsys.readouterr().err
    assert KeyFolder(config.parent / "keys").server().public == public


def test_client_gets_a_bundle_with_the_key_of_this_host(config: Path, tmp_path: Path) -> None:
    keys(config, "new")
    bundle = tmp_path / "anna.keys"
    assert keys(config, "new", "anna", "--role", "operate", "--export", str(bundle)) == 0
    found, folder = read_bundle_file(bundle), KeyFolder(tmp_path / "keys")
    assert found.pins == {"localhost": folder.server().public}, "where Dealers reach BANKA"
    client = folder.find(pair_of_secret(found.own.secret).public)
    assert client is not None
    assert (client.name, client.role) == ("anna", Role.OPERATE)
    assert folder.find_token(found.own.token) == client
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600


def test_client_that_made_its_own_key_is_registered(config: Path, tmp_path: Path) -> None:
    public = new_pair().public
    assert keys(config, "new", "anna", "--role", "observe", f"--public={public}") == 0
    found = KeyFolder(tmp_path / "keys").find(public)
    assert found is not None
    assert found.role is Role.OBSERVE


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["new", "anna"], 2, "--role observe, operate or admin"),
        (["new", "--role", "admin"], 2, "a client has a name"),
        (["new", "anna", "--role", "admin"], 2, "--public KEY"),
        (["new", "anna", "--role", "admin", "--public=x"], 2, "no key"),
        (["new", "host", "--role", "admin", "--export", "x"], 2, "take another one"),
        (["new", "../anna", "--role", "admin", "--export", "x"], 2, "is no name of a client"),
        (["new", "an\nna", "--role", "admin", "--export", "x"], 2, "is no name of a client"),
        (["revoke", "anna"], 1, "No such file or directory; type: player keys new"),
        (["list"], 1, "No such file or directory; type: player keys new"),
        (["show"], 1, "No such file or directory; type: player keys new"),
    ],
)
def test_words_that_mean_nothing_are_one_sentence(
    config: Path,
    words: list[str],
    status: int,
    text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert keys(config, *words) == status
    told = capsys.readouterr()
    assert (text in told.err, told.err.count("\n"), told.out) == (True, 1, "")
    assert not (config.parent / "x").exists()


def test_digest_that_is_none_is_refused_and_nothing_written(config: Path) -> None:
    digest = '0"\nrevoked = false\n#'
    public = new_pair().public
    words = ["new", "anna", "--role", "admin", f"--public={public}", f"--token-digest={digest}"]
    assert keys(config, *words) == 2
    assert not (config.parent / "keys").exists()


def test_bundle_replaces_no_file_and_no_client(config: Path, tmp_path: Path) -> None:
    bundle, other = tmp_path / "anna.keys", tmp_path / "other.keys"
    words = ["new", "anna", "--role", "admin", "--export"]
    assert keys(config, *words, str(bundle)) == 0
    before = bundle.read_text()
    assert keys(config, *words, str(bundle)) == 1
    assert keys(config, *words, str(other)) == 1
    assert bundle.read_text() == before
    assert not other.exists(), "of a client that is not known there is no bundle"
    assert keys(config, *words, str(other), "--replace") == 0
    public = pair_of_secret(read_bundle_file(other).own.secret).public
    assert KeyFolder(tmp_path / "keys").clients()["anna"].public == public


def test_clients_are_listed_and_revoked(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, role in ("ben", "observe"), ("anna", "admin"):
        keys(config, "new", name, "--role", role, "--export", str(tmp_path / name))
    assert keys(config, "revoke", "anna") == 0
    capsys.readouterr()
    assert keys(config, "list") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert (first.split()[:2], second.split()[:2]) == (["anna", "revoked"], ["ben", "observe"])
    (tmp_path / "keys" / "clients" / "ben.key").chmod(0o644)
    assert keys(config, "list") == 1
    assert "chmod 600" in capsys.readouterr().err
    assert keys(config, "list", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in told["clients"]] == ["anna"]
    assert len(told["faults"]) == 1


def test_folder_is_named_without_a_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DIBAS_CONFIG", "DIBAS_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["keys", "new", "--key-dir", str(tmp_path / "k")]) == 0
    assert KeyFolder(tmp_path / "k").server().public


def test_check_warns_where_keys_are_demanded_and_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_configuration(tmp_path / "dibas.toml", {"BANKA": {"bind": "0.0.0.0"}})
    assert cli.main(["check", "--config", str(path)]) == 0
    assert "warning: BANKA: callers at 0.0.0.0 need keys" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--bind", "0.0.0.0"], ["tcp://0.0.0.0:*"]])
def test_open_address_on_the_command_line_is_refused_with_the_line_to_add(
    config: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["BANKA", *words, "--config", str(config)]) == 1
    told = capsys.readouterr().err
    assert f"write insecure = true below [instrument] in {config}" in told
    assert "player keys new" in told
