"""The Valon synthesizer's bytes: frames of its serial port, fields of its PLL's registers, and the
arithmetic of its frequencies. Frequencies are MHz, the reference Hz.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from enum import IntEnum

__all__ = [
    "ACK",
    "MAX_DIVIDER",
    "NACK",
    "RF_LEVELS_DBM",
    "SPACING_MHZ",
    "SYNTHESIZERS",
    "FrameCommand",
    "Options",
    "Pll",
    "SynthesizerFrameError",
    "Tuning",
    "checksum",
    "frequency_range",
    "lengths",
    "read_frame",
    "reference_mhz",
    "settled",
    "tune",
    "write_frame",
]

ACK, NACK = 0x06, 0x15
READ = 0x80
SYNTHESIZERS = {"a": 0x00, "b": 0x08}
RF_LEVELS_DBM = (-4, -1, 2, 5)  # in the order of the register's field
SPACING_MHZ = 0.01
"""The original's 10.0 was meant as 10 Hz and taken as MHz: 1433.5 became 1435."""
MAX_DIVIDER = 16
MAX_MODULUS = 4095
MAX_INTEGER = 65535
LABEL_BYTES = 16
_WORDS = struct.Struct(">6I")


class FrameCommand(IntEnum):
    """Low bits of a frame's first byte."""

    REGISTERS = 0x00
    REFERENCE = 0x01
    LABEL = 0x02
    VCO_RANGE = 0x03
    REFERENCE_SELECT = 0x06
    FLASH = 0x40


lengths = {
    FrameCommand.REGISTERS: 24,
    FrameCommand.REFERENCE: 4,
    FrameCommand.LABEL: LABEL_BYTES,
    FrameCommand.VCO_RANGE: 4,
    FrameCommand.REFERENCE_SELECT: 1,
    FrameCommand.FLASH: 0,
}
"""Bytes of data of each command, without the checksum."""


class SynthesizerFrameError(ValueError):
    """Bytes that are no answer to what was asked."""


def checksum(data: bytes) -> int:
    """Sum of all bytes modulo 256."""
    return sum(data) & 0xFF


def read_frame(command: FrameCommand, synthesizer: int) -> bytes:
    """The byte that asks; data and their checksum come back."""
    return bytes([READ | command | synthesizer])


def write_frame(command: FrameCommand, synthesizer: int, data: bytes) -> bytes:
    """Return the bytes that set a value; ACK or NACK comes back."""
    if len(data) != lengths[command]:
        raise SynthesizerFrameError(
            f"{command.name} takes {lengths[command]} bytes, not {len(data)}"
        )
    frame = bytes([command | synthesizer]) + data
    return frame + bytes([checksum(frame)])


@dataclass(frozen=True, slots=True)
class Options:
    """Of one synthesizer: reference doubled, halved, divided by `divider`; low-spur or
    low-noise."""

    double: bool = False
    half: bool = False
    divider: int = 1
    low_spur: bool = False


@dataclass(frozen=True, slots=True)
class Tuning:
    """Output = (n + frac / mod) * P / divider, P the frequency that the PLL compares, MHz."""

    n: int
    frac: int
    mod: int
    divider: int

    def frequency(self, reference: float) -> float:
        """Output for a PLL that compares at `reference` MHz, MHz."""
        return (self.n + self.frac / self.mod) * reference / self.divider


def reference_mhz(reference_hz: int, options: Options) -> float:
    """The frequency that the PLL compares, MHz."""
    found = reference_hz / 1e6
    found = found * 2 if options.double else found
    found = found / 2 if options.half else found
    return found / options.divider if options.divider > 1 else found


def frequency_range(vco_range: tuple[int, int]) -> tuple[float, float]:
    """Lowest and highest output, MHz: the VCO's range (MHz), divided by up to 16."""
    return vco_range[0] / MAX_DIVIDER, float(vco_range[1])


