"""The request `integrate`."""

from __future__ import annotations

import math

import numpy as np

from histogrammer.analysis.integration import integrate
from histogrammer.areas import Described, find_area
from histogrammer.engine import Engine
from histogrammer.errors import ConditionError, RequestFailedError
from histogrammer.rest.handlers.calls import Handlers, InWorker
from histogrammer.rest.protocol.answers import IntegralObject, integral
from histogrammer.rest.protocol.values import Values

__all__ = ["HANDLERS"]


def integrate_spectrum(engine: Engine, values: Values) -> IntegralObject:
    """Return the integral of a spectrum, or of a region of it."""
    name = values.text("spectrum")
    spectrum = engine.find_spectrum(name)
    if spectrum is None:
        raise RequestFailedError(
            f"{name} either does not exist or is a pattern with more than one match"
        )
    definition = spectrum.shown
    described = Described(
        gate=values.maybe_text("gate"),
        low=values.number("low"),
        high=values.number("high"),
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
    return integral(found)


HANDLERS: Handlers = {"integrate": InWorker(integrate_spectrum)}
