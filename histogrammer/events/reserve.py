"""Bytes between a thread that receives and one that reads, in pieces, up to a bound."""

from __future__ import annotations

import os
import threading
from collections import deque

from histogrammer.events.stopsign import StopSign

__all__ = ["Reserve"]

_PIECE_BYTES = 64
"""Memory of a piece besides its bytes, about."""


class Reserve:
    """Pieces that wait to be read.

    Args:
        most: Bytes of all that wait; a single larger piece is taken when nothing waits.
    """

    def __init__(self, most: int) -> None:
        self._most, self._bytes = most, 0
        self._pieces: deque[memoryview] = deque()
        self._changed = threading.Condition()
        self._filled = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._is_open = True

    def offer(self, data: memoryview) -> bool:
        """Take a copy of a piece; False: there is no room for it."""
        with self._changed:
            return self._take(data)

    def put(self, data: memoryview) -> bool:
        """Take a copy of a piece as soon as there is room; False: it was closed."""
        with self._changed:
            while self._is_open and not self._take(data):
                self._changed.wait()
            return self._is_open

    def read_into(self, room: memoryview) -> int | None:
        """Move bytes into a room; how many, None if none wait."""
        with self._changed:
            if not self._pieces:
                return None
            count = 0
            while self._pieces and count < len(room):
                piece = self._pieces[0]
                part = piece[: len(room) - count]
                room[count : count + len(part)] = part
                count += len(part)
                self._bytes -= len(part)
                if len(part) < len(piece):
                    self._pieces[0] = piece[len(part) :]
                else:
                    self._pieces.popleft()
                    self._bytes -= _PIECE_BYTES
            if not self._pieces and self._is_open:
                os.eventfd_read(self._filled)
            self._changed.notify()
            return count

    def wait(self, stop: StopSign) -> None:
        """Wait until something can be read, or for the sign."""
        if self._is_open:
            stop.wait(None, self._filled)

    def close(self) -> None:
        """Forget all, and take nothing more. Not while another thread waits to read."""
        with self._changed:
            if self._is_open:
                self._is_open = False
                os.close(self._filled)
            self._pieces.clear()
            self._changed.notify()

    def _take(self, data: memoryview) -> bool:
        needed = len(data) + _PIECE_BYTES
        if not self._is_open or (self._pieces and self._bytes + needed > self._most):
            return False
        if not self._pieces:
            os.eventfd_write(self._filled, 1)
        self._pieces.append(memoryview(bytes(data)))
        self._bytes += needed
        return True
