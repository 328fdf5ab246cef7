"""Load of this host, as a Player publishes it."""

from __future__ import annotations

import threading
import time

import psutil

from groundwork.values import JsonObject

__all__ = ["HostLoad"]

_LOOPBACK = "lo"
_SHORTEST_S = 0.5
"""Rates are those between two readings that are at least so far apart."""


class HostLoad:
    """Reads the load; for any thread."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._lock = threading.Lock()
        self._counted = (0, 0)
        self._counted_at = -1.0
        self._rates = (0.0, 0.0)

    def read(self) -> JsonObject:
        """Return cores, load (mean of a minute; 1: one core is busy), memory in bytes, traffic of the
        network in bytes per s, and the memory of this Player."""
        memory = psutil.virtual_memory()
        received, sent = self._traffic()
        return {
            "cores": psutil.cpu_count() or 1,
            "load": psutil.getloadavg()[0],
            "memory_bytes": memory.total,
            "used_bytes": memory.total - memory.available,
            "received_per_s": round(received),
            "sent_per_s": round(sent),
            "player_bytes": self._process.memory_info().rss,
        }

    def _traffic(self) -> tuple[float, float]:
        """Return bytes received and sent per s since the reading before; at first 0."""
        cards = psutil.net_io_counters(pernic=True)
        others = [card for name, card in cards.items() if name != _LOOPBACK]
        counted = sum(c.bytes_recv for c in others), sum(c.bytes_sent for c in others)
        now = time.monotonic()
        with self._lock:
            passed = now - self._counted_at
            if self._counted_at < 0:
                self._counted, self._counted_at = counted, now
            elif passed >= _SHORTEST_S:
                before, self._counted, self._counted_at = self._counted, counted, now
                self._rates = (
                    max(counted[0] - before[0], 0) / passed,
                    max(counted[1] - before[1], 0) / passed,
                )
            return self._rates
