"""Follow a scan by subscription: a line that says how far it is, and the newest spectrum below it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from dealer import Dealer
from dealer.termplot import draw_plot

SILENT_S = 60.0
COLUMNS, ROWS = 79, 8


class Follower:
    """Follows scans of the active Banks, one after the other.

    Attributes:
        received: Updates that arrived.
        lost: Updates that did not.
        reopened: How often a connection was made anew.
    """

    def __init__(self) -> None:
        self.received = self.lost = self.reopened = 0
        self._shown = 0

    def follow(self, d: Dealer) -> None:
        """Return when the scan that was started last is over at all active Banks.

        Raises:
            TimeoutError: Nothing came for a minute.
        """
        banks: dict[str, Mapping[str, Any]] = {}
        shown: list[str] = []
        with d.subscribe(["spectrum", "scan"], policy="latest") as sub:
            while len(banks) < len(d.list_active_players()) or not all(
                told["is_over"] for told in banks.values()
            ):
                update = sub.next(SILENT_S)
                if update.name == "scan":
                    banks[update.source] = update.value
                shown = [progress(banks), *spectrum(sub.latest("spectrum"))]
                self._show(shown)
        if not sys.stdout.isatty():
            print("\n".join(shown), flush=True)
        self._shown = 0
        self.received += sub.received
        self.lost += sub.lost
        self.reopened += sub.reopened

    def _show(self, lines: list[str]) -> None:
        """Write lines over those before; nothing where there is no terminal."""
        if sys.stdout.isatty():
            up = f"\x1b[{self._shown}A" if self._shown else ""
            sys.stdout.write(up + "".join(f"{line[:COLUMNS]}\x1b[K\n" for line in lines))
            sys.stdout.flush()
            self._shown = len(lines)

    def __str__(self) -> str:
        return f"{self.received} received, {self.lost} lost, {self.reopened} re-opened"


def progress(banks: Mapping[str, Mapping[str, Any]]) -> str:
    """Say how far the slowest of some Banks is, and what each has recorded."""
    fraction = min((told["fraction"] or 0.0 for told in banks.values()), default=0.0)
    counts = [
        f"{bank} {told['outcome']} {told['integrations'] or 0} of {told['planned'] or 0}"
        for bank, told in sorted(banks.items())
    ]
    return f"{fraction:4.0%}  {', '.join(counts)}"


def spectrum(update: Any) -> list[str]:
    """Draw the first row of a live spectrum; nothing if there is none yet."""
    if update is None:
        return []
    frame = update.value
    values = frame["data"][0].tolist()
    first, width = frame["x_start"] / 1e6, frame["x_delta"] * len(values) / 1e6
    title = f"{update.source} {frame['rows'][0]}, integration {frame['integration']}"
    plot = draw_plot(values, columns=COLUMNS, rows=ROWS)
    return [f"{title}, counts^2, {first:.4f} to {first + width:.4f} MHz", *plot]
