"""The Valon synthesizer, which clocks the samplers: reached through the board's server, or over a
serial port of the Player's host. Both have the same methods, which are
`bank.valon` for callers.

A synthesizer is named 0 or 8, as in the original, or "a" or "b". Frequencies are MHz.
"""

from __future__ import annotations

import struct
import termios
import threading
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any

from spectrometer.config import SynthConfig
from spectrometer.derive.synthesizer import (
    ACK,
    NACK,
    RF_LEVELS_DBM,
    SPACING_MHZ,
    SYNTHESIZERS,
    FrameCommand,
    Options,
    Pll,
    SynthesizerFrameError,
    checksum,
    frequency_range,
    lengths,
    read_frame,
    reference_mhz,
    settled,
    tune,
    write_frame,
)
from spectrometer.instruments.errors import BoardError, SynthesizerError
from spectrometer.instruments.roach import Roach
from zmqjsonproxy.interface import command

__all__ = ["KatcpValon", "SamplerClock", "SerialValon", "Valon", "make_valon"]

BAUD = 9600
SERIAL_TIMEOUT_S = 2.0
LOCK_A, LOCK_B = (
    0x20,
    0x10,
)  # as the Python library of the field has it; another one has them the other way round
MAX_REPLY_BYTES = max(lengths.values()) + 1
_PROBES = (FrameCommand.REFERENCE, FrameCommand.REFERENCE_SELECT)
"""Questions that change nothing."""
MAX_LABEL = 16
MAX_DIVIDER = 1023
MAX_REFERENCE_HZ = 2**32 - 1


class Valon(ABC):
    """Synthesizer, as callers see it."""

    name = ""
    """Where it is."""

    @command
    @abstractmethod
    def get_frequency(self, s: int | str) -> float:
        """The output frequency, MHz."""

    @command
    @abstractmethod
    def set_frequency(self, s: int | str, mhz: float, spacing: float = SPACING_MHZ) -> bool:
        """Set the output frequency, MHz, to the nearest that can be had in steps of about `spacing`
        MHz.

        The steps are the reference divided by a whole number; `get_frequency` tells what it is
        then. True; SynthesizerError names the range.
        """

    @command
    @abstractmethod
    def get_label(self, s: int | str) -> str:
        """The label, up to 16 characters."""

    @command
    @abstractmethod
    def set_label(self, s: int | str, text: str) -> bool:
        """Set the label, up to 16 characters."""

    @command
    @abstractmethod
    def get_options(self, s: int | str) -> tuple[int, int, int, int]:
        """(reference doubled, halved, divider, low-spur mode)."""

    @command
    @abstractmethod
    def set_options(
        self, s: int | str, double: int = 0, half: int = 0, r: int = 1, low_spur: int = 0
    ) -> bool:
        """Set reference doubler, halver and divider, and low-spur (1) or low-noise (0) mode."""

    @command
    @abstractmethod
    def get_phase_lock(self, s: int | str) -> bool:
        """Tell whether the PLL is locked."""

    @command
    @abstractmethod
    def get_ref_select(self) -> int:
        """1: the reference is external, 0: internal."""

    @command
    @abstractmethod
    def set_ref_select(self, n: int) -> bool:
        """Use the external (1) or internal (0) reference."""

    @command
    @abstractmethod
    def get_reference(self) -> int:
        """The reference frequency, Hz."""

    @command
    @abstractmethod
    def set_reference(self, hz: int) -> bool:
        """Tell the synthesizer its reference frequency, Hz."""

    @command
    @abstractmethod
    def get_rf_level(self, s: int | str) -> int:
        """The output level, dBm."""

    @command
    @abstractmethod
    def set_rf_level(self, s: int | str, dbm: int) -> bool:
        """Set the output level: -4, -1, 2 or 5 dBm; False, and nothing is asked, for any other (as
        in the original)."""

    @command
    @abstractmethod
    def get_vco_range(self, s: int | str) -> tuple[int, int]:
        """The VCO's range, MHz."""

    @command
    @abstractmethod
    def set_vco_range(self, s: int | str, lo: int, hi: int) -> bool:
        """Set the VCO's range, MHz."""

    @command
    @abstractmethod
    def flash(self) -> None:
        """Keep all settings over a power cut."""

    @abstractmethod
    def close(self) -> None:
        """Give its port back, if it has one."""

    def _megahertz(self, mhz: object, spacing: object) -> None:
        """SynthesizerError if one of them is no number."""
        for what, value in (("frequency", mhz), ("spacing", spacing)):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise SynthesizerError(
                    f"{self.name}: a {what} of {value!r:.40}; expected a number of MHz"
                )

    def _whole(self, what: str, value: object, low: int, high: int) -> int:
        """A whole number; SynthesizerError says what it is if it is none, or out of range."""
        if isinstance(value, int | float) and value == value // 1 and low <= value <= high:
            return int(value)
        raise SynthesizerError(f"{self.name}: {what} is {value!r:.40}; expected {low} to {high}")

    def _options(self, double: object, half: object, r: object, low_spur: object) -> Options:
        flags = (("double", double), ("half", half), ("low_spur", low_spur))
        on = {what: bool(self._whole(what, value, 0, 1)) for what, value in flags}
        divider = self._whole("the reference divider", r, 1, MAX_DIVIDER)
        return Options(on["double"], on["half"], divider, on["low_spur"])

    def _vco_range(self, lo: object, hi: object) -> tuple[int, int]:
        low, high = (
            self._whole(f"the VCO's {end} end", value, 1, 65535)
            for end, value in (("low", lo), ("high", hi))
        )
        if low >= high:
            raise SynthesizerError(
                f"{self.name}: a VCO range of {low} to {high} MHz; expected 1 to 65535, ascending"
            )
        return low, high

    def _checked(self, mhz: float, vco_range: tuple[int, int]) -> None:
        low, high = frequency_range(vco_range)
        if not low <= mhz <= high:
            raise SynthesizerError(
                f"{self.name}: {mhz:g} MHz is out of range, {low:g} to {high:g} MHz"
            )


