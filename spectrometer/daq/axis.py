"""The frequency axis of a scan's spectra: the whole band of the voltages, or sub-bands cut out of
it. Pure.

A filter bank over the whole band mixes, filters and decimates at once: one of its channels is the
band mixed down by the channel's centre and low-passed. A sub-band is therefore the channels around
its centre, and eight sub-bands cost no more than one.

The sampled band of a mode, 0 to the synthesizer's frequency, and the band of the voltages have the
same middle, and frequencies of the sampled band rise with the channel number of the voltages. A
sub-band's centre is rounded to a channel of the filter bank; the cards tell what it is then.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from spectrometer.daq.accumulator import DoubleArray
from spectrometer.daq.channelizer import SpectraArray, fine_channels
from spectrometer.daq.errors import ScanSetupError
from spectrometer.daq.protocol.band import SAME, RecordedBand
from spectrometer.daq.source import SourceCard

__all__ = ["MAX_BANK_CHANNELS", "FrequencyAxis", "SubbandSetup", "Subbands", "WholeBand"]

MAX_BANK_CHANNELS = 1 << 22
"""Most channels of a filter bank; one spectrum of both polarizations is 64 MiB then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubbandSetup:
    """Sub-bands of a mode."""

    centres: tuple[float, ...]
    """SUBnFREQ: Hz of the sampled band, one for each sub-band."""
    bandwidth: float
    """Of each, Hz: half of EFSAMPFR."""
    middle: float
    """Of the sampled band, Hz: 4 FPGACLK, because the FPGA takes 8 samples a clock and the band is
    half of those."""


class FrequencyAxis(Protocol):
    """Channels that a filter bank makes, and which of them are recorded."""

    @property
    def nfine(self) -> int:
        """Channels that the filter bank makes of each coarse channel."""

    @property
    def groups(self) -> int:
        """Runs of adjacent channels that `pick` gives."""

    @property
    def channels(self) -> int:
        """Channels in each run."""

    @property
    def centres(self) -> DoubleArray | None:
        """Hz of the sampled band, of each sub-band; None: there are no sub-bands."""

    @property
    def notes(self) -> list[str]:
        """Differences from what the mode wants; the first words matter, a card holds 68
        characters."""

    @property
    def cards(self) -> list[SourceCard]:
        """Return cards with the number of channels, for the primary header of a file."""

    @property
    def world(self) -> list[SourceCard]:
        """The axis of channels, by the keywords of an image; without CRVAL1 if each sub-band has
        its own."""

    def pick(self, spectra: SpectraArray) -> SpectraArray:
        """(coarse, spectra, nfine, polarizations) to (groups, spectra, channels, polarizations), in
        FFT order."""

    def shaped(self, mean: DoubleArray) -> DoubleArray:
        """Channels in band order, shape (groups * channels,), as a row holds them; NaN: not in the
        voltages."""

    def sky(self) -> DoubleArray:
        """Hz on the sky of the reference channel (CRPIX1) of each run."""

    def first_channels(self) -> DoubleArray:
        """Hz on the sky of the first channel of each row of `shaped`."""

    @property
    def width(self) -> float:
        """Hz on the sky from a channel to the next."""


class WholeBand:
    """All channels of all coarse channels, side by side.

    Args:
        band: Of the voltages.
        nchan: Wished channels of the whole band; ChannelizerError if they cannot be had.
        nfine: Channels of each coarse channel; None: by `nchan`.
    """

    centres = None

    def __init__(self, band: RecordedBand, nchan: int, nfine: int | None) -> None:
        self._band = band
        self.nfine = nfine or fine_channels(nchan, band.channels)
        self.groups, self.channels = band.channels, self.nfine
        self.notes: list[str] = []

    @property
    def cards(self) -> list[SourceCard]:
        """Channels."""
        return [("NCHAN", self.groups * self.channels, "channels in each spectrum")]

    @property
    def world(self) -> list[SourceCard]:
        """The first channel is the reference."""
        first = (
            "CRVAL1",
            self._band.first_channel(self.nfine),
            "Hz, centre of the first channel, by TBIN",
        )
        return [*_world(1, self.width), first]

    def pick(self, spectra: SpectraArray) -> SpectraArray:
        """All of them."""
        return spectra

    def shaped(self, mean: DoubleArray) -> DoubleArray:
        """Return spectra as they are."""
        return mean

    def sky(self) -> DoubleArray:
        """Of the first channel."""
        return np.asarray([self._band.first_channel(self.nfine)])

    def first_channels(self) -> DoubleArray:
        """Of all channels."""
        return self.sky()

    @property
    def width(self) -> float:
        """Negative if the band is inverted."""
        return self._band.coarse_width / self.nfine


