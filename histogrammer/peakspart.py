"""Part of the Bank for analysis of peaks: net areas and fits, in the units of the axis. Nothing is kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from histogrammer.analysis.fitting import FITS, fit, parameter_errors
from histogrammer.analysis.integration import FWHM_PER_DEVIATION
from histogrammer.analysis.peaks import peak_area
from histogrammer.axes import Axis
from histogrammer.engine import Engine
from histogrammer.errors import FitError
from histogrammer.fits import MAX_CHANNELS
from zmqjsonproxy import RefusedError, query

__all__ = ["PeaksPart"]

Floats = npt.NDArray[np.float64]
T = TypeVar("T")


class PeaksPart:
    """Peaks in spectra of one dimension.

    Args:
        ask: Asks the engine something, in its thread.
    """

    def __init__(self, ask: Callable[[Callable[[Engine], Any]], Any]) -> None:
        self._ask = ask

    @query
    def net_area(self, name: str, low: float, high: float, sides: int = 0) -> dict[str, float]:
        """Return the counts of a region and those above a linear background, with errors.

        Args:
            name: Of a spectrum of one dimension.
            low: Lower limit; the bin that has it counts.
            high: Upper limit, likewise.
            sides: Bins on each side of the region that give the background; 0: there is none.

        Returns:
            counts, background, net, each with counts_error, background_error, net_error; low and high,
            edges of the bins that count.
        """
        axis, bins = self._ask(lambda engine: _channels(engine, name))
        first, last = _region(axis, low, high)
        try:
            found = peak_area(bins, first, last, int(sides))
        except FitError as error:
            raise RefusedError(f"{name:.200}: {error}") from error
        return {
            **asdict(found),
            "low": axis.low + first * axis.width,
            "high": axis.low + (last + 1) * axis.width,
        }

    @query
    def fit(self, name: str, kind: str, low: float, high: float) -> dict[str, Any]:
        """Return a fit to a region of a spectrum.

        Args:
            name: Of a spectrum of one dimension.
            kind: gaussian or linear.
            low: Lower limit; the bin that has it counts.
            high: Upper limit, likewise.

        Returns:
            kind; parameters and errors, by name, places being middles of bins in units of the axis; of a gaussian
            fwhm and area (counts), too; chisquare, degrees (of freedom); x and y, lists: the curve.
        """
        if kind not in FITS:
            raise RefusedError(f"kind is {kind!r:.80}; expected {' or '.join(sorted(FITS))}")
        axis, bins = self._ask(lambda engine: _channels(engine, name))
        first, last = _region(axis, low, high)
        if last - first >= MAX_CHANNELS:
            raise RefusedError(f"up to {MAX_CHANNELS} bins are fitted")
        numbers = np.arange(first, last + 1, dtype=np.float64)
        middles = axis.low + (numbers + 0.5) * axis.width
        x, counts = (middles if kind == "linear" else numbers), bins[first : last + 1]
        try:
            found = fit(kind, x, counts)
            errors = parameter_errors(kind, found, x, counts)
        except FitError as error:
            raise RefusedError(f"{name:.200}: {error}") from error
        chisquare = found.pop("chisquare")
        places = np.linspace(x[0], x[-1], min(4 * len(numbers), 1000))
        if kind == "gaussian":
            y = _bell(found, places)
            places = axis.low + (places + 0.5) * axis.width
            found, errors = _on_axis(axis, found, errors)
        else:
            y = found["offset"] + found["slope"] * places
        return {
            "kind": kind,
            "parameters": found,
            "errors": errors,
            "chisquare": chisquare,
            "degrees": len(numbers) - len(FITS[kind][0]),
            "x": places.tolist(),
            "y": y.tolist(),
        }


Values = dict[str, float]


def _bell(found: Values, at: Floats) -> Floats:
    """Return the curve of a gaussian."""
    return np.asarray(
        found["baseline"]
        + found["height"] * np.exp(-(((at - found["centroid"]) / found["sigma"]) ** 2) / 2)
    )


def _on_axis(axis: Axis, found: Values, errors: Values) -> tuple[Values, Values]:
    """Return parameters and errors of a gaussian, found in numbers of bins, in the units of an axis."""
    width, height, sigma = axis.width, found["height"], found["sigma"]
    area = height * sigma * math.sqrt(2 * math.pi)
    relative = math.hypot(errors["height"] / height, errors["sigma"] / sigma) if area else 0.0
    parameters = {
        "centroid": axis.low + (found["centroid"] + 0.5) * width,
        "fwhm": sigma * width * FWHM_PER_DEVIATION,
        "area": area,
        "height": height,
        "baseline": found["baseline"],
    }
    told = {
        "centroid": errors["centroid"] * width,
        "fwhm": errors["sigma"] * width * FWHM_PER_DEVIATION,
        "area": abs(area) * relative,
        "height": errors["height"],
        "baseline": errors["baseline"],
    }
    return parameters, told


def _channels(engine: Engine, name: str) -> tuple[Axis, Floats]:
    """Return the axis of a spectrum of one dimension, and its contents without flow."""
    spectrum = engine.spectrum(name)
    shown = spectrum.shown
    if shown.y_axis is not None:
        raise RefusedError(f"{name:.200} has two dimensions: peaks are looked for in one")
    return shown.x_axis, spectrum.contents.cells[1:-1].copy()


def _region(axis: Axis, low: float, high: float) -> tuple[int, int]:
    """Return the first and the last bin of a region."""
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise RefusedError(f"limits are {low!r:.40} and {high!r:.40}; expected increasing numbers")
    first = max(math.floor((low - axis.low) / axis.width), 0)
    last = min(math.floor((high - axis.low) / axis.width), axis.bins - 1)
    if first > last:
        raise RefusedError(f"the region {low:g} to {high:g} is beside the axis")
    return first, last
