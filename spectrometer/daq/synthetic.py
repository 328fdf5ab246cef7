"""A synthetic receiver as a source of voltages: noise, lines, carriers, a pulsar and a switched
diode, from one seed.

Two polarizations of complex voltages, quantised to 8 bits as a sampler does it. A position of the
signal decides the diode's state, as the accumulator decides it, so that spectra that are entirely
within a state are of that state. No clock and no file.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from spectrometer.daq.accumulator import StateCycle
from spectrometer.daq.dedispersion import OverlapSave, channel_filter, needed_overlap
from spectrometer.daq.fir import through
from spectrometer.daq.receiver import LineConfig, PulsarConfig, ReceiverConfig
from spectrometer.daq.source import Piece, RecordedBand, SourceCard
from spectrometer.derive.dispersion import delays

__all__ = ["SyntheticReceiver", "line_response"]

Voltages = npt.NDArray[np.complex64]

LARGEST = 127
PIECE_S = 0.05
ENDLESS = 1 << 62


def line_response(width: float, offset: float) -> Voltages:
    """Filter that makes a line of white noise.

    |H(f)|^2 = exp(-4 ln 2 (f - offset)^2 / width^2), so the middle keeps the density of the noise.

    Args:
        width: Full width at half maximum, in cycles per sample.
        offset: Middle, in cycles per sample.
    """
    deviation = np.sqrt(np.log(2.0)) / (np.pi * width)  # of the impulse response, samples
    reach = int(np.ceil(5 * deviation))
    times = np.arange(-reach, reach + 1)
    shape = np.exp(-0.5 * np.square(times / deviation))
    response: Voltages = (shape / shape.sum() * np.exp(2j * np.pi * offset * times)).astype(
        np.complex64
    )
    return response


class _Line:
    """Noise of one line, continued from piece to piece."""

    def __init__(
        self, config: ReceiverConfig, line: LineConfig, rng: np.random.Generator, mixing: Voltages
    ) -> None:
        self.channel, offset = config.place(line.frequency_mhz)
        self._response = line_response(config.coarse_widths(line.width_khz), offset)
        self._amplitude = np.float32(np.sqrt(line.strength_k))
        self._rng, self._mixing = rng, mixing
        self._before = _white(rng, (len(self._response) - 1, 2))

    def next(self, count: int) -> Voltages:
        """Shape (count, 2), in sqrt(K)."""
        noise = np.concatenate([self._before, _white(self._rng, (count, 2))])
        self._before = noise[count:]
        voltages: Voltages = (
            through(noise, self._response) @ self._mixing * self._amplitude
        ).astype(np.complex64)
        return voltages


class _Pulsar:
    """Noise of a pulsar, continued from piece to piece: shaped by its pulse, then dispersed within
    each channel."""

    def __init__(
        self,
        config: ReceiverConfig,
        pulsar: PulsarConfig,
        rng: np.random.Generator,
        mixing: Voltages,
        count: int,
    ) -> None:
        band = config.band
        centres, width = band.frequencies(1), band.coarse_width / 1e6
        self._pulsar, self._rng, self._mixing, self._sample_time = (
            pulsar,
            rng,
            mixing,
            band.sample_time,
        )
        self._delays = delays(pulsar.dm, centres)
        self._channels, self._at = band.channels, 0
        overlap = needed_overlap(pulsar.dm, centres, width, band.sample_time)
        response = channel_filter(pulsar.dm, centres, width, count + overlap, undo=False)
        self._filter = OverlapSave(response, overlap) if pulsar.dm else None
        if (
            self._filter is not None
        ):  # so that the first sample that comes out is the first of the scan
            self._at = -overlap // 2
            self._filter.process(self._emitted(overlap))

    def _emitted(self, count: int) -> Voltages:
        """The next voltages before they are dispersed: shape (channels, count, 2), in sqrt(K)."""
        pulsar = self._pulsar
        times = (self._at + np.arange(count)) * self._sample_time
        self._at += count
        turns = pulsar.phase + (times[None, :] - self._delays[:, None]) / pulsar.period_s
        turns -= np.rint(turns)
        peak = pulsar.flux_k / (pulsar.width * np.sqrt(np.pi / (4 * np.log(2.0))))
        power = peak * np.exp(-4 * np.log(2.0) * np.square(turns / pulsar.width))
        amplitude = np.sqrt(power).astype(np.float32)[:, :, None]
        noise = _white(self._rng, (self._channels, count, 2)) @ self._mixing
        voltages: Voltages = (noise * amplitude).astype(np.complex64)
        return voltages

    def next(self, count: int) -> Voltages:
        """Shape (channels, count, 2), in sqrt(K)."""
        emitted = self._emitted(count)
        return emitted if self._filter is None else self._filter.process(emitted)


class SyntheticReceiver:
    """Voltages without end.

    Args:
        config: What it receives.
        cycle: When the noise diode is on.
    """

    name = "synthetic receiver"
    samples = 0
    packets = missing = 0
    basis = ""

    def __init__(self, config: ReceiverConfig, cycle: StateCycle) -> None:
        self.config, self._cycle = config, cycle
        self.notes = ["The voltages are computed; nothing here was received."]

    @property
    def band(self) -> RecordedBand:
        """Return the configured band."""
        return self.config.band

    @property
    def cards(self) -> list[SourceCard]:
        """That nothing was received, and all that the voltages were made of."""
        c = self.config
        cards: list[SourceCard] = [
            ("SIMULATE", True, "synthetic receiver, no live data"),
            ("SIMTSYSX", c.tsys_k[0], "K, system noise of X, diode off"),
            ("SIMTSYSY", c.tsys_k[1], "K, system noise of Y, diode off"),
            ("SIMCAL", c.cal_k, "K, noise diode"),
            ("SIMRHO", c.correlation, "correlation of X and Y"),
            ("SIMPHASE", c.correlation_deg, "deg, its phase"),
            ("SIMLEVEL", c.level, "steps rms at SIMTSYSX, re and im"),
            ("SIMKPCNT", 1.0 / self._gain, "K for 1 count**2 in DATA"),
            ("SIMSEED", c.seed, "seed of the voltages"),
        ]
        for number, line in enumerate(c.lines, 1):
            text = f"{line.frequency_mhz:.9g} {line.width_khz:.6g} {line.strength_k:.6g}"
            cards.append((f"SIMLIN{number:02d}", text, "MHz, kHz FWHM, K"))
        for number, carrier in enumerate(c.carriers, 1):
            text = f"{carrier.frequency_mhz:.9g} {carrier.power_k_mhz:.6g}"
            cards.append((f"SIMCAR{number:02d}", text, "MHz, K MHz"))
        if (pulsar := c.pulsar) is not None:
            text = f"{pulsar.period_s:.9g} {pulsar.width:.6g} {pulsar.flux_k:.6g} {pulsar.dm:.9g}"
            cards.append(("SIMPSR", text, "s, width, K, pc/cm3"))
            cards.append(("SIMPSRPH", pulsar.phase, "turns at the first voltage"))
        return cards

    @property
    def _gain(self) -> float:
        """Counts^2 for 1 K: |voltage|^2 of a sample of X is 2 level^2 at its system temperature."""
        return 2.0 * self.config.level**2 / self.config.tsys_k[0]

    def default_rate(self, exposure: float) -> float:
        """The receiver's own, whatever the exposure (s)."""
        return self.config.rate

    @property
    def block_samples(self) -> int:
        """Samples that are made at once."""
        return int(min(max(self.config.rate * PIECE_S, 256), 65536))

    def longest_run(self) -> int:
        """There are no gaps."""
        return ENDLESS

    def close(self) -> None:
        """It holds nothing."""

    def pieces(self) -> Iterator[Piece]:
        """All of it, from its beginning; the same each time."""
        config, rate, count = self.config, self.config.rate, self.block_samples
        rng = np.random.default_rng(config.seed)
        rho = config.correlation * np.exp(1j * np.deg2rad(config.correlation_deg))
        rho = (
            rho.conjugate() if self.band.is_conjugated else rho
        )  # the configuration's is that on the sky
        # of independent a and b: x = a, y = conj(rho) a + sqrt(1 - |rho|^2) b, so that <x y*> = rho
        mixing = np.array(
            [[1, np.conj(rho)], [0, np.sqrt(max(0.0, 1 - abs(rho) ** 2))]], np.complex64
        )
        lines = [_Line(config, line, rng, mixing) for line in config.lines]
        pulsar = (
            None if config.pulsar is None else _Pulsar(config, config.pulsar, rng, mixing, count)
        )
        gain = np.float32(np.sqrt(self._gain))
        diode = np.asarray(self._cycle.cal, np.float64) * config.cal_k
        position = 0
        while True:
            places = np.arange(position, position + count)
            added = diode[self._cycle.phases_at(places / rate)]
            amplitude = np.sqrt(np.asarray(config.tsys_k)[None, :] + added[:, None]).astype(
                np.float32
            )
            voltages = _white(rng, (config.channels, count, 2)) @ mixing * amplitude
            for line in lines:
                voltages[line.channel] += line.next(count)
            if pulsar is not None:
                voltages += pulsar.next(count)
            for carrier in config.carriers:
                channel, offset = config.place(carrier.frequency_mhz)
                share = carrier.power_k_mhz / abs(config.bandwidth_mhz) * config.channels
                turns = np.mod(offset * places, 1.0)
                voltages[channel] += (np.sqrt(share) * np.exp(2j * np.pi * turns)).astype(
                    np.complex64
                )[:, None]
            steps = np.rint(np.ascontiguousarray(voltages * gain).view(np.float32))
            samples = np.clip(steps, -LARGEST, LARGEST).astype(np.int8)
            yield Piece(samples, position, position > 0)
            position += count


def _white(rng: np.random.Generator, shape: tuple[int, ...]) -> Voltages:
    """Complex Gaussian noise with a mean |.|^2 of 1."""
    parts = rng.standard_normal((*shape[:-1], 2 * shape[-1]), dtype=np.float32)
    parts *= np.float32(np.sqrt(0.5))
    return parts.view(np.complex64)
