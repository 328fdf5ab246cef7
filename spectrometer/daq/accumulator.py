"""Sums of spectra per switching state and integration. Pure arithmetic: time is a position in the
replay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spectrometer.daq.channelizer import SpectraArray, sum_cross, sum_power

DoubleArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SAME = 1e-9
"""Of an integration: a spectrum that is so close to its end begins the next one, as it would
without rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCycle:
    """The switching states of a scan, in the order of their phases."""

    period: float = 1.0
    """Seconds."""
    starts: tuple[float, ...] = (0.0,)
    """Start of each state as a fraction of the period; ascending, the first 0."""
    cal: tuple[int, ...] = (0,)
    sig_ref: tuple[int, ...] = (0,)
    blanking: tuple[float, ...] = (0.0,)
    """Seconds at the start of each state that belong to none."""

    @property
    def shortest(self) -> tuple[int, float]:
        """Number and length of the shortest state, without its blanking, s."""
        lengths = np.diff(np.asarray(self.starts), append=1.0) * self.period - np.asarray(
            self.blanking
        )
        return int(lengths.argmin()), float(lengths.min())

    def phases_at(self, times: DoubleArray) -> IntArray:
        """State number at each time (s from the start of the scan), blanked or not."""
        if len(self.starts) == 1:
            return np.zeros(len(times), np.int64)
        phase = np.mod(times / self.period, 1.0)
        states = np.maximum(np.searchsorted(np.asarray(self.starts), phase, side="right") - 1, 0)
        return states.astype(np.int64)

    def states_at(self, times: DoubleArray, reach: float = 0.0) -> IntArray:
        """State number of spectra with these middles (s from the start of the scan); -1 for what
        belongs to none.

        Args:
            times: Shape (n,).
            reach: So far a spectrum reaches to either side of its middle, s: one that reaches into
                the blanking or into another state is of both.
        """
        states = self.phases_at(times)
        if len(self.starts) == 1:
            reach = 0.0  # nothing is switched
        if not any(self.blanking) and not reach:
            return states
        starts, blanking = np.asarray(self.starts), np.asarray(self.blanking)
        lasts = np.diff(starts, append=1.0) * self.period
        since = (np.mod(times / self.period, 1.0) - starts[states]) * self.period
        is_pure = (since >= (blanking + reach)[states]) & (since < (lasts - reach)[states])
        return np.where(is_pure, states, -1).astype(np.int64)


def integrations_at(positions: DoubleArray, integration_samples: float) -> IntArray:
    """Integration number of spectra with these middles, in samples since the start of the scan."""
    return np.floor(positions / integration_samples + SAME).astype(np.int64)


@dataclass(frozen=True, slots=True)
class StateSum:
    """Sum that one integration gathered in one switching state."""

    integration: int
    state: int
    spectra: int
    middle: float
    """Mean of the middles of all spectra of the integration, of all states: samples since the start
    of the scan."""
    mean: DoubleArray
    """Shape (products, channels): mean power per spectrum, channels in the order of the recording's
    band."""


class Accumulator:
    """Sums spectra and hands out every integration that is over.

    Args:
        cycle: The switching states.
        coarse: Coarse channels.
        nfine: Fine channels in each.
        polarizations: 1 or 2.
        cross: Also the real and the imaginary part of X Y*.
        integration_samples: Length of an integration in replayed samples.
        step: Samples from one spectrum to the next; None: `nfine`.
        reach: Samples that a spectrum reaches to either side of its middle, see
            `channelizer.reach`.
        is_conjugated: The voltages are the conjugate of those on the sky; X Y* is made of the
            latter.
    """

    def __init__(
        self,
        cycle: StateCycle,
        *,
        coarse: int,
        nfine: int,
        polarizations: int,
        cross: bool,
        integration_samples: float,
        step: int | None = None,
        reach: float = 0.0,
        is_conjugated: bool = False,
    ) -> None:
        self.cycle = cycle
        self._is_conjugated = is_conjugated
        self._coarse, self._nfine, self._polarizations = coarse, nfine, polarizations
        self._cross = cross and polarizations == 2
        self._integration_samples = integration_samples
        self._step, self._reach = step or nfine, reach
        states, products = len(cycle.starts), self.products
        self._sums = np.zeros((states, products, coarse, nfine), np.float64)
        self._counts = [0] * states
        self._integration = 0
        self._places = 0.0  # sum of the spectra's middles since the integration's beginning
        self.total: DoubleArray = np.zeros((coarse, nfine), np.float64)
        """Power of all finished integrations, all states and polarizations, in FFT order."""

    @property
    def products(self) -> int:
        """Rows per state: the polarizations, and two for the cross product."""
        return self._polarizations + (2 if self._cross else 0)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the products."""
        return (
            ("XX", "YY", "REXY", "IMXY")[: self.products] if self._polarizations == 2 else ("XX",)
        )

    def add(self, spectra: SpectraArray, first_sample: float, rate: float) -> list[StateSum]:
        """Take spectra into account.

        Args:
            spectra: As `Channelizer.process` returns them.
            first_sample: Position of the middle of the first one, in samples since the start of the
                scan.
            rate: Replayed samples per second.

        Returns:
            The integrations that these spectra show to be over.
        """
        count = spectra.shape[1]
        if not count:
            return []
        positions = first_sample + self._step * np.arange(count, dtype=np.float64)
        integrations = integrations_at(positions, self._integration_samples)
        states = self.cycle.states_at(positions / rate, self._reach / rate)
        changes = np.flatnonzero((np.diff(integrations) != 0) | (np.diff(states) != 0)) + 1
        finished: list[StateSum] = []
        begin = 0
        for end in (*changes.tolist(), count):
            integration, state = int(integrations[begin]), int(states[begin])
            if integration != self._integration:
                finished += self.finish()
                self._integration = integration
            if state >= 0:
                self._places += float(
                    (positions[begin:end] - integration * self._integration_samples).sum()
                )
                self._sum(state, spectra[:, begin:end])
            begin = end
        return finished

    def _sum(self, state: int, spectra: SpectraArray) -> None:
        power = sum_power(spectra)
        for polarization in range(self._polarizations):
            self._sums[state, polarization] += power[:, :, polarization]
        if self._cross:
            cross = sum_cross(spectra)
            self._sums[state, 2] += cross.real
            self._sums[state, 3] += -cross.imag if self._is_conjugated else cross.imag
        self._counts[state] += spectra.shape[1]

    def finish(self) -> list[StateSum]:
        """End the present integration; states without a spectrum are left out."""
        done: list[StateSum] = []
        middle = self._integration * self._integration_samples + self._places / max(
            sum(self._counts), 1
        )
        for state, count in enumerate(self._counts):
            if count:
                sums = self._sums[state]
                self.total += sums[: self._polarizations].sum(axis=0)
                done.append(
                    StateSum(self._integration, state, count, middle, in_band_order(sums) / count)
                )
        self._sums[:], self._places = 0.0, 0.0
        self._counts = [0] * len(self._counts)
        return done

    def peak_channel(self) -> int:
        """Channel (from 0, in band order) with the most power in all finished integrations."""
        return int(np.argmax(in_band_order(self.total)))


def in_band_order(spectra: DoubleArray) -> DoubleArray:
    """Join (..., coarse, nfine) in FFT order to (..., channels), each coarse one from its lower
    edge up."""
    shifted = np.fft.fftshift(spectra, axes=-1)
    return shifted.reshape(*spectra.shape[:-2], -1)
