"""Differences between two states of Banks: what differs, and the call that made it so. No sockets, no
clock: states and journals are handed in."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from groundwork.values import JsonValue

__all__ = [
    "ComparedState",
    "DifferenceKind",
    "HeldValue",
    "StateDifference",
    "call_behind",
    "differences",
    "disagreements",
    "last_stretch",
]

MOVING_S = 10.0
"""A value that is younger than that at its moment is one that moves, s."""
CALL_TAIL_S = 2.0
"""A value that changes so soon after a call ended is taken for its doing, s."""
BEFORE_S = 0.02
"""A call that begins at most so long after a value did, by the same clock, may have made it, s."""
NAMED_S = 60.0
"""A call that names a key is taken for the one that set it, if the value began within this time, s."""
ABBREVIATED = 5
"""Letters of an abbreviation at least."""
AGREEMENTS = ("bank.commit", "bank.confirm_start")
"""Calls that only agree to what calls before them have set up."""
OWN = (
    *(
        "*.pid",
        "*.instance",
        "scan.scan",
        "scan.start*",
        "scan.file",
        "scan.by",
        "scan.integrations",
    ),
    *("scan.packets", "scan.loops", "scan.fraction", "scan.planned", "scan.peak_channel"),
    *("status.BANKNAM", "status.SCAN", "status.SCANNUM", "status.SCANREM", "status.FILENUM"),
    *("status.DAQFITS", "status.DATADIR", "status.DATAHOST", "status.DATAPORT", "status.STT_*"),
    *("status.M_STT*", "status.DAQSTART", "status.DAQMONO", "status.DAQNROW", "status.NPKT"),
    *("status.DAQNINT", "status.DAQPLAN", "status.DAQPEAK", "status.DAQBLKS", "status.DAQLOOPS"),
    *("status.SRC_NAME", "control.*", "alarms.*", "daq.no_spectrum"),
)
"""Patterns of keys that are each Bank's, or each scan's, own."""
MOVING = ("host_load.*", "status.DAQPULSE", "status.NETSTAT", "*_rate", "events", "subscribers")
"""Patterns of keys that move while nothing is set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldValue:
    """A value that was in force.

    Attributes:
        value: It.
        unit: Empty: none.
        since: When it began, UTC, unix seconds; None: not known.
    """

    value: JsonValue
    unit: str = ""
    since: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedState:
    """State of a Bank at a moment, or what was wanted of it.

    Attributes:
        label: As it was asked for: `BANKA`, `BANKA@scan12`.
        bank: Its name.
        at: The moment, UTC, unix seconds.
        values: Key -> value in force.
        is_wanted: They are what was wanted, not what is.
    """

    label: str
    bank: str
    at: float
    values: Mapping[str, HeldValue]
    is_wanted: bool = False


class DifferenceKind(StrEnum):
    """Kinds of differences: of what is set, of what is each side's own, of what moves by itself."""

    SET = "set"
    OWN = "own"
    MOVING = "moving"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDifference:
    """A key on which two states differ.

    Attributes:
        key: Its name in histories.
        left: Value of the one; None: it has none.
        right: Value of the other.
        kind: See DifferenceKind.
        calls: Calls that made the values so, of the one and of the other; None: not known.
    """

    key: str
    left: HeldValue | None
    right: HeldValue | None
    kind: DifferenceKind
    calls: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None] = (None, None)

    @property
    def unit(self) -> str:
        """Unit of both; empty: none, or one each."""
        units = {each.unit for each in (self.left, self.right) if each is not None}
        return units.pop() if len(units) == 1 else ""

    def describe(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "key": self.key,
            "kind": str(self.kind),
            "unit": self.unit,
            "left": _described(self.left, self.calls[0]),
            "right": _described(self.right, self.calls[1]),
        }


