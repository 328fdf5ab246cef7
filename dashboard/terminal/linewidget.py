"""Widget of lines of which only what changes is written: textual writes a changed line from its begin,
and a table whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.control import Control
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from dashboard.terminal.drawing import changed_parts, strip_of
from dashboard.terminal.lines import Line

__all__ = ["LineWidget"]


class LineWidget(Widget):
    """Lines, as many as it is high.

    Args:
        write: Writes to the terminal what changes; None, or False: whole lines are drawn by textual.
    """

    DEFAULT_CSS = "LineWidget { width: 1fr; height: 1fr; background: ansi_default; }"

    def __init__(self, write: Callable[[str], bool]) -> None:
        super().__init__()
        self._write = write
        self._lines: Sequence[Line] = ()
        self._is_drawn = False

    @property
    def _colours(self) -> str | None:
        return None if self.app.no_color else self.app.console.color_system

    def show(self, lines: Sequence[Line]) -> None:
        """Show lines in the place of those before."""
        before, self._lines = self._lines, lines
        if not self._is_drawn or len(before) != len(lines) or not self._write_changes(before):
            self._is_drawn = True
            self.refresh()

    def _write_changes(self, before: Sequence[Line]) -> bool:
        """Write what differs; False: it cannot be."""
        width, (left, top) = self.size.width, self.region.offset
        told: list[str] = []
        for y, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            for x, part in changed_parts(old, new, width):
                told.append(Control.move_to(left + x, top + y).segment.text)
                told.append(strip_of(part, self._colours).render(self.app.console))
        return not told or self._write("".join(told))

    def on_resize(self) -> None:
        """Draw all anew."""
        self._is_drawn = False

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return lines for textual, which would keep them; what was written since is newer."""
        return [self.render_line(y).crop(crop.x, crop.right) for y in crop.line_range]

    def render_line(self, y: int) -> Strip:
        """Return a line for textual."""
        line = self._lines[y] if y < len(self._lines) else ()
        width = self.size.width
        return strip_of((*line, (" " * width, "")), self._colours).crop(0, width)
