"""Folding: powers of many turns of a pulsar, summed by the phase at which they came. Pure
arithmetic on arrays.

All channels are folded with one phase. Dispersion stays in the profiles: a reader takes it away by
DM and DAT_FREQ, and a shift that was made here would have to be told in a way that all readers
understand, which there is not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Folder", "Spin", "first_sample", "subintegrations_at"]

Powers = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spin:
    """Phase of a pulsar through a scan: turns at its start, Hz, Hz/s."""

    phase: float
    frequency: float
    change: float = 0.0

    def at(self, times: Doubles) -> Doubles:
        """Turns at times (s since the start of the scan)."""
        turns: Doubles = self.phase + times * (self.frequency + 0.5 * self.change * times)
        return turns

    def frequency_at(self, time: float) -> float:
        """Turns per second at a time, Hz."""
        return self.frequency + self.change * time

    def last_zero(self, time: float) -> float:
        """The last moment of phase 0 that is not after a time; s since the start of the scan."""
        moment, turns = time, float(np.floor(self.at(np.array(time))))
        for _ in range(3):  # Newton: the frequency hardly changes within a turn
            moment -= (float(self.at(np.array(moment))) - turns) / self.frequency_at(moment)
        return moment


def subintegrations_at(
    samples: npt.NDArray[np.int64], sample_time: float, fold_time: float
) -> npt.NDArray[np.int64]:
    """Sub-integration that the middle of each sample is in; samples are counted from the first."""
    numbers: npt.NDArray[np.int64] = np.floor((samples + 0.5) * (sample_time / fold_time)).astype(
        np.int64
    )
    return numbers


def first_sample(number: int, sample_time: float, fold_time: float) -> int:
    """First sample of a sub-integration, by `subintegrations_at`; of the next one if it has
    none."""
    near = math.ceil(number * (fold_time / sample_time) - 0.5) + np.arange(
        -1, 2
    )  # rounding may be off by one
    return int(near[np.searchsorted(subintegrations_at(near, sample_time, fold_time), number)])


class Folder:
    """Profiles of one sub-integration.

    Args:
        products: Products of the polarizations.
        channels: Their channels.
        nbin: Bins of a turn.
        spin: The pulsar.
    """

    def __init__(self, products: int, channels: int, nbin: int, spin: Spin) -> None:
        self._products, self._channels, self.nbin, self._spin = products, channels, nbin, spin
        self._rows = np.arange(channels)[:, None] * nbin
        self._sums: Doubles = np.zeros((products, channels * nbin))
        self._counts: Doubles = np.zeros(channels * nbin)
        self.samples = 0
        """Times that were folded."""

    def add(self, powers: Powers, times: Doubles) -> None:
        """Fold.

        Args:
            powers: Shape (products, channels, time).
            times: Middle of each, s since the start of the scan, at the telescope.
        """
        bins = (np.mod(self._spin.at(times), 1.0) * self.nbin).astype(np.int64)
        places = (np.minimum(bins, self.nbin - 1)[None, :] + self._rows).ravel()
        size = self._counts.size
        self._counts += np.bincount(places, minlength=size)
        for product, values in enumerate(powers):
            self._sums[product] += np.bincount(places, values.ravel(), minlength=size)
        self.samples += len(times)

    def take(self) -> Doubles:
        """Mean profiles, shape (products, channels, nbin); begins anew. An empty bin gets its
        channel's mean."""
        shape = (self._products, self._channels, self.nbin)
        counts = self._counts.reshape(shape[1:])
        sums = self._sums.reshape(shape)
        means = sums.sum(axis=2) / np.maximum(counts.sum(axis=1), 1)
        profiles = np.where(counts > 0, sums / np.maximum(counts, 1), means[:, :, None])
        self._sums[:], self._counts[:], self.samples = 0.0, 0.0, 0
        return profiles
