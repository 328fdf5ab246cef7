"""Contents of a spectrum: its cells, counts that are not in them yet, and bins beside them that
take what does not count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_RECENT", "MISS_BINS", "Contents", "Counts", "Recent"]

MISS_BINS = 64
"""Increments of one bin wait for each other; misses in a row go to so many. A power of two."""

MAX_RECENT = 256.0
"""Counts at which a byte begins anew."""

SETTLED_CELLS = 1 << 14
"""Looked at together; memory of those in which nothing is stays untouched."""

Counts = npt.NDArray[np.float64]
"""Counts are exact up to 2**53."""

Recent = npt.NDArray[np.uint8]


@dataclass(slots=True)
class Contents:
    """Cells of a spectrum; they stay where they are as long as anybody has them.

    Attributes:
        shape: Of the definition: (x,) or (y, x), flow cells included.
        padded: The cells in one dimension, less what is in `recent`, and `MISS_BINS` more, whose
            counts mean nothing.
        recent: Counts of the last blocks, at the same places. Bytes, as they are few, and an
            eighth as large: the cache holds those of a spectrum of 256 x 256.
        is_settled: There is nothing in `recent`; who counts there says so.
        moved: Bins by which the axis of a strip chart has moved.
    """

    shape: tuple[int, ...]
    padded: Counts
    recent: Recent
    is_settled: bool = True
    moved: int = 0

    @classmethod
    def zeros(cls, shape: Sequence[int]) -> Contents:
        """Make contents without counts."""
        size = math.prod(shape) + MISS_BINS
        return cls(tuple(shape), np.zeros(size), np.zeros(size, np.uint8))

    @property
    def cells(self) -> Counts:
        """Cells with all counts, in their shape. They are no copy, and lack what is filled
        afterwards until they are asked for again."""
        if not self.is_settled:
            self._settle()
        return self.padded[:-MISS_BINS].reshape(self.shape)

    def _settle(self) -> None:
        """Move the counts of the last blocks to the cells."""
        for start in range(0, len(self.recent), SETTLED_CELLS):
            recent = self.recent[start : start + SETTLED_CELLS]
            if recent.any():
                self.padded[start : start + SETTLED_CELLS] += recent
                recent[:] = 0
        self.is_settled = True

    @property
    def nbytes(self) -> int:
        """Memory that they take."""
        return self.padded.nbytes + self.recent.nbytes

    @staticmethod
    def bytes_of(shape: Sequence[int]) -> int:
        """Return the memory that contents of a shape take."""
        item = np.dtype(np.float64).itemsize + np.dtype(np.uint8).itemsize
        return (math.prod(shape) + MISS_BINS) * item
