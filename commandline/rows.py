"""Rows of cells as text: the one renderer of all tables that commands print."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress

from commandline.terminal import is_styled

__all__ = ["fixed_row", "plain_rows", "render_rows"]


def render_rows(
    head: Sequence[str], rows: Iterable[Sequence[object]], *, framed: bool = False
) -> str:
    """Return a table for standard output: columns of plain text, or rich's table on a terminal.

    Arguments as those of `plain_rows`.
    """
    if not is_styled(sys.stdout):
        return plain_rows(head, rows, framed=framed)
    from commandline.richterminal import table

    lines = [[_cell(cell) for cell in row] for row in rows]
    whole = _whole(head, lines)
    short = [line for line in lines if len(line) < _columns(head, lines)]
    return table(head, whole, _numeric(whole), short)


def fixed_row(cells: Sequence[object], widths: Sequence[int]) -> str:
    """Return a line of a table that is printed line by line; no cell is cut.

    Args:
        cells: As many as there are widths.
        widths: Of the columns; of those that are aligned to the right negative.
    """
    right = [width < 0 for width in widths]
    return _line([str(cell) for cell in cells], [abs(width) for width in widths], right, " ")


def plain_rows(
    head: Sequence[str], rows: Iterable[Sequence[object]], *, framed: bool = False
) -> str:
    """Return the lines of a table; numbers are aligned to the right, the rest to the left.

    Args:
        head: Titles of the columns; empty: no line of titles.
        rows: Cells. The last cell of a row that is shorter than the others may run over the columns
            after it.
        framed: In the frame of NSCLDAQ's `lsservices`, all to the left, and an empty line below.
    """
    read = str if framed else _cell
    lines = [[read(cell) for cell in row] for row in rows]
    columns = _columns(head, lines)
    whole = _whole(head, lines)
    counted = [
        *([list(head)] if head else []),
        *whole,
        *(line[:-1] for line in lines if len(line) < columns),
    ]
    sizes = [
        max((len(line[n]) for line in counted if n < len(line)), default=0) for n in range(columns)
    ]
    if framed:
        frame = "+" + "+".join("-" * size for size in sizes) + "+"
        inner = [f"|{_line(line, sizes, [False] * columns, '|')}|" for line in [list(head), *lines]]
        return "\n".join((frame, inner[0], frame, *inner[1:], frame, ""))
    numeric = _numeric(whole) or [False] * columns

    def text(line: Sequence[str]) -> str:
        is_short = len(line) < columns
        cut = [*sizes[: len(line) - 1], 0] if is_short else sizes
        return _line(line, cut, [*numeric[: len(line) - 1], False] if is_short else numeric, "  ")

    return "\n".join(text(line).rstrip() for line in ([list(head)] if head else []) + lines)


def _line(line: Sequence[str], sizes: Sequence[int], right: Sequence[bool], gap: str) -> str:
    return gap.join(
        c.rjust(size) if r else c.ljust(size) for c, size, r in zip(line, sizes, right, strict=True)
    )


def _columns(head: Sequence[str], lines: Sequence[Sequence[str]]) -> int:
    return max([len(head), *map(len, lines)])


def _whole(head: Sequence[str], lines: Sequence[list[str]]) -> list[list[str]]:
    """Return the rows that have a cell in each column."""
    return [line for line in lines if len(line) == _columns(head, lines)]


def _numeric(whole: Sequence[Sequence[str]]) -> list[bool]:
    """Tell of each column whether all of it are numbers; empty: there is no row."""
    return [all(map(_is_number, column)) for column in zip(*whole, strict=True)]


def _cell(value: object) -> str:
    return " ".join(str(value).split())


def _is_number(text: str) -> bool:
    with suppress(ValueError):
        float(text)
        return True
    return text == "-"
