"""Time-outs as callers give them: numbers of seconds, checked."""

from __future__ import annotations

from datetime import timedelta
from numbers import Real

__all__ = ["call_timeout", "reply_timeout"]

DEFAULT_TIMEOUT = 60.0
"""Default of the original, s."""


def call_timeout(t: object) -> float:
    """Return the time-out of one call, s, if it is one; ValueError if not. One that is over already
    is one."""
    if not isinstance(t, Real) or t != t:
        raise ValueError(
            f"_timeout is a number of seconds, or left out for the proxy's own; not {t!r}"
        )
    return float(t)


def reply_timeout(t: float | timedelta | None) -> float:
    """Return a reply time-out in seconds; 0 and None: the default. ValueError if it is negative."""
    seconds = t.total_seconds() if isinstance(t, timedelta) else float(t or 0.0)
    if not seconds >= 0:
        raise ValueError(
            f"a reply time-out is 0 s (the default of {DEFAULT_TIMEOUT:g} s) or more, not {seconds:g} s"
        )
    return seconds or DEFAULT_TIMEOUT
