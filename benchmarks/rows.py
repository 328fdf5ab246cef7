"""Line of a table of results, and the table: on the terminal, in RESULTS.md. Measures nothing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["Cpu", "Row", "aligned", "cpu_table", "figure", "machine", "results_page", "table"]

HEAD = (
    "what",
    "floor",
    "bare",
    "ours",
    "unit",
    "of floor",
    "of bare",
    "spread",
    "must",
    "aim",
    "",
)
CPU_HEAD = ("what", "unit", "ours", "client", "server", "bare", "client", "server")
EXPLAINED = """\
Floor, bare design and ours alternate in one run, all pinned; figures are medians over the blocks,
and a ratio is the median of the blocks' ratios, so it may differ a little from ours divided by floor.
Where the bare design stands, must and aim are ratios of it, and a figure is the median of five runs,
`spread` the least and the most of them; elsewhere must and aim are ratios of the floor, or bound ours
itself. The floors are described in `calls.py`, `fanout.py`, `channelizer.py`,
`histograms.py` and `difx.py`, the bare design in `bare.py`. Of a unit per second more is better, of any other less."""
CPU_EXPLAINED = """\
Beside the wall time of a call, the CPU time that it takes at client and at server, with ZeroMQ's own
threads:"""
LIBRARIES = ("pyzmq", "orjson", "numpy", "numba", "boost-histogram", "scipy", "astropy")


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU time of a call at both ends, in the unit of its row; None: there is no bare design."""

    client: float
    server: float
    bare_client: float | None = None
    bare_server: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Result of one measurement.

    Attributes:
        what: The thing measured.
        floor: Figure of the bare program that it is compared with; None: there is none.
        ours: Our own figure.
        ratio: Ours of floor, median over pairs of the same run.
        must: Worst that is accepted, of `of_bare`, or `ratio`, or `ours` itself, the first that is
            not None; None: for information only.
        aim: Bound of what it ought to be; None: there is no aim beyond `must`.
        unit: Of floor, bare and ours. Of a unit per second more is better, of any other less.
        bare: Figure of the bare design.
        of_bare: Ours of bare, as `ratio`; of several runs the median.
        spread: Least and most of what `must` bounds, over the runs; None: there was one run.
        cpu: CPU time of a call.
        grain: Difference of ours that means nothing, in `unit`.
    """

    what: str
    floor: float | None
    ours: float
    ratio: float | None
    must: float | None
    aim: float | None
    unit: str
    bare: float | None = None
    of_bare: float | None = None
    spread: tuple[float, float] | None = None
    cpu: Cpu | None = None
    grain: float = 0.0

    @property
    def _figure(self) -> float:
        if self.of_bare is not None:
            return self.of_bare
        return self.ours if self.ratio is None else self.ratio

    @property
    def more_is_better(self) -> bool:
        """True of a rate."""
        return self.unit.endswith("/s")

    def _reaches(self, bound: float | None) -> bool:
        figure = self._figure
        return bound is None or (figure >= bound if self.more_is_better else figure <= bound)

    @property
    def holds(self) -> bool:
        """True if the "must" is met."""
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
        return (
            self.what,
            figure(self.floor),
            figure(self.bare),
            figure(self.ours),
            self.unit,
            _ratio(self.ratio),
            _ratio(self.of_bare),
            "-" if self.spread is None else "..".join(f"{value:.3g}" for value in self.spread),
            _bound(self.must),
            _bound(self.aim),
            self.verdict,
        )

    def cpu_cells(self, cpu: Cpu) -> tuple[str, ...]:
        """Return the columns of `CPU_HEAD`."""
        ends = (figure(cpu.client), figure(cpu.server))
        bare_ends = (figure(cpu.bare_client), figure(cpu.bare_server))
        return (self.what, self.unit, figure(self.ours), *ends, figure(self.bare), *bare_ends)


def figure(value: float | None) -> str:
    """Return a figure with three digits."""
    if value is None:
        return "-"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _bound(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def aligned(head: Sequence[str], lines: Sequence[Sequence[str]], texts: Collection[str]) -> str:
    """Return a Markdown table whose columns are aligned.

    Args:
        head: First line.
        lines: The others.
        texts: Heads of the columns that are aligned to the left.
    """
    cells = [head, *lines]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    left = [name in texts for name in head]

    def line(words: Sequence[str]) -> str:
        padded = (
            text.ljust(width) if is_left else text.rjust(width)
            for text, width, is_left in zip(words, widths, left, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    rule = [
        "-" * w if is_left else "-" * (w - 1) + ":" for w, is_left in zip(widths, left, strict=True)
    ]
    return "\n".join([line(head), line(rule), *(line(words) for words in lines)])


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    return aligned(HEAD, [row.cells() for row in rows], ("what", "unit", ""))


def cpu_table(rows: Sequence[Row]) -> str:
    """Return wall and CPU time of the rows that have it as a Markdown table; empty if none has."""
    lines = [row.cpu_cells(row.cpu) for row in rows if row.cpu is not None]
    return aligned(CPU_HEAD, lines, ("what", "unit")) if lines else ""


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

{EXPLAINED}

{table(rows)}

{CPU_EXPLAINED}

{cpu_table(rows)}
"""
