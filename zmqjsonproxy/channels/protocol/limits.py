"""Limits of a stream: which of the updates of a property are sent, and when. No clock."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Generic, TypeGuard, TypeVar

from groundwork.values import JsonObject
from zmqjsonproxy.channels.reducedframe import Reduction

__all__ = ["NO_LIMITS", "WHOLE", "Limiter", "Limits", "read_limits"]

T = TypeVar("T")
WHOLE = Reduction()
_OF_FRAMES = tuple(field.name for field in fields(Reduction))
_SLOWEST, _FASTEST = 0.001, 1000.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that a subscriber wants. Subscriptions of a property with equal limits share a stream.

    Attributes:
        rate: Updates per second at most, 0.001 to 1000; 0: all. The last one of a burst always
            comes.
        dead_band: A number is sent if it differs by more than this from the one that was sent
            last; 0: always.
        reduction: Of the frames of a pipe; see `zmqjsonproxy.channels.reducedframe`.
    """

    rate: float = 0.0
    dead_band: float = 0.0
    reduction: Reduction = WHOLE

    def __post_init__(self) -> None:
        if not _is_number(self.rate) or (self.rate and not _SLOWEST <= self.rate <= _FASTEST):
            text = f"rate: {_shown(self.rate)} is not within {_SLOWEST:g}..{_FASTEST:g}"
            raise ValueError(f"{text} updates per second; 0 has no limit")
        if not _is_number(self.dead_band) or not 0 <= self.dead_band < math.inf:
            raise ValueError(f"dead_band: {_shown(self.dead_band)} is no number from 0 on")

    @property
    def chooses(self) -> bool:
        """Tell whether some updates are not sent, so that a stream counts by itself."""
        return bool(self.rate or self.dead_band)

    def describe(self) -> JsonObject:
        """Return them as they travel: those that are there."""
        said: JsonObject = {"rate": self.rate, "dead_band": self.dead_band}
        told = {name: value for name, value in said.items() if value}
        whole = asdict(WHOLE)
        reduced = asdict(self.reduction).items()
        return told | {name: value for name, value in reduced if value != whole[name]}

    def for_kind(self, kind: str) -> Limits:
        """Return those that a kind of property knows: each message counts, and only frames are
        reduced."""
        if kind == "message":
            return NO_LIMITS
        return self if kind == "pipe" else replace(self, reduction=WHOLE)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shown(value: object) -> str:
    """Return a value that may be a stranger's; a number may have more digits than Python writes."""
    return f"an integer of {value.bit_length()} bits" if _is_long(value) else repr(value)[:40]


def _is_long(value: object) -> TypeGuard[int]:
    """Tell whether a value is an integer beyond the numbers that a float holds, or nearly so."""
    return isinstance(value, int) and value.bit_length() > 1000


NO_LIMITS = Limits()


def read_limits(said: object) -> Limits:
    """Read limits as they travel, an object with some of their names; ValueError: they are none."""
    if not isinstance(said, dict):
        raise ValueError(f"limits are an object, not {str(said)[:40]}")
    unknown = said.keys() - {"rate", "dead_band", *_OF_FRAMES}
    if unknown:
        raise ValueError(f"unknown limits: {', '.join(sorted(map(str, unknown)))[:80]}")
    if not said:
        return NO_LIMITS
    reduction = Reduction(**{name: said[name] for name in _OF_FRAMES if name in said})
    return Limits(said.get("rate", 0.0), said.get("dead_band", 0.0), reduction)


class Limiter(Generic[T]):
    """Choice of updates for one stream.

    Args:
        limits: Not NO_LIMITS.
    """

    __slots__ = ("_band", "_kept", "_last", "_pause", "_sent_at")

    def __init__(self, limits: Limits) -> None:
        self._pause = 1 / limits.rate if limits.rate else 0.0
        self._band = limits.dead_band
        self._sent_at = -math.inf
        self._last: object = None
        self._kept: tuple[T, object] | None = None

    @property
    def due(self) -> float | None:
        """When an update is to be taken that waits, s; None: none waits."""
        return None if self._kept is None else self._sent_at + self._pause

    @property
    def compares(self) -> bool:
        """Tell whether it looks at values."""
        return bool(self._band)

    def forget(self) -> None:
        """Forget what was sent: the next update is sent, whatever it is."""
        self._sent_at, self._last, self._kept = -math.inf, None, None

    def note_sent(self, value: object, now: float) -> None:
        """Take note of a value that subscribers have."""
        self._sent_at, self._last = now, value

    def offer(self, update: T, value: object, now: float) -> T | None:
        """Offer an update.

        Args:
            update: The update.
            value: Its value, for the dead-band; of no meaning unless it `compares`.
            now: s, monotonic.

        Returns:
            The update, if it is to be sent now; None: it waits, or is not sent.
        """
        self._kept = update, value
        return self.take(now)

    def take(self, now: float) -> T | None:
        """Take the update that waits, if it is due."""
        if self._kept is None or now < self._sent_at + self._pause:
            return None
        (update, value), self._kept = self._kept, None
        if self._is_within(value):
            return None
        self.note_sent(value, now)
        return update

    def _is_within(self, value: object) -> bool:
        last = self._last
        if not self._band or not _is_number(value) or not _is_number(last):
            return False
        if value == last or (value != value and last != last):  # infinities; NaN stays NaN
            return True
        try:
            return abs(value - last) <= self._band
        except OverflowError:  # of an integer that no float holds, and a float
            return False
