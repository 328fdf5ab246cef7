"""File in which the alarms of a Player outlive it: a restart raises none again that somebody has
acknowledged."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from groundwork.errors import text_of
from groundwork.wholefiles import replace_file
from player.alarms.book import AlarmBook

__all__ = ["AlarmFile"]

log = logging.getLogger(__name__)

_MAX_BYTES = 4 * 2**20


class AlarmFile:
    """The file of one Player; its folder is made when it is needed.

    Args:
        path: Of it; None: nothing is kept.
        bank: Name of the Bank, for the log.
        why_not: Why nothing is kept.

    Attributes:
        trouble: Why the file is not there, or could not be read or written the last time; empty:
            it could.
        is_behind: What was to be kept the last time could not be.
    """

    def __init__(self, path: Path | None, bank: str, why_not: str = "") -> None:
        self._path, self._bank, self.trouble = path, bank, why_not
        self.is_behind = False

    def load(self, book: AlarmBook) -> None:
        """Take what was kept into a book; of a damaged file nothing, which the log tells."""
        if self._path is None:
            return
        try:
            with self._path.open("rb") as file:
                kept = json.loads(file.read(_MAX_BYTES))
            book.restore(kept)
        except (FileNotFoundError, NotADirectoryError):
            pass  # nothing was kept
        except (OSError, ValueError, RecursionError) as error:
            self._fail(f"{self._path} cannot be read ({text_of(error)}): acknowledgements are lost")

    def keep(self, book: AlarmBook) -> None:
        """Write a book down; a failure is told in the log, once."""
        if self._path is None:
            return
        kept: dict[str, Any] = book.kept()
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(self._path, json.dumps(kept), is_durable=True)
        except OSError as error:
            self.is_behind = True
            self._fail(
                f"alarms cannot be kept in {self._path} ({error.strerror or error}): "
                "a restart forgets acknowledgements"
            )
        else:
            self.trouble, self.is_behind = "", False

    def _fail(self, text: str) -> None:
        if text != self.trouble:
            self.trouble = text
            log.warning("%s: %s", self._bank, text)
