"""The log of the port manager's server: one line per event, UTC, in the shape that all programs
here have."""

from __future__ import annotations

import logging
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

from groundwork.logstream import handler_for

__all__ = ["set_up_logging"]

LONGEST_FILE = 10_000_000
"""Bytes; then a new one is begun, and five old ones are kept. The original's log grows for ever."""


class _Line(logging.Formatter):
    """`2026-03-04T05:06:07.123456Z INFO     portmanager server: text`."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - of the base class
        return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.created % 1 * 1e6):06d}Z"


def set_up_logging(level: str, file: Path | None) -> None:
    """Send all records to a file, or to stderr if there is none.

    Raises:
        OSError: The file cannot be written.
    """
    if file is None:
        handler = handler_for(None)
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(file, maxBytes=LONGEST_FILE, backupCount=5, encoding="utf-8")
    handler.setFormatter(_Line("%(asctime)s %(levelname)-8s portmanager %(module)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
