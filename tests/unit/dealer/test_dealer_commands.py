"""Words of the command line, without Players."""

from __future__ import annotations

from typing import Any

import pytest

from dealer.cli import build_parser
from dealer.commands import read_value


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("1.5", 1.5),
        ("-1", -1),
        ("true", True),
        ("null", None),
        ("[1, 2]", [1, 2]),
        ("MODE1", "MODE1"),
        ('"1"', "1"),
    ],
)
def test_words_are_json_else_text(word: str, value: Any) -> None:
    assert read_value(word) == value


def test_common_options_stand_before_or_after_the_command() -> None:
    parser = build_parser()
    for words in (["--timeout", "3", "--json", "status"], ["status", "--timeout", "3", "--json"]):
        options = parser.parse_args(words)
        assert (options.timeout, options.json, options.config) == (3.0, True, None)
    assert (parser.parse_args([]).json, parser.parse_args([]).timeout) == (False, None)
