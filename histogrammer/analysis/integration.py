"""Integrals of spectra: counts, centroid and width of a region, in the units of the axes.

The coordinate of a bin is its lower edge; flow never counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from histogrammer.analysis.regions import Inside, channels_inside
from histogrammer.spectra.channels import Region, list_channels
from histogrammer.spectra.definition import Definition

__all__ = ["FWHM_PER_DEVIATION", "Integral", "integrate"]

FWHM_PER_DEVIATION = 2 * math.sqrt(2 * math.log(2))
"""Full width at half maximum of a normal distribution of standard deviation 1."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Integral:
    """Integral of a region.

    Attributes:
        centroid: Mean coordinate, (x, y); y is 0 in one dimension.
        fwhm: Full width at half maximum of a normal distribution of the same variance, (x, y).
        counts: Sum of the contents, its fraction cut off.
    """

    centroid: tuple[float, float]
    fwhm: tuple[float, float]
    counts: int


def integrate(
    definition: Definition, cells: Floats, region: Region | Inside | None = None
) -> Integral:
    """Return the integral of a spectrum, or of a region of it.

    A region without counts has zeros. Rustogramer's width is too small by the root of the counts.

    Args:
        definition: Definition of the spectrum.
        cells: Its cells.
        region: Limits of the lower edges, both included, or a contour around the lower-edge
            corners of a spectrum of two dimensions. None: the whole spectrum.
    """
    if region is None or isinstance(region, Region):
        channels = list_channels(definition, cells, region, flow=False)
        x, y, counts = channels.x, channels.y, channels.values
    else:
        channels = list_channels(definition, cells, flow=False)
        kept = channels_inside(channels, region)
        x, y, counts = channels.x[kept], channels.y[kept], channels.values[kept]
    counts, exponent = _scaled(counts)
    total = float(counts.sum())
    if total == 0:
        return Integral((0.0, 0.0), (0.0, 0.0), 0)
    (x_mean, x_width), (y_mean, y_width) = (_moments(at, counts, total) for at in (x, y))
    return Integral(
        (x_mean, y_mean), (x_width, y_width), int(Fraction(total) * Fraction(2) ** exponent)
    )


def _scaled(numbers: Floats) -> tuple[Floats, int]:
    """Return numbers of at most 1, and the power of two by which they were divided, so that no sum
    and no square of them is infinite, or lost below the smallest number. It changes no digit."""
    exponent = int(np.frexp(np.abs(numbers).max(initial=0.0))[1])
    return np.ldexp(numbers, -exponent), exponent


def _moments(at: Floats, counts: Floats, total: float) -> tuple[float, float]:
    """Return centroid and width. A negative variance, of negative contents, has no width."""
    at, exponent = _scaled(at)
    mean = float((counts * at).sum()) / total
    variance = float((counts * (at - mean) ** 2).sum()) / total
    width = FWHM_PER_DEVIATION * math.sqrt(max(0.0, variance))
    with np.errstate(over="ignore"):  # a width that is no number any more
        return float(np.ldexp(mean, exponent)), float(np.ldexp(width, exponent))
