"""Completion files: what of a parser ends up in them."""

from __future__ import annotations

import argparse

import pytest

from dealer.completion import (
    SHELLS,
    CompletedArgument,
    CompletedCommand,
    CompletedOption,
    CompletionKind,
    read_command,
)


def example() -> CompletedCommand:
    parser = argparse.ArgumentParser(prog="observe-all", description="Observes.")
    parser.add_argument("--config", metavar="FILE", help="it's 100%% [its] file: $HOME")
    commands = parser.add_subparsers(dest="command")
    scan = commands.add_parser("scan", help="take a scan")
    scan.add_argument("bank", metavar="BANK")
    scan.add_argument("method", metavar="METHOD")
    scan.add_argument("files", metavar="FILE", nargs="*")
    scan.add_argument("-l", "--level", choices=["low", "high"])
    scan.add_argument("--fast", action="store_true", help=argparse.SUPPRESS)
    other = argparse.ArgumentParser(prog="observe-all look", description="Looks.")
    other.add_argument("--log-dir", metavar="DIR")
    return read_command(parser, [other])


def test_a_command_is_read_from_its_parser() -> None:
    program = example()
    assert [(path, command.help) for path, command in program.walk()] == [
        ("observe-all", "Observes."),
        ("observe-all scan", "take a scan"),
        ("observe-all look", "Looks."),
    ]
    scan, look = program.commands
    assert scan.arguments == (
        CompletedArgument("BANK", CompletionKind.BANK),
        CompletedArgument("METHOD", CompletionKind.METHOD),
        CompletedArgument("FILE", CompletionKind.FILE, (), is_last=True),
    )
    assert (
        CompletedOption(
            ("-l", "--level"), "", CompletedArgument("LEVEL", CompletionKind.WORDS, ("low", "high"))
        )
        in scan.options
    )
    assert CompletedOption(("--fast",), "", None) in scan.options
    assert look.options[-1].value == CompletedArgument("DIR", CompletionKind.FOLDER)


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_each_file_has_all_commands_options_and_words(shell: str) -> None:
    text = SHELLS[shell]([example(), CompletedCommand("other", "Another.", (), ())])
    long = "-l " if shell == "fish" else "--"
    for word in (
        "observe-all",
        "scan",
        "look",
        f"{long}config",
        f"{long}level",
        f"{long}log-dir",
        "low",
        "high",
    ):
        assert word in text
    assert "other" in text
    assert "$HOME" not in text.replace("/$HOME}", "")  # help is text, not for the shell to expand


def test_banks_stand_for_states_that_are_compared() -> None:
    parser = argparse.ArgumentParser(prog="x")
    parser.add_argument("left", metavar="STATE")
    assert read_command(parser, []).arguments[0].kind is CompletionKind.BANK


def test_help_cannot_leave_its_quotes() -> None:
    lines = [
        line
        for line in SHELLS["fish"]([example()]).splitlines()
        if "config" in line and "100" in line
    ]
    assert lines == ["complete -c observe-all -l config -r -F -d 'it s 100%  its  file   HOME'"]
