"""Intervals of values, and the values inside them. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from histogrammer.compiling import compiled_or
from histogrammer.errors import ConditionError
from histogrammer.events.blocks import Values
from histogrammer.gates.condition import Point, Truth

__all__ = ["Interval"]


@dataclass(frozen=True, slots=True)
class Interval:
    """Values from `low` to `high`; one with its limits in the wrong order holds nothing.

    Attributes:
        low: Least value.
        high: Upper limit.
        holds_high: The limit itself is inside.

    Raises:
        ConditionError: A limit is not finite.
    """

    low: float
    high: float
    holds_high: bool

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ConditionError(
                f"Limits {self.low:g} and {self.high:g}: both must be finite numbers"
            )

    @property
    def points(self) -> tuple[Point, Point]:
        """Limits as clients list them."""
        return (self.low, 0.0), (self.high, 0.0)

    def holds(self, values: Values) -> Truth:
        """Tell which values are inside; NaN is not.

        Args:
            values: Shape (values,), float64 or float32.
        """
        last = self.high if self.holds_high else math.nextafter(self.high, -math.inf)
        return _between(values, float(self.low), float(last))


def _between_by_numpy(values: Values, low: float, last: float) -> Truth:
    values = values.astype(np.float64, copy=False)
    truth: Truth = (low <= values) & (values <= last)
    return truth


@compiled_or(_between_by_numpy)
def _between(values: Values, low: float, last: float) -> Truth:
    """Tell which values are from `low` to `last`, both included."""
    truth = np.empty(values.shape[0], np.bool_)
    for i in range(values.shape[0]):
        value = np.float64(values[i])
        truth[i] = (low <= value) & (value <= last)
    return truth
