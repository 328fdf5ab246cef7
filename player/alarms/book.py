"""Life of alarms: raised, acknowledged, gone; repeats, shelving. Pure: callers say what holds, and
the time.

    quiet --raised--> new --acknowledged--> acknowledged --gone--> quiet
                       |                                           ^
                       `--gone--> gone, and seen by nobody --acknowledged

A condition that cannot be told changes nothing of that: an alarm is gone when its condition is known
to be away, and not before.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from groundwork.errors import text_of
from groundwork.truncation import cut
from groundwork.values import JsonObject
from player.alarms.rules import AlarmSeverity, AlarmSpec, AlarmVerdict

__all__ = [
    "AlarmBook",
    "AlarmEvent",
    "AlarmEventKind",
    "AlarmMoment",
    "AlarmPhase",
    "AlarmRefusedError",
    "Signed",
]

RELEASE_S = 5.0
"""An alarm is gone when its condition was away for so long at least: none comes and goes each
second."""
SETTLE_S = 10.0
"""After a restart nothing is gone for so long: values come one after the other."""
COUNTED_S = 8 * 3600.0
MAX_COUNTED = 200
"""Repeats are counted of so long, and up to so many."""
MAX_SHELF_S = 7 * 86400.0
MAX_NOTE, MAX_WHY, MAX_WHO = 300, 200, 120
"""Characters of texts and notes, of reasons and limits, of names of people."""


class AlarmMoment(NamedTuple):
    """A moment on both clocks, s: UTC since 1970, and a clock that is never set."""

    wall: float
    running: float


class AlarmPhase(StrEnum):
    """Phases of an alarm."""

    QUIET = "quiet"
    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    GONE = "gone"


class AlarmEventKind(StrEnum):
    """Kinds of events."""

    RAISED = "raised"
    GONE = "gone"
    UNREADABLE = "cannot be told"
    READABLE = "can be told again"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    UNSHELVED = "no longer shelved"


_EVENT = re.compile(
    rf"alarm (?P<name>\S+) (?P<kind>{'|'.join(AlarmEventKind)})(?:: (?P<text>.*))?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """Something that happened to an alarm, with a text for people."""

    kind: AlarmEventKind
    name: str
    text: str = ""

    def __str__(self) -> str:
        return f"alarm {self.name} {self.kind}{f': {self.text}' if self.text else ''}"

    @classmethod
    def read(cls, text: str) -> AlarmEvent | None:
        """Return the event that a text tells of, as `str` writes it; None: it tells of none."""
        found = _EVENT.fullmatch(text)
        if found is None:
            return None
        return cls(AlarmEventKind(found["kind"]), found["name"], found["text"] or "")


class AlarmRefusedError(Exception):
    """Error: an alarm takes no such thing now."""


@dataclass(frozen=True, slots=True)
class Signed:
    """Acknowledgement, or shelving: by whom, with which note, when (UTC, unix seconds).

    Attributes:
        by: Who.
        note: For others to read.
        time: When it was done.
        until: When a shelving ends; 0: it is none.
    """

    by: str
    note: str
    time: float
    until: float = 0.0

    def describe(self) -> JsonObject:
        """Return it as JSON holds it."""
        told: JsonObject = {"by": self.by, "note": self.note, "time": self.time}
        return told | ({"until": self.until} if self.until else {})


@dataclass(slots=True)
class _Alarm:
    """One alarm.

    Attributes:
        spec: Facts of it.
        number: Counts its raisings.
        is_raised: It is.
        is_unseen: Nobody has acknowledged its last raising.
        since: When its condition began, of the last raising.
        gone: When it went; 0: it has not.
        times: When it was raised, of those that are counted.
        signed: Acknowledgement of the last raising.
        shelf: Shelving that has not ended.
        shelf_ends: When it ends at the latest, by the clock that is never set; None: nobody has
            looked since it began.
        verdict: The newest.
        value: The value that raised it; of a quiet alarm that of now.
        was_told: Its condition could be told once.
        turning: Moment since which the condition is known to be otherwise than the alarm.
    """

    spec: AlarmSpec
    number: int = 0
    is_raised: bool = False
    is_unseen: bool = False
    since: float = 0.0
    gone: float = 0.0
    times: list[float] = field(default_factory=list)
    signed: Signed | None = None
    shelf: Signed | None = None
    shelf_ends: float | None = None
    verdict: AlarmVerdict = field(
        default_factory=lambda: AlarmVerdict(None, "", "it was not looked at yet")
    )
    value: str = ""
    was_told: bool = False
    turning: AlarmMoment | None = None

    @property
    def phase(self) -> AlarmPhase:
        if self.is_raised:
            return AlarmPhase.NEW if self.is_unseen else AlarmPhase.ACKNOWLEDGED
        return AlarmPhase.GONE if self.is_unseen else AlarmPhase.QUIET


class AlarmBook:
    """All alarms of one place; for one thread at a time.

    Args:
        specs: Alarms that there are.
        settle: Nothing is gone for so long after the beginning, s.
    """

    def __init__(self, specs: Iterable[AlarmSpec], settle: float = SETTLE_S) -> None:
        self._alarms = {spec.name: _Alarm(spec) for spec in specs}
        self._settle = settle
        self._began: float | None = None

    # looking

    def look(self, verdicts: Mapping[str, AlarmVerdict], now: AlarmMoment) -> list[AlarmEvent]:
        """Take the verdicts of now, and return what happened to the alarms.

        Args:
            verdicts: By name; an alarm without one stays as it is.
            now: The moment; both clocks.
        """
        if self._began is None:
            self._began = now.running
        events: list[AlarmEvent] = []
        for name, alarm in self._alarms.items():
            if _is_shelf_over(alarm, now):
                alarm.shelf = None
                events.append(AlarmEvent(AlarmEventKind.UNSHELVED, name, "its time is over"))
            if (verdict := verdicts.get(name)) is not None:
                events += self._judge(alarm, verdict, now)
        return events

    def _judge(self, alarm: _Alarm, verdict: AlarmVerdict, now: AlarmMoment) -> list[AlarmEvent]:
        before, alarm.verdict = alarm.verdict, verdict
        name, events = alarm.spec.name, list[AlarmEvent]()
        if verdict.holds is None:
            if before.holds is not None:
                events.append(AlarmEvent(AlarmEventKind.UNREADABLE, name, verdict.why))
            if alarm.is_raised:  # that it is away has to be known all the time
                alarm.turning = None
            return events
        if before.holds is None and alarm.was_told:
            events.append(AlarmEvent(AlarmEventKind.READABLE, name))
        alarm.was_told = True
        if verdict.holds or alarm.phase is AlarmPhase.QUIET:
            alarm.value = verdict.value
        if verdict.holds is alarm.is_raised:
            alarm.turning = None
            return events
        alarm.turning = alarm.turning or now
        passed = now.running - alarm.turning.running
        if verdict.holds and passed >= alarm.spec.hold:
            events.append(self._raise(alarm, now))
        elif not verdict.holds and self._is_away(alarm, passed, now):
            events.append(self._end(alarm, now))
        return events

    def _raise(self, alarm: _Alarm, now: AlarmMoment) -> AlarmEvent:
        assert alarm.turning is not None
        alarm.is_raised = alarm.is_unseen = True
        alarm.number += 1
        began = alarm.verdict.since
        alarm.since = alarm.turning.wall if began is None else began
        alarm.gone = 0.0
        alarm.times = [*alarm.times, alarm.since][-MAX_COUNTED:]
        alarm.signed, alarm.turning = None, None
        said = alarm.spec.said(alarm.value)
        return AlarmEvent(AlarmEventKind.RAISED, alarm.spec.name, said)

    def _is_away(self, alarm: _Alarm, passed: float, now: AlarmMoment) -> bool:
        assert self._began is not None
        is_settled = now.running - self._began >= self._settle
        return is_settled and passed >= max(alarm.spec.hold, RELEASE_S)

    def _end(self, alarm: _Alarm, now: AlarmMoment) -> AlarmEvent:
        assert alarm.turning is not None
        alarm.is_raised, alarm.gone, alarm.turning = False, alarm.turning.wall, None
        lasted = max(alarm.gone - alarm.since, 0.0)
        return AlarmEvent(AlarmEventKind.GONE, alarm.spec.name, f"after {lasted:.1f} s")

    # what people do

    def acknowledge(
        self, name: str, number: int | None, by: str, note: str, now: AlarmMoment
    ) -> AlarmEvent:
        """Acknowledge an alarm.

        Args:
            name: Of the alarm.
            number: Of the raising that was seen; None: whichever is the last.
            by: Who.
            note: For others to read.
            now: The moment.

        Raises:
            AlarmRefusedError: There is nothing to acknowledge, or the alarm was raised again since.
        """
        alarm = self._found(name)
        if number is not None and number != alarm.number:
            raise AlarmRefusedError(
                f"{name} was raised again since you looked: this is number {alarm.number}, "
                f"and you saw {number}; look again"
            )
        if not alarm.is_unseen:
            raise AlarmRefusedError(f"{name} needs no acknowledgement: {_why_not(alarm)}")
        alarm.is_unseen = False
        alarm.signed = Signed(cut(by, MAX_WHO), cut(note, MAX_NOTE), now.wall)
        told = f"by {alarm.signed.by}"
        return AlarmEvent(
            AlarmEventKind.ACKNOWLEDGED, name, f"{told}: {alarm.signed.note}" if note else told
        )

    def shelve(self, name: str, seconds: float, by: str, note: str, now: AlarmMoment) -> AlarmEvent:
        """Shelve an alarm: until the time is over it is not counted among those that need a look.

        Args:
            name: Of the alarm.
            seconds: For so long, at most a week.
            by: Who.
            note: For others to read.
            now: The moment.

        Raises:
            AlarmRefusedError: There is no such alarm, or that is no time.
        """
        alarm = self._found(name)
        if not (math.isfinite(seconds) and 0 < seconds <= MAX_SHELF_S):
            raise AlarmRefusedError(
                f"{name} is shelved for {seconds:g} s? write more than 0 and at most "
                f"{MAX_SHELF_S:g} s, a week"
            )
        alarm.shelf = Signed(cut(by, MAX_WHO), cut(note, MAX_NOTE), now.wall, now.wall + seconds)
        alarm.shelf_ends = None
        return AlarmEvent(AlarmEventKind.SHELVED, name, f"for {seconds:g} s by {alarm.shelf.by}")

    def unshelve(self, name: str, by: str) -> AlarmEvent:
        """Take an alarm from the shelf; AlarmRefusedError: it is not there."""
        alarm = self._found(name)
        if alarm.shelf is None:
            raise AlarmRefusedError(f"{name} is not shelved")
        alarm.shelf = None
        return AlarmEvent(AlarmEventKind.UNSHELVED, name, f"by {cut(by, MAX_WHO)}")

    def _found(self, name: str) -> _Alarm:
        found = self._alarms.get(name)
        if found is None:
            known = ", ".join(list(self._alarms)[:20]) or "none"
            raise AlarmRefusedError(f"there is no alarm {cut(name, 60)!r} here; there are {known}")
        return found

    # telling

    def told(self, name: str, wall: float) -> JsonObject:
        """Return one alarm as `described` has it."""
        return _described(self._found(name), wall)

    def described(self, wall: float, *, every: bool = False) -> list[JsonObject]:
        """Return alarms, the worst first.

        Args:
            wall: UTC, unix seconds.
            every: Quiet ones, too; False: those of which there is something to say.
        """
        told = [
            _described(alarm, wall)
            for alarm in self._alarms.values()
            if every or alarm.phase is not AlarmPhase.QUIET or alarm.shelf or _unreadable(alarm)
        ]
        return sorted(told, key=_rank)

    # keeping

    def kept(self) -> JsonObject:
        """Return what a restart must not forget, as JSON holds it."""
        return {
            name: {
                "number": alarm.number,
                "is_raised": alarm.is_raised,
                "is_unseen": alarm.is_unseen,
                "since": alarm.since,
                "gone": alarm.gone,
                "times": alarm.times,
                "value": alarm.value,
                "signed": None if alarm.signed is None else alarm.signed.describe(),
                "shelf": None if alarm.shelf is None else alarm.shelf.describe(),
            }
            for name, alarm in self._alarms.items()
            if alarm.number or alarm.shelf
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what was kept; alarms that are no more are left out.

        Raises:
            ValueError: It makes no sense; nothing was taken over.
        """
        try:
            found = {
                name: _restored(self._alarms[name].spec, each)
                for name, each in kept.items()
                if name in self._alarms
            }
        except (TypeError, LookupError, AttributeError, OverflowError) as error:
            raise ValueError(f"it holds no alarms: {text_of(error)}") from error
        self._alarms |= found