def _described(held: HeldValue | None, call: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if held is None:
        return None
    return {"value": held.value, "since": held.since, "call": None if call is None else dict(call)}


def differences(
    left: ComparedState, right: ComparedState, journals: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[StateDifference]:
    """Return the keys on which two states differ, in order.

    Args:
        left: The one; of one that is `is_wanted` only its keys are compared.
        right: The other.
        journals: Bank -> entries of its journal, in time order, as far back as is known.
    """
    wanted = [each.values.keys() for each in (left, right) if each.is_wanted]
    keys = set.intersection(*map(set, wanted)) if wanted else {*left.values, *right.values}
    found = []
    for key in sorted(keys):
        one, other = left.values.get(key), right.values.get(key)
        if _is_same(one, other):
            continue
        calls = (
            call_behind(key, one, journals.get(left.bank, ())),
            call_behind(key, other, journals.get(right.bank, ())),
        )
        kind = _kind(key, left, right) if not wanted else DifferenceKind.SET
        found.append(StateDifference(key=key, left=one, right=other, kind=kind, calls=calls))
    return found


def _is_same(one: HeldValue | None, other: HeldValue | None) -> bool:
    if one is None or other is None:
        return one is other
    a: Any = one.value
    b: Any = other.value
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return True
    return bool(a == b) and isinstance(a, bool) is isinstance(b, bool)


def _kind(key: str, left: ComparedState, right: ComparedState) -> DifferenceKind:
    if _is_any(key, OWN):
        return DifferenceKind.OWN
    if _is_any(key, MOVING):
        return DifferenceKind.MOVING
    is_young = (
        held is not None and held.since is not None and state.at - held.since < MOVING_S
        for state in (left, right)
        for held in (state.values.get(key),)
    )
    return DifferenceKind.MOVING if any(is_young) else DifferenceKind.SET


def _is_any(key: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def disagreements(
    values: Mapping[str, Mapping[str, HeldValue]], at: float
) -> dict[str, dict[str, list[str]]]:
    """Return the keys on which Banks of one kind disagree that should not: key -> value, as text ->
    Banks that have it.

    Of keys that are each Bank's own, or that move, none is told; nor are those whose names begin with
    an underscore, as of the switching signals that one Bank makes for all.

    Args:
        values: Bank -> key -> value in force.
        at: Now, UTC, unix seconds.
    """
    first, *others = values.values() or [{}]
    found: dict[str, dict[str, list[str]]] = {}
    for key in sorted(first):
        if "._" in key or _is_any(key, (*OWN, *MOVING)):
            continue
        if not all(key in each for each in others):
            continue
        held = {bank: each[key] for bank, each in values.items()}
        if any(each.since is not None and at - each.since < MOVING_S for each in held.values()):
            continue
        groups: dict[str, list[str]] = {}
        for bank, each in held.items():
            groups.setdefault(repr(each.value), []).append(bank)
        if len(groups) > 1:
            found[key] = {str(held[banks[0]].value): banks for banks in groups.values()}
    return found


def call_behind(
    key: str, held: HeldValue | None, entries: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """Return the entry of a journal that made a value what it is; None: none is known.

    It is the last call that names the key, if that was not long before the value began; else the last
    one that was under way then, or had ended just before; else the last one that names the key.

    Args:
        key: Its name in histories.
        held: The value.
        entries: In time order.
    """
    if held is None or held.since is None:
        return None
    name = _bare(key.rpartition(".")[2])
    near: Mapping[str, Any] | None = None
    entry: Mapping[str, Any]
    for entry in reversed(entries):
        begun, took = float(entry["time"]), entry.get("duration_s")
        if begun > held.since + BEFORE_S or entry["outcome"] not in ("done", "running", "aborted"):
            continue
        if _names(entry, name):
            return entry if near is None or held.since - begun < NAMED_S else near
        is_near = took is None or held.since <= begun + float(took) + CALL_TAIL_S
        if is_near and (near is None or near["method"] in AGREEMENTS):
            near = entry
    return near


def _names(entry: Mapping[str, Any], name: str) -> bool:
    """Tell whether a call gives a value to a name, or to one that is an abbreviation of the other."""
    arguments = entry.get("arguments")
    given = arguments.get("kwargs") if isinstance(arguments, Mapping) else None
    for each in given if isinstance(given, Mapping) else ():
        short, long = sorted((_bare(str(each)), name), key=len)
        if short == long or (len(short) >= ABBREVIATED and long.startswith(short)):
            return True
    return False


def _bare(name: str) -> str:
    """Return a name without what its parts are joined with, in lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def last_stretch(
    points: Iterable[tuple[float, JsonValue]], value: JsonValue
) -> tuple[float, float | None] | None:
    """Return begin and end of the last time that a key had a value; an end of None: it still has; None:
    it never had.

    Args:
        points: Time and value, in time order.
        value: It.
    """
    found: tuple[float, float | None] | None = None
    was_there = False
    for time, told in points:
        is_there = told == value and type(told) is type(value)
        if is_there and not was_there:
            found = (time, None)
        elif was_there and not is_there and found is not None:
            found = (found[0], time)
        was_there = is_there
    return found
