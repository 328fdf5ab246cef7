"""How a Player's log looks: a line on stderr with UTC, level, Bank and logger. Rotation is the supervisor's."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

__all__ = ["LEVELS", "set_up_logging"]

LEVELS = ("debug", "info", "warning", "error")


def _render(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    """Return `2026-03-04T05:06:07.123456Z INFO     BANKA player.host: text`, and the traceback below it."""
    place = f"{event.get('bank') or '-'} {event.get('logger', '')}".rstrip()
    line = f"{event['timestamp']} {str(event['level']).upper():8} {place}: {event['event']}"
    return f"{line}\n{event['exception']}" if event.get("exception") else line


def set_up_logging(level: str, bank: str, stream: TextIO | None = None) -> logging.Handler:
    """Send all records to a stream; returns the handler.

    Args:
        level: One of `LEVELS`.
        bank: Name that stands in each line.
        stream: None for stderr.
    """

    def add_bank(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.setdefault("bank", bank)
        return event

    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            add_bank,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _render,
        ],
    )
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    return handler
