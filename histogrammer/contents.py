"""Contents of a spectrum: its cells, and bins beside them that take what does not count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["MISS_BINS", "Contents", "Counts"]

MISS_BINS = 64
"""Increments of one bin wait for each other; misses in a row go to so many. A power of two."""

Counts = npt.NDArray[np.float64]
"""Counts are exact up to 2**53."""


@dataclass(slots=True)
class Contents:
    """Cells of a spectrum; they stay where they are as long as anybody has them.

    Attributes:
        cells: Shape of the definition: (x,) or (y, x), flow cells included. Part of `padded`.
        padded: The cells in one dimension, and `MISS_BINS` more, whose counts mean nothing.
        moved: Bins by which the axis of a strip chart has moved.
    """

    cells: Counts
    padded: Counts
    moved: int = 0

    @classmethod
    def zeros(cls, shape: Sequence[int]) -> Contents:
        """Make contents without counts."""
        size = math.prod(shape)
        padded = np.zeros(size + MISS_BINS)
        return cls(padded[:size].reshape(shape), padded)

    @staticmethod
    def bytes_of(shape: Sequence[int]) -> int:
        """Return the memory that contents of a shape take."""
        return (math.prod(shape) + MISS_BINS) * np.dtype(np.float64).itemsize
