"""The band of voltages: what a spectrum's frequency axis is made of. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["SAME", "RecordedBand"]

SAME = 1e-6
"""Bandwidths that differ by less, relatively, are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedBand:
    """Complex voltages of coarse channels side by side."""

    channels: int
    """Coarse channels."""
    polarizations: int
    """1 or 2."""
    sample_time: float
    """Seconds between two complex samples of a coarse channel."""
    center_frequency: float
    """MHz."""
    bandwidth: float
    """MHz, as found; negative where the frequency falls with the channel number."""

    @property
    def coarse_width(self) -> float:
        """Width of a coarse channel in Hz by the sample time, with the sign of the band."""
        return (-1.0 if self.bandwidth < 0 else 1.0) / self.sample_time

    @property
    def true_bandwidth(self) -> float:
        """MHz, as found unless the sample time contradicts it, which wins."""
        by_time = self.coarse_width * self.channels / 1e6
        return self.bandwidth if abs(self.bandwidth - by_time) <= SAME * abs(by_time) else by_time

    @property
    def is_conjugated(self) -> bool:
        """The frequency falls with the channel number: voltages are the conjugate of those on the
        sky."""
        return self.bandwidth < 0

    @property
    def lower_edge(self) -> float:
        """Hz at the outer edge of the first coarse channel."""
        return self.center_frequency * 1e6 - self.coarse_width * self.channels / 2

    def first_channel(self, nfine: int) -> float:
        """Hz, middle of the first channel where each coarse one is divided into `nfine` by an FFT
        and put in order.

        The middle of a coarse channel is that of fine channel `nfine // 2`: the first one is at the
        band's edge if `nfine` is even, and half a channel from it if it is odd.
        """
        return self.lower_edge + self.coarse_width * (0.5 - nfine // 2 / nfine)

    def frequencies(self, nfine: int) -> npt.NDArray[np.float64]:
        """Middle of each channel in MHz, divided as of `first_channel`."""
        steps = np.arange(self.channels * nfine) / nfine
        frequencies: npt.NDArray[np.float64] = (
            self.first_channel(nfine) + self.coarse_width * steps
        ) / 1e6
        return frequencies
