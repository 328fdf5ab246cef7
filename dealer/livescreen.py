"""Lines at the end of a terminal that are written again and again in place, and their widths.

They are drawn with three escape codes that every terminal but a `dumb` one has: cursor up, erase to
the end of the line, and of the screen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import accumulate
from typing import TextIO
from unicodedata import east_asian_width

__all__ = ["LiveScreen", "clipped"]

COLUMNS, ROWS = 80, 24
"""Of a terminal that does not say."""


def clipped(text: str, columns: int) -> str:
    """Return as much of a line as fits; characters of East Asian scripts take two columns."""
    if text.isascii():
        return text[:columns]
    widths = accumulate(2 if east_asian_width(one) in "WF" else 1 for one in text)
    return text[: sum(width <= columns for width in widths)]


class LiveScreen:
    """The last lines of a terminal.

    Args:
        out: The terminal; None: standard output.

    Attributes:
        is_shown: It is a terminal that can do this; else nothing is to be written.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = sys.stdout if out is None else out
        self.is_shown = self._out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._above = 0
        self._is_begun = False

    @property
    def columns(self) -> int:
        """Columns that a line may take: one less than there are, so that it never wraps."""
        return max(self._size()[0] - 1, 1)

    @property
    def rows(self) -> int:
        """Lines that there may be."""
        return self._size()[1]

    def _size(self) -> tuple[int, int]:
        try:
            columns, rows = os.get_terminal_size(self._out.fileno())
        except (OSError, ValueError):
            columns = rows = 0
        return columns or COLUMNS, rows or ROWS

    def show(self, lines: Sequence[str]) -> None:
        """Write lines in the place of those before; as many, and as much of each, as fit."""
        if not self.is_shown:
            return
        columns = self.columns
        kept = [clipped(line, columns) for line in lines[: self.rows]] or [""]
        up = f"\x1b[{self._above}A" if self._above else ""
        self._out.write(f"\r{up}" + "\n".join(f"{line}\x1b[K" for line in kept) + "\x1b[J")
        self._out.flush()
        self._above, self._is_begun = len(kept) - 1, True

    def close(self) -> None:
        """Leave what is shown, and go on below it."""
        if self._is_begun:
            self._out.write("\n")
            self._out.flush()
            self._above, self._is_begun = 0, False