def _letter(s: int | str) -> str:
    for letter, number in SYNTHESIZERS.items():
        if s in (number, letter, letter.upper(), f"synth_{letter}") and not isinstance(s, bool):
            return letter
    raise SynthesizerError(f"{s!r} is no synthesizer; there are 0 (or 'a') and 8 (or 'b')")


class KatcpValon(Valon):
    """Through `valon-...` requests of the board's server, whose serial port it hangs on."""

    def __init__(self, board: Roach, port: str) -> None:
        self.name = f"synthesizer at {port} of {board.name}"
        self._board, self._port = board, port

    def open(self) -> None:
        """Tell the board's server the port. BoardError if it refuses."""
        self._ask("new-port", self._port)

    def close(self) -> None:
        """Nothing: the connection is the board's."""

    def _ask(self, what: str, *arguments: str | float) -> list[bytes]:
        return self._board.connection.request(f"valon-{what}", *arguments).arguments

    def _number(self, what: str, index: int, *arguments: str | float) -> Any:
        """Argument `index` of a reply, counted from `ok` as 0, as a number."""
        found = self._ask(what, *arguments)
        try:
            text = found[index - 1].decode("ascii")
            return float(text) if "." in text else int(text)
        except (IndexError, ValueError) as error:
            request = " ".join([f"?valon-{what}", *map(str, arguments)])
            raise BoardError(
                self._board.name, request, f"ok {found}; expected a number there"
            ) from error

    @command
    def get_frequency(self, s: int | str) -> float:
        return float(self._number("get-frequency", 2, _name(s)))

    @command
    def set_frequency(self, s: int | str, mhz: float, spacing: float = SPACING_MHZ) -> bool:
        self._megahertz(mhz, spacing)
        self._checked(mhz, self.get_vco_range(s))
        self._ask("set-frequency", _name(s), float(mhz), float(spacing))
        return True

    @command
    def get_label(self, s: int | str) -> str:
        found = self._ask("get-label", _name(s))
        return found[0].decode("ascii", "replace").rstrip("\0 ") if found else ""

    @command
    def set_label(self, s: int | str, text: str) -> bool:
        self._ask("set-label", _name(s), _label(text))
        return True

    @command
    def get_options(self, s: int | str) -> tuple[int, int, int, int]:
        low_spur, double, half, r = (
            self._number("get-options", index, _name(s)) for index in (2, 3, 4, 5)
        )
        return double, half, r, low_spur

    @command
    def set_options(
        self, s: int | str, double: int = 0, half: int = 0, r: int = 1, low_spur: int = 0
    ) -> bool:
        asked = self._options(double, half, r, low_spur)
        self._ask(
            "set-options",
            _name(s),
            int(asked.low_spur),
            int(asked.double),
            int(asked.half),
            asked.divider,
        )
        return True

    @command
    def get_phase_lock(self, s: int | str) -> bool:
        return bool(self._number("get-phase-lock", 1, _name(s)) == 1)

    @command
    def get_ref_select(self) -> int:
        return int(self._number("get-ref-select", 1))

    @command
    def set_ref_select(self, n: int) -> bool:
        self._ask("set-ref-select", self._whole("the reference", n, 0, 1))
        return True

    @command
    def get_reference(self) -> int:
        return int(self._number("get-reference", 1))

    @command
    def set_reference(self, hz: int) -> bool:
        self._ask("set-reference", self._whole("the reference in Hz", hz, 1, MAX_REFERENCE_HZ))
        return True

    @command
    def get_rf_level(self, s: int | str) -> int:
        return int(self._number("get-rf-level", 2, _name(s)))

    @command
    def set_rf_level(self, s: int | str, dbm: int) -> bool:
        if dbm not in RF_LEVELS_DBM:
            return False
        self._ask("set-rf-level", _name(s), int(dbm))
        return True

    @command
    def get_vco_range(self, s: int | str) -> tuple[int, int]:
        low, high = (int(self._number("get-vco-range", index, _name(s))) for index in (2, 3))
        return low, high

    @command
    def set_vco_range(self, s: int | str, lo: int, hi: int) -> bool:
        self._ask("set-vco-range", _name(s), *self._vco_range(lo, hi))
        return True

    @command
    def flash(self) -> None:
        self._ask("flash")


