"""Part of the Bank for analysis of peaks: net areas and fits, in the units of the axis. Nothing is kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from histogrammer.analysis.fitting import FITS, fit, parameter_errors
from histogrammer.analysis.integration import FWHM_PER_DEVIATION
from histogrammer.analysis.peaks import peak_area, peak_moments
from histogrammer.axes import Axis
from histogrammer.engine import Engine
from histogrammer.errors import FitError
from histogrammer.fits import MAX_CHANNELS
from zmqjsonproxy import RefusedError, query

__all__ = ["PeaksPart"]

MAX_RESIDUALS = 4096
"""Bins of a fit up to which residuals are told."""

Floats = npt.NDArray[np.float64]


class PeaksPart:
    """Peaks in spectra of one dimension.

    Args:
        ask: Asks the engine something, in its thread.
    """

    def __init__(self, ask: Callable[[Callable[[Engine], Any]], Any]) -> None:
        self._ask = ask

    @query
    def net_area(
        self, name: str, low: float, high: float, sides: int = 0
    ) -> dict[str, float | None]:
        """Return the counts of a region and those above a linear background, with errors.

        Args:
            name: Of a spectrum of one dimension.
            low: Lower limit; the bin that has it counts.
            high: Upper limit, likewise.
            sides: Bins on each side of the region that give the background; 0: there is none.

        Returns:
            counts, background, net, each with counts_error, background_error, net_error; low and high,
            edges of the bins that count; centroid, centroid_error and fwhm (of a normal distribution of the same
            variance) of what is above the background, places being middles of bins; None: nothing is.
        """
        axis, bins = self._ask(lambda engine: _channels(engine, name))
        first, last = axis.between(low, high)
        try:
            found = peak_area(bins, first, last, int(sides))
        except FitError as error:
            raise RefusedError(f"{name:.200}: {error}") from error
        mean, spread, deviation = peak_moments(bins, first, last, int(sides))
        return {
            **asdict(found),
            "centroid": _told(axis.low + (mean + 0.5) * axis.width),
            "centroid_error": _told(spread * axis.width),
            "fwhm": _told(deviation * axis.width * FWHM_PER_DEVIATION),
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
            fwhm and area (counts), too; chisquare, degrees (of freedom); x and y, lists: the curve; at and residuals,
            lists: middles of bins, and contents less the curve there, in standard deviations of the contents,
            empty if there are more than 4096 bins.
        """
        if kind not in FITS:
            raise RefusedError(f"kind is {kind!r:.80}; expected {' or '.join(sorted(FITS))}")
        axis, bins = self._ask(lambda engine: _channels(engine, name))
        first, last = axis.between(low, high)
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
        curve = partial(_bell if kind == "gaussian" else _line, found)
        rest = (counts - curve(x)) / np.sqrt(np.maximum(counts, 1.0))
        has_rest = len(numbers) <= MAX_RESIDUALS
        places = np.linspace(x[0], x[-1], min(4 * len(numbers), 1000))
        y = curve(places)
        if kind == "gaussian":
            places = axis.low + (places + 0.5) * axis.width
            found, errors = _on_axis(axis, found, errors)
        return {
            "kind": kind,
            "parameters": found,
            "errors": errors,
            "chisquare": chisquare,
            "degrees": len(numbers) - len(FITS[kind][0]),
            "x": places.tolist(),
            "y": y.tolist(),
            "at": middles.tolist() if has_rest else [],
            "residuals": rest.tolist() if has_rest else [],
        }


Values = dict[str, float]


def _bell(found: Values, at: Floats) -> Floats:
    """Return the curve of a gaussian."""
    return np.asarray(
        found["baseline"]
        + found["height"] * np.exp(-(((at - found["centroid"]) / found["sigma"]) ** 2) / 2)
    )


def _line(found: Values, at: Floats) -> Floats:
    """Return the curve of a line."""
    return np.asarray(found["offset"] + found["slope"] * at)


def _told(number: float) -> float | None:
    return number if math.isfinite(number) else None


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
