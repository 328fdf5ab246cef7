"""Back-off of logins that fail, and rates of requests, by the address that they come from. No clock:
callers say `now`."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

__all__ = ["Backoff", "BackoffSettings", "Buckets", "source_of"]

MAX_SOURCES = 10_000
_SIX_PREFIX = 64


def source_of(peer: str) -> str:
    """Return as what a peer is counted: its address, of IPv6 its network of 64 bits, of which one
    host has all."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None or address.version == 4:
        return str(mapped or address)
    return str(ipaddress.ip_network((address, _SIX_PREFIX), strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class BackoffSettings:
    """Growth of the pauses.

    Attributes:
        free: Failures that cost nothing: people mistype.
        first: Pause after the next one, s; each further one doubles it.
        longest: Pause at most, s.
        forget: Failures are forgotten so long after the last, s.
    """

    free: int = 5
    first: float = 1.0
    longest: float = 60.0
    forget: float = 900.0


@dataclass(slots=True)
class _Failures:
    count: int
    last_at: float


class Backoff:
    """Failures of each source, of which the latest are known.

    Args:
        settings: Growth of the pauses.
    """

    def __init__(self, settings: BackoffSettings | None = None) -> None:
        self._settings = settings or BackoffSettings()
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def pause(self, source: str, now: float) -> float:
        """Return the time for which a source may not try again, s; 0: it may."""
        failures = self._failures.get(source)
        if failures is None:
            return 0.0
        if now - failures.last_at > self._settings.forget:
            del self._failures[source]
            return 0.0
        beyond = failures.count - self._settings.free
        if beyond <= 0:
            return 0.0
        doublings = min(beyond - 1, 60)
        pause = min(self._settings.first * 2.0**doublings, self._settings.longest)
        return max(failures.last_at + pause - now, 0.0)

    def fail(self, source: str, now: float) -> None:
        """Count a failure."""
        known = self._failures.pop(source, None)
        self._failures[source] = _Failures(1 if known is None else known.count + 1, now)
        if len(self._failures) > MAX_SOURCES:
            self._failures.popitem(last=False)

    def succeed(self, source: str) -> None:
        """Forget the failures of a source."""
        self._failures.pop(source, None)


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Buckets:
    """Requests that each source may still make: so many at once, and so many in a second.

    Args:
        rate: Requests per second.
        burst: Those at once.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, source: str, now: float) -> bool:
        """Take one; False: there is none left."""
        bucket = self._buckets.pop(source, None) or _Bucket(self._burst, now)
        bucket.left = min(bucket.left + (now - bucket.at) * self._rate, self._burst)
        bucket.at = now
        self._buckets[source] = bucket
        if len(self._buckets) > MAX_SOURCES:
            self._buckets.popitem(last=False)
        if bucket.left < 1.0:
            return False
        bucket.left -= 1.0
        return True
