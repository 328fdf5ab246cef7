"""Fills of a spectrum as calls of functions: which ones, and with which rows of a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import ParamSpec, Protocol, TypeAlias, TypeVar

import numpy as np

from histogrammer import kernels
from histogrammer.compiling import Compiled
from histogrammer.contents import Contents, Counts
from histogrammer.events.blocks import EventBlock, absent_bits
from histogrammer.fallback import Absent, Bits, Fills, Kernel, Masks, Values
from histogrammer.gates.condition import Truth
from histogrammer.gates.folds import FoldCounts
from histogrammer.spectra import kind_of
from histogrammer.spectra.definition import (
    Definition,
    Fill,
    FillBits,
    FillOne,
    FillPair,
    FillRow,
    FillStrip,
    FillWith,
)

__all__ = ["Columns", "Part", "Times", "parts"]

FILLS_AT_ONCE = 256
"""Fills with masks of their own, which take 16 KiB each."""

P = ParamSpec("P")
R = TypeVar("R")
Rows: TypeAlias = Mapping[str, int]
Times: TypeAlias = Callable[[Sequence[Fill], EventBlock], Sequence[FoldCounts]]
"""How often each event of a block counts in each of some fills."""


@dataclass(frozen=True, slots=True)
class Columns:
    """A block as functions take it."""

    block: EventBlock
    values: Values
    bits: Bits
    absent: Absent

    @classmethod
    def of(cls, block: EventBlock) -> Columns:
        """Return the columns of a block."""
        absent = absent_bits(block.values)
        values = block.values if block.values.flags.c_contiguous else block.values.copy()
        return cls(block, values, values.view(absent.dtype), absent)


class Part(Protocol):
    """Fills of a spectrum by one function, of parameters that a block has."""

    @property
    def cost(self) -> float:
        """Time of it, in passes over a column."""

    def fill(self, columns: Columns, mask: Truth) -> None:
        """Fill the spectrum from the events of a block for which the mask is true."""


@dataclass(frozen=True, slots=True)
class _CountingPart:
    """Counts of events.

    Attributes:
        function: One of `kernels`.
        axes: As it takes them.
        table: Fills as it takes them, all with mask 0.
        padded: Cells of the spectrum.
        fills: The same fills, as definitions have them.
        times: Tells how often events count in fills; None: once.
    """

    function: Kernel
    axes: Counts
    table: Fills
    padded: Counts
    fills: Sequence[Fill]
    times: Times | None

    @property
    def cost(self) -> float:
        return float(len(self.fills) * len(self.axes))

    def fill(self, columns: Columns, mask: Truth) -> None:
        if self.times is None:
            self._fill(columns, mask[np.newaxis], self.table)
            return
        for start in range(0, len(self.fills), FILLS_AT_ONCE):
            chosen = slice(start, start + FILLS_AT_ONCE)
            self._fill_times(columns, mask, chosen, self.times(self.fills[chosen], columns.block))

    def _fill_times(
        self, columns: Columns, mask: Truth, chosen: slice, times: Sequence[FoldCounts]
    ) -> None:
        """Fill with masks of their own: one for the first time that an event counts, one for the
        second, ..."""
        found = (
            (x, other, mask & (often > level))
            for (x, other, _), often in zip(self.table[chosen].tolist(), times, strict=True)
            for level in range(int(often.max(initial=0)))
        )
        while some := list(islice(found, FILLS_AT_ONCE)):
            rows = [(x, other, number) for number, (x, other, _) in enumerate(some)]
            self._fill(columns, np.stack([one for *_, one in some]), np.array(rows, np.int64))

    def _fill(self, columns: Columns, masks: Masks, table: Fills) -> None:
        self.function(
            columns.values, columns.bits, columns.absent, masks, table, self.axes, self.padded
        )


@dataclass(frozen=True, slots=True)
class _StripPart:
    """Sums of a strip chart."""

    function: Callable[[Counts, int, float, float, Counts, Counts], int]
    definition: Definition
    contents: Contents
    time: int
    value: int

    @property
    def cost(self) -> float:
        return 10.0

    def fill(self, columns: Columns, mask: Truth) -> None:
        bits, absent, axis = columns.bits, columns.absent, self.definition.x_axis
        counts = mask & (bits[self.time] != absent) & (bits[self.value] != absent)
        self.contents.moved = self.function(
            self.contents.cells,
            self.contents.moved,
            axis.low,
            axis.width,
            columns.values[self.time, counts].astype(np.float64),
            columns.values[self.value, counts].astype(np.float64),
        )


def parts(
    definition: Definition,
    contents: Contents,
    rows: Rows,
    *,
    compiled: bool,
    folded: Times | None = None,
) -> Iterator[Part]:
    """Return the parts of a spectrum whose parameters blocks have.

    Args:
        definition: Its definition.
        contents: Its contents.
        rows: Names of parameters that blocks have -> their rows.
        compiled: Use numba, where it is installed.
        folded: Tells how often events count in fills; None: once.
    """

    def load(function: Compiled[P, R]) -> Callable[P, R]:
        return function.loaded() if compiled else function.fallback

    for kind, fills in groupby(kind_of(definition.kind).fills(definition), type):
        found = [(fill, numbers) for fill in fills if (numbers := _numbers(fill, rows))]
        if not found:
            continue
        if kind is FillStrip:
            for _, (time, value) in found:
                yield _StripPart(load(kernels.add_at_times), definition, contents, time, value)
            continue
        function, axes = _function(kind, definition)
        yield _CountingPart(
            load(function),
            axes,
            np.array([(*numbers, 0) for _, numbers in found], np.int64),
            contents.padded,
            [fill for fill, _ in found],
            _with_partners if kind is FillWith else folded,
        )


def _with_partners(fills: Sequence[Fill], block: EventBlock) -> Sequence[Truth]:
    """Tell which events have the partners of fills."""
    return [block.present(fill.partner) for fill in fills if isinstance(fill, FillWith)]


def _numbers(fill: Fill, rows: Rows) -> tuple[int, int] | None:
    """Return the first two numbers of a fill; None: blocks have not what it needs."""
    try:
        match fill:
            case FillPair(x, y):
                return rows[x], rows[y]
            case FillStrip(time, value):
                return rows[time], rows[value]
            case FillRow(x_cell, y):
                return rows[y], x_cell
            case FillWith(x, partner):
                return rows[x], 0 * rows[partner]
            case FillOne(x) | FillBits(x):
                return rows[x], 0
    except KeyError:
        return None


def _function(kind: type[Fill], definition: Definition) -> tuple[Compiled[..., None], Counts]:
    """Return the function for a kind of fills, and the axes as it takes them."""
    x_axis, y_axis = definition.x_axis, definition.y_axis
    along_x = x_axis, 1
    if y_axis is None:
        function = kernels.fill_bits if kind is FillBits else kernels.fill_ones
        return function, kernels.axis_table(along_x)
    along_y = y_axis, x_axis.cells
    if kind is FillRow:
        return kernels.fill_ones, kernels.axis_table(along_y)
    return kernels.fill_pairs, kernels.axis_table(along_x, along_y)
