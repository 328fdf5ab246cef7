"""Commands of `player` that kinds of Banks bring."""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
import types
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from commandline.arguments import argument
from commandline.exitstatus import FAILED, USAGE
from commandline.registry import Command, command
from player import cli
from player.errors import CommandError
from player.kindcommands import GROUP, find_command


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
    found = find_command("migrate")
    assert isinstance(found, Command)
    assert found.build_parser("player").prog == "player migrate"
    assert find_command("nonsense") is None


def test_a_site_can_bring_a_command_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    site = types.ModuleType("site_commands")
    calls: list[tuple[str, int]] = []

    def run(options: argparse.Namespace) -> int:
        calls.append((options.config, options.steps))
        return 7

    steps = argument("steps N", type=int)
    site.__dict__["TUNE"] = command("tune", run, "tune it", steps, argument("--config"))
    monkeypatch.setitem(sys.modules, "site_commands", site)
    registered(monkeypatch, tune="site_commands:TUNE")
    assert cli.main(["--config", "x.toml", "tune", "5"]) == 7
    assert calls == [("x.toml", 5)]


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (
            "no_such_module_here:X",
            "player tune: cannot import no_such_module_here:X: No module named",
        ),
        ("player.kindcommands:NOTHING", "module player.kindcommands has no NOTHING"),
        (
            "player.kindcommands:GROUP",
            "player.kindcommands:GROUP is no commandline.registry.Command",
        ),
    ],
)
def test_a_command_that_cannot_be_loaded_is_said_in_a_line(
    target: str, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registered(monkeypatch, tune=target)
    with pytest.raises(CommandError, match="player tune: "):
        find_command("tune")
    assert cli.main(["tune"]) == FAILED
    assert text in capsys.readouterr().err


def test_our_own_commands_and_banks_are_never_looked_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_metadata(**_: str) -> list[EntryPoint]:
        raise AssertionError("looked up")

    importlib.import_module("player.config")  # pydantic looks for plugins with the first model
    monkeypatch.setattr(importlib.metadata, "entry_points", no_metadata)
    for words in (["check"], ["BANKA"]):
        assert cli.main([*words, "--config", str(tmp_path / "none.toml")]) == USAGE
