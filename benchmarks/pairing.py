"""Rows of two trees measured in turn, and the verdict on each. Runs nothing, reads no clock."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.rows import Row, aligned, figure

__all__ = ["PairedRow", "is_enough", "paired_rows", "paired_table", "tolerance"]

HEAD = ("what", "before", "now", "unit", "change", "middle half", "pairs", "")
CLOSE = 0.05
FAR = 0.10
CLOSELY_HELD = frozenset({"calls", "arrays", "fanout", "operations"})  # import is among calls
LEAST_ROUNDS = 3
"""Rounds, however long they take: a median of fewer is that of nothing."""


def tolerance(name: str) -> float:
    """Return the change for the worse that rows of a measurement may have."""
    return CLOSE if name in CLOSELY_HELD else FAR


def is_enough(rounds: int, taken_s: float, most: int, budget_s: float) -> bool:
    """Tell whether no more rounds of a part are wanted.

    Args:
        rounds: Rounds that were made.
        taken_s: Time of all of them, s.
        most: Rounds of what is quick.
        budget_s: Time for a part, s; exceeded by the least number of rounds only.
    """
    if rounds >= most:
        return True
    return rounds >= LEAST_ROUNDS and taken_s + taken_s / rounds > budget_s


@dataclass(frozen=True, slots=True)
class PairedRow:
    """One row of both trees.

    Attributes:
        what: The thing measured.
        unit: Of the figures.
        pairs: (before, now) of each round.
        tolerance: Change for the worse that is accepted.
        grain: Difference that means nothing, in `unit`.
        more_is_better: It is a rate.
    """

    what: str
    unit: str
    pairs: Sequence[tuple[float, float]]
    tolerance: float
    grain: float = 0.0
    more_is_better: bool = False

    @property
    def changes(self) -> list[float]:
        """Now of before of each pair, less one."""
        return [self._change(before, now) for before, now in self.pairs]

    def _change(self, before: float, now: float) -> float:
        if abs(now - before) <= self.grain:
            return 0.0
        return now / before - 1 if before > 0 else math.copysign(math.inf, now - before)

    @property
    def change(self) -> float:
        """Median of the changes."""
        return statistics.median(self.changes)

    @property
    def verdict(self) -> str:
        """Return "worse", "better" or nothing."""
        ratio = 1 + self.change
        slower = 1 / ratio if self.more_is_better and ratio > 0 else ratio
        if slower > 1 + self.tolerance:
            return "worse"
        return "better" if slower < 1 / (1 + self.tolerance) else ""

    def cells(self) -> tuple[str, ...]:
        """Return the columns of `HEAD`."""
        changes = self.changes
        low, high = changes[0], changes[0]
        if len(changes) > 1:
            low, _, high = statistics.quantiles(changes, n=4, method="inclusive")
        before, now = (statistics.median(values) for values in zip(*self.pairs, strict=True))
        return (
            self.what,
            figure(before),
            figure(now),
            self.unit,
            f"{100 * self.change:+.1f} %",
            f"{100 * low:+.1f} .. {100 * high:+.1f}",
            str(len(changes)),
            self.verdict,
        )


def paired_rows(
    rounds: Iterable[tuple[Sequence[Row], Sequence[Row]]], allowed: float
) -> list[PairedRow]:
    """Return the rows that both trees have, in the order of the second.

    Args:
        rounds: Of each round the rows before and now.
        allowed: Change for the worse that is accepted.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    rows: dict[str, Row] = {}
    for before, now in rounds:
        known: Mapping[str, Row] = {row.what: row for row in before}
        for row in now:
            if row.what in known:
                rows[row.what] = row
                found.setdefault(row.what, []).append((known[row.what].ours, row.ours))
    return [
        PairedRow(what, row.unit, found[what], allowed, row.grain, row.more_is_better)
        for what, row in rows.items()
    ]


def paired_table(rows: Sequence[PairedRow]) -> str:
    """Return the rows as a Markdown table."""
    return aligned(HEAD, [row.cells() for row in rows], ("what", "unit", ""))
