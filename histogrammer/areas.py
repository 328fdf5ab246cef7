"""Area of an integral: what limits, points and a gate of a request mean in a spectrum.

The texts of its errors are Rustogramer's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from histogrammer.analysis.regions import Inside
from histogrammer.engine import Engine
from histogrammer.errors import ConditionError
from histogrammer.gates.slices import Slice
from histogrammer.patterns import one
from histogrammer.spectra.channels import Region
from histogrammer.spectra.definition import Definition

__all__ = ["Area", "Described", "find_area"]

Area: TypeAlias = Region | Inside | None
"""None: the whole spectrum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """Area as a request describes it.

    Attributes:
        gate: Name of a slice or a contour, or a pattern that only one matches; empty: none.
        low: Lower limit in a spectrum of one dimension; in two it means nothing.
        high: Upper limit, likewise.
        xs: x of the points around it in a spectrum of two dimensions; in one they mean nothing.
        ys: y of them.
    """

    gate: str | None = None
    low: float | None = None
    high: float | None = None
    xs: Sequence[float] = ()
    ys: Sequence[float] = ()


def find_area(engine: Engine, definition: Definition, described: Described) -> Area:
    """Return the area of a spectrum that is meant.

    Raises:
        ConditionError: There is no such gate, it is none for such a spectrum, or too much or too
            little is given.
    """
    find = _interval if definition.y_axis is None else _contour
    return find(engine, described)


def _interval(engine: Engine, described: Described) -> Area:
    """Return the limits in a spectrum of one dimension."""
    gate, low, high = described.gate, described.low, described.high
    if gate and (low is not None or high is not None):
        raise ConditionError("1d spectra can only have either a gate name or limits")
    if gate:
        name = one(engine.conditions, gate)
        if name is None:
            raise ConditionError(
                f"{gate} either is a non-existent condition or is pattern that has more than one match"
            )
        condition = engine.conditions[name]
        if not isinstance(condition, Slice):
            raise ConditionError(f"{gate} is not a Cut and must be for 1-d integrations")
        interval = condition.interval
        last = interval.high
        if not engine.flavor.gate_area_holds_high:
            last = math.nextafter(last, -math.inf)
        return Region(x_low=interval.low, x_high=last)
    if (low is None) != (high is None):
        raise ConditionError("If using limits both low and high must be provided")
    return None if low is None else Region(x_low=low, x_high=high)


def _contour(engine: Engine, described: Described) -> Area:
    """Return the inside of a contour in a spectrum of two dimensions."""
    gate, xs, ys = described.gate, described.xs, described.ys
    if gate and (xs or ys):
        raise ConditionError(
            "For a 2d spectrum only the gate _OR_ the AOI coordinates are allowed, not both"
        )
    if gate:
        name = one(engine.conditions, gate)
        if name is None:
            raise ConditionError(
                f"{gate} either is a nonexistent condition or is a non-unique pattern"
            )
        try:
            return engine.contour(name)
        except ConditionError as error:
            raise ConditionError(f"Failed to construct a contour from {gate} : {error}") from error
    if not xs and not ys:
        return None
    if not xs or not ys:
        raise ConditionError("If providing AOI coordinates but xcoord and ycoord must be supplied")
    if len(xs) != len(ys):
        raise ConditionError("The X and Y coordinate arrays must be the same length")
    return engine.polygon(tuple(zip(xs, ys, strict=True)))
