"""Start times: full UTC seconds, and the forms in which they travel. The caller says what time it
is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from spectrometer.errors import StartTimeError

__all__ = [
    "LEAD_S",
    "ORIGINALS_LEAD_S",
    "as_list",
    "ceil_to_second",
    "earliest_start",
    "mjd",
    "read_time",
    "sidereal_seconds",
    "start_time",
]

# so that a time negotiated now is still possible when the start arrives; a slow Dealer adds to it
LEAD_S = 0.3
ORIGINALS_LEAD_S = 2.0
LATEST = timedelta(
    days=7
)  # what is later is a slip of the pen: a Bank that waits so long looks like one that hangs
_NO_PART = 1_000_000  # microseconds have the most
_MJD_OF_UNIX_EPOCH = 40587
_MJD_OF_J2000 = 51544.5


def ceil_to_second(time: datetime) -> datetime:
    """The full second at or after a time, which is none of the last of year 9999."""
    return time if time.microsecond == 0 else time.replace(microsecond=0) + timedelta(seconds=1)


def as_list(time: datetime) -> list[int]:
    """[Y, M, D, h, m, s, us], UTC."""
    t = time.astimezone(UTC)
    return [t.year, t.month, t.day, t.hour, t.minute, t.second, t.microsecond]


def earliest_start(now: datetime, needed_arm_delay: float, lead: float = LEAD_S) -> datetime:
    """Return the earliest second that can be promised: the arm delay (s), and a lead (s) for asking
    everybody."""
    return ceil_to_second(now + timedelta(seconds=needed_arm_delay + lead))


def read_time(asked: Any) -> datetime:
    """A time in one of the forms in which it travels: [Y, M, D, h, m, s, us] in UTC, or an aware
    datetime.

    Raises:
        StartTimeError: It is none.
    """
    if isinstance(asked, datetime):
        if asked.utcoffset() is None:
            raise StartTimeError("the start time has no time zone; give UTC")
        try:
            return asked.astimezone(UTC)
        except OverflowError as error:
            raise StartTimeError(
                f"the start time {asked} is none: in UTC it is in no year that can be"
            ) from error
    if isinstance(asked, Sequence) and not isinstance(asked, str | bytes) and len(asked) in (6, 7):
        try:
            return datetime(*map(_whole, asked), tzinfo=UTC)  # type: ignore[arg-type, misc]  # six or seven integers
        except ValueError as error:
            raise StartTimeError(f"the start time {_shown(asked)} is none: {error}") from error
    raise StartTimeError(
        f"the start time is {_shown(asked)}; expected [Y, M, D, h, m, s, us] in UTC"
    )


def _whole(part: Any) -> int:
    """One part of a time; ValueError if it is no whole number that a date or time can have."""
    is_number = isinstance(part, int | float) and not isinstance(part, bool)
    if not is_number or not 0 <= part < _NO_PART or part != int(part):
        raise ValueError("expected whole numbers [Y, M, D, h, m, s, us]")
    return int(part)


def _shown(asked: Any) -> str:
    try:
        return f"{asked!r:.80}"
    except ValueError:  # Python writes no number of more than 4300 digits
        return "a number of thousands of digits"


def start_time(asked: Any, now: datetime, needed_arm_delay: float) -> datetime:
    """The second on which a scan begins.

    Args:
        asked: [Y, M, D, h, m, s, us] in UTC, an aware datetime, or None for the earliest possible.
        now: Aware.
        needed_arm_delay: s.

    Raises:
        StartTimeError: No time, too early, or more than LATEST ahead.
    """
    earliest = ceil_to_second(now + timedelta(seconds=needed_arm_delay))
    if asked is None:
        return earliest
    time = read_time(asked)
    if time - now > LATEST:
        raise StartTimeError(
            f"{time:%Y-%m-%d %H:%M:%S} UTC is more than {LATEST.days} days ahead; is the date right?"
        )
    time = ceil_to_second(time)
    if time < earliest:
        raise StartTimeError(
            f"{time:%Y-%m-%d %H:%M:%S} UTC is too early; the earliest start is {earliest:%H:%M:%S} UTC"
        )
    return time


def mjd(time: datetime) -> tuple[int, float]:
    """(modified Julian day, seconds of that day) of an aware time."""
    days, seconds = divmod(time.timestamp(), 86400)
    return _MJD_OF_UNIX_EPOCH + int(days), seconds


def sidereal_seconds(day: int, second: float, longitude: float) -> float:
    """Mean sidereal time, s of a sidereal day, to about a second: UT1 is taken for UTC (Meeus,
    chapter 12).

    Args:
        day: MJD, UTC.
        second: Since its beginning.
        longitude: Degrees, east is positive.
    """
    days = day - _MJD_OF_J2000 + second / 86400.0
    centuries = days / 36525.0
    degrees = 280.46061837 + 360.98564736629 * days + 0.000387933 * centuries**2 + longitude
    return degrees % 360.0 * 240.0
