"""Numbers, times and texts as the page shows them. No clock, no terminal."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from groundwork.printable import printable
from groundwork.truncation import cut

__all__ = [
    "byte_count",
    "member_text",
    "number_text",
    "percent",
    "scaled",
    "sidereal",
    "site_time",
    "span",
    "unix_time",
    "utc",
    "utc_near",
    "utc_of_day",
    "value_text",
    "visible",
]

MAX_VALUE = 300
_DAY_S = 86_400
_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_LAST_S = 253402300799.0
_MOMENTS = frozenset({"time", "since", "until", "asked", "started", "ended", "begun"})
_DATE = 7
"""Members of a date: year, month, day, hour, minute, second, microsecond."""


def visible(text: object, most: int = MAX_VALUE) -> str:
    """Return a text of a stranger in one line, with what cannot be seen made visible."""
    told = cut(str(text), most)
    return told if told.isprintable() else printable(told)


def number_text(number: float) -> str:
    """Return a number in digits that make sense: all of an integer, seven of any other."""
    if isinstance(number, int) or not math.isfinite(number):
        return str(number)
    size = abs(number)
    if number.is_integer() and size < 1e15:
        return str(int(number))
    if size >= 1e9 or size < 1e-4:
        mantissa, _, exponent = f"{number:.5e}".partition("e")
        return f"{re.sub(r'[.]?0+$', '', mantissa)}e{int(exponent)}"
    return repr(float(f"{number:.7g}")).removesuffix(".0")


def value_text(value: Any) -> str:
    """Return a value in one line."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, str):
        return visible(value) if value else "(empty)"
    if isinstance(value, dict) and value.get("left_out") is True:
        count, text = value.get("characters", "many"), value.get("text")
        told = f"({count} characters)"
        return told if text is None else f"{told} {visible(text[:MAX_VALUE])}"
    if hasattr(value, "dtype"):
        return f"{' x '.join(map(str, value.shape))} {value.dtype}"
    return visible(json.dumps(value, default=str))


def member_text(name: str, value: Any) -> str:
    """Return a member of a value; times and sizes, by their names, as such."""
    date = unix_time(value) if isinstance(value, list | tuple) and len(value) == _DATE else None
    if date is not None and date > 0:
        return f"{utc(date)} UTC"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value_text(value)
    if name in _MOMENTS and value > 1e9:
        return f"{utc(value)} UTC"
    if name == "bytes" or name.endswith("_bytes"):
        return byte_count(value)
    if name.endswith("_per_s"):
        return f"{scaled(value, '')}/s"
    return number_text(value)


def scaled(number: Any, unit: str) -> str:
    """Return a number with its unit, with a prefix if it is large: 412 MB/s."""
    if not isinstance(number, int | float) or not math.isfinite(number):
        return "-"
    for size, sign in _PREFIXES:
        if abs(number) >= size:
            return f"{_significant(number / size)} {sign}{unit}"
    return f"{_significant(number)} {unit}".rstrip()


def _significant(number: float) -> str:
    if abs(number) >= 100 or float(number).is_integer():
        return str(math.floor(number + 0.5))
    return repr(float(f"{number:.3g}")).removesuffix(".0")


def byte_count(number: Any) -> str:
    """Return a number of bytes."""
    return scaled(number, "B")


def span(seconds: Any) -> str:
    """Return a length of time: 0.3 s, 12 s, 1 m 23 s, 3 h 10 m, 3 d 02 h."""
    if not isinstance(seconds, int | float) or not math.isfinite(seconds):
        return "-"
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    whole = math.floor(seconds + 0.5)
    if seconds < 59.5:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02} s"
    if whole < _DAY_S:
        return f"{whole // 3600} h {whole % 3600 // 60:02} m"
    return f"{whole // _DAY_S} d {whole % _DAY_S // 3600:02} h"


def percent(share: float) -> str:
    """Return a share, 0 to 1, as 64 %."""
    return f"{math.floor(min(max(share, 0.0), 1.0) * 100)} %"


def utc(time: Any, digits: int = 0) -> str:
    """Return UTC, unix seconds, as 2026-11-29 03:14:07."""
    if not isinstance(time, int | float) or not 0 < time <= _LAST_S:
        return "-"
    told = datetime.fromtimestamp(time, UTC).isoformat(" ", "microseconds").partition("+")[0]
    return told[: 20 + digits] if digits else told[:19]


def utc_of_day(time: Any, digits: int = 0) -> str:
    """Return UTC as 03:14:07."""
    return utc(time, digits)[11:] or "-"


def utc_near(time: Any, now: float) -> str:
    """Return UTC of today without the date, of another day with it."""
    told = utc(time)
    return told[11:] if told[:10] == utc(now)[:10] else told


def site_time(time: float, zone: str | None) -> str:
    """Return the site's time with the name of its zone, as 22:14 EST; empty: it is not known."""
    if zone is None:
        return ""
    try:
        return datetime.fromtimestamp(time, ZoneInfo(zone)).strftime("%H:%M %Z")
    except (LookupError, OSError, ValueError):
        return ""


def sidereal(time: float, longitude: float | None) -> str:
    """Return local mean sidereal time as 02:41, by the formula of the Astronomical Almanac for GMST,
    where UT1 is taken to be UTC; empty: the longitude, degrees, is not known."""
    if longitude is None:
        return ""
    days = time / _DAY_S + 2440587.5 - 2451545.0
    minutes = int((18.697374558 + 24.06570982441908 * days + longitude / 15) % 24 * 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def unix_time(date: Sequence[Any] | Any) -> float | None:
    """Return a date, year to microsecond, UTC, as unix seconds; None: it is none."""
    if not isinstance(date, list | tuple) or len(date) < 6:
        return None
    try:
        return datetime(*date[:7]).replace(tzinfo=UTC).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
