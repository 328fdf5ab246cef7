"""From voltages to powers: Stokes parameters or products of the polarizations, and sums over time.
Pure arithmetic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["PRODUCTS", "TimeSum", "detect", "to_channels"]

Powers = npt.NDArray[np.float32]
Voltages = npt.NDArray[np.complex64]

PRODUCTS = {"IQUV": 4, "AABBCRCI": 4, "AA+BB": 1, "INTEN": 1}
"""POL_TYPE of PSRFITS -> how many; INTEN is that of one polarization, AA, by the name that all
readers know."""


def to_channels(spectra: Voltages) -> Voltages:
    """Spectra of coarse channels to voltages of fine ones, in the order of the band.

    Args:
        spectra: Shape (coarse, spectra, nfine, polarizations), fine channels in FFT order.

    Returns:
        Shape (coarse * nfine, spectra, polarizations).
    """
    coarse, count, nfine, polarizations = spectra.shape
    ordered = np.fft.fftshift(spectra, axes=2).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(ordered).reshape(coarse * nfine, count, polarizations)


def detect(
    voltages: Voltages, kind: str, *, is_circular: bool = False, is_conjugated: bool = False
) -> Powers:
    """Powers of voltages A and B.

    CR and CI are the real and the imaginary part of A* B, as PSRFITS has it (FD_XYPH is the phase
    of A* B) and its readers with it, of the voltages as they were on the sky. Stokes parameters of
    linear feeds: I = AA + BB, Q = AA - BB, U = 2 CR, V = 2 CI; of circular ones: I = AA + BB, Q = 2
    CR, U = 2 CI, V = AA - BB.

    Args:
        voltages: Shape (channels, time, polarizations).
        kind: One of `PRODUCTS`; all but INTEN need two polarizations.
        is_circular: A and B are circular.
        is_conjugated: The voltages are the conjugate of those on the sky, as in a band whose
            frequency falls.

    Returns:
        Shape (products, channels, time).
    """
    parts: Powers = np.square(voltages.real) + np.square(voltages.imag)
    a: Powers = parts[..., 0]
    if kind == "INTEN":
        return a[None]
    b = parts[..., 1]
    if kind == "AA+BB":
        return (a + b)[None]
    cross = voltages[..., 0].conj() * voltages[..., 1]
    real, imaginary = cross.real, -cross.imag if is_conjugated else cross.imag
    if kind == "AABBCRCI":
        return np.stack([a, b, real, imaginary])
    if is_circular:
        return np.stack([a + b, 2 * real, 2 * imaginary, a - b])
    return np.stack([a + b, a - b, 2 * real, 2 * imaginary])


class TimeSum:
    """Means of `count` times each, of a stream."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.held = 0
        """Times of earlier calls that are in no mean yet."""
        self._sum: npt.NDArray[np.float64] | float = 0.0

    def reset(self) -> None:
        """Forget the past."""
        self.held, self._sum = 0, 0.0

    def add(self, powers: Powers) -> Powers:
        """Shape (products, channels, time) to the same with fewer times; the first begins with the
        first one held."""
        missing = self.count - self.held
        if powers.shape[2] < missing:
            self._sum = self._sum + powers.sum(axis=2, dtype=np.float64)
            self.held += powers.shape[2]
            return powers[:, :, :0]
        first = (self._sum + powers[:, :, :missing].sum(axis=2, dtype=np.float64)) / self.count
        rest = powers[:, :, missing:]
        whole = rest.shape[2] // self.count
        left = rest[:, :, whole * self.count :]
        self._sum, self.held = left.sum(axis=2, dtype=np.float64), left.shape[2]
        means = (
            rest[:, :, : whole * self.count]
            .reshape(*rest.shape[:2], whole, self.count)
            .mean(axis=3)
        )
        return np.concatenate([first[:, :, None], means], axis=2, dtype=np.float32)
