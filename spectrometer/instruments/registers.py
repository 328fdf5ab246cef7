"""The FPGA and its surroundings as a Backend sees them, and one that is nothing but memory.

A Backend knows only the Protocols; which object is behind them is decided when the Bank is opened.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["MemoryRegisters", "MemorySynthesizer", "Registers", "Synthesizer", "signed"]

HISTORY = 1000


class Registers(Protocol):
    """One FPGA board. Every failure is an exception that names board, request and reply."""

    def program(self, image: str) -> None:
        """De-program the FPGA and load an image."""

    def read_int(self, name: str) -> int:
        """Read a register as a signed 32-bit integer."""

    def write_int(self, name: str, value: int) -> None:
        """Write a register, 32 bits, signed or unsigned."""

    def read(self, name: str, size: int, offset: int = 0) -> bytes:
        """Read bytes of a register or block memory."""

    def write(self, name: str, data: bytes, offset: int = 0) -> None:
        """Write bytes to a register or block memory."""

    def write_changed(self, values: Mapping[str, int | bytes]) -> list[str]:
        """Write what differs: integers are compared with the register's content, bytes are always
        written.

        Returns:
            Names of the registers that were written.
        """

    def start_tap(self, tap: str, core: str, ip: str, port: int, mac: int) -> None:
        """Give an Ethernet core its address and start it."""

    def write_i2c(self, address: int, data: bytes) -> None:
        """Write bytes to a device on the board's I2C bus."""


class Synthesizer(Protocol):
    """The clock of the samplers."""

    def set_frequency(self, synthesizer: int, megahertz: float) -> float:
        """Set one of its two outputs, MHz; the frequency that it makes then."""


def signed(value: int) -> int:
    """Return the 32 bits of a number as a signed one, as `read_int` gives them."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value


class MemoryRegisters:
    """A board without hardware: what is written can be read back, and the order of all requests is
    kept.

    A register that was never written reads 0. Usable from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._content: dict[str, bytearray] = {}
        self.image: str | None = None
        self.history: deque[tuple[Any, ...]] = deque(maxlen=HISTORY)

    def program(self, image: str) -> None:
        with self._lock:
            self.history.append(("program", image))
            self._content.clear()
            self.image = image

    def read_int(self, name: str) -> int:
        return int.from_bytes(self.read(name, 4), "big", signed=True)

    def write_int(self, name: str, value: int) -> None:
        with self._lock:
            self.history.append(("write_int", name, value))
            self._put(name, (value & 0xFFFFFFFF).to_bytes(4, "big"), 0)

    def read(self, name: str, size: int, offset: int = 0) -> bytes:
        with self._lock:
            content = self._content.get(name, b"")
            return bytes(content[offset : offset + size]).ljust(size, b"\0")

    def write(self, name: str, data: bytes, offset: int = 0) -> None:
        with self._lock:
            self.history.append(("write", name, data))
            self._put(name, data, offset)

    def write_changed(self, values: Mapping[str, int | bytes]) -> list[str]:
        written: list[str] = []
        for name, value in values.items():
            if isinstance(value, bytes):
                self.write(name, value)
            elif self.read_int(name) != signed(value):
                self.write_int(name, value)
            else:
                continue
            written.append(name)
        return written

    def start_tap(self, tap: str, core: str, ip: str, port: int, mac: int) -> None:
        with self._lock:
            self.history.append(("start_tap", tap, core, ip, port, mac))

    def write_i2c(self, address: int, data: bytes) -> None:
        with self._lock:
            self.history.append(("write_i2c", address, data))

    def _put(self, name: str, data: bytes, offset: int) -> None:
        content = self._content.setdefault(name, bytearray())
        content.extend(bytes(max(offset + len(data) - len(content), 0)))
        content[offset : offset + len(data)] = data


class MemorySynthesizer:
    """A synthesizer without hardware: remembers its frequencies, MHz."""

    def __init__(self) -> None:
        self.frequencies: dict[int, float] = {}

    def set_frequency(self, synthesizer: int, megahertz: float) -> float:
        self.frequencies[synthesizer] = megahertz
        return megahertz
