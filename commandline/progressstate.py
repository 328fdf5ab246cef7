"""State of something long, and its line of plain characters. No terminal."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["WIDTH", "ProgressState"]

WIDTH = 80
"""Columns of a terminal that does not tell."""
BAR = 24
LEAST_BAR = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressState:
    """Share of a long piece of work that is done, and words on it.

    Attributes:
        fraction: Of the work, 0 to 1; None: not known.
        text: What it does, or how much is done; may be empty.
        words: Stand behind, such as who is waited for.
    """

    fraction: float | None = None
    text: str = ""
    words: tuple[str, ...] = ()

    @property
    def done(self) -> float:
        """The fraction, within 0 to 1."""
        return min(max(self.fraction or 0.0, 0.0), 1.0)

    def numbers(self) -> str:
        """Return all but the bar."""
        if self.fraction is None:
            return "  ".join([self.text, *self.words] if self.text else self.words)
        percent = f" {self.done:4.0%}"
        return "  ".join([f"{percent}, {self.text}" if self.text else percent, *self.words])

    def bar_size(self, width: int) -> int:
        """Return the columns that a bar can have; 0: it is not known how far, or there is no room."""
        size = min(BAR, width - len(self.numbers()) - 2)
        return 0 if self.fraction is None or size < LEAST_BAR else size

    def line(self, width: int = WIDTH) -> str:
        """Return a bar and the numbers behind it in plain characters.

        Args:
            width: Columns there are; without room for the bar the numbers say it, too.
        """
        size = self.bar_size(width)
        if not size:
            return self.numbers().strip()
        filled = round(self.done * size)
        return f"[{'#' * filled}{'.' * (size - filled)}]{self.numbers()}"
