"""The last line of a terminal, written again and again, that says how far something is. Nothing where
there is no terminal."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from commandline.progressstate import WIDTH, ProgressState
from commandline.terminal import is_styled

__all__ = ["ProgressLine"]


class ProgressLine:
    """The last line of a terminal, written again and again.

    Plain characters overwrite each other, which suits every terminal; with the extra `cli` the bar
    has colours.

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

    def write(self, state: str | ProgressState) -> None:
        """Write it over what is there; cut to the width of the terminal."""
        if not self.is_shown:
            return
        width = self.width
        text = (state if isinstance(state, str) else state.line(width))[:width]
        shown = text
        if not isinstance(state, str) and state.bar_size(width) and is_styled(self._out):
            from commandline.richterminal import progress

            shown = progress(state, width)
        self._out.write("\r" + shown + " " * (min(self._length, width) - len(text)))
        self._out.flush()
        self._length = len(text)

    def clear(self) -> None:
        """Take the line away."""
        if self._length:
            self.write("")
            self._out.write("\r")
            self._out.flush()
