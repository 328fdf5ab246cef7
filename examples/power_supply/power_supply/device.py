"""The power supply on a serial port, 9600 baud, 8N1; one line at a time, from any thread."""

from __future__ import annotations

import threading

import serial

from power_supply import scpi

__all__ = ["Device"]

BAUD = 9600
TIMEOUT_S = 2.0


class Device:
    """One power supply.

    Args:
        port: Path of the serial port.

    Raises:
        OSError: The port cannot be opened.
    """

    def __init__(self, port: str) -> None:
        self._port = serial.Serial(port, BAUD, timeout=TIMEOUT_S, write_timeout=TIMEOUT_S)
        self._lock = threading.Lock()

    def ask(self, line: str) -> str:
        """Send a line; its answer.

        Raises:
            ScpiError: The device refuses, or does not answer within 2 s.
            OSError: The port is gone.
        """
        with self._lock:
            self._port.reset_input_buffer()
            self._port.write(scpi.request(line))
            return scpi.answer(line, self._port.readline())

    def number(self, line: str) -> float:
        """Send a line; its answer as a number."""
        return scpi.as_number(line, self.ask(line))

    def close(self) -> None:
        """Give the port back."""
        self._port.close()