def _is_shelf_over(alarm: _Alarm, now: AlarmMoment) -> bool:
    """Tell whether a shelving has ended: it lasts no longer because the clock was set back."""
    shelf = alarm.shelf
    if shelf is None:
        return False
    if alarm.shelf_ends is None:
        left = min(shelf.until - now.wall, shelf.until - shelf.time, MAX_SHELF_S)
        alarm.shelf_ends = now.running + left
    return now.wall >= shelf.until or now.running >= alarm.shelf_ends


def _why_not(alarm: _Alarm) -> str:
    if alarm.signed is not None and alarm.number:
        return f"it has that of {alarm.signed.by}"
    return "it is not raised"


def _unreadable(alarm: _Alarm) -> str:
    return cut(alarm.verdict.why, MAX_WHY) if alarm.verdict.holds is None else ""


def _described(alarm: _Alarm, wall: float) -> JsonObject:
    spec = alarm.spec
    return {
        "name": spec.name,
        "severity": str(spec.severity),
        "text": cut(spec.text, MAX_NOTE),
        "phase": str(alarm.phase),
        "number": alarm.number,
        "count": sum(wall - COUNTED_S <= time <= wall for time in alarm.times),
        "since": alarm.since,
        "gone": alarm.gone,
        "value": alarm.value,
        "key": spec.key,
        "limits": cut(spec.limits, MAX_WHY),
        "unreadable": _unreadable(alarm),
        "acknowledged": None if alarm.signed is None else alarm.signed.describe(),
        "shelved": None if alarm.shelf is None else alarm.shelf.describe(),
    }


