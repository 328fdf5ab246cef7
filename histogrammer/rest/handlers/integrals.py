"""The request `integrate`."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np

from histogrammer.analysis.integration import integrate
from histogrammer.analysis.regions import Inside
from histogrammer.engine import Engine
from histogrammer.errors import ConditionError, RequestFailedError
from histogrammer.gates.slices import Slice
from histogrammer.patterns import one
from histogrammer.rest.handlers.calls import Handlers, InWorker
from histogrammer.rest.protocol.answers import IntegralObject, integral
from histogrammer.rest.protocol.values import Values
from histogrammer.spectra.channels import Region

__all__ = ["HANDLERS"]

_Area: TypeAlias = Region | Inside | None


def integrate_spectrum(engine: Engine, values: Values) -> IntegralObject:
    """Return the integral of a spectrum, or of a region of it."""
    name = values.text("spectrum")
    spectrum = engine.find_spectrum(name)
    if spectrum is None:
        raise RequestFailedError(
            f"{name} either does not exist or is a pattern with more than one match"
        )
    definition = spectrum.shown
    try:
        read = _interval if definition.y_axis is None else _contour
        area = read(engine, values)
    except ConditionError as error:
        raise RequestFailedError(f"Could not create integration AOI: {error}") from error
    with np.errstate(over="ignore", invalid="ignore"):
        found = integrate(definition, spectrum.contents.cells, area)
    if not all(map(math.isfinite, (*found.centroid, *found.fwhm))):
        raise RequestFailedError(f"{name}: centroid or width is larger than a number can be")
    return integral(found)


def _interval(engine: Engine, values: Values) -> _Area:
    """Return the limits in a spectrum of one dimension."""
    gate, low, high = values.maybe_text("gate"), values.number("low"), values.number("high")
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
        return Region(x_low=condition.interval.low, x_high=condition.interval.high)
    if (low is None) != (high is None):
        raise ConditionError("If using limits both low and high must be provided")
    return None if low is None else Region(x_low=low, x_high=high)


def _contour(engine: Engine, values: Values) -> _Area:
    """Return the inside of a contour in a spectrum of two dimensions."""
    gate, xs, ys = values.maybe_text("gate"), values.numbers("xcoord"), values.numbers("ycoord")
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


HANDLERS: Handlers = {"integrate": InWorker(integrate_spectrum)}
