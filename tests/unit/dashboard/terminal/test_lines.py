"""Lines and columns of the terminal, and what of a line is written anew."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from support.screens import TextScreen

from dashboard.terminal.drawing import changed_parts, strip_of
from dashboard.terminal.lines import (
    Line,
    TableColumn,
    fitted,
    plain,
    table_line,
    width_of,
    widths_of,
    wrapped,
)

COLUMNS = (
    TableColumn("Bank", 6),
    TableColumn("host", 8, rank=2, most=12),
    TableColumn("left", 5, is_right=True, rank=1),
    TableColumn("note", 10),
)


def test_columns_of_high_rank_go_first_where_there_is_little_space() -> None:
    assert widths_of(COLUMNS, 80) == {0: 6, 1: 12, 2: 5, 3: 54}
    assert list(widths_of(COLUMNS, 25)) == [0, 2, 3]
    assert list(widths_of(COLUMNS, 17)) == [0, 3]
    assert widths_of(COLUMNS, 3) == {0: 3}


def test_a_cut_text_says_that_it_is_cut() -> None:
    assert fitted("BANKA", 8, is_right=True) == "   BANKA"
    assert fitted("BANKA", 3) == "BA~"
    assert fitted("望遠鏡", 5) == "望遠~"
    assert fitted("望遠鏡", 4) == "望~ "


@given(
    cells=st.lists(st.text(max_size=20), min_size=4, max_size=4),
    width=st.integers(min_value=1, max_value=100),
)
@settings(max_examples=50, deadline=None)
def test_a_row_of_a_table_is_as_wide_as_the_terminal(cells: list[str], width: int) -> None:
    line = table_line(COLUMNS, [(re.sub(r"\W", "?", cell), "") for cell in cells], width)
    assert sum(width_of(text) for text, _ in line) == width


def test_a_long_text_takes_the_lines_that_there_are_and_no_more() -> None:
    assert [plain(line) for line in wrapped("one two three", 7, 3)] == ["one two", "three", ""]
    assert [plain(line) for line in wrapped("one two three", 7, 1)] == ["one tw~"]


LINES = st.lists(
    st.tuples(
        st.text("ab1 ●望", max_size=12), st.sampled_from(["", "dim", "warn chosen", "title"])
    ),
    max_size=5,
).map(tuple)


@given(before=LINES, after=LINES)
@settings(max_examples=100, deadline=None)
def test_what_is_written_over_a_line_makes_the_other_one(before: Line, after: Line) -> None:
    screen = TextScreen(100, 1)
    screen.feed(plain(before))
    for column, part in changed_parts(before, after, 100):
        screen.feed(f"\x1b[1;{column + 1}H" + "".join(text for text, _ in part))
    if "望" not in plain(before) + plain(after):
        assert screen.text == plain(after)
    assert changed_parts(after, after, 100) == []


def test_of_a_value_that_changed_its_digits_are_written() -> None:
    before = (("SCANREM : ", "name"), ("21.0 s", ""), (" * ", "bold"))
    after = (("SCANREM : ", "name"), ("20.5 s", ""), (" * ", "bold"))
    assert changed_parts(before, after, 80) == [(11, (("0.5", ""),))]


def test_colours_are_those_that_the_terminal_has() -> None:
    def written(colours: str | None) -> set[str]:
        screen = TextScreen()
        console = Console(color_system=colours, force_terminal=True)  # type: ignore[arg-type]  # a literal
        screen.feed(strip_of((("x", "fault"), ("o", "ok")), colours).render(console))
        return screen.colours

    assert any("38;5" in told for told in written("256"))
    assert written("standard") == {"1;91", "94", "0"}
    assert written(None) == {"1;4", "0"}
