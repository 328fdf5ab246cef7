"""Polyphase filter bank and FFT: voltages of coarse channels to complex spectra of fine channels.

Pure arithmetic on arrays; knows no file and no time. Polarizations stay interleaved as they come,
so that there is no transposition: filter and FFT run along the middle axis.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import scipy.fft

from spectrometer.daq.errors import ChannelizerError
from spectrometer.daq.fir import lowpass, window_named

SpectraArray = npt.NDArray[np.complex64]
FloatArray = npt.NDArray[np.float32]


def prototype(taps: int, nfine: int, window: str = "hamming") -> FloatArray:
    """Low-pass prototype of the filter bank.

    Scaled to unit energy: for noise the mean over all channels of a spectrum's power is the mean
    power of a sample.

    Args:
        taps: Blocks of `nfine` samples that go into a spectrum; 1 or more.
        nfine: Fine channels per coarse channel; 1 only with 1 tap.
        window: As of `fir.window_named`; with 1 tap `boxcar` is the plain FFT.

    Returns:
        Shape (taps, nfine).

    Raises:
        ChannelizerError: There is no such window, or nothing to filter.
    """
    if taps == 1:
        response = window_named(window, nfine, periodic=True)
    elif nfine < 2:
        raise ChannelizerError(
            f"a filter of {taps} taps needs 2 or more fine channels, not {nfine}; or give it 1 tap"
        )
    else:
        response = lowpass(taps * nfine, 1.0 / nfine, window)
    energy = float(np.sum(np.square(response)))
    scaled: FloatArray = (response / np.sqrt(energy)).reshape(taps, nfine).astype(np.float32)
    return scaled


def reach(response: FloatArray, share: float = 0.005) -> float:
    """Return how far a spectrum reaches to either side of its middle, in samples: beyond it is this
    share of its power."""
    flat = response.ravel()
    beyond = np.cumsum(
        np.square(flat, dtype=np.float64)
    )  # before the end of each sample; as much after its mirror
    return flat.size / 2 - float(np.searchsorted(beyond, share * beyond[-1]))


def fine_channels(nchan: int, coarse: int) -> int:
    """Fine channels per coarse channel; ChannelizerError if they do not divide."""
    if nchan < 2 * coarse or nchan % coarse:
        raise ChannelizerError(
            f"NCHAN {nchan} cannot be made of the recording's {coarse} coarse channels; "
            f"expected a multiple of {coarse}, at least {2 * coarse}"
        )
    return nchan // coarse


def fit_taps(taps: int, nfine: int, samples: int, coarse: int) -> int:
    """Return how many taps a run of samples can fill, at most those wished.

    Raises:
        ChannelizerError: Not even one; the message names the largest possible NCHAN.
    """
    if samples < nfine:
        largest = 1 << (samples.bit_length() - 1)
        raise ChannelizerError(
            # a card holds no more
            f"recording too short for NCHAN {nfine * coarse}: at most {largest * coarse} "
            f"({samples} samples in one pass, {nfine} fine channels)"
        )
    return min(taps, samples // nfine)


class Channelizer:
    """Filter bank over all coarse channels and polarizations; remembers what the next samples need.

    Args:
        coarse: Coarse channels.
        polarizations: Complex polarizations.
        response: Prototype of shape (taps, nfine).
    """

    def __init__(self, coarse: int, polarizations: int, response: FloatArray) -> None:
        self.coarse, self.polarizations = coarse, polarizations
        self.taps, self.nfine = response.shape
        self._width = 2 * polarizations
        self._response = np.ascontiguousarray(np.repeat(response, self._width, axis=1), np.float32)
        self._held = 0
        self._samples: FloatArray = np.empty((coarse, 0, self._width), np.float32)
        self._filtered: FloatArray = np.empty(0, np.float32)

    @property
    def held(self) -> int:
        """Samples per channel kept from earlier calls."""
        return self._held

    def reset(self) -> None:
        """Forget the past: the next samples do not follow the last ones."""
        self._held = 0

    def process(self, samples: npt.NDArray[np.int8] | FloatArray) -> SpectraArray:
        """Take samples and return the spectra that they complete.

        Args:
            samples: Shape (coarse, time, 2 * polarizations).

        Returns:
            Shape (coarse, spectra, nfine, polarizations), maybe no spectra; fine channels in FFT
            order. Spectrum i begins `i * nfine - held` samples after the first of these samples,
            `held` taken before the call.
        """
        nfine, width, held = self.nfine, self._width, self._held
        total = held + samples.shape[1]
        if self._samples.shape[1] < total:
            longest = (self.taps + 1) * nfine + 2 * samples.shape[
                1
            ]  # by doubling, not piece by piece
            grown = np.empty((self.coarse, max(total, min(2 * total, longest)), width), np.float32)
            grown[:, :held] = self._samples[:, :held]
            self._samples = grown
        buffer = self._samples
        buffer[:, held:total] = samples
        count = max(0, total // nfine - self.taps + 1)
        shape = (self.coarse, count, nfine * width)
        needed = self.coarse * count * nfine * width
        if self._filtered.size < needed:
            self._filtered = np.empty(needed, np.float32)
        filtered = self._filtered[:needed].reshape(shape)
        if count:
            by_channel, step = buffer.strides[0], nfine * width * buffer.itemsize
            windows = np.lib.stride_tricks.as_strided(
                buffer,
                (self.coarse, count, self.taps, nfine * width),
                (by_channel, step, step, buffer.itemsize),
                writeable=False,
            )
            np.einsum("cstj,tj->csj", windows, self._response, out=filtered)
        left = total - count * nfine
        if count:
            buffer[:, :left] = buffer[:, count * nfine : total].copy()
        self._held = left
        voltages = filtered.view(np.complex64).reshape(
            self.coarse, count, nfine, self.polarizations
        )
        if not count:
            return voltages
        return cast(SpectraArray, scipy.fft.fft(voltages, axis=2, overwrite_x=True))


def sum_power(spectra: SpectraArray) -> FloatArray:
    """Sum |.|^2 over spectra: (coarse, spectra, nfine, polarizations) to (coarse, nfine,
    polarizations)."""
    coarse, count, nfine, polarizations = spectra.shape
    parts = spectra.view(np.float32).reshape(coarse, count, nfine * polarizations * 2)
    squares = np.einsum("csj,csj->cj", parts, parts)
    return cast(FloatArray, squares[:, 0::2] + squares[:, 1::2]).reshape(
        coarse, nfine, polarizations
    )


def sum_cross(spectra: SpectraArray) -> SpectraArray:
    """Sum X Y* over the spectra: shape (coarse, nfine)."""
    return cast(SpectraArray, np.einsum("csj,csj->cj", spectra[..., 0], spectra[..., 1].conj()))
