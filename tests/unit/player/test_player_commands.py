"""Commands of `player` that kinds of Banks bring."""

from __future__ import annotations

import importlib.metadata
import sys
import types
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from player import cli, parsers
from player.commands import GROUP, Command, find_command
from player.errors import CommandError


def registered(monkeypatch: pytest.MonkeyPatch, **targets: str) -> None:
    """Let a distribution bring these commands."""

    def entry_points(*, group: str) -> list[EntryPoint]:
        return (
            [EntryPoint(name, target, GROUP) for name, target in targets.items()]
            if group == GROUP
            else []
        )

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)


def test_the_spectrometer_brings_migrate() -> None:
    command = find_command("migrate")
    assert isinstance(command, Command)
    assert command.build_parser().prog == "player migrate"
    assert find_command("nonsense") is None


def test_a_site_can_bring_a_command_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    site = types.ModuleType("site_commands")
    calls: list[list[str]] = []

    def run(words: list[str], _environment: object) -> int:
        calls.append(words)
        return 7

    site.__dict__["TUNE"] = Command(parsers.build_parser, run)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "site_commands", site)
    registered(monkeypatch, tune="site_commands:TUNE")
    assert cli.main(["--config", "x.toml", "tune", "5"]) == 7
    assert calls == [["--config", "x.toml", "5"]]


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (
            "no_such_module_here:X",
            "player tune: cannot import no_such_module_here:X: No module named",
        ),
        ("player.commands:NOTHING", "module player.commands has no NOTHING"),
        ("player.commands:GROUP", "player.commands:GROUP is no player.commands.Command"),
    ],
)
def test_a_command_that_cannot_be_loaded_is_said_in_a_line(
    target: str, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registered(monkeypatch, tune=target)
    with pytest.raises(CommandError, match="player tune: "):
        find_command("tune")
    assert cli.main(["tune"]) == cli.FAILED
    assert text in capsys.readouterr().err


def test_our_own_commands_and_banks_are_never_looked_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_metadata(**_: str) -> list[EntryPoint]:
        raise AssertionError("looked up")

    importlib.import_module("player.config")  # pydantic looks for plugins with the first model
    monkeypatch.setattr(importlib.metadata, "entry_points", no_metadata)
    for words in (["check"], ["BANKA"]):
        assert cli.main([*words, "--config", str(tmp_path / "none.toml")]) == cli.USAGE
