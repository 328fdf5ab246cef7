"""Wish of another thread that a wait for data ends."""

from __future__ import annotations

import os
import select
import threading

__all__ = ["StopSign"]


class StopSign:
    """A flag that can be waited for together with descriptors."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._is_open = True
        self._is_set = False

    def is_set(self) -> bool:
        """Tell if it was set, and not cleared since."""
        return self._is_set

    def set(self) -> None:
        """Set the flag; a wait ends at once. From any thread."""
        with self._lock:
            if self._is_open and not self._is_set:
                os.eventfd_write(self._descriptor, 1)
            self._is_set = True

    def clear(self) -> None:
        """Clear the flag, unless it is closed."""
        with self._lock:
            if self._is_open and self._is_set:
                os.eventfd_read(self._descriptor)
                self._is_set = False

    def wait(self, timeout_s: float | None, *descriptors: int) -> None:
        """Wait until the flag is set, a descriptor has something to be read, or the time (s) is
        over."""
        poll = select.poll()
        for descriptor in (self._descriptor, *descriptors):
            poll.register(descriptor, select.POLLIN)
        poll.poll(None if timeout_s is None else timeout_s * 1000)

    def close(self) -> None:
        """Give its descriptor back; the flag is set for good."""
        with self._lock:
            if self._is_open:
                os.close(self._descriptor)
            self._is_open, self._is_set = False, True