def tune(frequency: float, spacing: float, reference: float, vco_range: tuple[int, int]) -> Tuning:
    """Fields for the output frequency that is nearest of those that can be had.

    Args:
        frequency: MHz.
        spacing: Of the frequencies that can be had between multiples of the reference, MHz; the
            reference divided by a whole number that comes nearest to it is taken.
        reference: That the PLL compares, MHz.
        vco_range: MHz.

    Raises:
        ValueError: Out of the range, which is named, or a spacing that the PLL cannot make.
    """
    low, high = frequency_range(vco_range)
    if not low <= frequency <= high:
        raise ValueError(
            f"{frequency:g} MHz is out of the synthesizer's range, {low:g} to {high:g} MHz"
        )
    if not spacing > 0 or int(reference / spacing + 0.5) > MAX_MODULUS:
        raise ValueError(
            f"a spacing of {spacing:g} MHz cannot be made; at least {reference / MAX_MODULUS:.6f} MHz with a PLL "
            f"that compares at {reference:g} MHz"
        )
    divider = 1
    while frequency * divider <= vco_range[0] and divider < MAX_DIVIDER:
        divider *= 2
    vco = frequency * divider
    n = int(vco / reference)
    mod = max(int(reference / spacing + 0.5), 1)
    frac = int((vco - n * reference) / reference * mod + 0.5)
    if frac >= mod:  # rounded up to the next multiple; the original writes a fraction of 1
        n, frac = n + 1, 0
    if frac:
        while frac % 2 == 0 and mod % 2 == 0:
            frac, mod = frac // 2, mod // 2
    else:
        frac, mod = 0, 1
    if n > MAX_INTEGER:
        raise ValueError(
            f"{frequency:g} MHz cannot be made with a PLL that compares at {reference:g} MHz"
        )
    return Tuning(n, frac, mod, divider)


def settled(asked: float, found: float) -> float:
    """The frequency that a synthesizer makes: what was asked for, unless it is found to make
    another one, MHz."""
    return asked if math.isclose(asked, found, rel_tol=1e-9) else found


@dataclass(frozen=True, slots=True)
class Pll:
    """The six registers of one PLL; changed fields leave all other bits as they were."""

    words: tuple[int, int, int, int, int, int]

    @classmethod
    def from_bytes(cls, data: bytes) -> Pll:
        """From 24 bytes. SynthesizerFrameError if there are not as many."""
        if len(data) != _WORDS.size:
            raise SynthesizerFrameError(f"registers of {len(data)} bytes; expected {_WORDS.size}")
        return cls(_WORDS.unpack(data))

    def to_bytes(self) -> bytes:
        """24 bytes."""
        return _WORDS.pack(*self.words)

    def _get(self, word: int, low: int, bits: int) -> int:
        return self.words[word] >> low & ((1 << bits) - 1)

    def with_field(self, word: int, low: int, bits: int, value: int) -> Pll:
        mask = ((1 << bits) - 1) << low
        words = list(self.words)
        words[word] = words[word] & ~mask | value << low & mask
        return Pll.from_bytes(_WORDS.pack(*words))

    @property
    def tuning(self) -> Tuning:
        """Fields of the frequency."""
        return Tuning(
            self._get(0, 15, 16),
            self._get(0, 3, 12),
            self._get(1, 3, 12) or 1,
            1 << self._get(4, 20, 3),
        )

    def with_tuning(self, tuning: Tuning) -> Pll:
        """With another frequency."""
        changed = (
            self.with_field(0, 15, 16, tuning.n)
            .with_field(0, 3, 12, tuning.frac)
            .with_field(1, 3, 12, tuning.mod)
        )
        return changed.with_field(4, 20, 3, tuning.divider.bit_length() - 1)

    @property
    def options(self) -> Options:
        """Fields of the options."""
        return Options(
            bool(self._get(2, 25, 1)),
            bool(self._get(2, 24, 1)),
            self._get(2, 14, 10),
            bool(self._get(2, 29, 2)),
        )

    def with_options(self, options: Options) -> Pll:
        """With other options; ValueError if the divider does not fit."""
        if not 1 <= options.divider < 1 << 10:
            raise ValueError(f"the reference divider is {options.divider}; expected 1 to 1023")
        changed = (
            self.with_field(2, 25, 1, options.double)
            .with_field(2, 24, 1, options.half)
            .with_field(2, 14, 10, options.divider)
        )
        return changed.with_field(2, 29, 2, 3 if options.low_spur else 0)

    @property
    def rf_level(self) -> int:
        """dBm."""
        return RF_LEVELS_DBM[self._get(4, 3, 2)]

    def with_rf_level(self, dbm: int) -> Pll:
        """With another level, dBm; ValueError if it is none of the four."""
        if dbm not in RF_LEVELS_DBM:
            raise ValueError(
                f"an RF level of {dbm} dBm; expected one of {', '.join(map(str, RF_LEVELS_DBM))}"
            )
        return self.with_field(4, 3, 2, RF_LEVELS_DBM.index(dbm))
