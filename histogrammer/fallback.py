"""Fills of spectra where numba is missing: cells by `Axis.cells_of`, counted by boost-histogram.

The functions have the signature and the results of those in `kernels.py`, where it is told what
they take. They count in `padded` at once, and leave `recent` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TypeAlias

import boost_histogram as bh
import numpy as np
import numpy.typing as npt

from histogrammer.axes import Axis, Cells
from histogrammer.contents import MISS_BINS, Counts, Recent
from histogrammer.gates.condition import Truth

__all__ = ["Absent", "Bits", "Integers", "Kernel", "Numbers", "Values"]
__all__ += ["fill_bits", "fill_ones", "fill_pairs", "fill_together", "numbers_of"]

Values: TypeAlias = npt.NDArray[np.float32] | npt.NDArray[np.float64]
Bits: TypeAlias = npt.NDArray[np.uint32] | npt.NDArray[np.uint64]
Absent: TypeAlias = np.uint32 | np.uint64
Integers: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.int32]
"""Of events of a block."""

Kernel: TypeAlias = Callable[
    [Values, Bits, Absent, Numbers, Integers, Integers, Counts, Recent, Counts], None
]


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
    counter = _Counter(padded)
    for row, first, number in fills.tolist():
        events = _events(chosen, ends, number)
        present = bits[row, events] != absent
        counter.add(first + _places(axes, 0, values[row, events][present]))
    counter.finish()


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
    counter = _Counter(padded)
    for x, y, number in fills.tolist():
        events = _events(chosen, ends, number)
        present = (bits[x, events] != absent) & (bits[y, events] != absent)
        x_places = _places(axes, 0, values[x, events][present])
        counter.add(x_places + _places(axes, 1, values[y, events][present]))
    counter.finish()


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
    """Fill some spectra, each with parameters along its only axis, or with pairs along both."""
    chosen = numbers_of(truth)
    ends = np.array([0, len(chosen)])
    for spectrum in islice(zip(fills, axes, recent, padded, strict=True), count):
        function = fill_ones if len(spectrum[1]) == 1 else fill_pairs
        function(values, bits, absent, chosen, ends, *spectrum)


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
    counter, last = _Counter(padded), int(axes[0, 3]) + 1
    for row, _, number in fills.tolist():
        events = _events(chosen, ends, number)
        present = bits[row, events] != absent
        found = values[row, events][present].astype(np.float64)
        words = found[(found >= 0) & (found < 2.0**32)].astype(np.int64)
        for bit in range(32):
            counter.add(np.full(np.count_nonzero(words >> bit & 1), min(bit + 1, last)))
    counter.finish()


def numbers_of(truth: Truth) -> Numbers:
    """Return the numbers of the events for which something is true."""
    return np.flatnonzero(truth).astype(np.int32)


def _events(chosen: Numbers, ends: Integers, number: int) -> slice | Numbers:
    return slice(None) if number < 0 else chosen[ends[number] : ends[number + 1]]


def _places(axes: Counts, number: int, values: Values) -> Cells:
    low, high, _, bins, stride, *_ = axes[number].tolist()
    return int(stride) * Axis(low, high, int(bins)).cells_of(values)


class _Counter:
    """Cells of one spectrum, counted."""

    def __init__(self, padded: Counts) -> None:
        self._cells = padded[: padded.size - MISS_BINS]
        axis = bh.axis.Integer(0, self._cells.size, underflow=False, overflow=False)
        self._counted = bh.Histogram(axis, storage=bh.storage.Int64())

    def add(self, cells: Cells) -> None:
        self._counted.fill(cells)

    def finish(self) -> None:
        self._cells += self._counted.view()
