"""The line of a terminal that is written again and again."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commandline.progressline import ProgressLine
from commandline.progressstate import ProgressState


def test_where_there_is_no_terminal_nothing_is_written() -> None:
    out = io.StringIO()
    line = ProgressLine(out)
    line.write("half")
    line.clear()
    assert out.getvalue() == ""


class Screen(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]  # a property of io.StringIO

    def isatty(self) -> bool:
        return True


def test_a_line_covers_the_one_before_with_plain_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out = Screen()
    line = ProgressLine(out)
    for text in ("running", "end", "x" * 200):
        line.write(text)
    line.clear()
    assert out.getvalue() == "\rrunning\rend    \r" + "x" * 79 + "\r" + " " * 79 + "\r"


def test_a_terminal_with_styles_gets_a_bar_as_long_as_the_plain_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    state = ProgressState(fraction=0.5, text="10 s left", words=("running: A",))
    out = Screen()
    ProgressLine(out).write(state)
    assert "\x1b[" in out.getvalue()
    shown = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()).removeprefix("\r")
    assert len(shown) == len(state.line(79))
    assert shown.endswith("]  50%, 10 s left  running: A"[1:])


@given(
    fraction=st.none() | st.floats(-1, 2),
    text=st.text("abc ", max_size=30).map(str.strip),
    width=st.integers(1, 120),
)
def test_a_bar_is_shown_if_there_is_room_for_it_and_the_numbers_always(
    fraction: float | None, text: str, width: int
) -> None:
    state = ProgressState(fraction=fraction, text=text, words=("running",))
    line = state.line(width)
    assert line.endswith("running")
    assert text in line
    if line.startswith("["):
        assert len(line) <= width
    percent = None if fraction is None else f"{min(max(fraction, 0.0), 1.0) + 0.0:.0%}"
    assert percent is None or percent in line
