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
from histogrammer.fallback import Absent, Bits, Integers, Kernel, Numbers, Values
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

__all__ = ["AT_ONCE", "Columns", "CountingPart", "PartialFill", "Times", "Together", "parts"]

FILLS_AT_ONCE = 256
"""Fills with lists of their own, which take 64 KiB each."""

AT_ONCE = 8
"""Spectra that one call fills. Before and after it threads wait for each other, and they get ready
at different times: fewer calls, and small ones, are both better."""

NO_TRUTH = np.zeros(0, np.bool_)

NO_LISTS = np.zeros(0, np.int32), np.zeros(0, np.int64)

P = ParamSpec("P")
R = TypeVar("R")
Rows: TypeAlias = Mapping[str, int]
Times: TypeAlias = Callable[[Sequence[Fill], EventBlock], Sequence[FoldCounts]]
"""Times that each event of a block counts in each of some fills."""


@dataclass(slots=True)  # made for each block, and a frozen one takes three times as long
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


class PartialFill(Protocol):
    """Fills of a spectrum by one function, of parameters that a block has."""

    @property
    def cost(self) -> float:
        """Time of it, in passes over a column."""

    def fill(self, columns: Columns, events: Numbers | None) -> None:
        """Fill the spectrum from events of a block, by their numbers; None: from all."""


@dataclass(frozen=True, slots=True)
class CountingPart:
    """Counts of events.

    Attributes:
        function: One of `kernels`.
        together: `kernels.fill_together`; None: it cannot do these.
        axes: As it takes them.
        for_all: Fills as it takes them, from all events.
        for_some: The same, from the events of the first list.
        contents: Of the spectrum.
        fills: The same fills, as definitions have them.
        times: Tells how often events count in fills; None: once.
    """

    function: Kernel
    together: Callable[..., None] | None
    axes: Counts
    for_all: Integers
    for_some: Integers
    contents: Contents
    fills: Sequence[Fill]
    times: Times | None

    @property
    def cost(self) -> float:
        return float(len(self.fills) * len(self.axes))

    @property
    def row(self) -> int:
        return int(self.for_all[0, 0])

    def fill(self, columns: Columns, events: Numbers | None) -> None:
        if self.times is not None:
            self._fill_times(columns, events, self.times)
        elif events is None:
            self._fill(columns, *NO_LISTS, self.for_all)
        else:
            self._fill(columns, events, np.array((0, len(events))), self.for_some)

    def _fill_times(self, columns: Columns, events: Numbers | None, times: Times) -> None:
        """Fill from lists of their own: of events that count, of those that count twice, ..."""
        for start in range(0, len(self.fills), FILLS_AT_ONCE):
            now = slice(start, start + FILLS_AT_ONCE)
            found = (
                (x, other, _more_often(often, level, events))
                for (x, other, _), often in zip(
                    self.for_all[now].tolist(), times(self.fills[now], columns.block), strict=True
                )
                for level in range(int(often.max(initial=0)))
            )
            while some := list(islice(found, FILLS_AT_ONCE)):
                lists = [one for *_, one in some]
                fills = np.array([(x, other, number) for number, (x, other, _) in enumerate(some)])
                ends = np.cumsum([0, *map(len, lists)])
                self._fill(columns, np.concatenate(lists), ends, fills)

    def _fill(self, columns: Columns, chosen: Numbers, ends: Integers, fills: Integers) -> None:
        self.contents.is_settled = False
        self.function(
            columns.values,
            columns.bits,
            columns.absent,
            chosen,
            ends,
            fills,
            self.axes,
            self.contents.recent,
            self.contents.padded,
        )


def _more_often(often: FoldCounts, level: int, events: Numbers | None) -> Numbers:
    """Return the numbers of those of some events that count more than `level` times."""
    if events is None:
        return np.flatnonzero(often > level).astype(np.int32)
    return events[often[events] > level]


class Together:
    """Up to `AT_ONCE` spectra that one call fills. What it takes of them is ready before there are
    events, as nothing else of Python goes on while it is made.

    Args:
        some: Parts that have `together`.
        gated: All have one gate.
    """

    def __init__(self, some: Sequence[CountingPart], *, gated: bool) -> None:
        self._function, self._count = some[0].together, len(some)
        self._contents = [part.contents for part in some]
        missing = AT_ONCE - len(some)
        some = [*some, *[some[-1]] * missing]  # it is compiled for tuples of one length
        self._arguments = (
            tuple(part.for_some if gated else part.for_all for part in some),
            tuple(part.axes for part in some),
            tuple(part.contents.recent for part in some),
            tuple(part.contents.padded for part in some),
        )

    def fill(self, columns: Columns, truth: Truth | None) -> None:
        """Fill the spectra from the events for which their gate is true; None: they have none."""
        for contents in self._contents:
            contents.is_settled = False
        assert self._function is not None
        self._function(
            columns.values,
            columns.bits,
            columns.absent,
            NO_TRUTH if truth is None else truth,
            self._count,
            *self._arguments,
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

    def fill(self, columns: Columns, events: Numbers | None) -> None:
        bits, absent, axis = columns.bits, columns.absent, self.definition.x_axis
        counts = (bits[self.time] != absent) & (bits[self.value] != absent)
        numbers: Integers | Numbers = (
            np.flatnonzero(counts) if events is None else events[counts[events]]
        )
        self.contents.moved = self.function(
            self.contents.cells,
            self.contents.moved,
            axis.low,
            axis.width,
            columns.values[self.time, numbers].astype(np.float64),
            columns.values[self.value, numbers].astype(np.float64),
        )


def parts(
    definition: Definition,
    contents: Contents,
    rows: Rows,
    *,
    compiled: bool,
    folded: Times | None = None,
) -> Iterator[PartialFill]:
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
        times = _with_partners if kind is FillWith else folded
        is_plain = times is None and function is not kernels.fill_bits
        yield CountingPart(
            load(function),
            load(kernels.fill_together) if is_plain else None,
            axes,
            np.array([(*numbers, -1) for _, numbers in found]),
            np.array([(*numbers, 0) for _, numbers in found]),
            contents,
            [fill for fill, _ in found],
            times,
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
