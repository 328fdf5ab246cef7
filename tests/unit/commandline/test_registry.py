"""Commands as they are declared, and their parsers."""

from __future__ import annotations

import argparse
import types

import pytest

from commandline.arguments import argument, flag
from commandline.registry import command, parser_for, parsers_of

COMMON = (flag("--json", "in JSON", default=argparse.SUPPRESS),)


def done(options: argparse.Namespace) -> int:
    return len(options.names)


def shown(_options: argparse.Namespace) -> int:
    return 7


NAMES = argument("names NAME", "those", nargs="*", default=[])
HOSTS = command(
    "hosts",
    shown,
    "see hosts",
    defaults={"names": []},
    commands=(
        command("start", done, "start them", NAMES, usage_errors=(ValueError,)),
        command("log", done, "print a log", NAMES, takes_common=False),
    ),
)
KEYS = command("keys", None, "make keys", commands=(command("new", shown, "make one"),))


def parse(*words: str) -> argparse.Namespace:
    parser = parser_for(
        "x",
        "A program.",
        commands=(HOSTS, KEYS),
        common=COMMON,
        defaults={"run": done, "names": [], "json": False},
    )
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("line", "run", "names", "as_json"),
    [
        ("", done, [], False),
        ("hosts", shown, [], False),
        ("--json hosts start a b", done, ["a", "b"], True),
        ("hosts start a --json b", done, ["a", "b"], True),
        ("keys new --json", shown, [], True),
    ],
)
def test_words_choose_a_command_and_common_options_stand_anywhere(
    line: str, run: object, names: list[str], as_json: bool
) -> None:
    options = parse(*line.split())
    assert (options.run, options.names, options.json) == (run, names, as_json)


def test_the_errors_that_are_wrong_words_come_with_the_command() -> None:
    assert parse("hosts", "start").usage_errors == (ValueError,)
    assert parse("hosts", "log").usage_errors == ()


@pytest.mark.parametrize("line", ["keys", "hosts log --json", "other", "hosts nothing"])
def test_words_that_mean_no_command_are_usage(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(*line.split())
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: x")


def test_the_help_is_the_description_unless_there_is_one() -> None:
    assert KEYS.build_parser("x").description == "Make keys."
    other = command("keys", None, "make keys", description="More of it.")
    assert other.build_parser("x").description == "More of it."


def test_a_command_that_a_program_parts_off_has_a_version_and_runs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command("count", done, "count", NAMES).run_words("x", ["a", "b"]) == 2
    with pytest.raises(SystemExit):
        KEYS.run_words("x", ["--version"])
    assert capsys.readouterr().out.startswith("x keys ")


def test_the_parsers_of_a_program_are_its_own_and_those_of_its_words() -> None:
    module = types.ModuleType("x")
    module.__dict__.update(
        build_parser=lambda: parser_for("x", "A program."),
        sort_parser=lambda: parser_for("x sort", "Sort."),
        COMMANDS_BY_WORD={"keys": KEYS},
    )
    assert [parser.prog for parser in parsers_of(module)] == ["x", "x sort", "x keys"]
