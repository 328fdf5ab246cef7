"""Written answers that are kept until what they tell of changes."""

from __future__ import annotations

import threading
from collections.abc import Hashable

__all__ = ["KEPT_BYTES", "BodyCache"]

KEPT_BYTES = 64 << 20
"""Six spectra of 512 x 512 channels that are all filled."""


class BodyCache:
    """Answers by what they tell of; those that were asked for last are kept. Safe in threads.

    Args:
        most_bytes: That are kept.
    """

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._most, self._bytes = most_bytes, 0
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[int, bytes]] = {}  # the last one asked for is last

    def get(self, key: Hashable, version: int) -> bytes | None:
        """Return what was put under a key at this version."""
        with self._lock:
            kept = self._kept.pop(key, None)
            if kept is None:
                return None
            self._kept[key] = kept
            return kept[1] if kept[0] == version else None

    def put(self, key: Hashable, version: int, body: bytes) -> None:
        """Keep an answer in place of the one before."""
        with self._lock:
            _, old = self._kept.pop(key, (0, b""))
            self._bytes += len(body) - len(old)
            self._kept[key] = (version, body)
            while self._bytes > self._most:
                first = next(iter(self._kept))
                self._bytes -= len(self._kept.pop(first)[1])
