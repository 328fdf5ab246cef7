"""One line of a table of results, and the table: on the terminal and in RESULTS.md. Measures
nothing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["Row", "results_page", "table"]

HEAD = ("what", "floor", "ours", "unit", "ratio", "must", "aim", "")
LIBRARIES = ("pyzmq", "orjson", "numpy", "scipy", "astropy")


@dataclass(frozen=True, slots=True)
class Row:
    """What one measurement says.

    Attributes:
        what: The thing measured.
        floor: Figure of the bare program that it is compared with; None: there is none.
        ours: Our own figure.
        ratio: Ours of floor, median over pairs of the same run; None: `must` and `aim` bound `ours`
            itself.
        must: Worst that is accepted; None: for information only.
        aim: What it ought to be; None: there is no aim beyond `must`.
        unit: Of floor and ours. Of a unit per second more is better, of any other less.
    """

    what: str
    floor: float | None
    ours: float
    ratio: float | None
    must: float | None
    aim: float | None
    unit: str

    def _reaches(self, bound: float | None) -> bool:
        figure = self.ours if self.ratio is None else self.ratio
        return bound is None or (figure >= bound if self.unit.endswith("/s") else figure <= bound)

    @property
    def holds(self) -> bool:
        """Whether the "must" is met."""
        return self._reaches(self.must)

    @property
    def verdict(self) -> str:
        """Return "MISSED", "must" or "aim": the best bound that is met; empty without bounds."""
        if self.must is None:
            return ""
        if not self.holds:
            return "MISSED"
        return "aim" if self.aim is not None and self._reaches(self.aim) else "must"

    def cells(self) -> tuple[str, ...]:
        """Return the columns of `HEAD`."""
        ratio = "-" if self.ratio is None else f"{self.ratio:.3f}"
        return (
            self.what,
            _figure(self.floor),
            _figure(self.ours),
            self.unit,
            ratio,
            _bound(self.must),
            _bound(self.aim),
            self.verdict,
        )


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def _bound(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table whose columns are aligned."""
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]

    def line(texts: Sequence[str]) -> str:
        first, *others = (
            text.ljust(width) if n in (0, 3, 7) else text.rjust(width)
            for n, (text, width) in enumerate(zip(texts, widths, strict=True))
        )
        return f"| {' | '.join([first, *others])} |"

    rule = [("-" * w) if n in (0, 3, 7) else "-" * (w - 1) + ":" for n, w in enumerate(widths)]
    return "\n".join([line(HEAD), line(rule), *(line(texts) for texts in cells[1:])])


def _processor() -> str:
    for text in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if text.startswith("model name"):
            return text.partition(":")[2].strip()
    return platform.machine()


def machine() -> str:
    """Return a sentence on what was measured where."""
    versions = []
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    python = ".".join(map(str, sys.version_info[:3]))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {len(os.sched_getaffinity(0))} cores, "
        f"Linux {platform.release()}, Python {python}, {', '.join(versions)}"
    )


def results_page(rows: Sequence[Row]) -> str:
    """Return the contents of RESULTS.md."""
    return f"""# Results

Made by `python -m benchmarks --write`: {machine()}.

Floor and ours alternate in one run, both pinned; figures are medians over the blocks, and the ratio is the median of
the pairs' ratios, so it may differ a little from ours divided by floor. The floors are described in `calls.py`,
`fanout.py` and `channelizer.py`. Of a unit per second more is better, of any other less.

{table(rows)}
"""
