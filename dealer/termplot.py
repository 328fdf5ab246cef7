"""One frame as a plot of terminal characters: braille of 2 x 4 dots, or ASCII. No numpy, no terminal.

Each column of dots goes from the least to the greatest value of its points, and on to its
neighbour, so no peak is lost and the line is whole. With fewer points than columns it has steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

__all__ = ["Values", "draw_plot"]

Values: TypeAlias = Sequence[float | None]
"""None and NaN are holes."""


class _Cells(NamedTuple):
    """Characters that show dots: bits[column][row from the top], and a character for each sum."""

    bits: tuple[tuple[int, ...], ...]
    characters: str


_BRAILLE = _Cells(
    ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80)),
    " " + "".join(map(chr, range(0x2801, 0x2900))),  # the empty one is not blank in every font
)
_ASCII = _Cells(((1, 2),), " '.:")
_Span: TypeAlias = tuple[float, float]


def draw_plot(
    lower: Values,
    upper: Values | None = None,
    *,
    columns: int,
    rows: int,
    limits: tuple[float, float] | None = None,
    ascii_only: bool = False,
) -> list[str]:
    """Draw a frame, or its bounds per pixel.

    Args:
        lower: Values of the frame; or lower bounds, as `upper` is given. Infinities are drawn at the
            edge.
        upper: Upper bounds, as many.
        columns: Characters of a line.
        rows: Lines.
        limits: Values at the lower and upper edge; what is beyond is drawn there. None: least and
            greatest finite value.
        ascii_only: Draw for a terminal that has no braille.

    Returns:
        `rows` lines of `columns` characters. The limits stand at the left of the first and the last
        line, unless there is one line only, or they would need more than half of it.

    Raises:
        ValueError: There are no columns or rows, bounds are not as many as each other, or limits
            not finite or not in order.
    """
    if columns < 1 or rows < 1:
        raise ValueError(f"a plot has at least one column and one row, not {columns} x {rows}")
    if upper is not None and len(upper) != len(lower):
        raise ValueError(f"{len(lower)} lower bounds and {len(upper)} upper ones: give as many")
    if limits is not None and not -math.inf < limits[0] <= limits[1] < math.inf:
        raise ValueError(f"limits {limits}: give the lower first, both finite")
    bounds = [lower] if upper is None else [lower, upper]
    ends = limits or _ends(bounds)
    if ends is None:
        return [" " * columns] * rows
    labels = _labels(ends, columns, rows)
    cells = _ASCII if ascii_only else _BRAILLE
    width = columns - len(labels[0])
    across, down = len(cells.bits), len(cells.bits[0])
    masks = [[0] * width for _ in range(rows)]
    spans = _spans(bounds, width * across)
    for x, dots in enumerate(_joined([_dots(span, ends, rows * down) for span in spans])):
        for y in dots:
            masks[y // down][x // across] |= cells.bits[x % across][y % down]
    return [
        label + "".join(cells.characters[mask] for mask in line)
        for label, line in zip(labels, masks, strict=True)
    ]


def _ends(bounds: Sequence[Values]) -> _Span | None:
    """Return the least and the greatest finite value; None: there is none."""
    finite = [value for values in bounds for value in values if value is not None]
    finite = [value for value in finite if math.isfinite(value)]
    return (min(finite), max(finite)) if finite else None


def _labels(ends: _Span, columns: int, rows: int) -> list[str]:
    for digits in range(4, 18):  # as many as tell them apart
        low, high = (f"{end:.{digits}g}" for end in ends)
        if low != high or ends[0] == ends[1]:
            break
    width = max(len(low), len(high))
    if rows == 1 or width + 1 > columns // 2:
        return [""] * rows
    return [f"{text:>{width}} " for text in (high, *[""] * (rows - 2), low)]


def _spans(bounds: Sequence[Values], width: int) -> Iterator[_Span | None]:
    """Yield least and greatest value of each column of dots; None: a hole. Point k of n is in
    column k * width // n; a column without any shows the point before it."""
    points = len(bounds[0])
    for x in range(width):
        stop = -(-(x + 1) * points // width)
        start = max(0, min(-(-x * points // width), stop - 1))
        values = [
            value
            for some in bounds
            for value in some[start:stop]
            if value is not None and not math.isnan(value)
        ]
        yield (min(values), max(values)) if values else None


def _dots(span: _Span | None, ends: _Span, height: int) -> tuple[int, int] | None:
    """Return the first and the last row of dots of a column, from the top."""
    if span is None:
        return None
    top, bottom = (_row(value, ends, height) for value in reversed(span))
    return top, bottom


def _row(value: float, ends: _Span, height: int) -> int:
    low, high = ends
    if value < low or value > high:
        return height - 1 if value < low else 0
    extent = high / 2 - low / 2  # halves, as the whole may be beyond what floats hold
    if extent == 0:
        return height // 2
    return round((1 - (value / 2 - low / 2) / extent) * (height - 1))


def _joined(columns: Sequence[tuple[int, int] | None]) -> Iterator[range]:
    """Let each column reach to the one before it."""
    before = None
    for column in columns:
        if column is None:
            yield range(0)
        elif before is None:
            yield range(column[0], column[1] + 1)
        else:
            yield range(min(column[0], before[1] + 1), max(column[1], before[0] - 1) + 1)
        before = column
