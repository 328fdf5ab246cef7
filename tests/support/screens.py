"""The screen of a terminal, made of the bytes that a program wrote."""

from __future__ import annotations

import re

__all__ = ["TextScreen"]

_SEQUENCE = re.compile(
    r"\x1b(?:\[([<>?=]?)([0-9;]*)([ -/]*[@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[=>78]|[()].)"
)


class TextScreen:
    """Characters of a screen; colours and modes are only listed.

    Args:
        columns: Of the terminal.
        rows: Likewise.

    Attributes:
        modes: Private modes that are set, as 1049 for the other screen.
        colours: Parameters of SGR sequences so far.
    """

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.modes: set[int] = set()
        self.colours: set[str] = set()
        self._left = ""
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        """Have another size, and nothing on it."""
        self._columns, self._rows = columns, rows
        self._signs = [[" "] * columns for _ in range(rows)]
        self._x = self._y = 0

    @property
    def text(self) -> str:
        """Lines, without the spaces at their ends."""
        return "\n".join("".join(line).rstrip() for line in self._signs)

    def feed(self, text: str) -> None:
        """Take what a program wrote."""
        text, at = self._left + text, 0
        self._left = ""
        while at < len(text):
            if text[at] != "\x1b":
                self._write(text[at])
                at += 1
                continue
            found = _SEQUENCE.match(text, at)
            if found is None:  # not all of it is there
                self._left = text[at:]
                return
            self._obey(*found.groups())
            at = found.end()

    def _write(self, sign: str) -> None:
        if sign == "\n":
            self._y = min(self._y + 1, self._rows - 1)
        elif sign == "\r":
            self._x = 0
        elif sign.isprintable():
            if self._x < self._columns:
                self._signs[self._y][self._x] = sign
            self._x += 1

    def _obey(self, private: str | None, numbers: str | None, final: str | None) -> None:
        told = [int(each) if each else 0 for each in (numbers or "").split(";")]
        if private == "?" and final in ("h", "l"):
            (self.modes.update if final == "h" else self.modes.difference_update)(told)
        elif private:
            return
        elif final == "H":
            y, x = (*told, 1)[:2] if len(told) > 1 else (told[0], 1)
            self._y, self._x = min(max(y, 1), self._rows) - 1, min(max(x, 1), self._columns) - 1
        elif final == "m":
            self.colours.add(numbers or "")
        elif final == "J":
            self._signs = [[" "] * self._columns for _ in range(self._rows)]
        elif final == "K":
            self._signs[self._y][self._x :] = [" "] * (self._columns - self._x)