def _name(s: int | str) -> str:
    return f"synth_{_letter(s)}"


def _label(text: str) -> str:
    if (
        not isinstance(text, str)
        or not text.isascii()
        or not text.isprintable()
        or len(text) > MAX_LABEL
    ):
        raise SynthesizerError(
            f"label {text!r:.80}: expected up to {MAX_LABEL} printable ASCII characters"
        )
    return text


class SerialValon(Valon):
    """Over a serial port of this host, 9600 baud, 8N1, which nobody else has open meanwhile.

    Answers have no numbers, but come in order. So after one that did not come in time two harmless
    questions are asked, whose answers have different lengths: when these have come, nothing of the
    late one can come any more.
    """

    def __init__(self, port: str) -> None:
        self.name = f"synthesizer at {port}"
        self._path = port
        self._port: Any = None
        self._late = 0  # bytes that may still come of replies that are not waited for any more
        self._lock = threading.Lock()

    def open(self) -> None:
        """Open the port. SynthesizerError if it cannot be."""
        import serial  # late: only a Bank with a synthesizer of its own needs it

        try:
            self._port = serial.Serial(
                self._path,
                BAUD,
                timeout=SERIAL_TIMEOUT_S,
                write_timeout=SERIAL_TIMEOUT_S,
                exclusive=True,
            )
        except (OSError, ValueError) as error:
            raise SynthesizerError(f"{self.name}: {error}") from error

    def close(self) -> None:
        with self._lock:
            self._give_up()

    def _give_up(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            with suppress(OSError, termios.error):
                port.close()

    # frames

    def _exchange(self, frame: bytes, size: int) -> bytes:
        with self._lock:
            try:
                if self._port is None:
                    self.open()
                if self._late:
                    self._get_in_step()
                self._port.reset_input_buffer()
                self._late = size
                self._port.write(frame)
                found: bytes = self._port.read(size)
            except (
                OSError,
                termios.error,
            ) as error:  # pyserial's errors are OSErrors; it lets some of termios through
                self._give_up()
                raise SynthesizerError(f"{self.name}: {error}") from error
            self._late = size - len(found)
        if len(found) != size:
            raise SynthesizerError(
                f"{self.name}: {frame.hex(' ')}: {len(found)} of {size} bytes came within {SERIAL_TIMEOUT_S:g} s"
            )
        return found

    def _get_in_step(self) -> None:
        """Ask two questions, and wait until their answers, one after the other, are the last that
        has come."""
        while self._port.in_waiting:  # what has come since
            self._port.reset_input_buffer()
        late = self._late
        for what in _PROBES:
            if not self._is_answered(what, late):
                raise SynthesizerError(
                    f"{self.name}: its answers are out of step since one came too late; ask again"
                )
            late = 0
        self._late = 0

    def _is_answered(self, what: FrameCommand, late: int) -> bool:
        """Ask for something; whether what comes ends with the answer, behind at most so many late
        bytes."""
        size, found, end = lengths[what] + 1, b"", time.monotonic() + SERIAL_TIMEOUT_S
        self._port.write(read_frame(what, 0))
        while time.monotonic() < end and len(found) <= size + late:
            found += self._port.read(max(self._port.in_waiting, 1))
            *data, last = found[-size:] or b"\1"
            if (
                size <= len(found) <= size + late
                and checksum(bytes(data)) == last
                and not self._port.in_waiting
            ):
                return True
        return False

    def _read(self, what: FrameCommand, s: int | str | None = None) -> bytes:
        frame = read_frame(what, 0 if s is None else SYNTHESIZERS[_letter(s)])
        found = self._exchange(frame, lengths[what] + 1)
        if checksum(found[:-1]) != found[-1]:
            self._late = len(found)
            raise SynthesizerError(
                f"{self.name}: {frame.hex(' ')}: {found.hex(' ')} has a wrong checksum"
            )
        return found[:-1]

    def _write(self, what: FrameCommand, data: bytes, s: int | str | None = None) -> bool:
        frame = write_frame(what, 0 if s is None else SYNTHESIZERS[_letter(s)], data)
        found = self._exchange(frame, 1)
        if found[0] == NACK:
            raise SynthesizerError(f"{self.name}: {frame.hex(' ')} was refused ({found[0]:#04x})")
        if found[0] != ACK:
            self._late = MAX_REPLY_BYTES
            raise SynthesizerError(
                f"{self.name}: {frame.hex(' ')}: {found[0]:#04x} came, which is no answer to that"
            )
        return True

    def _pll(self, s: int | str) -> Pll:
        try:
            return Pll.from_bytes(self._read(FrameCommand.REGISTERS, s))
        except SynthesizerFrameError as error:
            raise SynthesizerError(f"{self.name}: {error}") from error

    # values

    @command
    def get_frequency(self, s: int | str) -> float:
        pll = self._pll(s)
        return pll.tuning.frequency(reference_mhz(self.get_reference(), pll.options))

    @command
    def set_frequency(self, s: int | str, mhz: float, spacing: float = SPACING_MHZ) -> bool:
        self._megahertz(mhz, spacing)
        vco_range, pll = self.get_vco_range(s), self._pll(s)
        self._checked(mhz, vco_range)
        try:
            tuning = tune(mhz, spacing, reference_mhz(self.get_reference(), pll.options), vco_range)
        except ValueError as error:
            raise SynthesizerError(f"{self.name}: {error}") from error
        return self._write(FrameCommand.REGISTERS, pll.with_tuning(tuning).to_bytes(), s)

    @command
    def get_label(self, s: int | str) -> str:
        return self._read(FrameCommand.LABEL, s).decode("ascii", "replace").rstrip("\0 ")

    @command
    def set_label(self, s: int | str, text: str) -> bool:
        return self._write(FrameCommand.LABEL, _label(text).encode("ascii").ljust(MAX_LABEL), s)

    @command
    def get_options(self, s: int | str) -> tuple[int, int, int, int]:
        found = self._pll(s).options
        return int(found.double), int(found.half), found.divider, int(found.low_spur)

    @command
    def set_options(
        self, s: int | str, double: int = 0, half: int = 0, r: int = 1, low_spur: int = 0
    ) -> bool:
        asked = self._options(double, half, r, low_spur)
        return self._write(FrameCommand.REGISTERS, self._pll(s).with_options(asked).to_bytes(), s)

    @command
    def get_phase_lock(self, s: int | str) -> bool:
        bit = LOCK_A if _letter(s) == "a" else LOCK_B
        return bool(self._read(FrameCommand.REFERENCE_SELECT, s)[0] & bit)

    @command
    def get_ref_select(self) -> int:
        return self._read(FrameCommand.REFERENCE_SELECT)[0] & 1

    @command
    def set_ref_select(self, n: int) -> bool:
        return self._write(
            FrameCommand.REFERENCE_SELECT, bytes([self._whole("the reference", n, 0, 1)])
        )

    @command
    def get_reference(self) -> int:
        return int.from_bytes(self._read(FrameCommand.REFERENCE), "big")

    @command
    def set_reference(self, hz: int) -> bool:
        hz = self._whole("the reference in Hz", hz, 1, MAX_REFERENCE_HZ)
        return self._write(FrameCommand.REFERENCE, hz.to_bytes(4, "big"))

    @command
    def get_rf_level(self, s: int | str) -> int:
        return self._pll(s).rf_level

    @command
    def set_rf_level(self, s: int | str, dbm: int) -> bool:
        if dbm not in RF_LEVELS_DBM:
            return False
        return self._write(FrameCommand.REGISTERS, self._pll(s).with_rf_level(dbm).to_bytes(), s)

    @command
    def get_vco_range(self, s: int | str) -> tuple[int, int]:
        low, high = struct.unpack(">HH", self._read(FrameCommand.VCO_RANGE, s))
        return low, high

    @command
    def set_vco_range(self, s: int | str, lo: int, hi: int) -> bool:
        return self._write(FrameCommand.VCO_RANGE, struct.pack(">HH", *self._vco_range(lo, hi)), s)

    @command
    def flash(self) -> None:
        self._write(FrameCommand.FLASH, b"")


def make_valon(config: SynthConfig, board: Roach | None) -> KatcpValon | SerialValon:
    """The synthesizer of a Bank; nothing is asked of it yet.

    Raises:
        SynthesizerError: It hangs on a board that the Bank has not.
    """
    if config.via == "local":
        return SerialValon(config.port)
    if board is None:
        raise SynthesizerError('synth.via is "katcp", and the Bank has no ROACH; say via = "local"')
    return KatcpValon(board, config.port)


class SamplerClock:
    """Synthesizer A as a Backend sees it: set up as the configuration says, set, and verified (flaw
    K2)."""

    def __init__(self, valon: KatcpValon | SerialValon, config: SynthConfig) -> None:
        self.valon, self._config = valon, config

    def set_frequency(self, synthesizer: int, megahertz: float) -> float:
        """Set up and set one of the two outputs, MHz, and see that it is locked there.

        Returns:
            The frequency that it makes, within `SPACING_MHZ`.

        Raises:
            SynthesizerError, BoardError: It refuses, reads back something else, or is not locked.
        """
        valon, config = self.valon, self._config
        s = list(SYNTHESIZERS.values())[synthesizer]
        valon.open() if isinstance(valon, KatcpValon) else None
        valon.set_ref_select(1 if config.reference == "external" else 0)
        valon.set_reference(config.reference_hz)
        valon.set_vco_range(s, *config.vco_range_mhz)
        valon.set_rf_level(s, config.rf_level_dbm)
        options = config.options
        valon.set_options(s, options.double, options.half, options.divider, options.low_spur)
        valon.set_frequency(s, megahertz)
        found = valon.get_frequency(s)
        if abs(found - megahertz) > SPACING_MHZ:
            raise SynthesizerError(
                f"{valon.name}: {megahertz:g} MHz was set, {found:g} MHz is read back"
            )
        if not valon.get_phase_lock(s):
            raise SynthesizerError(
                f"{valon.name}: not locked at {megahertz:g} MHz; look at the {config.reference} reference"
            )
        return settled(megahertz, found)
