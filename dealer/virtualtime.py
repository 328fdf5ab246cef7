"""A clock that is moved instead of waited for: while it holds, sleeping takes no time and everybody sees its time.

It holds for the whole process, from `take_time` on: `time.sleep`, `time.time`, `time.monotonic`, `perf_counter`,
`gmtime`, `localtime`, `datetime.now`, `utcnow` and `today`, and for all that asyncio waits for. It does not hold for
`threading` and `queue` time-outs, for `date.today`, and for what compiled code asks the system itself.
"""

from __future__ import annotations

import asyncio
import datetime
import math
import selectors
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Self

__all__ = ["EndlessError", "VirtualClock", "take_time"]

LONGEST_S = 30 * 86400.0

_real = SimpleNamespace(**vars(time))
_datetime = datetime.datetime
_time, _monotonic = time.time, time.monotonic
_gmtime, _localtime = time.gmtime, time.localtime


class EndlessError(BaseException):
    """More virtual time has passed than anybody plans; no Exception, so that a loop that catches these ends, too."""


class VirtualClock:
    """Begins at a full second, now or at a given time, and stands still unless it is moved.

    Args:
        start: Unix time, s; None: the next full second.

    Attributes:
        start: Unix time at which it began, s.
        elapsed: Since then, s.
    """

    def __init__(self, start: float | None = None) -> None:
        self.start = float(math.ceil(_time() if start is None else start))
        self.elapsed = 0.0
        self._monotonic = _monotonic()

    def time(self) -> float:
        """Unix time, s."""
        return self.start + self.elapsed

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return self._monotonic + self.elapsed

    def sleep(self, seconds: float) -> None:
        """Move the clock.

        Raises:
            ValueError, TypeError: As `time.sleep`.
            EndlessError: It would be more than LONGEST_S after its start.
        """
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        if self.elapsed + seconds > LONGEST_S:
            raise EndlessError(f"more than {LONGEST_S / 86400:g} days; does it ever end?")
        self.elapsed += seconds

    def now(self, tz: datetime.tzinfo | None = None) -> datetime.datetime:
        """The time as a datetime."""
        return _datetime.fromtimestamp(self.time(), tz)


def take_time(clock: VirtualClock) -> None:
    """From now on, let everybody in this process have a clock's time, and nobody wait. There is no way back."""
    moved: dict[str, Callable[..., Any]] = {
        "time": clock.time, "monotonic": clock.monotonic, "perf_counter": clock.monotonic, "sleep": clock.sleep,
        "time_ns": lambda: int(clock.time() * 1e9), "monotonic_ns": lambda: int(clock.monotonic() * 1e9),
        "gmtime": lambda seconds=None: _gmtime(clock.time() if seconds is None else seconds),
        "localtime": lambda seconds=None: _localtime(clock.time() if seconds is None else seconds),
    }  # fmt: skip
    for name, function in moved.items():
        setattr(time, name, function)
    shown = _datetime_of(clock)
    for module in list(sys.modules.values()):  # whoever has said `from datetime import datetime` already
        if getattr(module, "__dict__", {}).get("datetime") is _datetime and module.__name__ != __name__:
            vars(module)["datetime"] = shown
    asyncio.set_event_loop_policy(_Policy(clock))


def _datetime_of(clock: VirtualClock) -> type[datetime.datetime]:
    class Meta(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, _datetime)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, _datetime)

    class VirtualDatetime(_datetime, metaclass=Meta):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Self:
            return cls.fromtimestamp(clock.time(), tz)

        @classmethod
        def utcnow(cls) -> Self:
            return cls.fromtimestamp(clock.time(), datetime.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Self:
            return cls.fromtimestamp(clock.time())

    VirtualDatetime.__name__ = VirtualDatetime.__qualname__ = "datetime"
    return VirtualDatetime


class _Selector(selectors.DefaultSelector):
    """Moves the clock where an event loop would wait; without a time to wait for it waits for a thread's news."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            return super().select(None)
        self._clock.sleep(timeout)
        return ready


class _Policy(asyncio.DefaultEventLoopPolicy):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.SelectorEventLoop(_Selector(self._clock))
