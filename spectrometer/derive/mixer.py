"""Tables of the digital mixers (local oscillators) of the eight-sub-band FPGA image.

A sub-band's oscillator runs through a table of 16384 samples of a sine and a cosine with a whole
number of periods, so only multiples of the sample rate / 16384 can be had.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from spectrometer.errors import SubbandError

__all__ = ["BLOCKS", "BLOCK_BYTES", "MIXER_COUNT", "SAMPLES", "Oscillator", "nearest_oscillator"]

SAMPLES = 1 << 14
BLOCKS = 16
BLOCK_BYTES = SAMPLES // BLOCKS * 4
MIXER_COUNT = (1 << 10) - 2  # register `s{n}_mixer_cnt`
_AMPLITUDE = 32767


@dataclass(frozen=True, slots=True)
class Oscillator:
    """The oscillator that was found for a wanted frequency.

    Attributes:
        periods: In the table of 16384 samples, `k` of the reference.
        frequency: What it really is, Hz.
    """

    periods: int
    frequency: float

    def blocks(self) -> tuple[bytes, ...]:
        """The table as the FPGA's 16 memories hold it, 4096 bytes each.

        Sample 16 r + i is word r of block i: cosine * 65536 + sine, a signed 32-bit sum,
        big-endian.
        """
        return _blocks(self.periods)


def nearest_oscillator(wanted_hz: float, synthesizer_mhz: float) -> Oscillator:
    """The oscillator next to a wanted centre of a sub-band, halves away from zero.

    Args:
        wanted_hz: Hz, 0 up to half the sample rate.
        synthesizer_mhz: Of the samplers, half their rate, MHz; its sign has no meaning here.

    Raises:
        SubbandError: It is not below half the sample rate.
    """
    sample_rate = 2 * (abs(synthesizer_mhz) * 1e6)
    if not 0 <= wanted_hz <= sample_rate / 2:
        raise SubbandError(
            f"a sub-band at {wanted_hz / 1e6:g} MHz is outside of the sampled band, 0 to {sample_rate / 2e6:g} MHz"
        )
    ratio = wanted_hz / sample_rate * SAMPLES
    periods = int(ratio)
    periods += ratio - periods >= 0.5
    return Oscillator(periods, sample_rate * periods / SAMPLES)


@lru_cache(maxsize=64)  # eight sub-bands, a few settings; 64 KiB each
def _blocks(periods: int) -> tuple[bytes, ...]:
    if periods == 0:
        # Flaw V12, kept for equality: for 0 Hz the original fills the sine with full scale, too.
        sine = cosine = np.full(SAMPLES, _AMPLITUDE, dtype=np.int64)
    else:
        # From left to right as the original: the rounding of the argument is part of the table.
        argument = 2 * math.pi * periods * np.arange(SAMPLES, dtype=np.float64) / SAMPLES
        sine = np.trunc(np.sin(argument) * _AMPLITUDE).astype(np.int64)
        cosine = np.trunc(np.cos(argument) * _AMPLITUDE).astype(np.int64)
    words = (cosine * 65536 + sine).astype(">i4")
    return tuple(words[i::BLOCKS].tobytes() for i in range(BLOCKS))
