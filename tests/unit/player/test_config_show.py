"""The values that hold, and where each comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from player.cli import main
from player.config import load
from player.effective import Flags, Setting, settings_of
from player.errors import ConfigError

FILES = {
    "a.toml": """\
[instrument]
player_port = 7000
telescope = "${SITE} \\"a\\""
[banks.BANKA]
kind = "support.toy_bank:CheckedBank"
hpc_host = "h"
gain = 2
[gains]
limit = 3
""",
    "b.toml": """\
[banks.BANKA]
gain = 3
[dealer]
api_token = "hush"
note = "${MY_PASSWORD}"
nested = [{ secret = "hush", open = 1 }]
""",
}
ENVIRONMENT = {"SITE": "GBT", "MY_PASSWORD": "hush"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def shown(folder: Path, bank: str | None, flags: Flags, **environment: str) -> dict[str, Setting]:
    config = load(folder, ENVIRONMENT)
    return {
        one.key: one for one in settings_of(config, bank, flags, {**ENVIRONMENT, **environment})
    }


def test_each_value_says_where_it_comes_from(folder: Path) -> None:
    found = shown(
        folder, "BANKA", Flags(bank="BANKA", config=folder, log_level="debug"), DIBAS_DATA="/data"
    )
    lines = {
        key: one.line().replace(f"{folder}/", "").replace(str(folder), "DIR")
        for key, one in found.items()
    }
    expected = [
        'bank = "BANKA"  # argument BANK',
        'config = "DIR"  # --config',
        'url = "tcp://127.0.0.1:7000"  # a.toml:2, instrument.player_port',
        'data_root = "/data"  # DIBAS_DATA',
        "dibas_dir = not set  # default",
        "simulate = false  # default",
        'log_level = "debug"  # --log-level',
        'instrument.telescope = "GBT \\"a\\""  # a.toml:3, with ${SITE}',
        'instrument.bind = "127.0.0.1"  # default',
        "banks.BANKA.player_port = 7000  # a.toml:2, instrument.player_port",
        'banks.BANKA.bind = "127.0.0.1"  # default',
        "banks.BANKA.gain = 3  # b.toml:2",
        "gains.limit = 3  # a.toml:9",
    ]
    assert [lines[text.split(" = ")[0]] for text in expected] == expected


def test_flags_win_and_the_bank_of_this_host_is_named(folder: Path) -> None:
    found = shown(folder, "BANKA", Flags(bind="0.0.0.0", simulate=True), DIBAS_DIR="/opt/dibas")
    assert (found["url"].value, found["url"].where) == ("tcp://0.0.0.0:7000", "--bind")
    assert (found["simulate"].value, found["simulate"].source) == (True, "flag")
    assert found["config"].where == "DIBAS_DIR"
    assert found["bank"].where == f"{folder}/a.toml:6, this host"


def test_secrets_are_named_and_not_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = shown(folder, None, Flags())
    assert (
        found["dealer.api_token"].line() == f'dealer.api_token = "(not shown)"  # {folder}/b.toml:4'
    )
    assert found["dealer.note"].value == "(not shown)"
    assert found["dealer.nested"].value == [{"secret": "(not shown)", "open": 1}]
    assert "hush" not in "".join(one.line() for one in found.values())
    assert "url" not in found  # of a Player; none was asked for


def test_the_command_answers_in_json(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert (
        main(
            [
                "config",
                "show",
                "banka",
                "--config",
                str(folder),
                "--json",
                "--key",
                "banks.BANKA.gain",
            ]
        )
        == 0
    )
    assert json.loads(capsys.readouterr().out) == [
        {"key": "banks.BANKA.gain", "value": 3, "source": "file", "where": f"{folder}/b.toml:2"}
    ]
    assert main(["config", "show", "BANKX", "--config", str(folder)]) == 2
    assert "has no Bank BANKX; there are BANKA" in capsys.readouterr().err
    monkeypatch.delenv("SITE")
    assert main(["config", "show", "--config", str(folder)]) == 2
    assert (
        f"{folder}/a.toml:3: instrument.telescope: the variable SITE is not set"
        in capsys.readouterr().err
    )


def test_the_command_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema", "--kind", "support.toy_bank:CheckedBank"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert "gains" in schema["properties"]
    assert main(["config", "schema", "--kind", "nonsense"]) == 2
    assert "no such kind of Bank" in capsys.readouterr().err


SECRETS = """\
[banks.BANKA]
kind = "support.toy_bank:ToyBank"
hpc_host = "h"
[dealer]
proxy = "http://bob:hunter2@gw:80"
api-key = "hunter2"
passphrase = "hunter2"
passwords = ["hunter2"]
note = "${DB_PWD:-hunter2}"
"""


def test_secrets_of_other_names_and_within_urls_are_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "dibas.toml"
    file.write_text(SECRETS)
    lines = [one.line() for one in settings_of(load(file, {}), None, Flags(), {})]
    assert "hunter2" not in "\n".join(lines)
    assert any("http://...@gw:80" in one for one in lines)


@pytest.mark.parametrize(
    "table",
    ['[hosts.h]\nsupervisor = "http://u:hunter2@h:no"', '[[hosts.h]]\npassword = "hunter2"'],
)
def test_no_fault_shows_a_secret(tmp_path: Path, table: str) -> None:
    file = tmp_path / "dibas.toml"
    file.write_text(f"{SECRETS}{table}\n")
    with pytest.raises(ConfigError) as raised:
        load(file, {})
    assert "hosts.h" in str(raised.value)
    assert "hunter2" not in str(raised.value)
