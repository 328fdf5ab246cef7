"""Fills of a spectrum as calls of functions: which ones, and with which rows of a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ParamSpec, Protocol, TypeVar

import numpy as np

from histogrammer import kernels
from histogrammer.compiling import Compiled
from histogrammer.contents import Contents, Counts
from histogrammer.events.blocks import EventBlock, absent_bits
from histogrammer.fallback import Absent, Bits, Fills, Kernel, Masks, Values
from histogrammer.gates.condition import Truth
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

__all__ = ["Columns", "Part", "parts"]

P = ParamSpec("P")
R = TypeVar("R")
Rows = Mapping[str, int]


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
        fills: As it takes them; all with mask 0, or each with its own.
        partners: Parameters without which the fills do not count; empty: there are none.
        padded: Cells of the spectrum.
    """

    function: Kernel
    axes: Counts
    fills: Fills
    partners: Sequence[str]
    padded: Counts

    @property
    def cost(self) -> float:
        return float(len(self.fills) * len(self.axes))

    def fill(self, columns: Columns, mask: Truth) -> None:
        masks: Masks = mask[np.newaxis]
        if self.partners:
            masks = np.stack([mask & columns.block.present(name) for name in self.partners])
        self.function(
            columns.values, columns.bits, columns.absent, masks, self.fills, self.axes, self.padded
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
    definition: Definition, contents: Contents, rows: Rows, *, compiled: bool
) -> Iterator[Part]:
    """Return the parts of a spectrum whose parameters blocks have.

    Args:
        definition: Its definition.
        contents: Its contents.
        rows: Names of parameters that blocks have -> their rows.
        compiled: Use numba, where it is installed.
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
        partners = [fill.partner for fill, _ in found if isinstance(fill, FillWith)]
        table = np.zeros((len(found), 3), np.int64)
        table[:, :2] = [numbers for _, numbers in found]
        if partners:
            table[:, 2] = np.arange(len(partners))
        function, axes = _function(kind, definition)
        yield _CountingPart(load(function), axes, table, partners, contents.padded)


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
