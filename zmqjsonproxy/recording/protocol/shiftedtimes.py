"""Times inside messages, moved on or left out of account, and identities of starts, left out. No
clock.

A time is what travels between a Dealer and a Player: [Y, M, D, h, m, s] or [Y, M, D, h, m, s, us],
UTC. The identity of a start is a text of 16 hexadecimal digits that its Dealer made up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["identities", "renamed", "shifted", "without_times"]

_IDENTITY = re.compile(r"[0-9a-f]{16}")
_YEARS = range(1990, 2100)


def shifted(value: Any, by: timedelta) -> Any:
    """Return a decoded value with all times in it moved on by `by`, rounded up to full seconds."""
    time = _time(value)
    if time is not None:
        t = time + timedelta(seconds=math.ceil(by.total_seconds()))
        return [t.year, t.month, t.day, t.hour, t.minute, t.second, t.microsecond][: len(value)]
    if isinstance(value, list):
        return [shifted(item, by) for item in value]
    if isinstance(value, dict):
        return {key: shifted(item, by) for key, item in value.items()}
    return value


def without_times(value: Any) -> Any:
    """Return a decoded value in which every time is the same text, and every identity of a
    start."""
    if _time(value) is not None:
        return "any time"
    if isinstance(value, str) and _IDENTITY.fullmatch(value):
        return "any start"
    if isinstance(value, list):
        return [without_times(item) for item in value]
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items()}
    return value


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
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, list):
        return [renamed(item, names) for item in value]
    if isinstance(value, dict):
        return {key: renamed(item, names) for key, item in value.items()}
    return value


def _time(value: Any) -> datetime | None:
    if not isinstance(value, list) or len(value) not in (6, 7) or value[0] not in _YEARS:
        return None
    if any(type(part) is not int for part in value):
        return None
    try:
        year, month, day, hour, minute, second, microsecond = (*value, 0)[:7]
        return datetime(year, month, day, hour, minute, second, microsecond, UTC)
    except (ValueError, OverflowError):
        return None
