"""Signals of a synthetic receiver: band, noise, lines, pulsar and diode, from configuration and
status memory.

Temperatures are of the system: K at the input. Pure: values in, checked settings out; the voltages
are made in `synthetic`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from player.tables import Table
from spectrometer.daq.errors import ScanSetupError
from spectrometer.daq.protocol.band import RecordedBand
from spectrometer.derive.dispersion import smearing
from spectrometer.status.errors import CardError
from spectrometer.status.protocol.cards import Value, read_number

__all__ = ["CarrierConfig", "LineConfig", "PulsarConfig", "ReceiverConfig", "with_status"]

LINE_REACH = 1.5
"""Widths on either side of a line's middle that have to be within one coarse channel: 0.2 % of its
peak are left."""
NARROWEST = 1e-4
"""Narrowest line, of a coarse channel's width; it takes a filter of some 27,000 samples."""
FASTEST = 500_000.0
"""Complex samples per second and polarization that are made by default, over all coarse
channels."""
MAX_STATUS_LINES = 9
MAX_SMEARED = 1 << 20
"""Longest filter for a dispersed pulse, samples."""

_STATUS_KEYS = {
    "SIMFREQ": "center_mhz",
    "SIMBW": "bandwidth_mhz",
    "SIMCAL": "cal_k",
    "SIMRHO": "correlation",
    "SIMPHASE": "correlation_deg",
    "SIMSEED": "seed",
    "SIMRATE": "rate_hz",
}


class LineConfig(Table):
    """A spectral line: noise with a Gaussian profile, the same in both polarizations."""

    frequency_mhz: float
    width_khz: float = Field(gt=0)
    """Full width at half maximum."""
    strength_k: float = Field(gt=0)
    """At its middle."""


class CarrierConfig(Table):
    """A carrier: one frequency, in both polarizations in phase; as interference or a test tone
    is."""

    frequency_mhz: float
    power_k_mhz: float = Field(gt=0)
    """The same power as noise of so many K in 1 MHz."""


class PulsarConfig(Table):
    """A pulsar: noise that is there for a part of each turn, unpolarised but for the receiver's
    correlation, dispersed.

    The pulse is Gaussian. It leaves at phase 0; how much later a frequency arrives is by the
    dispersion measure.
    """

    period_s: float = Field(gt=0)
    """In the time of the voltages, which a receiver that is slower than its band stretches."""
    width: float = Field(gt=0, le=0.5)
    """Full width of the pulse at half maximum, of the period."""
    flux_k: float = Field(gt=0)
    """Mean over the period, in each polarization."""
    dm: float = Field(default=0.0, ge=0)
    """Dispersion measure, pc/cm3."""
    phase: float = Field(default=0.0, ge=0, lt=1)
    """Turns, at infinite frequency, when the voltages begin."""


