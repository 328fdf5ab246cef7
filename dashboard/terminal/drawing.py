"""Lines as styled text, and what of a line has to be written anew. Knows rich and textual's strips;
no terminal."""

from __future__ import annotations

from functools import cache
from itertools import groupby

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from dashboard.terminal.lines import Line, Piece, width_of

__all__ = ["changed_parts", "strip_of"]

NEAR = 5
"""Columns between two changes that are written with them: going there costs more."""
_PLAIN = {
    "": Style(),
    "dim": Style(dim=True),
    "bold": Style(bold=True),
    "title": Style(reverse=True),
    "chosen": Style(reverse=True),
    "stale": Style(dim=True, italic=True),
    "struck": Style(strike=True),
}
_BARE = {
    "name": Style(),
    "ok": Style(),
    "warn": Style(bold=True),
    "fault": Style(bold=True, underline=True),
    "unknown": Style(dim=True),
    "off": Style(dim=True),
}
_SIXTEEN = {
    "name": Style(color="cyan"),
    "ok": Style(color="bright_blue"),
    "warn": Style(color="yellow"),
    "fault": Style(color="bright_red", bold=True),
    "unknown": Style(color="bright_black"),
    "off": Style(color="bright_black"),
}
_MANY = {
    **_SIXTEEN,
    "ok": Style(color="color(39)"),
    "warn": Style(color="color(208)"),
    "fault": Style(color="color(196)", bold=True),
    "unknown": Style(color="color(245)"),
    "off": Style(color="color(245)"),
}
_PALETTES = {None: _BARE, "standard": _SIXTEEN}


@cache
def _style(names: str, colours: str | None) -> Style:
    known = {**_PLAIN, **_PALETTES.get(colours, _MANY)}
    return Style.combine([known[name] for name in names.split() or [""]])


def strip_of(line: Line, colours: str | None) -> Strip:
    """Return a line as textual draws it.

    Args:
        line: It.
        colours: Colour system of the terminal, as rich has it; None: it has none.
    """
    return Strip([Segment(text, _style(style, colours)) for text, style in line if text])


def changed_parts(before: Line, after: Line, width: int) -> list[tuple[int, Line]]:
    """Return what has to be written over a line that is shown: first column, and pieces.

    Args:
        before: What is shown.
        after: What is to be shown.
        width: Columns of the terminal.
    """
    if before == after:
        return []
    old, new = _cells(before, width), _cells(after, width)
    if old is None or new is None:
        taken = sum(width_of(text) for text, _ in after)
        return [(0, (*after, (" " * (width - taken), "")))]
    places = [place for place in range(width) if old[place] != new[place]]
    parts: list[tuple[int, int]] = []
    for place in places:
        if parts and place - parts[-1][1] <= NEAR:
            parts[-1] = parts[-1][0], place + 1
        else:
            parts.append((place, place + 1))
    return [(begin, _joined(new[begin:end])) for begin, end in parts]


def _cells(line: Line, width: int) -> list[Piece] | None:
    """Return a line column by column; None: some character takes no column, or two."""
    cells: list[Piece] = []
    for text, style in line:
        if width_of(text) != len(text) or not text.isprintable():
            return None
        cells += [(sign, style) for sign in text]
    cells += [(" ", "")] * (width - len(cells))
    return cells[:width]


def _joined(cells: list[Piece]) -> Line:
    return tuple(
        ("".join(sign for sign, _ in some), style)
        for style, some in groupby(cells, key=lambda cell: cell[1])
    )