_PHASES = [AlarmPhase.NEW, AlarmPhase.ACKNOWLEDGED, AlarmPhase.GONE, AlarmPhase.QUIET]


def _rank(told: JsonObject) -> tuple[Any, ...]:
    severity = 0 if told["severity"] == AlarmSeverity.FAULT else 1
    return (
        told["shelved"] is not None,
        _PHASES.index(AlarmPhase(str(told["phase"]))),
        severity,
        told["name"],
    )


def _restored(spec: AlarmSpec, kept: Mapping[str, Any]) -> _Alarm:
    return _Alarm(
        spec,
        number=int(kept["number"]),
        is_raised=bool(kept["is_raised"]),
        is_unseen=bool(kept["is_unseen"]),
        since=_time(kept["since"]),
        gone=_time(kept["gone"]),
        times=[_time(time) for time in kept["times"]][-MAX_COUNTED:],
        value=cut(str(kept["value"]), MAX_NOTE),
        signed=_signed(kept["signed"]),
        shelf=_signed(kept["shelf"]),
    )


def _signed(kept: Mapping[str, Any] | None) -> Signed | None:
    if kept is None:
        return None
    by, note = cut(str(kept["by"]), MAX_WHO), cut(str(kept["note"]), MAX_NOTE)
    return Signed(by, note, _time(kept["time"]), _time(kept.get("until", 0.0)))


def _time(kept: Any) -> float:
    """Return a time, UTC, unix seconds; ValueError: it is none."""
    time = float(kept)
    if not math.isfinite(time):
        raise ValueError(f"{time} is no time")
    return time
