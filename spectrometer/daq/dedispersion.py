"""Coherent dispersion and dedispersion of a stream: a filter over all channels by FFTs with
overlap-save.

Pure arithmetic on arrays. Of each transform the first and the last half of the overlap are spoilt
by the filter going round, and left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft

from spectrometer.derive.dispersion import filter_response, smearing

__all__ = ["OverlapSave", "Transforms", "channel_filter", "choose_transforms", "needed_overlap"]

Voltages = npt.NDArray[np.complex64]


def needed_overlap(
    dm: float, centres: npt.NDArray[np.float64], width: float, sample_time: float
) -> int:
    """Samples that a filter for the dispersion in a channel reaches over, an even number; the
    lowest channel decides.

    Args:
        dm: pc/cm3.
        centres: Of the channels, MHz.
        width: Of a channel, MHz.
        sample_time: Of a channel's samples, s.
    """
    half = max(smearing(dm, float(np.min(centres)), width)) / sample_time
    return 2 * (int(np.ceil(half)) + 1) if dm else 0


@dataclass(frozen=True, slots=True)
class Transforms:
    """Sizes of overlap-save, samples of a channel."""

    fftlen: int
    overlap: int


def choose_transforms(needed: int, wanted: Transforms, longest: int) -> Transforms:
    """Sizes that do for the voltages that there are.

    What the mode computed is for the channel width on the sky. A source with narrower channels
    needs a smaller overlap, and would take minutes to fill the mode's FFT; so the FFT is no longer
    than `longest` unless the dispersion asks for it, and no shorter than four overlaps.

    Args:
        needed: Overlap by the dispersion.
        wanted: By the mode.
        longest: Samples that may be waited for.
    """
    fftlen = max(wanted.fftlen, 16)
    while fftlen > 16 and fftlen > longest:
        fftlen //= 2
    while fftlen < 4 * needed:
        fftlen *= 2
    fits = needed <= wanted.overlap <= fftlen // 2 and wanted.overlap % 2 == 0
    return Transforms(fftlen, wanted.overlap if fits else needed)


def channel_filter(
    dm: float, centres: npt.NDArray[np.float64], width: float, fftlen: int, *, undo: bool
) -> Voltages:
    """Filter of each channel: shape (channels, fftlen), in FFT order.

    Args:
        dm: pc/cm3.
        centres: Of the channels, MHz.
        width: Of a channel, MHz; negative where the frequency falls with that of the voltages.
        fftlen: Of a transform.
        undo: Take the dispersion away, instead of bringing it in.
    """
    offsets = np.asarray(np.fft.fftfreq(fftlen), np.float64) * width
    rows = np.stack([filter_response(dm, float(centre), offsets) for centre in centres])
    # where the frequency falls, voltages are the conjugate of those where it rises, and so is their
    # filter
    return (rows.conj() if undo != (width < 0) else rows).astype(np.complex64)


class OverlapSave:
    """A filter over a stream.

    Args:
        response: Shape (channels, fftlen).
        overlap: Samples, even and less than fftlen.
    """

    def __init__(self, response: Voltages, overlap: int) -> None:
        self._response = response[:, :, None]
        self.fftlen, self.overlap = response.shape[1], overlap
        self._held: Voltages | None = None

    @property
    def held(self) -> int:
        """Samples kept from earlier calls."""
        return 0 if self._held is None else self._held.shape[1]

    def reset(self) -> None:
        """Forget the past: the next samples do not follow the last ones."""
        self._held = None

    def process(self, voltages: Voltages) -> Voltages:
        """Filter what can be.

        Args:
            voltages: Shape (channels, time, polarizations).

        Returns:
            The same shape, maybe no times; the first is `overlap / 2 - held` samples after the
            first of the call, `held` taken before it.
        """
        stream = voltages if self._held is None else np.concatenate([self._held, voltages], axis=1)
        step = self.fftlen - self.overlap
        count = max(0, (stream.shape[1] - self.overlap) // step)
        done = [
            self._transform(stream[:, at * step : at * step + self.fftlen]) for at in range(count)
        ]
        self._held = stream[:, count * step :].copy()
        return np.concatenate(done, axis=1) if done else stream[:, :0]

    def _transform(self, block: Voltages) -> Voltages:
        spectrum = scipy.fft.fft(block, axis=1)
        spectrum *= self._response
        filtered: Voltages = scipy.fft.ifft(spectrum, axis=1, overwrite_x=True)
        return filtered[:, self.overlap // 2 : self.fftlen - self.overlap // 2]
