"""Times on the command line: `1h` ago, or UTC as 2026-11-21T09:30:00. All of them are UTC."""

from __future__ import annotations

import argparse
import re
import time
from datetime import UTC, datetime

from dealer.errors import DealerError

__all__ = ["MOMENT_FORM", "PeriodError", "check_period", "moment", "utc_text"]

MOMENT_FORM = "UTC as 2026-11-21T09:30:00, or a time ago: 90s, 30min, 1h, 2d"
_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_AGO = re.compile(r"([0-9]+(?:\.[0-9]+)?)(s|min|h|d)")
_LAST_S = 253402300799.0
"""The end of the year 9999."""


class PeriodError(DealerError):
    """A period ends before it begins."""


def check_period(since: float, until: float) -> None:
    """Raise PeriodError unless a period, UTC, unix seconds, ends after it begins."""
    if until <= since:
        raise PeriodError(
            f"--until, {utc_text(until)} UTC, is not after --since, {utc_text(since)} UTC; "
            "write the earlier one first"
        )


def moment(text: str, now: float | None = None) -> float:
    """Return the moment that a word of the command line means, UTC, unix seconds.

    Args:
        text: See MOMENT_FORM; a time with an offset is taken as what it is in UTC.
        now: Of times ago; None: that of the computer.

    Raises:
        argparse.ArgumentTypeError: It means none.
    """
    if ago := _AGO.fullmatch(text):
        return (time.time() if now is None else now) - float(ago[1]) * _UNITS[ago[2]]
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no moment; write {MOMENT_FORM}") from None


def utc_text(seconds: float) -> str:
    """Return a moment, unix seconds, as UTC with milliseconds."""
    if not 0 <= seconds <= _LAST_S:
        return f"{seconds:.3f}"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
