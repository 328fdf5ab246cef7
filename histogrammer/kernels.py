"""Fills of spectra by compiled functions, in two phases: 2048 cells by vector code, which has no
branches, then so many increments. Absent values go to bins of their own, one after the other. Of
events that are listed the values are collected first, so that others cost nothing.

All take the same:

    values: Shape (parameters, events), and `bits`, the same as integers.
    absent: Bits of an absent value.
    chosen: Lists of events that count, by their numbers, one after the other.
    ends: Shape (lists + 1,): places in `chosen` at which lists begin and end.
    fills: Shape (fills, 3): row of x, row of y or first cell, number of a list, -1 of all events.
    axes: Shape (axes, 5): low, high, width, bins, distance of cells, as `axis_table` makes it.
    padded: Cells of a spectrum, and bins for misses: `Contents.padded`.

The cell of a value is that of `Axis.cells_of`, to the last bit: a quotient, and no product with a
reciprocal width, which puts whole numbers one bin too low. The division costs less than a tenth of
a fill. Everything is compared before it becomes an integer, as the cast of NaN has no meaning.

Columns are cut to pieces of 2048 before the loops, as an index that is a sum may be negative for
all that the compiler knows, and costs the vector code. Indices are 32 bits wide for the same
reason; no definition has so many cells.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from histogrammer import fallback
from histogrammer.axes import Axis
from histogrammer.compiling import compiled, compiled_or
from histogrammer.contents import MISS_BINS, Counts
from histogrammer.fallback import Absent, Bits, Integers, Values
from histogrammer.spectra import stripchart

__all__ = ["add_at_times", "axis_table", "fill_bits", "fill_ones", "fill_pairs"]

PIECE = 2048
LOW, HIGH, WIDTH, BINS, STRIDE = range(5)

Indices = npt.NDArray[np.int32]


def axis_table(*axes: tuple[Axis, int]) -> Counts:
    """Return axes as the functions take them, each with the distance of its cells in memory."""
    rows = [(axis.low, axis.high, axis.width, axis.bins, stride) for axis, stride in axes]
    return np.array(rows, np.float64)


@compiled
def cell_of(x: float, low: float, high: float, width: float, bins: float) -> float:
    """Return the cell of a value."""
    quotient = np.floor((x - low) / width)
    within = (quotient if quotient < bins - 1.0 else bins - 1.0) + 1.0
    cell = within if x < high else bins + 1.0
    return 0.0 if x < low else cell


@compiled
def increment(padded: Counts, indices: Indices, count: int) -> None:
    """Count cells; as indices without sign, which need no look at negative ones."""
    places = indices.view(np.uint32)[:count]
    for i in range(places.size):
        padded[places[i]] += 1.0


@compiled
def one_indices(
    x: Values,
    x_bits: Bits,
    absent: Absent,
    axes: Counts,
    first: float,
    miss: int,
    indices: Indices,
) -> None:
    """Compute the cells of a piece of a column."""
    low, high, width, bins = axes[0, LOW], axes[0, HIGH], axes[0, WIDTH], axes[0, BINS]
    stride = axes[0, STRIDE]
    for i in range(x.size):
        cell = np.int32(first + stride * cell_of(np.float64(x[i]), low, high, width, bins))
        counts = x_bits[i] != absent
        indices[i] = cell if counts else np.int32(miss + (i & (MISS_BINS - 1)))


@compiled
def collect(column: Bits, events: Integers, found: Bits) -> None:
    """Collect the values of some events."""
    for i in range(events.size):
        found[i] = column[np.uint64(events[i])]


@compiled_or(fallback.fill_ones)
def fill_ones(
    values: Values,
    bits: Bits,
    absent: Absent,
    chosen: Integers,
    ends: Integers,
    fills: Integers,
    axes: Counts,
    padded: Counts,
) -> None:
    """Fill a spectrum with parameters, each in the cells along one axis."""
    miss, indices = padded.size - MISS_BINS, np.empty(PIECE, np.int32)
    some_bits = np.empty(PIECE, bits.dtype)
    some = some_bits.view(values.dtype)
    for fill in range(fills.shape[0]):
        x, x_bits = values[fills[fill, 0]], bits[fills[fill, 0]]
        first, number = np.float64(fills[fill, 1]), fills[fill, 2]
        if number < 0:
            for start in range(0, x.size, PIECE):
                end = min(start + PIECE, x.size)
                one_indices(x[start:end], x_bits[start:end], absent, axes, first, miss, indices)
                increment(padded, indices, end - start)
            continue
        events = chosen[ends[number] : ends[number + 1]]
        for start in range(0, events.size, PIECE):
            size = min(PIECE, events.size - start)
            collect(x_bits, events[start : start + size], some_bits)
            one_indices(some[:size], some_bits[:size], absent, axes, first, miss, indices)
            increment(padded, indices, size)


@compiled
def pair_indices(
    x: Values,
    y: Values,
    x_bits: Bits,
    y_bits: Bits,
    absent: Absent,
    axes: Counts,
    miss: int,
    indices: Indices,
) -> None:
    """Compute the cells of pieces of two columns."""
    x_low, x_high, x_width, x_bins = axes[0, LOW], axes[0, HIGH], axes[0, WIDTH], axes[0, BINS]
    y_low, y_high, y_width, y_bins = axes[1, LOW], axes[1, HIGH], axes[1, WIDTH], axes[1, BINS]
    x_stride, y_stride = axes[0, STRIDE], axes[1, STRIDE]
    for i in range(x.size):
        x_cell = cell_of(np.float64(x[i]), x_low, x_high, x_width, x_bins)
        y_cell = cell_of(np.float64(y[i]), y_low, y_high, y_width, y_bins)
        cell = np.int32(x_stride * x_cell + y_stride * y_cell)
        counts = (x_bits[i] != absent) & (y_bits[i] != absent)
        indices[i] = cell if counts else np.int32(miss + (i & (MISS_BINS - 1)))


@compiled_or(fallback.fill_pairs)
def fill_pairs(
    values: Values,
    bits: Bits,
    absent: Absent,
    chosen: Integers,
    ends: Integers,
    fills: Integers,
    axes: Counts,
    padded: Counts,
) -> None:
    """Fill a 2-d spectrum with pairs of parameters."""
    miss, indices = padded.size - MISS_BINS, np.empty(PIECE, np.int32)
    some_bits, other_bits = np.empty(PIECE, bits.dtype), np.empty(PIECE, bits.dtype)
    some, other = some_bits.view(values.dtype), other_bits.view(values.dtype)
    for fill in range(fills.shape[0]):
        x, x_bits = values[fills[fill, 0]], bits[fills[fill, 0]]
        y, y_bits = values[fills[fill, 1]], bits[fills[fill, 1]]
        number = fills[fill, 2]
        if number < 0:
            for start in range(0, x.size, PIECE):
                end = min(start + PIECE, x.size)
                pair_indices(
                    x[start:end],
                    y[start:end],
                    x_bits[start:end],
                    y_bits[start:end],
                    absent,
                    axes,
                    miss,
                    indices,
                )
                increment(padded, indices, end - start)
            continue
        events = chosen[ends[number] : ends[number + 1]]
        for start in range(0, events.size, PIECE):
            size = min(PIECE, events.size - start)
            collect(x_bits, events[start : start + size], some_bits)
            collect(y_bits, events[start : start + size], other_bits)
            pair_indices(
                some[:size],
                other[:size],
                some_bits[:size],
                other_bits[:size],
                absent,
                axes,
                miss,
                indices,
            )
            increment(padded, indices, size)


@compiled_or(fallback.fill_bits)
def fill_bits(
    values: Values,
    bits: Bits,
    absent: Absent,
    chosen: Integers,
    ends: Integers,
    fills: Integers,
    axes: Counts,
    padded: Counts,
) -> None:
    """Fill a 1-d spectrum with the numbers of the bits of a value; those beyond its axis are
    overflow. There are none in what is no number of 32 bits without sign."""
    last = np.int64(axes[0, BINS]) + 1
    for fill in range(fills.shape[0]):
        x, x_bits, number = values[fills[fill, 0]], bits[fills[fill, 0]], fills[fill, 2]
        size = x.size if number < 0 else ends[number + 1] - ends[number]
        for i in range(size):
            event = i if number < 0 else chosen[ends[number] + i]
            value = np.float64(x[event])
            if x_bits[event] != absent and 0.0 <= value < 4294967296.0:
                word = np.int64(value)
                for bit in range(32):
                    if (word >> bit) & 1:
                        padded[bit + 1 if bit + 1 < last else last] += 1.0


add_at_times = compiled_or(stripchart.add_at_times)(stripchart.add_at_times)
