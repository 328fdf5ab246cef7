"""Writing of a Player's log: on stderr, as lines or as JSON, with what its children say.

The form of a line, and what is bound to each record, is `arrayconfig.logs`; rotation is the
supervisor's.
"""

from __future__ import annotations

import json
import logging
import queue
import signal
import threading
from collections.abc import MutableMapping
from datetime import datetime
from types import FrameType
from typing import Any, Self, TextIO

import structlog

from arrayconfig.logs import bind, line, log_level, log_to, place_of, set_log_level, utc
from groundwork.truncation import LONGEST, LONGEST_TRACE, cut
from player.signals import Handlers

__all__ = ["LevelSignal", "pass_on", "set_up_logging"]

log = logging.getLogger(__name__)

Event = MutableMapping[str, Any]
_MAX_LENGTHS = {"event": LONGEST, "exception": LONGEST_TRACE}


def _describe(_logger: Any, _method: str, event: Event) -> Event:
    """Add what stands in every record."""
    record: logging.LogRecord = event["_record"]
    program, bank, scan = place_of(record)
    event.update(
        timestamp=utc(record.created),
        level=record.levelname.lower(),
        program=program,
        logger=record.name,
    )
    below = getattr(record, "below", None)
    optional = {"bank": bank, "scan": scan, "exception": below}
    event.update({key: value for key, value in optional.items() if value is not None})
    return event


def _in_order(_logger: Any, _method: str, event: Event) -> Event:
    first = ("timestamp", "level", "program", "bank", "scan", "logger", "event")
    event.update(
        {key: cut(str(event[key]), most) for key, most in _MAX_LENGTHS.items() if key in event}
    )
    return {key: event[key] for key in (*first, *event) if key in event}


def _render(_logger: Any, _method: str, event: Event) -> str:
    return line(
        timestamp=event["timestamp"],
        level=event["level"],
        program=event["program"],
        bank=event.get("bank"),
        scan=event.get("scan"),
        logger=event["logger"],
        text=str(event["event"]),
        below=event.get("exception", ""),
    )


def set_up_logging(
    level: str,
    bank: str | None,
    stream: TextIO | None = None,
    *,
    program: str = "player",
    as_json: bool = False,
) -> logging.Handler:
    """Send all records of this process to a stream; returns the handler.

    Args:
        level: One of `commandline.arguments.LOG_LEVELS`.
        bank: Which Bank the process works for.
        stream: None for stderr.
        program: Name of the program.
        as_json: One JSON object in a line: `timestamp`, `level`, `program`, `bank`, `scan`,
            `logger`, `event`, `exception`; of those that there are.
    """
    bind(program, bank)
    last = [_in_order, structlog.processors.JSONRenderer()] if as_json else [_render]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_describe],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            *last,
        ],
    )
    return log_to(stream, level, formatter)


def pass_on(text: str) -> bool:
    """Log what a child of ours wrote as JSON, with its own time, level, scan and name; False if it
    is no such line."""
    if not text.startswith('{"timestamp"'):
        return False
    try:
        event = json.loads(text)
        logger, level = (
            logging.getLogger(event["logger"]),
            logging.getLevelNamesMapping()[event["level"].upper()],
        )
        created = datetime.fromisoformat(event["timestamp"]).timestamp()
        utc(created)  # of a year that can be written
        own = {
            "program": str(event["program"]),
            "bank": event.get("bank"),
            "scan": event.get("scan"),
        }
        message, below = str(event["event"]), event.get("exception")
        texts = (own["bank"], below)
        if not all(isinstance(one, str | None) for one in texts) or not isinstance(
            own["scan"], int | None
        ):
            return False
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return False
    if logger.isEnabledFor(level):
        record = logger.makeRecord(
            logger.name, level, "", 0, message, (), None, extra={**own, "below": below}
        )
        record.created = created
        logger.handle(record)
    return True


class LevelSignal:
    """SIGUSR1 turns the level of the log to `debug`, and the next one back to what it was. A
    context manager.

    The handler takes no lock, because the main thread may be in the middle of a line; a thread does
    the work.
    """

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._handlers = Handlers()
        self._thread = threading.Thread(target=self._run, name="level of the log", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._handlers.install(signal.SIGUSR1, self._handle)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._handlers.remove()
        self._asked.put(False)
        self._thread.join(1.0)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._asked.put(True)

    def _run(self) -> None:
        usual = "info"
        while self._asked.get():
            if log_level() != "debug":
                usual = set_log_level("debug")
            else:
                set_log_level(usual)
            log.warning("SIGUSR1: the level of the log is now %s", log_level())
