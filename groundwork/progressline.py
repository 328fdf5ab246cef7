"""The last line of a terminal, written again and again, that says how far something is. Nothing where
there is no terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

__all__ = ["WIDTH", "ProgressLine", "with_bar"]

WIDTH = 80
"""Columns of a terminal that does not tell."""
BAR = 24
LEAST_BAR = 6


def with_bar(fraction: float, text: str, words: Sequence[str], width: int) -> str:
    """Return a bar, its percentage, and words behind it; without the bar where there is no room.

    Args:
        fraction: Of the work, 0 to 1.
        text: Stands beside the percentage; may be empty.
        words: Stand behind.
        width: Columns there are.
    """
    done = min(max(fraction, 0.0), 1.0)
    rest = "  ".join([f" {done:4.0%}, {text}" if text else f" {done:4.0%}", *words])
    size = min(BAR, width - len(rest) - 2)
    if size < LEAST_BAR:  # the numbers say it, too
        return rest.strip()
    filled = round(done * size)
    return f"[{'#' * filled}{'.' * (size - filled)}]{rest}"


class ProgressLine:
    """The last line of a terminal, written again and again.

    Args:
        out: The terminal; anything else, and nothing is written.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = sys.stderr if out is None else out
        self.is_shown = self._out.isatty()
        self._length = 0

    @property
    def width(self) -> int:
        """Columns that a text may take: one less than the terminal has, so that the cursor stays in
        the line."""
        try:
            columns = os.get_terminal_size(self._out.fileno()).columns
        except OSError:
            columns = 0
        return (columns or WIDTH) - 1

    def write(self, text: str) -> None:
        """Write it over what is there; cut to the width of the terminal."""
        if not self.is_shown:
            return
        text = text[: self.width]
        self._out.write("\r" + text + " " * (min(self._length, self.width) - len(text)))
        self._out.flush()
        self._length = len(text)

    def clear(self) -> None:
        """Take the line away."""
        if self._length:
            self.write("")
            self._out.write("\r")
            self._out.flush()
