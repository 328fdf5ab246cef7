"""The object `alarms` of a Player: rules and properties brought together, once a second; what people
do about alarms; what is published of them, kept, and remarked in the journal."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from groundwork.closing import Closing
from groundwork.values import JsonObject
from groundwork.watchdog import watch
from player.alarms.book import (
    AlarmBook,
    AlarmEvent,
    AlarmEventKind,
    AlarmMoment,
    AlarmRefusedError,
)
from player.alarms.file import AlarmFile
from player.alarms.rules import AlarmRule
from player.alarms.watch import AlarmWatch
from player.clock import Clock
from zmqjsonproxy.caller import current_caller
from zmqjsonproxy.channels.properties import PropertyTable
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.interface import command, query
from zmqjsonproxy.rights import Role
from zmqjsonproxy.waiting import beside

__all__ = ["ALARMS", "BankAlarms"]

log = logging.getLogger(__name__)

ALARMS = "alarms"
"""Name of the object, and of the property of the Bank that tells of alarms."""
LOOK_EVERY_S = 1.0
KEEP_AGAIN_S = 30.0
"""After so long it is tried again to keep what could not be kept: a disk may have room by then."""
MAX_PUBLISHED = 30
"""Alarms in the property; `list` has all."""
MAX_NOTE = 1000


class BankAlarms(Closing):
    """Alarms of one Bank, for callers in any thread.

    Args:
        bank: Its name.
        rules: Of its alarms.
        file: In which they are kept.
        clock: The time.
        simulated: No real instrument is touched.
        note: Takes remarks for the journal.
    """

    def __init__(
        self,
        bank: str,
        rules: Sequence[AlarmRule],
        file: AlarmFile,
        clock: Clock,
        *,
        simulated: bool = False,
        note: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._bank, self._rules, self._file, self._clock = bank, rules, file, clock
        self._simulated, self._note = simulated, note
        self._book = AlarmBook(rules)
        self._lock = threading.Lock()
        self._tell: Callable[[JsonObject], None] = lambda _told: None
        self._told: JsonObject = {}
        self._kept_at = 0.0
        self._ended = threading.Event()
        file.load(self._book)

    # for whoever serves it

    def begin(self, tables: Mapping[str, PropertyTable]) -> None:
        """Look at properties from now on, and publish alarms among those of the Bank.

        Args:
            tables: Properties by the name of the part that has them; of the Bank itself it is empty.
        """
        watched, own = AlarmWatch(self._rules, tables, self._clock), tables[""]
        self._tell = lambda told: own.publish(ALARMS, told)
        self.look(watched)
        threading.Thread(
            target=watch,
            args=(lambda: self.look(watched), self._ended),
            kwargs={"name": ALARMS, "every": LOOK_EVERY_S},
            name=ALARMS,
            daemon=True,
        ).start()

    def look(self, watched: AlarmWatch) -> None:
        """Look what holds now; to be called each second."""
        verdicts = watched.look()
        with self._lock:
            self._take(self._book.look(verdicts, self._now()))

    def close(self) -> None:
        """Look no more; may be called twice."""
        self._ended.set()

    def _now(self) -> AlarmMoment:
        return AlarmMoment(self._clock.time(), self._clock.monotonic())

    def _take(self, events: Sequence[AlarmEvent]) -> None:
        """Remark, keep and publish what has happened; with the lock held."""
        for event in events:
            level = logging.WARNING if event.kind is AlarmEventKind.RAISED else logging.INFO
            log.log(level, "%s: %s", self._bank, event)
            if event.kind not in _BY_CALLS:
                self._note(str(event))
        now = self._clock.monotonic()
        if events or (self._file.is_behind and now - self._kept_at >= KEEP_AGAIN_S):
            self._kept_at = now
            self._file.keep(self._book)
        if (told := self._published()) != self._told:
            self._told = told
            self._tell(told)

    def _published(self) -> JsonObject:
        alarms = self._book.described(self._clock.time())
        open_ones = [each for each in alarms if each["shelved"] is None]
        return {
            "active": alarms[:MAX_PUBLISHED],
            "left_out": max(len(alarms) - MAX_PUBLISHED, 0),
            "declared": len(self._rules),
            "new": sum(each["phase"] in ("new", "gone") for each in open_ones),
            "raised": sum(each["phase"] in ("new", "acknowledged") for each in open_ones),
            "unreadable": sum(each["unreadable"] != "" for each in open_ones),
        }

    # the object

    @query
    def list(self, every: bool = False) -> JsonObject:
        """Return alarms, the worst first.

        Args:
            every: Also those that are quiet, which have nothing to tell.

        Returns:
            `bank`, `simulated`, `trouble` (why alarms are not kept over a restart; empty: they are),
            and `alarms`: `name`, `severity` (fault, warning), `text`, `phase` (new: raised, and
            nobody has acknowledged it; acknowledged: raised; gone: nobody has acknowledged that it
            was raised; quiet), `number` (counts its raisings), `count` (of the last 8 hours),
            `since` and `gone` (begin and end of the last one, UTC, unix seconds; 0: none), `value`
            (that raised it), `key`, `limits`, `unreadable` (why it cannot be told whether its
            condition holds; empty: it can), `acknowledged` (by, note, time; none: it is not) and
            `shelved` (by, note, time, until; none: it is not).
        """
        beside()
        with self._lock:
            alarms = self._book.described(self._clock.time(), every=bool(every))
            trouble = self._file.trouble
        return {
            "bank": self._bank,
            "simulated": self._simulated,
            "trouble": trouble,
            "alarms": alarms,
        }

    @command(urgent=True, aborts=False, needs_control=False, role=Role.OBSERVE)
    def acknowledge(self, name: str, note: str = "", number: int | None = None) -> JsonObject:
        """Acknowledge an alarm: others see who looks after it.

        Args:
            name: Of the alarm.
            note: For others to read, one line.
            number: Of the raising that was seen; refused if it was raised again since. None:
                whichever is the last.

        Returns:
            The alarm, as of `list`.
        """
        if number is not None and type(number) is not int:
            raise RefusedError(f"number is {number!r:.80}; it is a whole number, or none")
        return self._done(
            name, lambda who, now: self._book.acknowledge(str(name), number, who, _note(note), now)
        )

    @command(urgent=True, aborts=False, needs_control=False)
    def shelve(self, name: str, seconds: float, note: str = "") -> JsonObject:
        """Shelve an alarm: it is not counted among those that need a look, until the time is over.

        Args:
            name: Of the alarm.
            seconds: For so long, at most a week.
            note: For others to read, one line.

        Returns:
            The alarm, as of `list`.
        """
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise RefusedError(f"seconds is {seconds!r:.80}; it is a number")
        return self._done(
            name, lambda who, now: self._book.shelve(str(name), seconds, who, _note(note), now)
        )

    @command(urgent=True, aborts=False, needs_control=False)
    def unshelve(self, name: str) -> JsonObject:
        """Take an alarm from the shelf before its time is over; the alarm, as of `list`."""
        return self._done(name, lambda who, _now: self._book.unshelve(str(name), who))

    def _done(self, name: str, act: Callable[[str, AlarmMoment], AlarmEvent]) -> JsonObject:
        """Do what a caller wants; RefusedError: it cannot be done."""
        caller = current_caller()
        with self._lock:
            now = self._now()
            try:
                event = act(caller.key or caller.name, now)
            except AlarmRefusedError as error:
                raise RefusedError(str(error)) from error
            self._take([event])
            return self._book.told(str(name), now.wall)


_BY_CALLS = frozenset({AlarmEventKind.ACKNOWLEDGED, AlarmEventKind.SHELVED})
"""Events that the journal has as calls."""


def _note(text: object) -> str:
    """Return a note that can stand in a line; RefusedError: it cannot."""
    if not isinstance(text, str) or not text.isprintable() or len(text) > MAX_NOTE:
        raise RefusedError(f"note is {text!r:.80}; it is one line of at most {MAX_NOTE} characters")
    return text