class ReceiverConfig(Table):
    """`[banks.X.source.synthetic]`: a receiver that is computed.

    The noise of the two polarizations, line noise and diode included, has one complex correlation
    coefficient: <X Y*> = correlation * exp(i correlation_deg) * sqrt(<|X|^2> <|Y|^2>), of the
    voltages on the sky. In a band whose frequency falls these are the conjugate of those that are
    recorded.
    """

    center_mhz: float = Field(default=1420.0, gt=0)
    bandwidth_mhz: float = 2.0
    """Negative: the frequency falls with the channel number."""
    channels: int = Field(default=1, ge=1, le=1024)
    """Coarse channels; a line has to be within one of them."""
    tsys_k: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = Field(
        default=(25.0, 25.0), strict=False
    )
    """System noise of X and Y with the diode off."""
    cal_k: float = Field(default=2.5, ge=0)
    """What the noise diode adds to both while it is on."""
    correlation: float = Field(default=0.0, ge=0, le=1)
    correlation_deg: float = Field(default=0.0, ge=-360, le=360)
    lines: tuple[LineConfig, ...] = Field(default=(), strict=False)
    carriers: tuple[CarrierConfig, ...] = Field(default=(), strict=False)
    pulsar: PulsarConfig | None = None
    level: float = Field(default=16.0, gt=0, le=40)
    """Root mean square of re and of im of polarization X, in steps of the sampler of 8 bits, diode
    off, no lines."""
    rate_hz: float | None = Field(default=None, gt=0)
    """Samples per second and coarse channel; None: real time, or 500,000 for all channels if that
    is less."""
    seed: int = Field(default=1, ge=0, lt=2**63)
    """The same seed makes the same voltages."""

    @property
    def band(self) -> RecordedBand:
        """The band of the voltages."""
        return RecordedBand(
            channels=self.channels,
            polarizations=2,
            sample_time=self.channels / (abs(self.bandwidth_mhz) * 1e6),
            center_frequency=self.center_mhz,
            bandwidth=self.bandwidth_mhz,
        )

    @property
    def rate(self) -> float:
        """Samples per second and coarse channel, Hz."""
        return self.rate_hz or min(1.0 / self.band.sample_time, FASTEST / self.channels)

    def place(self, frequency_mhz: float) -> tuple[int, float]:
        """Coarse channel of a frequency, and its distance from that channel's middle in widths,
        -0.5 to 0.5."""
        position = (
            frequency_mhz - self.center_mhz
        ) / self.bandwidth_mhz * self.channels + self.channels / 2
        channel = int(position // 1)
        return channel, position - channel - 0.5

    def coarse_widths(self, width_khz: float) -> float:
        """A width in widths of a coarse channel."""
        return width_khz * 1e-3 / abs(self.bandwidth_mhz) * self.channels

    @model_validator(mode="after")
    def _lines_fit(self) -> ReceiverConfig:
        faults = []
        if not abs(self.bandwidth_mhz) > 0:
            raise ValueError("bandwidth_mhz is 0")
        low, high = sorted(self.center_mhz + sign * self.bandwidth_mhz / 2 for sign in (-1, 1))
        features: list[LineConfig | CarrierConfig] = [*self.lines, *self.carriers]
        for what in features:
            is_line = isinstance(what, LineConfig)
            kind = f"the {'line' if is_line else 'carrier'} at {what.frequency_mhz:g} MHz"
            if not low < what.frequency_mhz < high:
                faults.append(f"{kind} is outside the band of {low:g} to {high:g} MHz")
            elif isinstance(what, LineConfig):
                width = self.coarse_widths(what.width_khz)
                if width < NARROWEST:
                    faults.append(
                        f"{kind} is too narrow: at least {what.width_khz * NARROWEST / width:.3g} kHz"
                    )
                elif abs(self.place(what.frequency_mhz)[1]) + LINE_REACH * width > 0.5:
                    faults.append(
                        f"{kind}, {LINE_REACH} widths to each side, is not within one coarse channel"
                    )
        if self.pulsar is not None:
            faults += self._pulsar_faults(self.pulsar)
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _pulsar_faults(self, pulsar: PulsarConfig) -> list[str]:
        sample, lowest = self.band.sample_time, float(self.band.frequencies(1).min())
        if pulsar.period_s * pulsar.width < 2 * sample:
            return [
                f"the pulse of {pulsar.period_s * pulsar.width:g} s is shorter than two samples of {sample:g} s"
            ]
        if lowest - abs(self.bandwidth_mhz) / self.channels / 2 <= 0:
            return ["a pulsar needs a band above 0 MHz"]
        smeared = 2 * max(smearing(pulsar.dm, lowest, self.bandwidth_mhz / self.channels)) / sample
        if smeared > MAX_SMEARED:
            return [
                f"the pulsar is smeared over {smeared:.3g} samples of a coarse channel; at most {MAX_SMEARED}: "
                "take more channels, or a smaller dm"
            ]
        return []


def with_status(config: ReceiverConfig, values: Mapping[str, Value]) -> ReceiverConfig:
    """Return the settings with what the status memory says instead.

    Keys: SIMFREQ and SIMBW (MHz), SIMTSYS (K, both polarizations, or two numbers), SIMCAL (K),
    SIMRHO, SIMPHASE (degrees), SIMRATE (Hz), SIMSEED, SIMPSR (`period_s width flux_k dm`, or
    `none`), and SIMLINE1 to SIMLINE9 (`frequency_mhz width_khz strength_k`), which replace all
    lines of the configuration.

    Raises:
        ScanSetupError: Names all that cannot be.
    """
    changed: dict[str, Any] = {}
    faults: list[str] = []
    for key, name in _STATUS_KEYS.items():
        if key in values:
            try:
                number = read_number(key, values[key])
            except CardError as error:
                faults.append(str(error))
                continue
            is_whole = name == "seed" and number == number // 1
            changed[name] = int(number) if is_whole else number
    if "SIMTSYS" in values:
        numbers = _numbers(values["SIMTSYS"])
        if len(numbers) in (1, 2):
            changed["tsys_k"] = (numbers[0], numbers[-1])
        else:
            faults.append(f"SIMTSYS is {values['SIMTSYS']!r}; expected one or two numbers (K)")
    if "SIMPSR" in values:
        numbers = _numbers(values["SIMPSR"])
        if str(values["SIMPSR"]).lower() == "none":
            changed["pulsar"] = None
        elif len(numbers) == 4:
            changed["pulsar"] = dict(
                zip(("period_s", "width", "flux_k", "dm"), numbers, strict=True)
            )
        else:
            faults.append(
                f"SIMPSR is {values['SIMPSR']!r}; expected s, width, K and pc/cm3, or none"
            )
    lines = []
    for key in (f"SIMLINE{number}" for number in range(1, MAX_STATUS_LINES + 1)):
        if key in values:
            numbers = _numbers(values[key])
            if len(numbers) == 3:
                lines.append(
                    dict(zip(("frequency_mhz", "width_khz", "strength_k"), numbers, strict=True))
                )
            else:
                faults.append(f"{key} is {values[key]!r}; expected MHz, kHz and K")
    if lines:
        changed["lines"] = lines
    if changed:
        try:
            config = ReceiverConfig.model_validate({**config.model_dump(), **changed})
        except ValidationError as error:
            keys = {name: key for key, name in _STATUS_KEYS.items()} | {
                "tsys_k": "SIMTSYS",
                "lines": "SIMLINE",
                "pulsar": "SIMPSR",
            }
            for fault in error.errors():
                where = (
                    keys.get(str(fault["loc"][0]), str(fault["loc"][0])) + ": "
                    if fault["loc"]
                    else ""
                )
                faults.append(where + fault["msg"].removeprefix("Value error, "))
    if faults:
        raise ScanSetupError("; ".join(faults))
    return config


def _numbers(value: Value) -> list[float]:
    try:
        return [float(word) for word in str(value).replace(",", " ").split()]
    except ValueError:
        return []
