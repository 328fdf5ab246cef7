"""Derived values of the VEGAS modes: clocks, integration times, channel
widths.

Frequencies are MHz with their sign (negative: inverted band); times are seconds; everything derived
is Hz and s. The order of operations is the original's, so that the doubles are equal to the last
bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from spectrometer.derive.rounding import Rounding

__all__ = [
    "L1_DECIMATION",
    "L8_DECIMATION",
    "Clocks",
    "Exposure",
    "blanking_granules",
    "exposure",
    "hardware_exposure",
    "hbw_clocks",
    "in_mhz",
    "lbw_clocks",
    "phase_granules",
]

L1_DECIMATION, L8_DECIMATION = 4, 32  # of the sampler's clock to a sub-band's effective sample rate
_LBW_TICK_SAMPLES = (
    1024  # the low-bandwidth images count 1024 sampler clocks, 128 of the FPGA's, as one granule
)


def in_mhz(frequency: float) -> float:
    """A frequency given in MHz or Hz, in MHz with its sign: above 5000 (of either sign) it is
    Hz."""
    return frequency / 1e6 if abs(frequency) > 5000 else frequency


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Clocks that follow from the synthesizer's frequency and the number of channels.

    Attributes:
        spec_tick: Time of one FPGA spectrum, the granule of switching signals, s.
        fpga_clock: Hz.
        sampler_frequency: Effective sample rate, Hz; negative for an inverted band.
        clocks_per_tick: FPGA clocks in a spec_tick.
        channel_width: Hz; negative for an inverted band.
        bandwidth: Hz; negative for an inverted band.
    """

    spec_tick: float
    fpga_clock: float
    sampler_frequency: float
    clocks_per_tick: int
    channel_width: float
    bandwidth: float

    @property
    def frequency_resolution(self) -> float:
        """Hz, positive."""
        return abs(self.channel_width)


def hbw_clocks(nchan: int, frequency_mhz: float) -> Clocks:
    """Clocks of the high-bandwidth modes.

    Args:
        nchan: Channels of the image.
        frequency_mhz: Synthesizer, half the sample rate, MHz.
    """
    return _clocks(nchan, frequency_mhz, frequency_mhz * 1e6 * 2, granule=nchan)


def lbw_clocks(nchan: int, frequency_mhz: float, decimation: int) -> Clocks:
    """Clocks of the low-bandwidth modes; the sign is kept.

    Args:
        nchan: Channels of a sub-band.
        frequency_mhz: Synthesizer, half the sample rate, MHz.
        decimation: `L1_DECIMATION` or `L8_DECIMATION`.
    """
    return _clocks(
        nchan, frequency_mhz, frequency_mhz * 1e6 / decimation, granule=_LBW_TICK_SAMPLES
    )


def _clocks(nchan: int, frequency_mhz: float, sampler: float, granule: int) -> Clocks:
    """Clocks of an effective sample rate; a granule is so many clocks of the sampler."""
    size = abs(frequency_mhz)
    width = sampler / (nchan * 2)
    return Clocks(
        spec_tick=granule / (size * 1e6),
        fpga_clock=size * 1e6 / 8,
        sampler_frequency=sampler,
        clocks_per_tick=granule // 8,
        channel_width=width,
        bandwidth=width * nchan,
    )


def hardware_exposure(requested: float, spec_tick: float) -> tuple[int, float]:
    """(acc_len, hardware exposure in s) nearest to a requested hardware exposure (s), halves
    upward, at least one."""
    ratio = requested / spec_tick
    count = int(ratio)
    if ratio - count >= 0.5:
        count += 1
    count = max(count, 1)  # the original divides by the 0 s that a very short one would be
    return count, spec_tick * count


def phase_granules(duration: float, hwexposr: float, spec_tick: float, rounding: Rounding) -> int:
    """Granules of a switching phase: whole hardware exposures, at least `duration` s."""
    if rounding.original:
        return int(math.ceil(duration / hwexposr) * hwexposr / spec_tick)
    return rounding.ceiling(duration / hwexposr) * round(hwexposr / spec_tick)


def blanking_granules(
    duration: float, channel_width: float, spec_tick: float, rounding: Rounding
) -> int:
    """Granules of a blanking phase of a low-bandwidth mode: whole spectra of 1 / channel width.

    Args:
        duration: At least, s.
        channel_width: Hz, of either sign.
        spec_tick: s.
        rounding: Original or corrected.
    """
    width = abs(channel_width)
    spectra = rounding.ceiling(duration * width)
    if rounding.original:
        return int(spectra * 1 / (spec_tick * width))
    # A spectrum of few channels may be shorter than a granule, so the sum is rounded up, not each.
    return rounding.ceiling(spectra / (spec_tick * width))


@dataclass(frozen=True, slots=True)
class Exposure:
    """One integration: FPGA clocks, and s."""

    clocks: int
    seconds: float


def exposure(
    requested: float,
    clocks: Clocks,
    hwexposr: float,
    *,
    phases: int,
    granules: int,
    period: float,
    rounding: Rounding,
) -> Exposure:
    """The integration time that can be had.

    Args:
        requested: s.
        clocks: Of the mode.
        hwexposr: Hardware exposure, s.
        phases: Switching phases of the generator, blanking ones counted.
        granules: All of them together.
        period: Of the switching cycle, s.
        rounding: Original or corrected.

    Returns:
        With switching a whole number of cycles, else a whole number of hardware exposures.
    """
    if phases > 1:
        count = rounding.integrations(requested, period, original_threshold=period / 100)
        whole = count * granules * clocks.clocks_per_tick
    else:
        count = rounding.integrations(requested, hwexposr, original_threshold=requested / 100)
        whole = rounding.whole(count * hwexposr * clocks.fpga_clock)
    return Exposure(whole, whole / clocks.fpga_clock)
