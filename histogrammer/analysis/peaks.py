"""Areas of peaks above a linear background, with errors by counting. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from histogrammer.errors import FitError

__all__ = ["PeakArea", "peak_area", "peak_moments"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakArea:
    """Counts of a region; errors are standard deviations of Poisson counts.

    Attributes:
        counts: All.
        background: Of them, by the regions beside it; 0: none were taken.
        net: The rest.
    """

    counts: float
    counts_error: float
    background: float
    background_error: float
    net: float
    net_error: float


def peak_moments(bins: Floats, first: int, last: int, sides: int = 0) -> tuple[float, float, float]:
    """Return the mean of a region less its background, the error of that, and the standard deviation.

    All in numbers of bins, a bin being where its number is; NaN if nothing is above the background.

    Args:
        bins: Contents, without flow.
        first: First bin of the region.
        last: Last bin.
        sides: As of `peak_area`, which has accepted them; the background is a line through both means.
    """
    numbers = np.arange(first, last + 1, dtype=np.float64)
    counts = bins[first : last + 1]
    above = counts.copy()
    if sides:
        left, right = bins[first - sides : first].mean(), bins[last + 1 : last + 1 + sides].mean()
        middle = (sides + 1) / 2  # of either side, beyond the ends of the region
        share = (numbers - first + middle) / (last - first + 2 * middle)
        above -= left + (right - left) * share
    total = float(above.sum())
    if total <= 0:
        return math.nan, math.nan, math.nan
    mean = float(above @ numbers) / total
    variance = float(above @ (numbers - mean) ** 2) / total
    error = math.sqrt(float(np.abs(counts) @ (numbers - mean) ** 2)) / total
    return mean, error, math.sqrt(variance) if variance > 0 else math.nan


def peak_area(bins: Floats, first: int, last: int, sides: int = 0) -> PeakArea:
    """Return the area of a region of a spectrum of one dimension.

    Args:
        bins: Contents, without flow.
        first: First bin of the region.
        last: Last bin.
        sides: Bins on each side of it between whose means the background is a line; 0: no background.

    Raises:
        FitError: The region or its sides are not within the spectrum.
    """
    if not 0 <= first <= last < len(bins):
        raise FitError(
            f"bins {first} to {last}: expected increasing ones within 0 to {len(bins) - 1}"
        )
    if sides < 0 or (sides and not sides <= first <= last < len(bins) - sides):
        room = max(min(first, len(bins) - 1 - last), 0)
        raise FitError(f"{sides} bins beside the region: there is room for {room}")
    counts = float(bins[first : last + 1].sum())
    background = variance = 0.0
    if sides:
        beside = float(bins[first - sides : first].sum() + bins[last + 1 : last + 1 + sides].sum())
        share = (last - first + 1) / (2 * sides)
        background, variance = beside * share, abs(beside) * share**2
    return PeakArea(
        counts=counts,
        counts_error=math.sqrt(abs(counts)),
        background=background,
        background_error=math.sqrt(variance),
        net=counts - background,
        net_error=math.sqrt(abs(counts) + variance),
    )
