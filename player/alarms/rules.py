"""Rules of alarms: limits of a value, and the verdict on one. Pure: no properties, no clock."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from groundwork.truncation import cut
from groundwork.values import JsonValue

__all__ = [
    "AlarmRule",
    "AlarmSeverity",
    "AlarmSpec",
    "AlarmVerdict",
    "Scalar",
    "member",
    "read_said",
]

MAX_VALUE = 100
"""Characters of a value that are told."""
Scalar = bool | int | float | str


class AlarmSeverity(StrEnum):
    """Severity of an alarm."""

    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSpec:
    """Facts of an alarm that do not depend on what it looks at.

    Attributes:
        name: Of the alarm, unique where it is declared.
        text: Sentence for people.
        severity: Of it.
        hold: Its condition has to last so long before it is raised, and to be away so long before it
            is gone, s.
        key: Name of what it looks at; empty: that has none.
    """

    name: str
    text: str
    severity: AlarmSeverity = AlarmSeverity.WARNING
    hold: float = 0.0
    key: str = ""

    @property
    def limits(self) -> str:
        """Limits of the value, for people; empty: it has none."""
        return ""

    def said(self, value: str) -> str:
        """Return what is said when it is raised by a value."""
        about = f"{self.key} is {value}" if self.key else value
        return f"{self.severity}: {self.text}{f' ({about})' if value else ''}"


_SAID = re.compile(
    r"(?P<severity>fault|warning): (?P<text>.*?)(?: \((?P<key>\S+) is (?P<value>.*)\))?", re.DOTALL
)


def read_said(text: str) -> tuple[AlarmSpec, str] | None:
    """Return facts, without a name, and value of what was said when an alarm was raised; None: that is
    nothing of the kind."""
    found = _SAID.fullmatch(text)
    if found is None:
        return None
    severity, key = AlarmSeverity(found["severity"]), found["key"] or ""
    spec = AlarmSpec(name="", text=found["text"], severity=severity, key=key)
    return spec, found["value"] or ""


@dataclass(frozen=True, slots=True)
class AlarmVerdict:
    """Verdict on a value.

    Attributes:
        holds: The condition of the alarm holds; None: that cannot be told.
        value: The value, as people read it.
        why: Why it cannot be told.
        since: When it began, UTC, unix seconds; None: when it was seen first.
    """

    holds: bool | None
    value: str = ""
    why: str = ""
    since: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule(AlarmSpec):
    """Rule of an alarm: it is raised by a value that any of the limits means.

    Its key is the name of a property, as `status.NETDROP`, with a member of a table or of a list
    behind it, as `host_load.load` or `jobs.-1.state`; that of a part begins with the part's name.

    Attributes:
        above: Numbers above it.
        below: Numbers below it.
        equals: These values.
        differs: All but these values.
        max_age: A value that is older tells nothing, s; None: it holds until there is another.
        missing_is_well: Where there is no value nothing is wrong; False: it cannot be told.
    """

    above: float | None = None
    below: float | None = None
    equals: Sequence[Scalar] = ()
    differs: Sequence[Scalar] = ()
    max_age: float | None = None
    missing_is_well: bool = False

    @property
    def limits(self) -> str:
        """Limits of the value, for people."""
        told = [f"above {self.above:g}"] if self.above is not None else []
        told += [f"below {self.below:g}"] if self.below is not None else []
        told += [_listed(self.equals)] if self.equals else []
        told += [f"not {_listed(self.differs)}"] if self.differs else []
        return " or ".join(told)

    def judge(self, value: JsonValue, age: float = 0.0) -> AlarmVerdict:
        """Return the verdict on a value.

        Args:
            value: Of the key; None: there is none.
            age: Of the value, s.
        """
        if value is None:
            return self.judge_missing(f"{self.key} has no value")
        shown = _shown(value)
        if self.max_age is not None and age > self.max_age:
            return AlarmVerdict(None, shown, f"{self.key} was last renewed {age:.0f} s ago")
        if self.above is not None or self.below is not None:
            if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
                return AlarmVerdict(None, shown, f"{self.key} is {shown}, and no number")
            if self.above is not None and value > self.above:
                return AlarmVerdict(True, shown)
            if self.below is not None and value < self.below:
                return AlarmVerdict(True, shown)
        if self.equals and _is_in(value, self.equals):
            return AlarmVerdict(True, shown)
        return AlarmVerdict(bool(self.differs) and not _is_in(value, self.differs), shown)

    def judge_missing(self, why: str) -> AlarmVerdict:
        """Return the verdict where there is no value, and why not."""
        return AlarmVerdict(False) if self.missing_is_well else AlarmVerdict(None, "", why)


def member(value: JsonValue, path: Sequence[str]) -> JsonValue:
    """Return a member of a table, or of a list by its place; None: there is none."""
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            value = _at(value, part)
        else:
            return None
    return value


def _at(values: Sequence[JsonValue], part: str) -> JsonValue:
    try:
        return values[int(part)]
    except (ValueError, IndexError):
        return None


def _is_in(value: JsonValue, values: Sequence[Scalar]) -> bool:
    """Tell whether a value is one of some; a truth value is no number."""
    return any(
        value == each and isinstance(value, bool) is isinstance(each, bool) for each in values
    )


def _listed(values: Sequence[Scalar]) -> str:
    return " or ".join(_shown(each) for each in values)


def _shown(value: JsonValue) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.7g}"
        case "":
            return "(empty)"
    return cut(str(value), MAX_VALUE)
