"""Answers of commands, and their sentences."""

from __future__ import annotations

import io
import json
import sys

import pytest

from commandline.answers import say, tell, tell_line, tell_text


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]  # a property of io.StringIO

    def isatty(self) -> bool:
        return True


def test_a_value_is_told_as_json_or_as_the_lines_for_people(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for as_json in (True, False):
        tell(as_json, {"a": [1, 2]}, "a is 1\nand 2")
    shown = capsys.readouterr().out
    assert json.JSONDecoder().raw_decode(shown)[0] == {"a": [1, 2]}
    assert shown.endswith("}\na is 1\nand 2\n")


def test_one_of_many_values_is_one_line_either_way(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (True, False):
        tell_line(as_json, {"a": [1, 2]}, "a is 1")
    assert capsys.readouterr().out == '{"a": [1, 2]}\na is 1\n'


def test_a_sentence_stands_behind_its_program(capsys: pytest.CaptureFixture[str]) -> None:
    say("x", ValueError("no such word"))
    assert capsys.readouterr().err == "x: no such word\n"


def test_a_sentence_of_a_stranger_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say("x", "refused: \x1b]0;title\x07\x9b2J\r\nagain")
    assert capsys.readouterr().err == "x: refused: \\x1b]0;title\\x07\\x9b2J\\r\nagain\n"


def test_a_value_of_a_stranger_is_whole_for_programs_and_steers_no_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for out, shown in ((io.StringIO(), "a\x1b[2J\tb\nc\n"), (Terminal(), "a\\x1b[2J\tb\nc\n")):
        monkeypatch.setattr(sys, "stdout", out)
        tell_text("a\x1b[2J\tb\nc")
        assert out.getvalue() == shown


def test_a_sentence_with_styles_has_the_same_words_and_is_never_markup(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", out := Terminal())
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    say("x", "[bold]a[/bold] " + "long " * 50)
    assert "\x1b[" in out.getvalue()
    assert "[bold]a[/bold] " + ("long " * 50).rstrip() in out.getvalue()
