"""Lines of `.difxlog` files, both ways, and times as C's `ctime` writes them.

A line is `TIME MPI_ID SENDER`, then `SEVERITY  TEXT`, `STATUS STATE  TEXT` or `WEIGHTS NUMBERS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

__all__ = [
    "DIFXLOG_SUFFIX",
    "SEVERITIES",
    "TIME_CHARACTERS",
    "AlertLine",
    "LogLine",
    "StatusLine",
    "WeightsLine",
    "ctime_text",
    "last_status",
    "read_log_line",
    "write_log_line",
]

DIFXLOG_SUFFIX = ".difxlog"
TIME_CHARACTERS = 24
SEVERITIES = ("FATAL", "SEVERE", "ERROR", "WARNING", "INFO", "VERBOSE", "DEBUG")
"""Names of severities 0 to 6."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LINE = re.compile(
    rf"(?P<time>.{{{TIME_CHARACTERS}}}) +(?P<mpi>-?[0-9]{{1,9}}) (?P<sender>\S*) "
    r"(?:STATUS (?P<state>\S+)(?:  (?P<remark>.*))?"
    r"|WEIGHTS(?P<weights>(?: +[-+.0-9e]+)*) *"
    rf"|(?P<severity>{'|'.join(SEVERITIES)})  (?P<text>.*))",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A line of a log.

    Attributes:
        time: 24 characters, as `ctime_text` returns them.
        sender: Node; without white space.
        mpi_id: Of its process; -1: none.
    """

    time: str
    sender: str
    mpi_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine(LogLine):
    """A text with its severity, one of SEVERITIES."""

    severity: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusLine(LogLine):
    """A state of the job, one word, with a remark."""

    state: str
    text: str = ""

    @property
    def record(self) -> str:
        """The state as GET_JOB_STATUS tells it: the time, directly followed by state and text."""
        return f"{self.time}{self.state}  {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsLine(LogLine):
    """Fractions of valid data of the sources."""

    weights: tuple[float, ...]


def ctime_text(time: datetime) -> str:
    """Return a time as 24 characters, in English whatever the language of the system is."""
    day, month = _DAYS[time.weekday()], _MONTHS[time.month - 1]
    return f"{day} {month} {time.day:2d} {time:%H:%M:%S} {time.year:04d}"


def write_log_line(line: AlertLine | StatusLine | WeightsLine) -> str:
    """Return a line with its line feed; a text that has several lines becomes one."""
    if isinstance(line, StatusLine):
        told = f"STATUS {line.state}  {_one_line(line.text)}"
    elif isinstance(line, WeightsLine):
        told = " ".join(("WEIGHTS", *(f"{weight:.3f}" for weight in line.weights)))
    else:
        told = f"{line.severity}  {_one_line(line.text)}"
    return f"{line.time} {line.mpi_id:03d} {line.sender} {told}\n"


def read_log_line(text: str) -> AlertLine | StatusLine | WeightsLine | None:
    """Read a line; None: it is none of these, as parts of lines and texts of others."""
    found = _LINE.fullmatch(text.rstrip("\r\n"))
    if found is None:
        return None
    time, sender, mpi_id = found["time"], found["sender"], int(found["mpi"])
    if found["state"] is not None:
        return StatusLine(
            time=time,
            sender=sender,
            mpi_id=mpi_id,
            state=found["state"],
            text=found["remark"] or "",
        )
    if found["severity"] is not None:
        severity, alert = found["severity"], found["text"]
        return AlertLine(time=time, sender=sender, mpi_id=mpi_id, severity=severity, text=alert)
    try:
        weights = tuple(float(word) for word in found["weights"].split())
    except ValueError:
        return None
    return WeightsLine(time=time, sender=sender, mpi_id=mpi_id, weights=weights)


def last_status(lines: Iterable[str]) -> StatusLine | None:
    """Return the last state that the lines tell; None: they tell none."""
    last: StatusLine | None = None
    for line in lines:
        read = read_log_line(line)
        last = read if isinstance(read, StatusLine) else last
    return last


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())
