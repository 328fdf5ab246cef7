"""Simulated receivers: the same sky at every station, later by the station's delay, and noise of its own.

Sky and noise are functions of their seeds and of time, so that every process, and every way to cut time
into pieces, has the same. The sky is delayed by interpolation, in the time domain; the correlator turns
phases of spectra, and shares nothing with it. Samples are those of a sampler of 8 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from correlator.delays import Delay
from correlator.voltages import Band, Samples, Start, Valid

__all__ = ["Receiver", "ReceiverSetup"]

BLOCK = 1 << 14
"""Samples of noise that are made at once."""
SEGMENT = 1 << 10
"""Samples over which a delay is taken as constant, apart from its phase."""
TAPS = 48
LEVEL = 16.0
"""Root mean square of re and im, steps of the sampler."""
LARGEST = 127
BEFORE = 1 << 40
"""Blocks before the begin of a scan have numbers, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverSetup:
    """A simulated receiver.

    Attributes:
        bands: Frequency table.
        polarizations: 1 or 2.
        delay: True delay, clock included.
        sky: Part of the power that is of the sky, 0 to 1.
        polarized: Correlation of the sky in X and Y, 0 to 1.
        sky_seed: The same at all stations that look at the same source.
        seed: Of the noise; another one at each station.
    """

    bands: tuple[Band, ...]
    polarizations: int = 2
    delay: Delay = field(default_factory=Delay)
    sky: float = 0.3
    polarized: float = 0.0
    sky_seed: int = 1
    seed: int = 0


class Receiver:
    """Voltages of a simulated receiver, from the begin of the scan; see `Voltages`."""

    start: Start | None = None
    samples: int | None = None

    def __init__(self, setup: ReceiverSetup) -> None:
        self._setup = setup
        self.bands: Sequence[Band] = setup.bands
        self.polarizations = setup.polarizations

    def read(self, first: int, count: int) -> tuple[Samples, Valid]:
        """See `Voltages`."""
        begin = first // SEGMENT
        segments = np.arange(begin, -(-(first + count) // SEGMENT))
        cut = slice(first - begin * SEGMENT, first - begin * SEGMENT + count)
        made = [
            self._band(number, band, segments)[:, cut] for number, band in enumerate(self.bands)
        ]
        return np.stack(made), np.ones(count, np.bool_)

    def close(self) -> None:
        """See `Voltages`."""

    def _band(self, number: int, band: Band, segments: npt.NDArray[np.int64]) -> Samples:
        """Voltages of whole segments, shape (polarizations, time)."""
        setup, positions = (
            self._setup,
            np.arange(segments[0] * SEGMENT, (segments[-1] + 1) * SEGMENT),
        )
        delay = setup.delay.at_station(positions / band.width_hz)
        turns = np.mod(band.center_hz * delay, 1.0)
        phases = np.exp(-2j * np.pi * turns).astype(np.complex64)
        middle = delay.reshape(-1, SEGMENT).mean(axis=1) * band.width_hz
        places = segments * SEGMENT - middle
        sky = [self._delayed(band, pol, places) for pol in range(2)]
        tilt = np.sqrt(1 - setup.polarized**2)
        sky[1] = (setup.polarized * sky[0] + tilt * sky[1]).astype(np.complex64)
        voltages = np.empty((setup.polarizations, len(positions)), np.complex64)
        for pol in range(setup.polarizations):
            noise = _noise((setup.seed, 1, number, pol), int(positions[0]), len(positions))
            voltages[pol] = np.sqrt(setup.sky) * phases * sky[pol] + np.sqrt(1 - setup.sky) * noise
        return _sampled(voltages)

    def _delayed(self, band: Band, pol: int, places: npt.NDArray[np.float64]) -> Samples:
        """The sky from each place on (in samples), a segment each."""
        key = (self._setup.sky_seed, 0, round(band.center_hz), pol)
        delayed = np.empty((len(places), SEGMENT), np.complex64)
        for row, place in enumerate(places):
            whole = int(np.floor(place))
            noise = _noise(key, whole - TAPS // 2 + 1, SEGMENT + TAPS - 1)
            delayed[row] = sliding_window_view(noise, TAPS) @ _interpolation(float(place - whole))
        return delayed.reshape(-1)


def _interpolation(fraction: float) -> npt.NDArray[np.float32]:
    """Weights of TAPS samples around a place between the middle two."""
    at = np.arange(TAPS) - (TAPS // 2 - 1) - fraction
    window = np.i0(8.0 * np.sqrt(np.maximum(1 - (2 * at / TAPS) ** 2, 0))) / np.i0(8.0)
    return np.asarray(np.sinc(at) * window, np.float32)


def _noise(key: tuple[int, int, int, int], first: int, count: int) -> Samples:
    """White noise of power 1 from a position on."""
    begin, end = first // BLOCK, -(-(first + count) // BLOCK)
    blocks = [_block(*key, number) for number in range(begin, end)]
    whole = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    return whole[first - begin * BLOCK :][:count]


@lru_cache(maxsize=64)
def _block(seed: int, kind: int, band: int, pol: int, number: int) -> Samples:
    rng = np.random.default_rng([seed, kind, band, pol, number + BEFORE])
    parts = rng.standard_normal(2 * BLOCK, np.float32) * np.float32(np.sqrt(0.5))
    return parts.view(np.complex64)


def _sampled(voltages: Samples) -> Samples:
    """Voltages as a sampler of 8 bits has them."""
    scaled = np.ascontiguousarray(voltages).view(np.float32) * np.float32(LEVEL * np.sqrt(2.0))
    steps: Samples = np.clip(np.rint(scaled), -LARGEST, LARGEST).view(np.complex64)
    return steps
