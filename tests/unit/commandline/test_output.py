"""Ends of commands: exit status, sentences, tracebacks."""

from __future__ import annotations

import io
import json
import sys

import pytest

from commandline.exitstatus import FAILED, USAGE
from commandline.output import carry_out, run_command


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]  # a property of io.StringIO

    def isatty(self) -> bool:
        return True


def styled(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make standard error a terminal with styles, and return it."""
    out = Terminal()
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return out


def raising(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyError("a"), FAILED, "x: 'a'\n"),
        (ValueError("wrong word"), USAGE, "x: wrong word\n"),
        (KeyboardInterrupt(), FAILED, "x: interrupted\n"),
    ],
)
def test_errors_that_explain_themselves_are_sentences(
    error: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = carry_out(
        "x",
        lambda: raising(error),
        failures=(LookupError,),
        usage_errors=(ValueError,),
        interrupted="interrupted",
    )
    assert (ended, capsys.readouterr().err) == (status, said)


def test_an_error_is_told_as_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    ended = carry_out("x", lambda: raising(OSError("full")), failures=(OSError,), as_json=True)
    assert ended == FAILED
    assert json.loads(capsys.readouterr().out) == {"error": "full"}


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), BrokenPipeError()])
def test_bugs_and_readers_that_left_are_not_errors_of_the_command(error: Exception) -> None:
    with pytest.raises(type(error)):
        carry_out("x", lambda: raising(error), failures=(OSError,))


def test_a_bug_has_its_traceback_where_there_are_no_styles() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command("x", lambda: raising(ZeroDivisionError("a bug")))


def test_a_bug_has_a_short_traceback_on_a_terminal_with_styles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = styled(monkeypatch)

    def deep(levels: int) -> int:
        return deep(levels - 1) if levels else raising(ZeroDivisionError("a bug"))

    assert run_command("x", lambda: deep(60)) == FAILED
    said = out.getvalue()
    assert "ZeroDivisionError" in said
    assert "a bug" in said
    assert said.count("in deep") < 10
