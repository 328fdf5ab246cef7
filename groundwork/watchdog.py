"""Watchdog, called at intervals, for as long as something lives. One that fails each time fills no
log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from groundwork.errors import text_of
from groundwork.loading import raised_where

__all__ = ["watch"]

log = logging.getLogger(__name__)


def watch(watchdog: Callable[[], None], ended: threading.Event, *, name: str, every: float) -> None:
    """Call a watchdog until the end; blocks.

    Whatever it raises, SystemExit included, it is called again. The first failure of a kind is
    logged with its traceback, those after it are counted: the 10th is told, the 100th, and so on,
    and that it works again.

    Args:
        watchdog: What is called.
        ended: Ends the calls.
        name: Whose it is, for the log.
        every: Pause between calls, s.
    """
    failures, kind = 0, ""
    while not ended.wait(every):
        try:
            watchdog()
        except BaseException as error:
            where = raised_where(error)
            failures, kind = failures + 1 if where == kind else 1, where
            if failures == 1:
                log.exception(
                    "%s: the watchdog raised; it is called again, and such failures are counted",
                    name,
                )
            elif str(failures).strip("0") == "1":
                log.warning(
                    "%s: the watchdog has raised %d times: %s: %s",
                    name,
                    failures,
                    where,
                    text_of(error),
                )
        else:
            if failures:
                log.warning(
                    "%s: the watchdog works again; it raised %d times: %s", name, failures, kind
                )
            failures, kind = 0, ""
