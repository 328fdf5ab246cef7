"""The request `integrate`."""

from __future__ import annotations

import math

import numpy as np

from histogrammer.analysis.integration import integrate
from histogrammer.areas import Described, find_area
from histogrammer.axes import Axis
from histogrammer.engine import Engine
from histogrammer.errors import ConditionError, RequestFailedError
from histogrammer.rest.handlers.calls import Handlers, InWorker
from histogrammer.rest.protocol.answers import IntegralObject, integral
from histogrammer.rest.protocol.spectclanswers import PlainIntegralObject, plain_integral
from histogrammer.rest.protocol.values import RequestValues

__all__ = ["HANDLERS"]


def integrate_spectrum(
    engine: Engine, values: RequestValues
) -> IntegralObject | PlainIntegralObject:
    """Return the integral of a spectrum, or of a region of it."""
    name = values.text("spectrum")
    spectrum = engine.find_spectrum(name)
    if spectrum is None:
        raise RequestFailedError(
            f"{name} either does not exist or is a pattern with more than one match"
        )
    definition, flavor = spectrum.shown, engine.flavor
    low, high = values.number("low"), values.number("high")
    if flavor.counts_by_channel:
        low, high = (_edge(definition.x_axis, limit) for limit in (low, high))
    described = Described(
        gate=values.maybe_text("gate"),
        low=low,
        high=high,
        xs=values.numbers("xcoord"),
        ys=values.numbers("ycoord"),
    )
    try:
        area = find_area(engine, definition, described)
    except ConditionError as error:
        raise RequestFailedError(f"Could not create integration AOI: {error}") from error
    with np.errstate(over="ignore", invalid="ignore"):
        found = integrate(definition, spectrum.contents.cells, area)
    if not all(map(math.isfinite, (*found.centroid, *found.fwhm))):
        raise RequestFailedError(f"{name}: centroid or width is larger than a number can be")
    if not found.counts and flavor.empty_integral_fails:
        raise RequestFailedError("Integration area is zero")
    return plain_integral(definition, found) if flavor.short_lists else integral(found)


def _edge(axis: Axis, channel: float | None) -> float | None:
    """Return the lower edge of a channel; beyond the axis the limit goes on."""
    if channel is None:
        return None
    within = min(max(channel, -1.0), float(axis.bins))
    return axis.edge(int(within)) if within.is_integer() else axis.low + within * axis.width


HANDLERS: Handlers = {"integrate": InWorker(integrate_spectrum)}
