"""Times inside messages, moved on or left out of account, and identities of starts, left out. No
clock.

A time is what travels between a Dealer and a Player: [Y, M, D, h, m, s] or [Y, M, D, h, m, s, us],
UTC. The identity of a start is a text of 16 hexadecimal digits that its Dealer made up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["identities", "mapped", "renamed", "shifted", "without_times"]

_IDENTITY = re.compile(r"[0-9a-f]{16}")
_YEARS = range(1990, 2100)


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a decoded value with parts changed; what `change` returns as it is, is looked into."""
    if (changed := change(value)) is not value:
        return changed
    if isinstance(value, list):
        return [mapped(item, change) for item in value]
    return (
        {key: mapped(item, change) for key, item in value.items()}
        if isinstance(value, dict)
        else value
    )


def shifted(value: Any, by: timedelta) -> Any:
    """Return a decoded value with all times in it moved on by `by`, rounded up to full seconds."""
    seconds = timedelta(seconds=math.ceil(by.total_seconds()))

    def moved(part: Any) -> Any:
        if (time := _time(part)) is None:
            return part
        t = time + seconds
        return [t.year, t.month, t.day, t.hour, t.minute, t.second, t.microsecond][: len(part)]

    return mapped(value, moved)


def without_times(value: Any) -> Any:
    """Return a decoded value in which every time is the same text, and every identity of a
    start."""

    def plain(part: Any) -> Any:
        is_start = isinstance(part, str) and _IDENTITY.fullmatch(part)
        return "any start" if is_start else part if _time(part) is None else "any time"

    return mapped(value, plain)


def identities(value: Any) -> Iterator[str]:
    """Yield the identities of starts in a decoded value, in order."""
    if isinstance(value, str) and _IDENTITY.fullmatch(value):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from identities(item)


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return a decoded value in which the identities that are in `names` are those that they stand
    for."""
    return mapped(value, lambda part: names.get(part, part) if isinstance(part, str) else part)


def _time(value: Any) -> datetime | None:
    is_of_times = isinstance(value, list) and len(value) in (6, 7) and value[0] in _YEARS
    if not is_of_times or any(type(part) is not int for part in value):
        return None
    try:
        year, month, day, hour, minute, second, microsecond = (*value, 0)[:7]
        return datetime(year, month, day, hour, minute, second, microsecond, UTC)
    except (ValueError, OverflowError):
        return None
