"""Fills of spectra by compiled functions, in two phases: 2048 cells by vector code, which has no
branches, then so many increments. Absent values go to bins of their own, one after the other. Of
events that are listed the values are collected first, so that others cost nothing.

All take the same:

    values: Shape (parameters, events), and `bits`, the same as integers.
    absent: Bits of an absent value.
    chosen: Lists of events that count, by their numbers, one after the other.
    ends: Shape (lists + 1,): places in `chosen` at which lists begin and end.
    fills: Shape (fills, 3): row of x, row of y or first cell, number of a list, -1 of all events.
    axes: Shape (axes, 7): low, high, width, bins, distance of cells, `INVERSE` and `SINGLE`, as
        `axis_table` makes it.
    recent: Counts of a spectrum that are not in `padded` yet: `Contents.recent`.
    padded: Cells of a spectrum, and bins for misses: `Contents.padded`.

The cell of a value is that of `Axis.cells_of`, to the last bit: a quotient, and no product with a
reciprocal width, which puts whole numbers one bin too low. Only if the width is a power of two are
both the same. The product is taken then, and of values of float32, with a lower limit of zero, in
float32, where nothing is rounded. Everything is compared before it becomes an integer, as the cast
of NaN has no meaning; what is left is not negative, and the cast rounds down.

Counts are bytes at first, which stay in the cache where eight times as much would not. One that
becomes zero has come to 256, which go to the cell.

Columns are cut to pieces of 2048 before the loops, as an index that is a sum may be negative for
all that the compiler knows, and costs the vector code. Indices are 32 bits wide for the same
reason; no definition has so many cells.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from histogrammer import fallback
from histogrammer.axes import Axis
from histogrammer.compiling import compiled, compiled_or
from histogrammer.contents import MAX_RECENT, MISS_BINS, Counts, Recent
from histogrammer.fallback import Absent, Bits, Integers, Numbers, Values
from histogrammer.gates.condition import Truth
from histogrammer.spectra import stripchart

__all__ = ["add_at_times", "axis_table", "fill_bits", "fill_ones", "fill_pairs"]
__all__ += ["fill_together", "numbers_of"]

PIECE = 2048
LOW, HIGH, WIDTH, BINS, STRIDE, INVERSE, SINGLE = range(7)

MAX_SINGLE_BINS = 1 << 22
"""Float32 holds their numbers."""

MAX_EXPONENT = 100
"""Of a width that is a power of two, up or down: neither it nor its inverse is near the limits of
float32."""

Indices = npt.NDArray[np.int32]


def axis_table(*axes: tuple[Axis, int]) -> Counts:
    """Return axes as the functions take them, each with the distance of its cells in memory."""
    rows = [
        (axis.low, axis.high, axis.width, axis.bins, stride, *_product(axis))
        for axis, stride in axes
    ]
    return np.array(rows, np.float64)


def _product(axis: Axis) -> tuple[float, bool]:
    """Return the inverse of a width that is a power of two, else zero, and tell whether values of
    float32 may be multiplied with it as they are."""
    mantissa, exponent = math.frexp(axis.width)
    if mantissa != 0.5 or abs(exponent) > MAX_EXPONENT:
        return 0.0, False
    is_held = axis.low == 0 and float(np.float32(axis.high)) == axis.high
    return 1 / axis.width, is_held and axis.bins <= MAX_SINGLE_BINS


@compiled
def cells_of_singles(x: Values, bits: Bits, absent: Absent, axis: Counts, cells: Indices) -> None:
    """Compute cells of float32, on an axis that begins at zero and has bins of a power of two."""
    high, inverse = np.float32(axis[HIGH]), np.float32(axis[INVERSE])
    below, zero, one, beyond = np.float32(-1), np.float32(0), np.int32(1), np.float32(axis[BINS])
    last = np.float32(axis[BINS] - 1)
    for i in range(x.size):
        value = np.float32(x[i])
        place = value * inverse
        within = place if place < last else last
        upward = within if value >= zero else below
        bin_ = upward if value < high else beyond
        cells[i] = np.int32(bin_) + one if bits[i] != absent else np.int32(-1)


@compiled
def cells_by_product(x: Values, bits: Bits, absent: Absent, axis: Counts, cells: Indices) -> None:
    """Compute cells on an axis whose bins have a width that is a power of two."""
    low, high, inverse, beyond = axis[LOW], axis[HIGH], axis[INVERSE], axis[BINS]
    last, one = beyond - 1.0, np.int32(1)
    for i in range(x.size):
        value = np.float64(x[i])
        place = (value - low) * inverse
        within = place if place < last else last
        upward = within if value >= low else -1.0
        bin_ = upward if value < high else beyond
        cells[i] = np.int32(bin_) + one if bits[i] != absent else np.int32(-1)


@compiled
def cells_by_quotient(x: Values, bits: Bits, absent: Absent, axis: Counts, cells: Indices) -> None:
    """Compute cells on any axis."""
    low, high, width, beyond = axis[LOW], axis[HIGH], axis[WIDTH], axis[BINS]
    last, one = beyond - 1.0, np.int32(1)
    for i in range(x.size):
        value = np.float64(x[i])
        place = (value - low) / width
        within = place if place < last else last
        upward = within if value >= low else -1.0
        bin_ = upward if value < high else beyond
        cells[i] = np.int32(bin_) + one if bits[i] != absent else np.int32(-1)


@compiled
def cells_of(x: Values, bits: Bits, absent: Absent, axis: Counts, cells: Indices) -> None:
    """Compute the cells of a piece of a column; of absent values -1."""
    if axis[INVERSE] == 0.0:
        cells_by_quotient(x, bits, absent, axis, cells)
    elif axis[SINGLE] != 0.0 and x.itemsize == 4:
        cells_of_singles(x, bits, absent, axis, cells)
    else:
        cells_by_product(x, bits, absent, axis, cells)


@compiled
def one_indices(cells: Indices, first: np.int32, stride: np.int32, miss: np.int32) -> None:
    """Make cells along an axis, in their place, cells in memory."""
    for i in range(cells.size):
        is_there = cells[i] >= 0
        cells[i] = first + stride * cells[i] if is_there else miss + np.int32(i & (MISS_BINS - 1))


@compiled
def pair_indices(
    x: Indices, y: Indices, x_stride: np.int32, y_stride: np.int32, miss: np.int32
) -> None:
    """Make cells along two axes, in the place of the first, cells in memory."""
    for i in range(x.size):
        cell = x_stride * x[i] + y_stride * y[i]
        are_there = (x[i] | y[i]) >= 0
        x[i] = cell if are_there else miss + np.int32(i & (MISS_BINS - 1))


@compiled
def increment(recent: Recent, padded: Counts, indices: Indices) -> None:
    """Count cells; as indices without sign, which need no look at negative ones."""
    places = indices.view(np.uint32)
    for i in range(places.size):
        place = places[i]
        count = np.uint8(recent[place] + np.uint8(1))
        recent[place] = count
        if count == 0:
            padded[place] += MAX_RECENT


@compiled_or(fallback.numbers_of)
def numbers_of(truth: Truth) -> Numbers:
    """Return the numbers of the events for which something is true, without a branch for each."""
    numbers, count = np.empty(truth.size, np.int32), np.uint64(0)
    for i in range(truth.size):
        numbers[count] = i
        count += np.uint64(truth[i])
    return numbers[:count]


@compiled
def collect(column: Bits, events: Numbers, found: Bits) -> None:
    """Collect the values of some events."""
    for i in range(events.size):
        found[i] = column[np.uint32(events[i])]


@compiled_or(fallback.fill_ones)
def fill_ones(
    values: Values,
    bits: Bits,
    absent: Absent,
    chosen: Numbers,
    ends: Integers,
    fills: Integers,
    axes: Counts,
    recent: Recent,
    padded: Counts,
) -> None:
    """Fill a spectrum with parameters, each in the cells along one axis."""
    stride, miss = np.int32(axes[0, STRIDE]), np.int32(padded.size - MISS_BINS)
    axis, piece = axes[0], np.empty(PIECE, np.int32)
    some_bits = np.empty(PIECE, bits.dtype)
    some = some_bits.view(values.dtype)
    for fill in range(fills.shape[0]):
        x, x_bits = values[fills[fill, 0]], bits[fills[fill, 0]]
        first, number = np.int32(fills[fill, 1]), fills[fill, 2]
        if number < 0:
            for start in range(0, x.size, PIECE):
                end = min(start + PIECE, x.size)
                cells = piece[: end - start]
                cells_of(x[start:end], x_bits[start:end], absent, axis, cells)
                one_indices(cells, first, stride, miss)
                increment(recent, padded, cells)
            continue
        events = chosen[ends[number] : ends[number + 1]]
        for start in range(0, events.size, PIECE):
            size = min(PIECE, events.size - start)
            cells = piece[:size]
            collect(x_bits, events[start : start + size], some_bits)
            cells_of(some[:size], some_bits[:size], absent, axis, cells)
            one_indices(cells, first, stride, miss)
            increment(recent, padded, cells)


@compiled_or(fallback.fill_pairs)
def fill_pairs(
    values: Values,
    bits: Bits,
    absent: Absent,
    chosen: Numbers,
    ends: Integers,
    fills: Integers,
    axes: Counts,
    recent: Recent,
    padded: Counts,
) -> None:
    """Fill a 2-d spectrum with pairs of parameters."""
    x_stride, y_stride = np.int32(axes[0, STRIDE]), np.int32(axes[1, STRIDE])
    miss, x_axis, y_axis = np.int32(padded.size - MISS_BINS), axes[0], axes[1]
    x_piece, y_piece = np.empty(PIECE, np.int32), np.empty(PIECE, np.int32)
    some_bits = np.empty(PIECE, bits.dtype)
    some = some_bits.view(values.dtype)
    for fill in range(fills.shape[0]):
        x, x_bits = values[fills[fill, 0]], bits[fills[fill, 0]]
        y, y_bits = values[fills[fill, 1]], bits[fills[fill, 1]]
        number = fills[fill, 2]
        if number < 0:
            for start in range(0, x.size, PIECE):
                end = min(start + PIECE, x.size)
                x_cells, y_cells = x_piece[: end - start], y_piece[: end - start]
                cells_of(x[start:end], x_bits[start:end], absent, x_axis, x_cells)
                cells_of(y[start:end], y_bits[start:end], absent, y_axis, y_cells)
                pair_indices(x_cells, y_cells, x_stride, y_stride, miss)
                increment(recent, padded, x_cells)
            continue
        events = chosen[ends[number] : ends[number + 1]]
        for start in range(0, events.size, PIECE):
            size = min(PIECE, events.size - start)
            x_cells, y_cells = x_piece[:size], y_piece[:size]
            collect(x_bits, events[start : start + size], some_bits)
            cells_of(some[:size], some_bits[:size], absent, x_axis, x_cells)
            collect(y_bits, events[start : start + size], some_bits)
            cells_of(some[:size], some_bits[:size], absent, y_axis, y_cells)
            pair_indices(x_cells, y_cells, x_stride, y_stride, miss)
            increment(recent, padded, x_cells)


@compiled_or(fallback.fill_together)
def fill_together(
    values: Values,
    bits: Bits,
    absent: Absent,
    truth: Truth,
    count: int,
    fills: tuple[Integers, ...],
    axes: tuple[Counts, ...],
    recent: tuple[Recent, ...],
    padded: tuple[Counts, ...],
) -> None:
    """Fill some spectra, each with parameters along its only axis, or with pairs along both.

    Args:
        truth: Tells which events count, those of list 0; empty where no fill is of a list.
        count: Number of spectra; the tuples may be longer.
    """
    chosen = numbers_of(truth)
    ends = np.array([0, chosen.size])
    for i in range(count):
        if axes[i].shape[0] == 1:
            fill_ones(values, bits, absent, chosen, ends, fills[i], axes[i], recent[i], padded[i])
        else:
            fill_pairs(values, bits, absent, chosen, ends, fills[i], axes[i], recent[i], padded[i])


@compiled_or(fallback.fill_bits)
def fill_bits(
    values: Values,
    bits: Bits,
    absent: Absent,
    chosen: Numbers,
    ends: Integers,
    fills: Integers,
    axes: Counts,
    recent: Recent,
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
