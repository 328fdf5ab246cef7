"""Dispersion by free electrons: delays and filters. Frequencies are MHz, times s, dispersion
measures pc/cm3."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["DISPERSION_S", "delays", "filter_response", "smearing"]

DISPERSION_S = 1.0 / 2.41e-4
"""Delay in s at 1 MHz for 1 pc/cm3; the rounded constant of pulsar work (Manchester & Taylor
1972)."""


def delays(dm: float, frequencies: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Delay against infinite frequency, s; frequencies in MHz."""
    return DISPERSION_S * dm / np.square(np.asarray(frequencies, np.float64))


def smearing(dm: float, centre: float, width: float) -> tuple[float, float]:
    """Return how much later than the middle of a channel its lower edge comes, and how much earlier
    its upper one, s.

    Args:
        dm: pc/cm3.
        centre: MHz.
        width: MHz, any sign; less than twice the centre.
    """
    low, middle, high = delays(dm, [centre - abs(width) / 2, centre, centre + abs(width) / 2])
    return float(low - middle), float(middle - high)


def filter_response(
    dm: float, centre: float, offsets: npt.NDArray[np.float64]
) -> npt.NDArray[np.complex128]:
    """Return what dispersion does to complex voltages of a channel, relative to its middle.

    H = exp(2 pi i K dm x^2 / (f^2 (f + x))), Hankins & Rickett 1975; its conjugate takes the
    dispersion away. The delay at an offset is that against the middle, `delays(dm, f + x) -
    delays(dm, f)`.

    Args:
        dm: pc/cm3.
        centre: f, MHz.
        offsets: x, frequency on the sky less f, MHz.
    """
    turns = DISPERSION_S * 1e6 * dm * np.square(offsets) / (centre**2 * (centre + offsets))
    return np.exp(2j * np.pi * np.mod(turns, 1.0))
