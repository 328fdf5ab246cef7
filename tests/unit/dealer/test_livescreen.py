"""Lines that are drawn in place: on a terminal emulated here, as far as they need one."""

from __future__ import annotations

import io
import re

import pytest

from dealer.livescreen import LiveScreen, clipped


class Screen(io.StringIO):
    """A terminal of any height that knows line feed, carriage return, cursor up, and erasing."""

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """Visible lines."""
        rows, row, column = [""], 0, 0
        for code, text in re.findall(r"(\x1b\[\d*[A-Z]|[\r\n])|([^\x1b\r\n]+)", self.getvalue()):
            if code == "\r":
                column = 0
            elif code == "\n":
                row, column = row + 1, 0
                rows += [""] * (row == len(rows))
            elif code.endswith("A"):
                row -= int(code[2:-1])
                assert row >= 0
            elif code == "\x1b[K":
                rows[row] = rows[row][:column]
            elif code == "\x1b[J":
                rows[row:] = [rows[row][:column]]
            else:
                rows[row] = rows[row][:column] + text + rows[row][column + len(text) :]
                column += len(text)
        return rows


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


def test_lines_take_the_place_of_those_before() -> None:
    out = Screen("before\n")
    out.seek(0, io.SEEK_END)
    screen = LiveScreen(out)
    for lines in (["one", "two", "three"], ["a long line", "x"], ["1"], ["p", "q", "r", "s"]):
        screen.show(lines)
        assert out.lines() == ["before", *lines]
    screen.close()
    out.write("after")
    assert out.lines() == ["before", "p", "q", "r", "s", "after"]


def test_no_more_is_drawn_than_fits() -> None:
    out = Screen()
    screen = LiveScreen(out)
    screen.show(["x" * 500] * 500)
    assert (len(out.lines()), len(out.lines()[0])) == (screen.rows, screen.columns)


def test_nothing_is_drawn_where_it_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = io.StringIO()
    monkeypatch.setenv("TERM", "dumb")
    for out in (plain, dumb := Screen()):
        screen = LiveScreen(out)
        screen.show(["one"])
        screen.close()
        assert not screen.is_shown
    assert plain.getvalue() == dumb.getvalue() == ""


@pytest.mark.parametrize(
    ("text", "columns", "kept"),
    [("abc", 2, "ab"), ("µ°C", 9, "µ°C"), ("表a表", 3, "表a"), ("表表", 3, "表"), ("", 3, "")],
)
def test_a_line_is_cut_at_the_column(text: str, columns: int, kept: str) -> None:
    assert clipped(text, columns) == kept
