"""Delay of a station as a polynomial of time. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Delay", "Floats"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Delay:
    """Delay of a wavefront behind the reference.

    Attributes:
        coefficients: Microseconds, microseconds per second, ...; time counts from the begin of the
            scan.
    """

    coefficients: tuple[float, ...] = (0.0,)

    def seconds(self, times: Floats) -> Floats:
        """Return the delay of wavefronts that pass the reference at these times (s)."""
        return np.asarray(
            1e-6 * np.polynomial.polynomial.polyval(times, np.asarray(self.coefficients)),
            np.float64,
        )

    def rate(self, times: Floats) -> Floats:
        """Return its derivative, seconds per second."""
        slope = np.polynomial.polynomial.polyder(np.asarray(self.coefficients))
        return np.asarray(1e-6 * np.polynomial.polynomial.polyval(times, slope), np.float64)

    def at_station(self, arrivals: Floats) -> Floats:
        """Return the delay of wavefronts that arrive at the station at these times (s)."""
        delay = self.seconds(arrivals)
        for _ in range(3):  # each time nearer by a factor of the rate, which is far below 1e-3
            delay = self.seconds(arrivals - delay)
        return delay

    def __sub__(self, other: Delay) -> Delay:
        """Return the difference of two delays."""
        difference = np.polynomial.polynomial.polysub(
            np.asarray(self.coefficients), np.asarray(other.coefficients)
        )
        return Delay(tuple(float(each) for each in difference))
