"""The power supply on a serial port, 9600 baud, 8N1; one line at a time, from any thread.

A plug that is pulled fails the line that is under way; the next one opens the port again.
"""

from __future__ import annotations

import termios
import threading

import serial

from power_supply import scpi

__all__ = ["Device"]

BAUD = 9600
TIMEOUT_S = 1.0  # a Bank has 3 s to close, and may have to wait for a line of another call first
LONGEST_ANSWER = 256


class Device:
    """One power supply.

    Args:
        port: Path of the serial port.

    Raises:
        OSError: The port cannot be opened.
    """

    def __init__(self, port: str) -> None:
        self._path = port
        self._lock = threading.Lock()
        self._port: serial.Serial | None = self._open()

    def _open(self) -> serial.Serial:
        return serial.Serial(self._path, BAUD, timeout=TIMEOUT_S, write_timeout=TIMEOUT_S)

    def ask(self, line: str) -> str:
        """Send a line; its answer.

        Raises:
            ScpiError: The device refuses, or does not answer within 1 s.
            OSError: The port is gone.
        """
        with self._lock:
            request = scpi.request(line)
            if self._port is None:
                self._port = self._open()
            try:
                self._port.reset_input_buffer()
                self._port.write(request)
                # Not `readline`, whose time-out is for each byte: a device that sends without end
                # would never end it.
                reply = self._port.read_until(b"\n", LONGEST_ANSWER)
            except (
                OSError,
                termios.error,
            ) as error:  # pyserial lets the latter through, which is no OSError
                self._drop()
                raise OSError(f"{self._path} is gone: {error}") from error
            return scpi.answer(line, reply)

    def number(self, line: str) -> float:
        """Send a line; its answer as a number."""
        return scpi.as_number(line, self.ask(line))

    def close(self) -> None:
        """Give the port back."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            port.close()