class Subbands:
    """Sub-bands of NCHAN channels each, as the low-bandwidth modes have them.

    An input that is narrower than a sub-band makes sub-bands as wide as it is; what of a sub-band
    is outside of the input is not a number in the rows.

    Args:
        band: Of the voltages.
        nchan: Channels of each sub-band.
        setup: Centres and bandwidth.
        nfine: Channels of each coarse channel; None: by bandwidth and `nchan`.

    Raises:
        ScanSetupError: Nothing of any sub-band is in the input, or the filter bank would be too
            long or too short.
    """

    def __init__(
        self, band: RecordedBand, nchan: int, setup: SubbandSetup, nfine: int | None = None
    ) -> None:
        self._band, self._setup = band, setup
        coarse_width = abs(band.coarse_width)
        whole = coarse_width * band.channels
        self.groups, self.channels = len(setup.centres), nchan
        self.nfine = nfine or _fine_channels(coarse_width, min(setup.bandwidth, whole) / nchan)
        if band.channels * self.nfine > MAX_BANK_CHANNELS:
            most = MAX_BANK_CHANNELS * setup.bandwidth / nchan / 1e6
            raise ScanSetupError(
                f"{band.channels * self.nfine} channels in an input of {_mhz(whole)} MHz; at most {most:.6g} MHz"
            )
        self._width = coarse_width / self.nfine
        offsets = np.asarray(setup.centres) - setup.middle
        first = abs(
            band.first_channel(self.nfine) - band.lower_edge
        )  # of the channels, from the band's edge
        middles = np.rint((whole / 2 + offsets - first) / self._width).astype(np.int64)
        wanted = middles[:, None] + np.arange(nchan) - nchan // 2
        self._covered = (wanted >= 0) & (wanted < band.channels * self.nfine)
        if not self._covered.any():
            raise ScanSetupError(
                f"no sub-band is in the input: it is {_mhz(whole)} MHz around the middle of the band"
            )
        sky = band.first_channel(self.nfine) + middles * self._width * np.sign(band.coarse_width)
        self._sky: DoubleArray = sky.astype(np.float64)
        self._offsets = first + middles * self._width - whole / 2
        index = np.fft.ifftshift(np.where(self._covered, wanted, 0), axes=1)
        self._coarse, self._fine = np.divmod(index, self.nfine)
        self._fine = (self._fine - self.nfine // 2) % self.nfine  # place in FFT order
        self._absent = np.fft.ifftshift(~self._covered, axes=1)
        self.notes = self._find_notes(nchan, whole)

    def _find_notes(self, nchan: int, whole: float) -> list[str]:
        found = []
        wanted, got = self._setup.bandwidth, self._width * nchan
        if abs(got / wanted - 1) > SAME:
            why = "the input is not wider" if whole < wanted else "channels must divide the input"
            found.append(f"sub-bands of {_mhz(got)} MHz, not {_mhz(wanted)}: {why}")
        share = self._covered.mean(axis=1)
        if absent := _numbers(share == 0):
            found.append(f"not in the input: sub-band {absent}")
        # a channel of the edge is always cut where an input is exactly as wide as its sub-bands
        if partial := _numbers((share > 0) & (share < 1 - 1 / nchan)):
            found.append(f"only in part in the input: sub-band {partial}")
        return found

    @property
    def centres(self) -> DoubleArray:
        """Hz of the sampled band, as they are after rounding to a channel."""
        return np.asarray(self._setup.middle + self._offsets, np.float64)

    @property
    def cards(self) -> list[SourceCard]:
        """Sub-bands, channels and centres."""
        cards: list[SourceCard] = [
            ("NSUBBAND", self.groups, "sub-bands, second axis of DATA"),
            ("NCHAN", self.channels, "channels of each sub-band"),
        ]
        for number, centre in enumerate(self.centres):
            cards.append(
                (f"SUB{number}FREQ", float(centre), "Hz of the sampled band, its middle channel")
            )
        return cards

    @property
    def world(self) -> list[SourceCard]:
        """The middle channel is the reference, as the mode's own CRPIX1 has it; its frequency is in
        column CRVAL1."""
        return _world(self.channels // 2 + 1, self.width)

    def pick(self, spectra: SpectraArray) -> SpectraArray:
        """The channels of the sub-bands; zero where there is no input."""
        _, count, _, polarizations = spectra.shape
        picked = np.empty((self.groups, count, self.channels, polarizations), np.complex64)
        for number in range(self.groups):
            picked[number] = spectra[self._coarse[number], :, self._fine[number], :].swapaxes(0, 1)
            if self._absent[number].any():
                picked[number][:, self._absent[number]] = 0
        return picked

    def shaped(self, mean: DoubleArray) -> DoubleArray:
        """Shape (sub-bands, channels)."""
        return np.where(self._covered, mean.reshape(self.groups, self.channels), np.nan)

    def sky(self) -> DoubleArray:
        """Of the middle channel of each sub-band."""
        return self._sky

    def first_channels(self) -> DoubleArray:
        """Of each sub-band."""
        return self._sky - self.channels // 2 * self.width

    @property
    def width(self) -> float:
        """Negative if the band is inverted."""
        return math.copysign(self._width, self._band.coarse_width)


def _world(reference: int, step: float) -> list[SourceCard]:
    return [
        ("CTYPE1", "FREQ", "first axis of DATA: frequency"),
        ("CUNIT1", "Hz", "its unit"),
        ("CRPIX1", float(reference), "channel, from 1, whose centre has CRVAL1"),
        ("CDELT1", step, "Hz, from a channel to the next, by TBIN"),
    ]


def _fine_channels(coarse_width: float, channel_width: float) -> int:
    """Even, so that a coarse channel has a channel in its middle, as the edges of two have one
    between them."""
    nfine = 2 * round(coarse_width / channel_width / 2)
    if nfine < 2:
        raise ScanSetupError(
            f"channels of {channel_width:g} Hz: the input's own are {coarse_width:g} Hz; more NCHAN"
        )
    return nfine


def _mhz(hertz: float) -> str:
    return f"{hertz / 1e6:.6g}"


def _numbers(which: npt.NDArray[np.bool_]) -> str:
    return ", ".join(map(str, np.flatnonzero(which)))
