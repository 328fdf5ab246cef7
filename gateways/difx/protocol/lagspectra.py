"""Arithmetic of the live monitor: amplitude, phase, lags and their peak, means over a scan.

Numbers that come out are finite; a spectrum of nothing has no peak, and a signal-to-noise ratio of 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "LARGEST_FFT",
    "SMALLEST_FFT",
    "LagSpectrum",
    "Means",
    "amplitudes",
    "averaged",
    "fft_size",
    "lag_spectrum",
    "nearest_fft_size",
    "phases",
]

Spectrum = npt.NDArray[np.complexfloating]
FloatArray = npt.NDArray[np.float64]

SMALLEST_FFT, LARGEST_FFT = 2, 65536
_AROUND_PEAK = 20
"""Lags within a 20th of all to both sides of the peak are no noise."""


@dataclass(frozen=True, slots=True)
class LagSpectrum:
    """Lags of a spectrum.

    Attributes:
        peak: Index of the largest, in the order of the transform.
        delay_us: Delay of the peak, microseconds.
        snr: The peak by the standard deviation of the lags away from it; 0: there is no noise.
        magnitudes: Shape (N,), negative lags first.
    """

    peak: int
    delay_us: float
    snr: float
    magnitudes: FloatArray


def nearest_fft_size(wanted: int) -> int:
    """Return the power of two from 2 to 65536 that is nearest; of two the larger."""
    size = min(max(wanted, SMALLEST_FFT), LARGEST_FFT)
    below = 1 << (size.bit_length() - 1)
    return 2 * below if 2 * (size - below) >= below else below


def fft_size(wanted: int, channels: int) -> int:
    """Return the number of lags of a spectrum: as wanted, and enough for its channels."""
    return max(wanted, 2 * channels)


def amplitudes(spectrum: Spectrum) -> FloatArray:
    """Return the magnitude of each channel."""
    with np.errstate(over="ignore"):
        return _finite(np.abs(_finite_channels(spectrum)))


def phases(spectrum: Spectrum) -> FloatArray:
    """Return the phase of each channel, degrees, -180 to 180."""
    return _finite(np.degrees(np.angle(_finite_channels(spectrum))))


def lag_spectrum(spectrum: Spectrum, size: int, bandwidth_mhz: float) -> LagSpectrum:
    """Transform a spectrum to lags.

    Args:
        spectrum: Shape (n,).
        size: Number of lags N, even, at least 2 n.
        bandwidth_mhz: Of the n channels.
    """
    channels, half = len(spectrum), size // 2
    with np.errstate(over="ignore", invalid="ignore"):
        lags = _finite(np.fft.irfft(_finite_channels(spectrum), size) * size)
    magnitudes = np.abs(lags)
    peak = int(np.argmax(magnitudes))
    signed = peak - size if peak > half else peak
    delay = signed / (2 * bandwidth_mhz) * (2 * channels / size) if bandwidth_mhz > 0 else 0.0
    return LagSpectrum(
        peak,
        delay,
        _signal_to_noise(lags, peak),
        np.concatenate((magnitudes[half:], magnitudes[:half])),
    )


def _signal_to_noise(lags: FloatArray, peak: int) -> float:
    size = len(lags)
    distance = np.abs(np.arange(size) - peak)
    away = lags[np.minimum(distance, size - distance) > size / _AROUND_PEAK]
    noise = float(np.std(away)) if len(away) else 0.0
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        ratio = np.abs(lags[peak]) / np.float64(noise)
    return float(ratio) if noise > 0 and np.isfinite(ratio) else 0.0


def averaged(spectrum: Spectrum, most: int) -> Spectrum:
    """Return a spectrum of at most so many channels, each the mean of as many adjacent ones; what is
    left over at its end is left out.

    Args:
        spectrum: Shape (..., n).
        most: Channels.
    """
    channels = spectrum.shape[-1]
    together = -(-channels // most)
    if together == 1:
        return spectrum
    count = channels // together
    cut = spectrum[..., : count * together]
    means: Spectrum = cut.reshape(*cut.shape[:-1], count, together).mean(axis=-1)
    return means


class Means:
    """Means of several spectra over a scan, each of its own.

    Attributes:
        count: Integrations that they are of.
    """

    def __init__(self) -> None:
        self.count = 0
        self._sums: list[npt.NDArray[np.complex128]] = []

    def clear(self) -> None:
        """Begin anew: another scan has begun."""
        self.count, self._sums = 0, []

    def add(self, spectra: Sequence[Spectrum]) -> tuple[npt.NDArray[np.complex128], ...]:
        """Add an integration; return the means with it."""
        finite = [_finite_channels(spectrum) for spectrum in spectra]
        self._sums = (
            [a + b for a, b in zip(self._sums, finite, strict=True)] if self.count else finite
        )
        self.count += 1
        return tuple(one / self.count for one in self._sums)


def _finite_channels(spectrum: Spectrum) -> npt.NDArray[np.complex128]:
    return np.nan_to_num(spectrum.astype(np.complex128), nan=0.0, posinf=0.0, neginf=0.0)


def _finite(values: FloatArray) -> FloatArray:
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
