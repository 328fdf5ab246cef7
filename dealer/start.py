"""Agreement on a common start: times and clocks, decided without sockets. Callers say what the time
is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta

from dealer.errors import StartError
from dealer.outcome import Outcome
from groundwork.values import RemoteValue

__all__ = [
    "ClockOffset",
    "as_list",
    "checked_time",
    "choose",
    "clock_spread",
    "from_list",
    "latest",
    "round_up",
]


LEAD_S = 0.3
"""Left by Banks for the negotiation, s."""
ARM_TAKES = 3.0
"""Times as long as it took to ask."""


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """A Player's clock against ours: `offset_s` +- `uncertainty_s` (half the round trip), s."""

    offset_s: float
    uncertainty_s: float

    def is_beyond(self, limit: float) -> bool:
        """Tell whether the clocks are certainly more than so many seconds apart."""
        return abs(self.offset_s) - self.uncertainty_s > limit


def as_list(time: datetime) -> list[int]:
    """[Y, M, D, h, m, s, us] of an aware time, in UTC: what travels."""
    t = time.astimezone(UTC)
    return [t.year, t.month, t.day, t.hour, t.minute, t.second, t.microsecond]


def from_list(value: RemoteValue) -> datetime:
    """The time of [Y, M, D, h, m, s, us], UTC; ValueError if it is none."""
    try:
        parts = value if len(value) == 7 else [*value, 0]
        if any(isinstance(part, bool) or part != int(part) for part in parts):
            raise ValueError("expected whole numbers")
        year, month, day, hour, minute, second, micro = map(int, parts)
        return datetime(year, month, day, hour, minute, second, micro, UTC)
    except (
        TypeError,
        ValueError,
        OverflowError,
    ) as error:  # OverflowError: infinite, or of very many digits
        raise ValueError(f"{value!r:.80} is not [Y, M, D, h, m, s, us]: {error}") from error


def round_up(time: datetime) -> datetime:
    """The full second at or after a time: scans begin on a pulse per second. ValueError: none is
    left in year 9999."""
    try:
        return time if time.microsecond == 0 else time.replace(microsecond=0) + timedelta(seconds=1)
    except OverflowError as error:
        raise ValueError(
            f"{time.isoformat(' ')} has no full second behind it that a calendar has"
        ) from error


def latest(outcomes: Mapping[str, Outcome]) -> datetime:
    """The earliest time at which all Banks can start: the latest of their own.

    Raises:
        StartError: Some are not ready; all of them are named.
    """
    times: list[datetime] = []
    checked: dict[str, Outcome] = {}
    for bank, outcome in outcomes.items():
        checked[bank] = outcome
        if outcome.error is None:
            try:
                times.append(from_list(outcome.value[1]))
                if times[-1].year == MAXYEAR:  # nothing can be added to it
                    raise ValueError(f"{times[-1].isoformat(' ')} is no time to start at")
            except (ValueError, TypeError, IndexError) as error:
                checked[bank] = Outcome(
                    bank, None, ValueError(f"earliest_start: {error}"), outcome.delay_s
                )
    if any(o.error is not None for o in checked.values()):
        raise StartError("not all Banks are ready", checked)
    return max(times)


def checked_time(starttime: object) -> datetime | None:
    """Return the full second that a caller wants; None stays None.

    Raises:
        TypeError: Not a datetime.
        ValueError: Naive, or not UTC.
    """
    if starttime is None:
        return None
    if not isinstance(starttime, datetime):
        raise TypeError(f"start: the time is a datetime, not a {type(starttime).__name__}")
    if starttime.utcoffset() is None:
        raise ValueError(
            "start: the time has no time zone; make it with datetime(..., tzinfo=datetime.timezone.utc)"
        )
    if starttime.utcoffset() != timedelta(0):
        raise ValueError(
            f"start: the time is in {starttime.tzname()}; give it in UTC: time.astimezone(datetime.timezone.utc)"
        )
    return round_up(starttime.astimezone(UTC))


def choose(
    wanted: datetime | None,
    earliest: datetime,
    taken_s: float = 0.0,
    offered: datetime | None = None,
) -> datetime:
    """Return the second to start on: the one wanted, or the first full second that all Banks can
    do.

    Args:
        wanted: None: as early as possible.
        earliest: As the Banks say; they leave a little time for asking them all.
        taken_s: What asking them has taken, s. Where that is long, arming takes long too, and the
            start is later.
        offered: What this Dealer has given out as the earliest time. It is rounded up and has a
            little room, so one who asks for it a moment later may still have it; Banks refuse it
            where they cannot.

    Raises:
        StartError: Wanted is earlier than possible.
    """
    earliest = round_up(earliest)
    if wanted is None:
        return round_up(earliest + timedelta(seconds=max(ARM_TAKES * taken_s - LEAD_S, 0.0)))
    is_offered = (
        offered is not None
        and wanted == round_up(offered)
        and earliest - wanted <= timedelta(seconds=1)
    )
    if wanted < earliest and not is_offered:
        raise StartError(
            f"{wanted.isoformat(' ')} is too early; all Banks can start at {earliest.isoformat(' ')}"
        )
    return wanted


def clock_spread(offsets: Mapping[str, ClockOffset]) -> tuple[float, str]:
    """Least difference of the clocks, s, and a sentence that names the two furthest apart."""
    if not offsets:
        return 0.0, ""
    everyone = {"this Dealer": ClockOffset(0.0, 0.0), **offsets}
    low = min(everyone, key=lambda bank: everyone[bank].offset_s)
    high = max(everyone, key=lambda bank: everyone[bank].offset_s)
    a, b = everyone[low], everyone[high]
    spread = max(b.offset_s - a.offset_s - a.uncertainty_s - b.uncertainty_s, 0.0)
    return spread, f"the clock of {high} is {b.offset_s - a.offset_s:.3f} s ahead of that of {low}"
