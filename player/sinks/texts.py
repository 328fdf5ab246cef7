"""Texts and times of records as foreign servers can hold them. Knows no server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from groundwork.values import JsonValue

__all__ = ["moment", "number_of", "shown_value", "without_nul"]

_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, tzinfo=UTC)
_TO_JSON = json.JSONEncoder().encode


def moment(time_us: int) -> datetime:
    """Return a time, UTC, of microseconds since 1970; of a clock that was set to nonsense the first
    or the last there is."""
    try:
        return _BEGIN + timedelta(microseconds=time_us)
    except OverflowError:
        return _LAST if time_us > 0 else _BEGIN


def number_of(value: JsonValue) -> float | None:
    """Return a number, or a truth value as 1 or 0, to calculate with; None: it is none."""
    if not isinstance(value, bool | int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def shown_value(value: JsonValue) -> str:
    """Return a value as JSON, in ASCII, exactly; NaN and Infinity as Python's `json` has them."""
    return _TO_JSON(value)


def without_nul(text: str) -> str:
    r"""Return a text without the character 0, which databases refuse, as `\x00`."""
    return text.replace("\0", "\\x00") if "\0" in text else text
