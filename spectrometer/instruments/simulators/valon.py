"""A simulated Valon synthesizer: its memory, and the same behind a pseudo terminal that speaks its
serial protocol."""

from __future__ import annotations

import os
import select
import struct
import threading
import tty
from contextlib import suppress

from groundwork.closing import Closing
from spectrometer.derive.synthesizer import (
    ACK,
    NACK,
    READ,
    SYNTHESIZERS,
    FrameCommand,
    Options,
    Pll,
    Tuning,
    checksum,
    lengths,
)

__all__ = ["LABEL", "SimulatedValon", "ValonTerminal"]

LABEL = "SIMULATED"
LOCKED = 0x30


class SimulatedValon:
    """State of a simulated Valon; both synthesizers at 1440 MHz with a reference of 10 MHz to begin
    with."""

    def __init__(self) -> None:
        pll = (
            Pll((0, 0, 0, 0, 0, 0))
            .with_tuning(Tuning(288, 0, 1, 2))
            .with_options(Options())
            .with_rf_level(5)
        )
        self.content: dict[tuple[FrameCommand, int], bytes] = {
            (FrameCommand.REFERENCE, 0): (10_000_000).to_bytes(4, "big")
        }
        for s in SYNTHESIZERS.values():
            self.content[FrameCommand.REGISTERS, s] = pll.to_bytes()
            self.content[FrameCommand.LABEL, s] = LABEL.encode().ljust(16)
            self.content[FrameCommand.VCO_RANGE, s] = struct.pack(">HH", 2200, 4400)
        self.content[FrameCommand.REFERENCE_SELECT, 0] = b"\1"
        self.locked = True
        self.flashed = 0

    def read(self, command: FrameCommand, synthesizer: int) -> bytes:
        """The bytes of a value."""
        data = self.content[self._key(command, synthesizer)]
        if command is FrameCommand.REFERENCE_SELECT:
            return bytes([data[0] | (LOCKED if self.locked else 0)])
        return data

    def write(self, command: FrameCommand, synthesizer: int, data: bytes) -> None:
        """Change a value."""
        if command is FrameCommand.FLASH:
            self.flashed += 1
        else:
            self.content[self._key(command, synthesizer)] = data

    def _key(self, command: FrameCommand, synthesizer: int) -> tuple[FrameCommand, int]:
        return command, 0 if command in (
            FrameCommand.REFERENCE,
            FrameCommand.REFERENCE_SELECT,
        ) else synthesizer


class ValonTerminal(Closing):
    """A SimulatedValon on a pseudo terminal, served by a thread; `path` is what a SerialValon
    opens.

    Attributes:
        path: Of the terminal.
        fault: "" none, "silent", "refuse" (NACK), "checksum", "late" (the answer comes right before
            the next one) or "babble" (a byte that is no answer).
    """

    def __init__(self, valon: SimulatedValon | None = None) -> None:
        self.valon = SimulatedValon() if valon is None else valon
        self.fault = ""
        self._held = b""
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.path = os.ttyname(self._theirs)
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._serve, name=f"valon {self.path}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and the terminal."""
        with suppress(OSError):
            os.write(self._waker, b".")
        self._thread.join(5)
        for descriptor in (self._ours, self._theirs, self._wake, self._waker):
            with suppress(OSError):
                os.close(descriptor)

    def _serve(self) -> None:
        pending = bytearray()
        while True:
            ready, _, _ = select.select([self._ours, self._wake], [], [])
            if self._wake in ready:
                return
            try:
                pending += os.read(self._ours, 4096)
            except OSError:
                return
            while pending and (used := self._frame(bytes(pending))):
                del pending[:used]

    def _frame(self, pending: bytes) -> int:
        """Answer the first frame; how many bytes it had, 0 if it is not complete."""
        first = pending[0]
        synthesizer = first & 0x08
        try:
            command = FrameCommand(first & ~(READ | 0x08))
        except ValueError:
            self._send(bytes([NACK]))
            return 1
        if first & READ:
            data = self.valon.read(command, synthesizer)
            self._send(data + bytes([checksum(data) ^ (0xFF if self.fault == "checksum" else 0)]))
            return 1
        size = 1 + lengths[command] + 1
        if len(pending) < size:
            return 0
        good = checksum(pending[: size - 1]) == pending[size - 1] and self.fault != "refuse"
        if good:
            self.valon.write(command, synthesizer, pending[1 : size - 1])
        self._send(bytes([ACK if good else NACK]))
        return size

    def _send(self, data: bytes) -> None:
        if self.fault == "babble":
            data = b"?"
        self._held += data if self.fault != "silent" else b""
        if self.fault != "late":
            data, self._held = self._held, b""
            os.write(self._ours, data)
