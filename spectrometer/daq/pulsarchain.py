"""From voltages to samples of a pulsar mode: channels, coherent dedispersion, powers, sums over
time.

Arithmetic on arrays and positions; knows no file and no clock. All times are those of the voltages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spectrometer.daq.channelizer import Channelizer, prototype
from spectrometer.daq.dedispersion import (
    OverlapSave,
    Transforms,
    channel_filter,
    choose_transforms,
    needed_overlap,
)
from spectrometer.daq.detection import PRODUCTS, TimeSum, detect, to_channels
from spectrometer.daq.errors import ChannelizerError
from spectrometer.daq.planned import spectra_of
from spectrometer.daq.protocol.band import RecordedBand
from spectrometer.daq.source import SampleArray

__all__ = ["Chain", "ChainOptions", "Samples"]

MAX_POINTS = 1 << 24
"""Of the transforms of all channels together: 128 MiB for each polarization."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainOptions:
    """Form of the samples.

    Attributes:
        nchan: Channels.
        taps: Of the filter bank.
        window: Of the filter bank.
        pol_type: Products of the polarizations.
        is_circular: The polarizations are circular.
        sample_time: s, as wanted.
        dm: Of coherent dedispersion, pc/cm3; None: there is none.
        transforms: Its sizes as the mode wants them.
        longest: Samples of a channel that one transform may be waited for, as time: s.
    """

    nchan: int
    taps: int
    window: str
    pol_type: str
    is_circular: bool
    sample_time: float
    dm: float | None
    transforms: Transforms
    longest: float


@dataclass(frozen=True, slots=True)
class Samples:
    """Consecutive samples: beginning of the first, s since the first voltage; powers (products,
    channels, time)."""

    begin: float
    powers: npt.NDArray[np.float32]


class Chain:
    """The way of the voltages.

    Args:
        band: Of the voltages.
        options: What they shall become.

    Raises:
        ChannelizerError: The channels cannot be made of those of the voltages, or the window is
            unknown.
    """

    def __init__(self, band: RecordedBand, options: ChainOptions) -> None:
        self._band, self.options = band, options
        if options.nchan % band.channels:
            raise ChannelizerError(
                f"OBSNCHAN {options.nchan} cannot be made of the {band.channels} coarse channels; expected a multiple"
            )
        self.nfine = options.nchan // band.channels
        self.notes: list[str] = []
        self.pol_type = options.pol_type if band.polarizations == 2 else "INTEN"
        if self.pol_type != options.pol_type:
            self.notes.append(f"one polarization: POL_TYPE INTEN instead of {options.pol_type}")
        self.products = PRODUCTS[self.pol_type]
        self.taps = options.taps if self.nfine > 1 else 1
        self.frequencies = band.frequencies(self.nfine)
        """Middle of each channel, MHz."""
        self.channel_width = band.coarse_width / self.nfine / 1e6
        """MHz, signed."""
        spectrum = self.nfine * band.sample_time
        self._filterbank: Channelizer | None = None
        if self.nfine > 1:
            try:
                response = prototype(self.taps, self.nfine, options.window)
            except ValueError as error:
                raise ChannelizerError(str(error)) from error
            self._filterbank = Channelizer(band.channels, band.polarizations, response)
        self.transforms = self._choose(spectrum)
        self._dedisperser = None
        if self.transforms is not None and options.dm:
            undoing = channel_filter(
                options.dm, self.frequencies, self.channel_width, self.transforms.fftlen, undo=True
            )
            self._dedisperser = OverlapSave(undoing, self.transforms.overlap)
        summed = max(1, int(options.sample_time / spectrum + 0.5))
        self._sum = TimeSum(summed)
        self.sample_time = summed * spectrum
        """s, as it came out."""
        self._is_aligned = True
        if abs(self.sample_time - options.sample_time) > 0.01 * options.sample_time:
            self.notes.append(
                f"samples of {self.sample_time:.6g} s, not {options.sample_time:.6g} s"
            )

    def _choose(self, spectrum: float) -> Transforms | None:
        if not self.options.dm:
            return None
        wanted = self.options.transforms
        needed = needed_overlap(self.options.dm, self.frequencies, self.channel_width, spectrum)
        chosen = choose_transforms(needed, wanted, max(int(self.options.longest / spectrum), 1))
        if chosen.fftlen * len(self.frequencies) > MAX_POINTS:
            raise ChannelizerError(
                f"CHAN_DM {self.options.dm:g} smears a channel over {needed} samples: too many; "
                "expected a smaller one, or more channels"
            )
        if chosen != wanted:
            self.notes.append(
                f"FFTLEN {chosen.fftlen}, OVERLAP {chosen.overlap}, not {wanted.fftlen}, {wanted.overlap}"
            )
        return chosen

    @property
    def _lead(self) -> float:
        """Voltages before the first sample begins."""
        overlap = 0 if self._dedisperser is None else self._dedisperser.overlap
        return (self.taps - 1) * self.nfine / 2 + overlap / 2 * self.nfine

    @property
    def first(self) -> float:
        """Beginning of the first sample, s since the first voltage."""
        return self._lead * self._band.sample_time

    @property
    def first_voltages(self) -> int:
        """Number of voltages that the first sample takes."""
        spectra = (
            self._sum.count
            if self._dedisperser is None
            else max(self._dedisperser.fftlen, self._sum.count)
        )
        return (self.taps - 1 + spectra) * self.nfine

    def samples_of(self, voltages: int) -> int:
        """Samples that consecutive voltages make."""
        spectra = (
            voltages if self._filterbank is None else spectra_of(voltages, self.taps, self.nfine)
        )
        if (dedisperser := self._dedisperser) is not None:
            step = dedisperser.fftlen - dedisperser.overlap
            spectra = max(0, (spectra - dedisperser.overlap) // step) * step
        return spectra // self._sum.count

    def reset(self) -> None:
        """Forget the past: the next voltages do not follow the last ones; samples begin where they
        would have."""
        self._is_aligned = False
        self._sum.reset()
        if self._filterbank is not None:
            self._filterbank.reset()
        if self._dedisperser is not None:
            self._dedisperser.reset()

    def process(self, samples: SampleArray, position: int) -> Samples:
        """Take voltages; return the samples that they complete, maybe none.

        Args:
            samples: Shape (coarse, time, 2 * polarizations).
            position: Of the first, since the first voltage.
        """
        if not self._is_aligned:
            skip = min(-position % (self._sum.count * self.nfine), samples.shape[1])
            samples, position = samples[:, skip:], position + skip
            self._is_aligned = samples.shape[1] > 0
        begin = position + self._lead - self._sum.held * self.nfine
        if self._filterbank is not None:
            begin -= self._filterbank.held
            voltages = to_channels(self._filterbank.process(samples))
        else:
            voltages = np.ascontiguousarray(samples, np.float32).view(np.complex64)
        if self._dedisperser is not None:
            begin -= self._dedisperser.held * self.nfine
            voltages = self._dedisperser.process(voltages)
        powers = detect(
            voltages,
            self.pol_type,
            is_circular=self.options.is_circular,
            is_conjugated=self._band.is_conjugated,
        )
        powers = self._sum.add(powers)
        return Samples(begin * self._band.sample_time, powers)
