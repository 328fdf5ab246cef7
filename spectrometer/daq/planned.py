"""Numbers of integrations, samples and blocks that a scan without losses holds. Pure arithmetic on
positions.

They are compared with what was recorded, so they are exact: places in time are those of
`accumulator` and `folding`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spectrometer.daq.accumulator import DoubleArray, IntArray, StateCycle, integrations_at
from spectrometer.daq.folding import subintegrations_at

__all__ = ["PlannedSpectra", "spectra_of", "subintegrations_of"]

MAX_SPECTRA = 1 << 23
"""Looked at one by one, where states are switched: about half a second."""
AT_ONCE = 1 << 18
ENDLESS = 1 << 62


def spectra_of(samples: int, taps: int, nfine: int) -> int:
    """Spectra that a filter bank makes of consecutive samples."""
    return max(0, samples // nfine - taps + 1)


def subintegrations_of(samples: int, sample_time: float, fold_time: float) -> int:
    """Sub-integrations with at least one of consecutive samples."""
    if sample_time >= fold_time or not samples:
        return samples
    return int(subintegrations_at(np.array([samples - 1]), sample_time, fold_time)[0]) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSpectra:
    """Spectra of a scan, by their place in it; the filter begins anew with each pass through the
    source.

    Attributes:
        cycle: The switching states.
        integration_samples: Length of an integration, samples.
        rate: Samples per second.
        taps: Of the filter bank.
        nfine: Samples from one spectrum to the next.
        reach: Samples that a spectrum reaches to either side of its middle.
        pass_samples: Samples of a pass; 0: the source has no end.
    """

    cycle: StateCycle
    integration_samples: float
    rate: float
    taps: int
    nfine: int
    reach: float
    pass_samples: int

    def integrations(self, samples: int) -> int:
        """Integrations with at least one spectrum that is of a single state, in so many samples of
        a scan."""
        per_pass = self._per_pass
        passes, rest = divmod(samples, self.pass_samples) if self.pass_samples else (0, samples)
        count = passes * per_pass + spectra_of(rest, self.taps, self.nfine)
        if not count:
            return 0
        is_switched = len(self.cycle.starts) > 1 or any(self.cycle.blanking)
        if is_switched and count <= MAX_SPECTRA:
            return self._pure(0, count)
        first, last = self._number(0), self._number(count - 1)
        found = last - first + 1
        # an integration is no shorter than from one spectrum to the next; from one pass to the next
        # it may be
        if (
            self.pass_samples - (per_pass - 1) * self.nfine > self.integration_samples
            and passes <= MAX_SPECTRA
        ):
            begins = np.arange(0, count, per_pass)
            firsts = self._numbers(self._middles(begins))
            lasts = self._numbers(self._middles(np.minimum(begins + per_pass, count) - 1))
            found = int((lasts - firsts + 1).sum() - (firsts[1:] == lasts[:-1]).sum())
        if (
            is_switched
        ):  # inside a long scan every integration has a pure one; at its ends it may not
            longest = min(int(self.integration_samples / self.nfine) + 2, count)
            found -= not self._pure(0, longest, only=first)
            found -= first < last and not self._pure(count - longest, count, only=last)
        return found

    @property
    def _per_pass(self) -> int:
        return (
            spectra_of(self.pass_samples, self.taps, self.nfine) if self.pass_samples else ENDLESS
        )

    def _middles(self, spectra: IntArray) -> DoubleArray:
        passes, places = np.divmod(spectra, self._per_pass)
        middles: DoubleArray = passes * self.pass_samples + (places + self.taps / 2) * self.nfine
        return middles

    def _number(self, spectrum: int) -> int:
        return int(self._numbers(self._middles(np.array([spectrum])))[0])

    def _numbers(self, middles: DoubleArray) -> IntArray:
        return integrations_at(middles, self.integration_samples)

    def _pure(self, begin: int, end: int, only: int | None = None) -> int:
        """Return how many integrations have a pure spectrum among these; or whether a certain one
        has."""
        found, before = 0, -1
        for numbers in self._pure_numbers(begin, end):
            chosen = numbers if only is None else numbers[numbers == only]
            if chosen.size:
                found += int(np.count_nonzero(np.diff(chosen))) + (int(chosen[0]) != before)
                before = int(chosen[-1])
        return found

    def _pure_numbers(self, begin: int, end: int) -> Iterator[IntArray]:
        for at in range(begin, end, AT_ONCE):
            middles = self._middles(np.arange(at, min(at + AT_ONCE, end)))
            states = self.cycle.states_at(middles / self.rate, self.reach / self.rate)
            yield self._numbers(middles)[states >= 0]
