"""FX correlation of one integration: spectra of stations, delays taken out, and their products. No files.

A station's samples are taken where the wavefronts of a frame of the reference are, to the next whole
sample; the phase of the delay at the middle of the band is turned back sample by sample; the rest of a
sample is a slope of phase over the spectrum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from correlator.delays import Delay
from correlator.voltages import Band, Voltages

__all__ = ["Antenna", "Correlated", "Correlator", "Input", "Pair", "pairs_of"]

MAX_SAMPLES = 1 << 17
"""Of all bands of a station that are transformed at once."""

Spectra = npt.NDArray[np.complex64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Antenna:
    """A station as the correlator sees it.

    Attributes:
        name: Of the station.
        voltages: Of all its bands.
        delay: Its model.
        late_s: Time of its first sample after the begin of the scan.
    """

    name: str
    voltages: Voltages
    delay: Delay
    late_s: float = 0.0


@dataclass(frozen=True, slots=True, order=True)
class Input:
    """One stream: a band and a polarization of a station, by their numbers."""

    station: int
    band: int
    polarization: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Two streams of the same band that are multiplied: first times the conjugate of second.

    Attributes:
        band: Frequencies of both.
        first: First stream.
        second: Second stream; of the same station in an autocorrelation.
    """

    band: Band
    first: Input
    second: Input

    @property
    def polarization(self) -> int:
        """0 to 3: XX, XY, YX, YY."""
        return 2 * self.first.polarization + self.second.polarization


@dataclass(frozen=True, slots=True)
class Correlated:
    """Products of one integration.

    Attributes:
        spectra: Of each pair, shape (channels,), frequencies rising; mean power, zeros without data.
        weights: Of each pair: part of the time in which both had data.
        valid: Of each station: part of the time in which it had data.
    """

    spectra: list[Spectra]
    weights: list[float]
    valid: list[float]


def pairs_of(antennas: Sequence[Antenna], *, is_crossed: bool = True) -> list[Pair]:
    """Return all pairs: baselines first, then autocorrelations, each band, each polarization.

    Args:
        antennas: Stations; bands that two of them do not share give no pair.
        is_crossed: X with Y, too.
    """
    pairs = []
    count = len(antennas)
    baselines = [(i, j) for i in range(count) for j in range(i + 1, count)]
    for i, j in [*baselines, *((i, i) for i in range(count))]:
        one, other = antennas[i].voltages, antennas[j].voltages
        for a, band in enumerate(one.bands):
            for b, same in enumerate(other.bands):
                if not band.is_same(same) or (i == j and a != b):
                    continue
                pairs += [
                    Pair(band, Input(i, a, p), Input(j, b, q))
                    for p in range(one.polarizations)
                    for q in range(other.polarizations)
                    if p == q or is_crossed
                ]
    return pairs


class Correlator:
    """Correlator of stations; integrations are asked for in order of time.

    Args:
        antennas: At least one; all bands of a station have the same width.
        pairs: Products.
        channels: Of a spectrum.
        integration_s: Of an integration: frames that begin within it belong to it.
    """

    def __init__(
        self,
        antennas: Sequence[Antenna],
        pairs: Sequence[Pair],
        *,
        channels: int,
        integration_s: float,
    ) -> None:
        self._antennas, self._pairs = antennas, pairs
        self._channels, self._integration_s = channels, integration_s
        self._widths = sorted({antenna.voltages.bands[0].width_hz for antenna in antennas})

    def integrate(
        self, number: int, is_stopped: Callable[[], bool] = lambda: False
    ) -> Correlated | None:
        """Correlate an integration; None: it was stopped in the middle."""
        sums = [np.zeros(self._channels, np.complex128) for _ in self._pairs]
        both, valid = [0] * len(self._pairs), [0.0] * len(self._antennas)
        for width in self._widths:
            stations = [
                n for n, a in enumerate(self._antennas) if a.voltages.bands[0].width_hz == width
            ]
            pairs = [n for n, pair in enumerate(self._pairs) if pair.first.station in stations]
            frames = self._frames(number, width)
            for begin in range(frames.start, frames.stop, self._portion(stations)):
                if is_stopped():
                    return None
                part = range(begin, min(begin + self._portion(stations), frames.stop))
                found = {station: self._spectra(station, part) for station in stations}
                for station, (_, good) in found.items():
                    valid[station] += np.count_nonzero(good) / len(frames)
                for n in pairs:
                    one, other = self._pairs[n].first, self._pairs[n].second
                    a, good = found[one.station]
                    b, good_too = found[other.station]
                    product = (
                        a[one.band, one.polarization] * b[other.band, other.polarization].conj()
                    )
                    sums[n] += product.sum(axis=0, dtype=np.complex128)
                    both[n] += int(np.count_nonzero(good & good_too))
        counts = [len(self._frames(number, pair.band.width_hz)) for pair in self._pairs]
        return Correlated(
            spectra=[
                (total / max(n * self._channels, 1)).astype(np.complex64)
                for total, n in zip(sums, both, strict=True)
            ],
            weights=[n / count for n, count in zip(both, counts, strict=True)],
            valid=valid,
        )

    def _portion(self, stations: Sequence[int]) -> int:
        """Frames that are transformed at once."""
        bands = max(len(self._antennas[station].voltages.bands) for station in stations)
        return max(1, MAX_SAMPLES // (self._channels * bands))

    def _frames(self, number: int, width_hz: float) -> range:
        """Frames of an integration, counted from the begin of the scan; at least one."""
        each = self._integration_s * width_hz / self._channels
        first = round(number * each)
        return range(first, max(first + 1, round((number + 1) * each)))

    def _spectra(self, station: int, frames: range) -> tuple[Spectra, Flags]:
        """Spectra of a station without its delay.

        Returns:
            Shape (bands, polarizations, frames, channels), zeros in frames without data; shape
            (frames,), where there are data.
        """
        antenna, n = self._antennas[station], self._channels
        bands = antenna.voltages.bands
        width = bands[0].width_hz
        firsts = np.arange(frames.start, frames.stop) * n
        middles = np.asarray((firsts + n / 2) / width, np.float64)
        delay, rate = antenna.delay.seconds(middles), antenna.delay.rate(middles)
        places = (delay - antenna.late_s) * width
        whole = np.rint(places)
        positions = firsts + whole.astype(np.int64)
        begin = int(positions.min())
        samples, valid = antenna.voltages.read(begin, int(positions.max()) + n - begin)
        taken = sliding_window_view(samples, n, axis=-1)[:, :, positions - begin]
        good: Flags = np.asarray(sliding_window_view(valid, n)[positions - begin].all(axis=1))
        offsets = (np.arange(n) - n / 2) / width
        centers = np.array([band.center_hz for band in bands])
        turns = centers[:, None, None] * (delay[:, None] + rate[:, None] * offsets)
        turned = np.fft.fft(taken * _turned(turns)[:, None], axis=-1)
        slopes = _turned((places - whole)[:, None] * (np.arange(n) - n // 2) / n)
        spectra: Spectra = np.asarray(np.fft.fftshift(turned, axes=-1) * slopes, np.complex64)
        spectra[:, :, ~good] = 0
        return spectra, good


def _turned(turns: npt.NDArray[np.float64]) -> Spectra:
    """Phases of numbers of turns."""
    angles = (2 * np.pi * np.mod(turns, 1.0)).astype(np.float32)
    phases = np.empty(angles.shape, np.complex64)
    np.cos(angles, out=phases.real)
    np.sin(angles, out=phases.imag)
    return phases
