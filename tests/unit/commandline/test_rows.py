"""Rows of cells as plain columns, and on a terminal as rich's table."""

from __future__ import annotations

import io
import re
import sys

import pytest

from commandline import terminal
from commandline.rows import fixed_row, plain_rows, render_rows

ROWS = [("BANKA", 5), ("BANKB", "no server")]


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]  # a property of io.StringIO

    def isatty(self) -> bool:
        return True


def style(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make standard output a terminal with styles, 40 columns wide."""
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("NO_COLOR", raising=False)


def without_styles(text: str) -> list[str]:
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()]


def test_numbers_are_aligned_to_the_right_and_the_rest_to_the_left() -> None:
    rows = [("BANKA", "MODE1", 5), ("BANKB", "-", 12.25), ("BANKC", "MODE10", "-")]
    assert plain_rows(("Bank", "mode", "SCANREM"), rows).splitlines() == [
        "Bank   mode    SCANREM",
        "BANKA  MODE1         5",
        "BANKB  -         12.25",
        "BANKC  MODE10        -",
    ]


def test_the_last_cell_of_a_short_row_runs_over_the_columns_after_it() -> None:
    rows = [("A", 1, 2), ("B", "no server\n at tcp://b:1: connection refused")]
    assert plain_rows(("Bank", "x", "y"), rows).splitlines() == [
        "Bank  x  y",
        "A     1  2",
        "B     no server at tcp://b:1: connection refused",
    ]


def test_tables_may_be_empty_or_without_titles() -> None:
    assert plain_rows((), []) == ""
    assert plain_rows(("Bank", "x"), []) == "Bank  x"
    assert plain_rows((), [("BANKA", "tcp://a:1")]) == "BANKA  tcp://a:1"


def test_a_framed_table_is_that_of_lsservices_and_keeps_spaces_in_names() -> None:
    assert plain_rows(("Service", "Port"), [("a  b", 30001)], framed=True).splitlines() == [
        "+-------+-----+",
        "|Service|Port |",
        "+-------+-----+",
        "|a  b   |30001|",
        "+-------+-----+",
    ]
    assert (
        plain_rows(("Service", "Port"), [], framed=True)
        == "+-------+----+\n|Service|Port|\n+-------+----+\n+-------+----+\n"
    )


def test_rows_of_fixed_widths_are_aligned_one_by_one() -> None:
    widths = (6, -5, 4)
    assert fixed_row(("scan", 7, "x"), widths) == "scan       7 x   "
    assert fixed_row(("longer name", 7, "x"), widths) == "longer name     7 x   "


def test_a_pipe_gets_plain_columns() -> None:
    assert render_rows(("Bank", "x"), ROWS) == plain_rows(("Bank", "x"), ROWS)


@pytest.mark.parametrize("name", ["NO_COLOR", "TERM", "no rich"])
def test_a_terminal_gets_plain_columns_where_styles_are_not_wanted_or_not_there(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    style(monkeypatch)
    if name == "no rich":
        monkeypatch.setattr(terminal, "_is_installed", lambda: False)
    else:
        monkeypatch.setenv(name, "1" if name == "NO_COLOR" else "dumb")
    assert render_rows(("Bank", "x"), ROWS) == plain_rows(("Bank", "x"), ROWS)


def test_a_terminal_gets_styles_and_the_same_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    style(monkeypatch)
    shown = render_rows(("Bank", "x"), ROWS)
    assert "\x1b[1m" in shown
    assert without_styles(shown) == ["Bank   x", "BANKA  5", "BANKB  no server"]


def test_cells_are_wrapped_where_the_terminal_is_narrow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    style(monkeypatch)
    lines = without_styles(render_rows(("Bank", "text"), [("BANKA", "word " * 20)]))
    assert len(lines) > 3
    assert max(map(len, lines)) <= 40


def test_no_word_is_broken_to_make_room_for_a_long_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    style(monkeypatch)
    row = ("acknowledged", "BANKA", "the board does not answer")
    lines = without_styles(render_rows(("state", "Bank", "text"), [row]))
    assert lines[:2] == [
        "state         Bank   text",
        "acknowledged  BANKA  the board does not",
    ]
    assert lines[2].split() == ["answer"]


def test_where_words_have_no_room_each_row_is_a_paragraph_without_its_empty_cells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    style(monkeypatch)
    head = ("state", "severity", "Bank", "alarm", "by", "text")
    row = (
        "acknowledged",
        "warning",
        "BANKA",
        "dropped-blocks",
        "",
        "blocks of data were lost " * 2,
    )
    lines = without_styles(render_rows(head, [row, row]))
    once = [
        "state     acknowledged",
        "severity  warning",
        "Bank      BANKA",
        "alarm     dropped-blocks",
        "text      blocks of data were lost",
        "          blocks of data were lost",
    ]
    assert lines == [*once, "", *once]


def test_a_row_that_is_shorter_stands_below_and_nothing_in_it_is_markup(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    style(monkeypatch)
    rows = [("B", "[red]no server[/red] :smile:"), ("A", "1", "2")]
    lines = without_styles(render_rows(("Bank", "x", "y"), rows))
    assert [line.split() for line in lines] == [
        ["Bank", "x", "y"],
        ["A", "1", "2"],
        ["B", "[red]no", "server[/red]", ":smile:"],
    ]
