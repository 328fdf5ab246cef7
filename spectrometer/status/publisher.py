"""All keys of a status memory as results `status.KEY`, found by comparing: programs that know
nothing of us write it, too."""

from __future__ import annotations

import contextlib
import threading
import time

from arrayconfig.logs import Log
from groundwork.watchdog import watch
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.errors import StatusMemoryError
from spectrometer.status.meanings import meaning, unit_of
from spectrometer.status.protocol.cards import read_cards
from zmqjsonproxy.channels.declarations import Declared
from zmqjsonproxy.channels.properties import PropertyTable

__all__ = ["StatusPublisher"]

_END_WITHIN_S = 1.0


class StatusPublisher:
    """Publishes each change, and None for a key that was removed, from its making to `close`.

    Args:
        status: The memory; it may be damaged, removed and made anew meanwhile.
        table: Properties of the Bank.
        rate_hz: Looks per second.
        log: With the Bank's name.
    """

    def __init__(
        self, status: StatusBuffer, table: PropertyTable, rate_hz: float, log: Log
    ) -> None:
        self._status, self._table, self._log = status, table, log
        self._image = b""
        self._shown: dict[str, str] = {}  # values by key, written so that 1, 1.0 and "1" differ
        self._is_too_full = False
        self._ended = threading.Event()
        with contextlib.suppress(StatusMemoryError):
            self.look()
        self._thread = threading.Thread(
            target=watch,
            args=(self._look_if_possible, self._ended),
            kwargs={"name": "published status memory", "every": 1 / rate_hz},
            name="published status memory",
            daemon=True,
        )
        self._thread.start()

    def _look_if_possible(self) -> None:
        with contextlib.suppress(StatusMemoryError):  # StatusMemory tells of it
            self.look()

    def look(self) -> None:
        """Publish what has changed since the last look; StatusMemoryError: the memory cannot be
        had."""
        image = self._status.snapshot()
        if image == self._image or self._ended.is_set():
            return
        self._image, now_us = image, time.time_ns() // 1000
        values = {
            key: value
            for key, value in read_cards(image).items()
            if key.isascii() and key.isprintable()  # others are damage
        }
        shown = {key: repr(value) for key, value in values.items()}
        for key in self._shown.keys() - shown.keys():
            self._publish(key, None, now_us)
        for key, text in shown.items():
            if self._shown.get(key) != text:
                self._publish(key, values[key], now_us)
        self._shown = shown

    def _publish(self, key: str, value: object, now_us: int) -> None:
        name = f"status.{key}"
        try:
            if name not in self._table.properties:
                self._table.declare(Declared(name=name, unit=unit_of(key), doc=meaning(key)))
            self._table.publish(name, value, now_us)
        except ValueError as error:  # there were too many keys since the Player's start
            if not self._is_too_full:
                self._log.warning("%s, and other new keys, are not published: %s", name, error)
            self._is_too_full = True

    def close(self) -> None:
        """Look and publish no more; returns within a second."""
        self._ended.set()
        self._thread.join(_END_WITHIN_S)
