"""Axes of spectra: equal bins over `[low, high)`, with a cell below and a cell above.

Cell 0 is underflow, cell 1 + k is bin k, cell bins + 1 is overflow. Over REST a bin is its number
k, underflow -1 and overflow `bins`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from histogrammer.errors import AxisError

__all__ = ["MAX_BINS", "Axis", "Cells"]

MAX_BINS = 1 << 28
"""More is a slip of the pen: 2 GiB of counts."""

Cells = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Axis:
    """Equal bins over `[low, high)`. Limits in the wrong order change places, as in Rustogramer.

    Raises:
        AxisError: No bins, limits that are equal or not finite, or a width beyond all numbers.
    """

    low: float
    high: float
    bins: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise AxisError(f"axis from {self.low:g} to {self.high:g}: both limits must be finite")
        if self.low == self.high:
            raise AxisError(f"axis from {self.low:g} to {self.high:g}: the limits must differ")
        if not 1 <= self.bins <= MAX_BINS:
            raise AxisError(f"axis with {self.bins} bins: 1 to {MAX_BINS} are possible")
        if self.low > self.high:
            low, high = self.high, self.low
            object.__setattr__(self, "low", low)
            object.__setattr__(self, "high", high)
        if not (math.isfinite(self.width) and self.width > 0):
            raise AxisError(
                f"axis from {self.low:g} to {self.high:g} with {self.bins} bins: "
                "a bin would have no width that a number can hold"
            )

    @property
    def width(self) -> float:
        """Width of a bin."""
        return (self.high - self.low) / self.bins

    def between(self, low: float, high: float) -> tuple[int, int]:
        """Return the first and the last bin of a region; the bins that have its limits are part of it.

        Raises:
            AxisError: The limits do not increase, or the region is beside the axis.
        """
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise AxisError(f"limits are {low!r:.40} and {high!r:.40}; expected increasing numbers")
        first, last = self.bins, -1
        if low < self.high and high >= self.low:  # a place far beside it is in no bin of any number
            first = math.floor((max(low, self.low) - self.low) / self.width)
            last = min(math.floor((min(high, self.high) - self.low) / self.width), self.bins - 1)
        if first > last:
            raise AxisError(f"the region {low:g} to {high:g} is beside the axis")
        return first, last

    @property
    def cells(self) -> int:
        """Number of cells, with the two of the flow."""
        return self.bins + 2

    def edge(self, bin_number: int) -> float:
        """Return the lower edge of a bin; of bin `bins` it is the upper limit."""
        if bin_number == self.bins:
            return self.high
        return self.low + bin_number * self.width

    def coordinates(self) -> npt.NDArray[np.float64]:
        """Return the lower edge of each cell, shape (cells,); of the underflow the lower limit."""
        return self.edges_of(np.arange(self.cells))

    def edges_of(self, cells: Cells) -> npt.NDArray[np.float64]:
        """Return the lower edges of some cells; of the underflow the lower limit."""
        edges = self.low + np.maximum(cells - 1, 0) * self.width
        edges[cells == self.bins + 1] = self.high
        return edges

    def cell(self, value: float) -> int:
        """Return the cell of a value; NaN is overflow, as in Rustogramer."""
        return int(self.cells_of(np.array([value]))[0])

    def cells_of(self, values: npt.ArrayLike) -> Cells:
        """Return the cells of values, by `floor((x - low) / width)` in double precision.

        This is the rule by which kernels, their fallback and files are held equal.
        """
        x = np.asarray(values, np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            bins = np.floor((x - self.low) / self.width)
        # A quotient may round up to `bins` below the upper limit: the last bin holds it.
        inside = (x >= self.low) & (x < self.high)
        cells = np.where(x < self.low, 0, self.bins + 1).astype(np.int64)
        cells[inside] = np.minimum(bins[inside].astype(np.int64), self.bins - 1) + 1
        return cells
