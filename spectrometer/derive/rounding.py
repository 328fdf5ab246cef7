"""Rounding of products of floating-point numbers to whole granules and integrations.

The original truncates products that are often a hair below the integer they stand for, and compares
ratios with seconds. `CORRECTED` rounds to what was meant; `ORIGINAL` repeats the old results to the
last bit, for sites that compare with old data. Everything else in `derive` is the same for both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["CORRECTED", "ORIGINAL", "Rounding"]

_HAIR = 1e-9  # of one unit: what is this close to a whole number is that number
_WITHIN = (
    0.01  # a request is rounded up unless it is this close above a whole number of integrations
)


@dataclass(frozen=True, slots=True)
class Rounding:
    """One of the two ways; pass `ORIGINAL` or `CORRECTED`."""

    original: bool

    def whole(self, product: float) -> int:
        """The whole number that a product of floating-point numbers stands for."""
        return int(product) if self.original else round(product)

    def ceiling(self, ratio: float) -> int:
        """The next whole number."""
        return math.ceil(ratio) if self.original else math.ceil(ratio - _HAIR)

    def integrations(self, requested: float, unit: float, *, original_threshold: float) -> int:
        """Return how many units make up a requested time.

        Args:
            requested: s.
            unit: s.
            original_threshold: What the original compares the fractional part with (a number of
                seconds).

        Returns:
            The whole part, plus 1 if the fraction is over the threshold; corrected: over 1 %, and
            at least 1.
        """
        ratio = requested / unit
        count = int(ratio)
        fraction = ratio - count
        if self.original:
            return count + 1 if fraction > original_threshold else count
        return max(count + 1 if fraction > _WITHIN else count, 1)


ORIGINAL = Rounding(original=True)
CORRECTED = Rounding(original=False)
