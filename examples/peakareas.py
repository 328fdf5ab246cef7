"""Areas of peaks by sums: what is in a peak's region, less what the regions beside it have."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SIGMAS_PER_FWHM = 2 * math.sqrt(2 * math.log(2))
HALF_REGION, GAP = 4.0, 1.0
"""Standard deviations of a peak: half of its region, and the gap to the regions beside it."""

Counts = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Area:
    """Area of a peak.

    Attributes:
        counts: Counts in its region, less the background.
        sigma: Standard deviation of the background that was taken away: what `counts` may differ by
            from the number of events that truly are in the peak.
    """

    counts: float
    sigma: float

    def pull(self, true: float) -> float:
        """Return by how many standard deviations it is off."""
        return (self.counts - true) / self.sigma


def peak_area(counts: Counts, low: float, bin_width: float, *, energy: float, fwhm: float) -> Area:
    """Return the area of a peak of known place and width, on a background that is a straight line.

    Args:
        counts: Contents of a spectrum, shape (bins,).
        low: Lower edge of its first bin, in the units of `energy`.
        bin_width: In these units.
        energy: Middle of the peak.
        fwhm: Its full width at half maximum.
    """
    deviation = fwhm / SIGMAS_PER_FWHM
    first = math.floor((energy - HALF_REGION * deviation - low) / bin_width)
    end = math.ceil((energy + HALF_REGION * deviation - low) / bin_width)
    gap, bins = math.ceil(GAP * deviation / bin_width), end - first
    beside = counts[first - gap - bins : first - gap].sum() + counts[end + gap :][:bins].sum()
    background = beside / 2
    # Poisson: of the background below the peak, and of the mean of two regions that are as wide.
    sigma = math.sqrt(max(background + beside / 4, 1.0))
    return Area(float(counts[first:end].sum() - background), sigma)
