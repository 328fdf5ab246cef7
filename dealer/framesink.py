"""Frames of a pipe on their way into a file, to a plot, or out as lines of JSON."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from commandline import ProgressLine, tell, tell_line
from dealer.channelrecords import event_record, totals_record, totals_text, update_record
from dealer.framefiles import FrameFile, FrameFileError
from dealer.frameplot import frame_lines
from dealer.livescreen import LiveScreen
from dealer.shownvalues import is_frame
from zmqjsonproxy.channels.subscription import Subscription
from zmqjsonproxy.channels.updates import Event, Update

__all__ = ["FramePlot", "FrameSink"]

PLOT_ROWS = 16
"""Lines of a plot, at most."""


class FramePlot:
    """The newest frame as a plot: in place on a terminal, else each frame below the other.

    Args:
        units: Of the numbers, and of the axis.
    """

    def __init__(self, units: tuple[str, str]) -> None:
        self._units, self._screen = units, LiveScreen()
        encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
        self._ascii_only = not encoding.startswith("utf")
        self._newest: Update | None = None

    def take(self, update: Update) -> None:
        """Take a frame."""
        self._newest = update
        if not self._screen.is_shown:
            print("\n".join(self._lines(PLOT_ROWS)), flush=True)

    def look(self, below: str) -> None:
        """Draw the newest frame anew, with a line below it."""
        rows = min(PLOT_ROWS, self._screen.rows - 2)
        self._screen.show([*self._lines(rows), below])

    def end(self, below: str) -> None:
        """Draw it once more, and leave it."""
        self.look(below)
        self._screen.close()
        if not self._screen.is_shown:
            print(below, flush=True)

    def _lines(self, rows: int) -> list[str]:
        if self._newest is None:
            return []
        try:
            return frame_lines(
                self._newest, self._units, self._screen.columns, max(rows, 2), self._ascii_only
            )
        except (TypeError, ValueError) as error:
            return [f"number {self._newest.number} cannot be drawn: {error}"]


class FrameSink:
    """Hands frames on: into a file, to a plot, as lines of JSON.

    Args:
        subscription: Of the pipe.
        file: Takes them; None: none.
        plot: Draws them; None: none.
        prints: Print them as JSON.
    """

    def __init__(
        self,
        subscription: Subscription,
        file: FrameFile | None,
        plot: FramePlot | None,
        prints: bool,
    ) -> None:
        self._subscription, self._file, self._plot = subscription, file, plot
        self._prints, self._line = prints, ProgressLine()
        self._dropped = 0

    def take(self, update: Update) -> None:
        """Take a frame."""

        if not is_frame(update.value):
            raise FrameFileError(f"number {update.number} of {update.name} is no frame")
        dropped, self._dropped = (
            self._subscription.dropped - self._dropped,
            self._subscription.dropped,
        )
        if dropped and self._file is not None:
            self._file.note({"time": time.time(), "event": "dropped", "dropped": dropped})
        if self._file is not None:
            self._file.take(update)
        if self._plot is not None:
            self._plot.take(update)
        if self._prints:
            tell_line(True, update_record(update), "")

    def note(self, event: Event) -> None:
        """Take an event."""
        record = event_record(event, time.time())
        if self._file is not None:
            self._file.note(record)
        if self._prints:
            tell_line(True, record, "")

    def look(self) -> None:
        """Say how far it is."""
        if self._plot is not None:
            self._plot.look(self._totals())
        elif not self._prints:
            self._line.write(self._totals())

    def end(self, path: Path | None, as_json: bool) -> None:
        """Say what came of it."""
        self._line.clear()
        if self._plot is not None:
            self._plot.end(self._totals())
        record = totals_record(self._subscription)
        if self._prints:
            tell_line(True, record, "")
        elif path is not None:
            came = self._subscription.received > 0
            told = f"{f'written: {path}' if came else 'no frame came'}: {self._totals()}"
            tell(as_json, record | {"written": str(path) if came else None}, told)

    def _totals(self) -> str:
        return totals_text(self._subscription)
