"""Lines of a terminal as pieces of text with names of styles, and columns. No clock, no terminal.

Styles: `dim`, `bold`, `name`, `title`, `chosen`, `stale`, `struck`, and the severities; several with
a space between.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias
from unicodedata import combining, east_asian_width

__all__ = [
    "Cell",
    "Line",
    "Piece",
    "TableColumn",
    "clipped_line",
    "fitted",
    "plain",
    "restyled",
    "table_line",
    "width_of",
    "widths_of",
    "wrapped",
]

Piece: TypeAlias = tuple[str, str]
"""Text, and names of its styles."""
Line: TypeAlias = tuple[Piece, ...]
Cell: TypeAlias = Piece
MORE = "~"
"""Sign of a cell that does not show all of its text."""


def _width(sign: str) -> int:
    return 0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1


def width_of(text: str) -> int:
    """Return the columns that a text takes; characters of East Asian scripts take two."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _clipped(text: str, width: int) -> str:
    if text.isascii():
        return text[:width]
    return text[: sum(each <= width for each in accumulate(map(_width, text)))]


def fitted(text: str, width: int, *, is_right: bool = False) -> str:
    """Return a text that takes so many columns: it is filled with spaces, or cut, and then ends with
    a mark."""
    taken = width_of(text)
    if taken > width:
        text = _clipped(text, width - 1) + MORE if width > 1 else _clipped(text, width)
        taken = width_of(text)
    space = " " * (width - taken)
    return space + text if is_right else text + space


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table.

    Attributes:
        title: Its name.
        width: Columns of the terminal.
        is_right: Numbers are.
        rank: Where there is little space, those of higher ranks go first.
        most: Columns of the terminal that it takes where there is space; 0: no more than `width`.
    """

    title: str
    width: int
    is_right: bool = False
    rank: int = 0
    most: int = 0


def widths_of(columns: Sequence[TableColumn], width: int) -> dict[int, int]:
    """Return place -> width of the columns that fit beside each other with a space between; the last
    one takes what is left."""
    places = list(range(len(columns)))

    def taken() -> int:
        return sum(columns[place].width + 1 for place in places) - 1

    while len(places) > 1 and taken() > width:
        places.remove(max(places, key=lambda place: (columns[place].rank, place)))
    left = max(width - taken(), 0)
    widths = {}
    for place in places:
        column = columns[place]
        more = left if place == places[-1] else min(left, max(column.most - column.width, 0))
        widths[place] = min(column.width, width) + more
        left -= more
    return widths


def table_line(columns: Sequence[TableColumn], cells: Sequence[Cell], width: int) -> Line:
    """Return a row of a table in as many columns as fit.

    Args:
        columns: Of the table.
        cells: One of each column; none: its titles.
        width: Columns of the terminal.
    """
    told = cells or [(column.title, "dim") for column in columns]
    pieces: list[Piece] = []
    for place, room in widths_of(columns, width).items():
        text, style = told[place]
        if pieces:
            pieces.append((" ", ""))
        pieces.append((fitted(text, room, is_right=columns[place].is_right), style))
    return tuple(pieces)


def clipped_line(line: Line, width: int) -> Line:
    """Return as much of a line as fits."""
    pieces: list[Piece] = []
    left = width
    for text, style in line:
        taken = width_of(text)
        if taken > left:
            text = _clipped(text, left)
            taken = left
        if text:
            pieces.append((text, style))
        left -= taken
    return tuple(pieces)


def restyled(line: Iterable[Piece], style: str) -> Line:
    """Return a line with one style more on all of it."""
    return tuple((text, f"{old} {style}" if old else style) for text, old in line)


def plain(line: Iterable[Piece]) -> str:
    """Return the text of a line without the spaces at its end."""
    return "".join(text for text, _ in line).rstrip()


def wrapped(text: str, width: int, most: int, style: str = "") -> list[Line]:
    """Return a text in at most so many lines, filled with empty ones."""
    words, lines = text.split(" "), [""]
    for word in words:
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if width_of(joined) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    if len(lines) > most:
        lines[most - 1 :] = [" ".join(lines[most - 1 :])]
    return [((fitted(line, width).rstrip(), style),) for line in (lines + [""] * most)[:most]]
