"""Words of the command line."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from support.toy_bank import write_configuration

from player import cli
from player.errors import PlayerError


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DIBAS_DIR", "DIBAS_DATA", "DIBAS_CONFIG", "NOTIFY_SOCKET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_configuration(
        tmp_path / "dibas.toml", {"BANKA": {}, "BANKB": {"hpc_host": "elsewhere"}}
    )


@pytest.mark.parametrize(
    ("words", "command", "rest"),
    [
        ([], None, []),
        (["BANKA"], None, ["BANKA"]),
        (["CHECK"], None, ["CHECK"]),  # commands are lower case
        (["check"], "check", []),
        (["--config", "check", "BANKA"], None, ["--config", "check", "BANKA"]),
        (["--config", "f", "check"], "check", ["--config", "f"]),
        (["--config=f", "ready", "BANKA"], "ready", ["--config=f", "BANKA"]),
        (
            ["--simulate", "supervisor-config", "--all"],
            "supervisor-config",
            ["--simulate", "--all"],
        ),
    ],
)
def test_commands_are_told_from_banks(
    words: list[str], command: str | None, rest: list[str]
) -> None:
    assert cli._split_command(words) == (command, rest)


@pytest.mark.parametrize(
    ("word", "meant"), [("chek", "check"), ("docter", "doctor"), ("migrat", "migrate")]
)
def test_a_misspelt_command_is_not_only_a_bank_that_is_missing(
    word: str, meant: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in ([word], [word, "--config", str(config)]):
        assert cli.main(words) == 2
        assert f"did you mean the command `player {meant}`?" in capsys.readouterr().err
    assert cli.main(["banka", "--check", "--config", str(config)]) == 0
    assert cli.main(["BANKX", "--config", str(config)]) == 2
    assert "did you mean the command" not in capsys.readouterr().err


def test_check_says_that_there_are_no_faults(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["check"], ["--check"], ["BANKA", "--check"]):
        assert cli.main([*words, "--config", str(config)]) == 0
        assert "no faults" in capsys.readouterr().out


def test_check_lists_all_faults_and_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_configuration(
        tmp_path / "d.toml", {"BANKA": {"nonsense": 1}, "BANKB": {"hpc_host": 3}}
    )
    assert cli.main(["check", "--config", str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line.split(": ")[2] for line in captured.err.splitlines()] == [
        "banks.BANKA.nonsense",
        "banks.BANKB.hpc_host",
    ]


def test_check_warns_of_what_is_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    banks = {"BANKA": {"bind": "0.0.0.0"}}
    path = write_configuration(tmp_path / "d.toml", banks, "insecure = true")
    assert cli.main(["check", "--config", str(path)]) == 0
    assert "banks.BANKA.bind: 0.0.0.0 is open to the network" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["BANKX"], "has no Bank BANKX; there are BANKA, BANKB"),
        (["ready", "BANKX"], "has no Bank BANKX"),
        (
            ["supervisor-config", "--host", "nowhere"],
            "has no Bank on host nowhere; give --all, or --host NAME of: ",
        ),
    ],
)
def test_a_bank_that_is_not_there_is_a_sentence(
    words: list[str], text: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*words, "--config", str(config)]) == 2
    error = capsys.readouterr().err
    assert text in error
    assert len(error.splitlines()) == 1


def test_a_host_without_a_bank_is_a_sentence(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "stranger")
    assert cli.main(["--config", str(config)]) == 2
    assert "no Bank runs on host stranger" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["BANKA", "nonsense"], "'nonsense' is not tcp://HOST:PORT"),
        (["BANKA", "tcp://127.0.0.1:70000"], "a port is at most 65535"),
        (
            ["BANKA", "tcp://127.0.0.1:1", "simulated"],
            "the third word can only be `simulate`, not 'simulated'",
        ),
        (["BANKA", "tcp://127.0.0.1:1", "--bind", "0.0.0.0"], "give a URL or --bind, not both"),
        (["BANKA", "--log-level", "loud"], "invalid choice"),
        (["BANKA", "--no-such-option"], "unrecognized arguments"),
    ],
)
def test_wrong_usage_ends_with_2(
    words: list[str], text: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([*words, "--config", str(config)])
    assert end.value.code == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("words", [["simulate"], ["tcp://127.0.0.1:1", "simulate"], ["--simulate"]])
def test_a_url_may_be_left_out_before_simulate(
    words: list[str], config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, bool]] = []

    def host(_config: object, _bank: str, url: str, *, simulate: bool, **_more: object) -> None:
        made.append((url, simulate))
        raise PlayerError("seen enough")

    monkeypatch.setattr("player.host.Host", host)
    monkeypatch.setattr("player.logs.set_up_logging", lambda *_args, **_more: None)
    assert cli.main(["BANKA", *words, "--config", str(config)]) == 1
    ((url, simulate),) = made
    assert simulate
    assert url.startswith("tcp://127.0.0.1:")


def test_no_configuration_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["BANKA", "tcp://127.0.0.1:1", "simulate"]) == 2
    assert "give --config, or set DIBAS_CONFIG or DIBAS_DIR" in capsys.readouterr().err


def test_version_and_help_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    for words, text in (
        (["--version"], "player "),
        (["--help"], "supervisor-config"),
        (["ready", "--help"], "BANK"),
    ):
        with pytest.raises(SystemExit) as end:
            cli.main(words)
        assert end.value.code == 0
        assert text in capsys.readouterr().out


def test_a_supervisor_file_has_absolute_paths_only(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)
    monkeypatch.setenv("DIBAS_DIR", "inst")
    monkeypatch.setenv("DIBAS_DATA", "data/../d")
    assert cli.main(["supervisor-config", "--config", config.name, "--log-dir", "logs"]) == 0
    out = capsys.readouterr().out
    for path in (config, config.parent / "inst", config.parent / "d", config.parent / "logs"):
        assert str(path) in out, (path, out)


def test_supervisor_config_prints_the_banks_of_a_host(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, banks in (
        ([], ["BANKA"]),
        (["--host", "elsewhere"], ["BANKB"]),
        (["--all"], ["BANKA", "BANKB"]),
    ):
        assert cli.main(["supervisor-config", *words, "--config", str(config)]) == 0
        out = capsys.readouterr().out
        assert [line for line in out.splitlines() if line.startswith("[")] == [
            f"[program:player-{b}]" for b in banks
        ]
