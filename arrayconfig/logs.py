"""Line format of the logs of all programs, and the names that are bound to each record.

    2026-03-04T05:06:07.123456Z INFO     player/BANKA scan=12 spectrometer.observing.scan: scan 12 is armed

UTC, level, program and Bank, the scan while one runs, logger, text; what belongs to a record and
needs more lines is indented below it. Which Bank and scan a process works on is one state for all
its threads.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from typing import TextIO

from commandline import LOG_LEVELS
from groundwork.errors import did_you_mean
from groundwork.logstream import handler_for
from groundwork.truncation import LONGEST_TRACE, cut

__all__ = [
    "LineFormatter",
    "Log",
    "bank_of",
    "bind",
    "bind_scan",
    "line",
    "log_level",
    "log_to",
    "place_of",
    "release_scan",
    "set_log_level",
    "utc",
]

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]

# What moves the cursor of a terminal, or ends a line, where none is meant.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_IN_NAMES = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]")


class _Bound:
    """Identity of a process; assigning a name is atomic, so no lock is needed."""

    program = "-"
    bank: str | None = None
    scans: dict[str | None, int] = {}  # noqa: RUF012  one for the process, on purpose


def bind(program: str, bank: str | None = None) -> None:
    """Say what this process is: name of the program and, if it works for one Bank, of that."""
    _Bound.program, _Bound.bank = program, bank


def bank_of(log: Log) -> str | None:
    """Return the Bank whose name an adapter gives its records; else that of the process."""
    extra = log.extra if isinstance(log, logging.LoggerAdapter) else None
    return str(extra["bank"]) if extra and extra.get("bank") else _Bound.bank


def bind_scan(log: Log, number: int) -> None:
    """Let all records of this Bank carry the number of a scan, whatever thread and logger they are
    from."""
    _Bound.scans[bank_of(log)] = number


def release_scan(log: Log, number: int | None = None) -> None:
    """The scan is over; nothing happens if meanwhile another one than `number` runs."""
    bank = bank_of(log)
    if number is None or _Bound.scans.get(bank) == number:
        _Bound.scans.pop(bank, None)


def place_of(record: logging.LogRecord) -> tuple[str, str | None, int | None]:
    """Return (program, Bank, scan) of a record: what it carries itself, else what is bound."""
    bank = getattr(record, "bank", None) or _Bound.bank
    scan = getattr(record, "scan", None)
    return (
        getattr(record, "program", None) or _Bound.program,
        bank,
        _Bound.scans.get(bank) if scan is None else scan,
    )


def utc(seconds: float) -> str:
    """Return unix seconds as `2026-03-04T05:06:07.123456Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def line(
    *,
    timestamp: str,
    level: str,
    program: str,
    bank: str | None,
    scan: int | None,
    logger: str,
    text: str,
    below: str = "",
) -> str:
    """Return a record as it stands in a log; no text of it can look like another record.

    Args:
        timestamp: As `utc` has it.
        level: Of `LOG_LEVELS`, or `critical`.
        program: Name of the program.
        bank: Its Bank, if there is one.
        scan: The Bank's scan, if one runs.
        logger: Name of the logger.
        text: What happened.
        below: A traceback.
    """
    place = _IN_NAMES.sub("?", f"{program}/{bank}" if bank else program)
    number = "" if scan is None else f" scan={scan}"
    whole = f"{cut(text)}\n{cut(below, LONGEST_TRACE)}" if below else cut(text)
    whole = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", whole)
    head = f"{timestamp} {level.upper():8} {place}{number} {_IN_NAMES.sub('?', logger)}: "
    return head + "\n    ".join(whole.splitlines() or [""])


class LineFormatter(logging.Formatter):
    """Formats records as lines; for programs that have nothing but the standard library."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the traceback below it."""
        program, bank, scan = place_of(record)
        return line(
            timestamp=utc(record.created),
            level=record.levelname,
            program=program,
            bank=bank,
            scan=scan,
            logger=record.name,
            text=record.getMessage(),
            below=self.formatException(record.exc_info) if record.exc_info else "",
        )


def log_to(
    stream: TextIO | None, level: str, formatter: logging.Formatter | None = None
) -> logging.Handler:
    """Send all records of this process to a stream, and nowhere else; returns the handler.

    Args:
        stream: None for stderr.
        level: One of `LOG_LEVELS`; `set_log_level` changes it.
        formatter: None for lines.
    """
    handler = handler_for(stream)
    handler.setFormatter(formatter or LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    set_log_level(level)
    return handler


def set_log_level(level: str, logger: str = "") -> str:
    """Set the least level that is logged, in any case of letters; returns the one before.

    Args:
        level: One of `LOG_LEVELS`.
        logger: The logger whose records it is for, and those below it; empty: all that have no
            level of their own.

    Raises:
        ValueError: None of `LOG_LEVELS`, or there is no such logger.
    """
    if not isinstance(level, str) or level.lower() not in LOG_LEVELS:
        raise ValueError(
            f"{str(level)[:40]!r} is no level of a log; there are {', '.join(LOG_LEVELS)}"
        )
    before = log_level(logger)
    logging.getLogger(logger).setLevel(level.upper())
    return before


def log_level(logger: str = "") -> str:
    """Return the least level that is logged, of all, or of a logger; ValueError: there is none."""
    known = logging.root.manager.loggerDict  # none is made for a stranger: it would stay
    if not isinstance(logger, str) or (logger and logger not in known):
        raise ValueError(
            f"no logger {str(logger)[:80]!r} here{did_you_mean(str(logger), known)}; lines of the log name theirs"
        )
    return logging.getLevelName(logging.getLogger(logger).getEffectiveLevel()).lower()
