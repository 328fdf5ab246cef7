"""Plots of terminal characters."""

from __future__ import annotations

import itertools
import math

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from dealer.termplot import draw_plot

BRAILLE_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
VALUES = st.lists(st.none() | st.floats(), max_size=50)


def dots(line: str) -> set[tuple[int, int]]:
    """Column and row of each dot in a line of braille."""
    return {
        (2 * x + dx, y)
        for x, character in enumerate(line)
        if character != " "
        for dx, column in enumerate(BRAILLE_DOTS)
        for y, bit in enumerate(column)
        if (ord(character) - 0x2800) & bit
    }


def test_a_frame_in_braille() -> None:
    assert draw_plot([1, 2, 4, 3], columns=18, rows=4) == [
        "4         ⡏⠉⠉⠉⡆   ",
        "          ⡇   ⠓⠒⠒⠒",
        "      ⡤⠤⠤⠤⠃       ",
        "1 ⣀⣀⣀⣀⠇           ",
    ]


def test_bounds_with_a_hole_and_an_infinity_in_ascii() -> None:
    lower, upper = [1, 2, None, 3, math.inf, 2], [2, 4, None, 3, math.inf, 3]
    assert draw_plot(lower, upper, columns=20, rows=3, ascii_only=True) == [
        "4    :::      :''.  ",
        "  ...:::   '''   :::",
        "1 :::               ",
    ]


@pytest.mark.parametrize("place", range(997, 1070))
def test_a_spike_is_seen_wherever_it_is(place: int) -> None:
    values = [0.0] * 2000
    values[place] = 1.0
    first, *_, last = draw_plot(values, columns=20, rows=3, limits=(0, 1))
    assert (first[:2], last[:2]) == ("1 ", "0 ")
    assert dots(first[2:]) >= {(place * 36 // 2000, y) for y in range(4)}


def test_holes_stay_empty() -> None:
    lines = draw_plot([3.0, math.nan, None, 5.0], columns=8, rows=1)
    assert lines[0][2:6] == " " * 4
    assert dots(lines[0]) == {(x, 3) for x in range(4)} | {(x, 0) for x in range(12, 16)}


def test_a_constant_is_a_line_in_the_middle() -> None:
    assert draw_plot([7.0] * 3, columns=4, rows=1) == ["⠤⠤⠤⠤"]
    assert draw_plot([7.0] * 3, columns=6, rows=3, ascii_only=True) == [
        "7     ",
        "  ....",
        "7     ",
    ]


def test_limits_have_as_many_digits_as_tell_them_apart() -> None:
    lines = draw_plot([1420.4056, 1420.4061], columns=30, rows=2)
    assert [line.split(" ")[0] for line in lines] == ["1420.4061", "1420.4056"]


def test_what_is_beyond_the_limits_is_drawn_at_the_edge() -> None:
    (line,) = draw_plot([-9, 0.5, 9, math.inf], columns=4, rows=1, limits=(0, 1))
    assert {(0, 3), (1, 3), (4, 0), (7, 0)} <= dots(line)


@pytest.mark.parametrize("values", [[], [None], [math.nan, math.inf]])
def test_without_a_finite_value_the_plot_is_empty(values: list[float | None]) -> None:
    assert draw_plot(values, columns=5, rows=2) == [" " * 5] * 2


@given(VALUES, st.integers(1, 40), st.integers(1, 6), st.booleans())
@example([5e-324, 0.0], 40, 3, False)
@example([-1.7e308, 1.7e308, -math.inf, math.inf], 40, 3, False)
def test_a_plot_has_its_size_and_its_characters(
    values: list[float | None], columns: int, rows: int, ascii_only: bool
) -> None:
    for upper in (None, values):
        lines = draw_plot(values, upper, columns=columns, rows=rows, ascii_only=ascii_only)
        assert [len(line) for line in lines] == [columns] * rows
        assert all(c.isascii() or 0x2800 < ord(c) < 0x2900 for line in lines for c in line)
        if ascii_only:
            assert "".join(lines).isascii()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=90), st.integers(1, 20))
def test_every_point_is_on_the_line_and_the_line_is_whole(
    values: list[float], columns: int
) -> None:
    (line,) = draw_plot(values, columns=columns, rows=1, limits=(0, 1))
    drawn, width = dots(line), 2 * columns
    for k, value in enumerate(values):
        assert (k * width // len(values), round((1 - value) * 3)) in drawn
    heights = [sorted(y for x, y in drawn if x == column) for column in range(width)]
    assert all(ys == list(range(ys[0], ys[-1] + 1)) for ys in heights)
    for ys, after in itertools.pairwise(heights):
        assert after[0] - 1 <= ys[-1]
        assert ys[0] - 1 <= after[-1]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"columns": 0, "rows": 3}, "at least one column and one row, not 0 x 3"),
        ({"columns": 9, "rows": 3, "upper": [1.0]}, "2 lower bounds and 1 upper ones"),
        ({"columns": 9, "rows": 3, "limits": (2, 1)}, "give the lower first"),
        ({"columns": 9, "rows": 3, "limits": (0, math.nan)}, "both finite"),
    ],
)
def test_what_cannot_be_drawn_is_named(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        draw_plot([1.0, 2.0], **arguments)  # type: ignore[arg-type]
