"""Words of the command line, and the progress line, without Players."""

from __future__ import annotations

from typing import Any

import pytest

from dealer.cli import build_parser
from dealer.commands import progress_text, read_value
from dealer.outcome import Outcome
from zmqjsonproxy import PeerLostError


@pytest.mark.parametrize(
    ("word", "value"),
    [("1.5", 1.5), ("-1", -1), ("true", True), ("null", None), ("[1, 2]", [1, 2]), ("MODE1", "MODE1"), ('"1"', "1")],
)
def test_words_are_json_else_text(word: str, value: Any) -> None:
    assert read_value(word) == value


def test_common_options_stand_before_or_after_the_command() -> None:
    parser = build_parser()
    for words in (["--timeout", "3", "--json", "status"], ["status", "--timeout", "3", "--json"]):
        options = parser.parse_args(words)
        assert (options.timeout, options.json, options.config) == (3.0, True, None)
    assert (parser.parse_args([]).json, parser.parse_args([]).timeout) == (False, None)


def test_the_progress_line_shows_the_slowest_bank_and_who_is_waited_for() -> None:
    outcomes = {
        "A": Outcome("A", (True, "NETSTAT=running")), "B": Outcome("B", (True, "NETSTAT=running")),
        "C": Outcome("C", None, PeerLostError("tcp://c:1", "scan_status", "connection refused")),
    }  # fmt: skip
    status = {"A": {"SCANLEN": 20.0, "SCANREM": "5"}, "B": {"SCANLEN": 20, "SCANREM": 10}}
    line = progress_text(outcomes, status)
    assert line == f"[{'#' * 12}{'.' * 12}]  50%, 10 s left  running: A B  no answer: C"


@pytest.mark.parametrize("status", [{}, {"SCANLEN": 0, "SCANREM": 0}, {"SCANLEN": 5, "SCANREM": "scan terminated"}])
def test_the_progress_line_does_without_numbers(status: dict[str, Any]) -> None:
    assert progress_text({"A": Outcome("A", (True, ""))}, {"A": status}) == "running: A"
    assert progress_text({"A": Outcome("A", (False, ""))}, {"A": status}) == "ended"
