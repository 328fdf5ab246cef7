"""Delay and fringe rate in the visibilities of a baseline, by their two-dimensional transform. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Fringe", "find_fringe", "lag_spectrum"]

FINER = 8
"""Lags between those that the channels give."""


@dataclass(frozen=True, slots=True)
class Fringe:
    """The strongest fringe.

    Attributes:
        delay_s: By how much the second station is later than the first.
        rate_hz: Turns per second by which its phase grows.
        snr: Peak over the root mean square of all delays and rates far from it.
    """

    delay_s: float
    rate_hz: float
    snr: float


def find_fringe(visibilities: npt.ArrayLike, *, width_hz: float, integration_s: float) -> Fringe:
    """Find the strongest fringe of a baseline; it is finer than one lag, which is 1 / `width_hz`.

    Args:
        visibilities: Shape (integrations, channels), frequencies rising; first times the conjugate of
            second.
        width_hz: Of the band.
        integration_s: From one integration to the next.
    """
    data = np.asarray(visibilities, np.complex128)
    times, channels = data.shape
    shape = (FINER * times, FINER * channels)
    plane = np.abs(np.fft.fft2(data, shape))  # later by d: turns forward by d over the channels
    peak_rate, peak_delay = np.unravel_index(plane.argmax(), plane.shape)
    delay = _between(plane[peak_rate], int(peak_delay)) / shape[1] * channels / width_hz
    rate = _between(plane[:, peak_delay], int(peak_rate)) / shape[0] / integration_s
    far = plane[:, np.abs(_signed(np.arange(shape[1]) - peak_delay, shape[1])) > shape[1] // 8]
    noise = float(np.sqrt(np.mean(np.square(far))))
    top = float(plane[peak_rate, peak_delay])
    return Fringe(float(delay), float(rate), top / noise if noise else 0.0)


def lag_spectrum(
    spectrum: npt.ArrayLike, *, width_hz: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return delays (s) in rising order, and the magnitude of the lags there, `FINER` for each
    channel."""
    channels = np.asarray(spectrum, np.complex128)
    count = FINER * len(channels)
    lags = np.abs(np.fft.fftshift(np.fft.fft(channels, count)))
    delays = (np.arange(count) - count // 2) / (FINER * width_hz)
    return delays, lags


def _between(row: npt.NDArray[np.float64], peak: int) -> float:
    """Signed index of a maximum, to a part of a step by a parabola."""
    before, at, after = row[peak - 1], row[peak], row[(peak + 1) % len(row)]
    bend = before - 2 * at + after
    part = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(_signed(np.array(peak), len(row))) + float(part)


def _signed(index: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    return (index + count // 2) % count - count // 2
