"""Alarms of a Bank as they were at a time, of what its journal remarks and which calls it has. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from groundwork.values import JsonObject
from player.alarms.book import COUNTED_S, AlarmEvent, AlarmEventKind, Signed
from player.alarms.rules import AlarmSpec, read_said
from player.alarms.served import ALARMS

__all__ = ["alarms_at"]

DONE = "done"
_LASTED = re.compile(r"after ([0-9.]+) s")


@dataclass(slots=True)
class _Then:
    """One alarm, as far as it went.

    Attributes:
        spec: Facts of it.
        value: That raised it.
        times: When it was raised.
        gone: When it went; 0: it had not.
        unreadable: Why it could not be told.
        signed: Acknowledgement of the last raising.
        shelf: Shelving.
    """

    spec: AlarmSpec = field(default_factory=lambda: AlarmSpec(name="", text=""))
    value: str = ""
    times: list[float] = field(default_factory=list)
    gone: float = 0.0
    unreadable: str = ""
    signed: Signed | None = None
    shelf: Signed | None = None

    @property
    def phase(self) -> str:
        if not self.times:
            return "quiet"
        if self.gone:
            return "quiet" if self.signed else "gone"
        return "acknowledged" if self.signed else "new"

    def take(self, event: AlarmEvent, time: float) -> None:
        """Take what was remarked."""
        match event.kind:
            case AlarmEventKind.RAISED:
                said = read_said(event.text)
                self.spec, self.value = said or (AlarmSpec(name="", text=event.text), "")
                self.times.append(time)
                self.gone, self.signed, self.unreadable = 0.0, None, ""
            case AlarmEventKind.GONE:
                lasted = _LASTED.fullmatch(event.text)
                began = self.times[-1] if self.times else time
                self.gone = time if lasted is None else min(began + float(lasted[1]), time)
            case AlarmEventKind.UNREADABLE:
                self.unreadable = event.text
            case AlarmEventKind.READABLE:
                self.unreadable = ""
            case AlarmEventKind.UNSHELVED:
                self.shelf = None

    def act(self, method: str, by: str, told: Mapping[str, Any], time: float) -> None:
        """Take what somebody did."""
        note = str(told.get("note") or "")
        if method == "acknowledge":
            self.signed = Signed(by, note, time)
        elif method == "shelve" and isinstance(seconds := told.get("seconds"), int | float):
            self.shelf = Signed(by, note, time, time + seconds)


def alarms_at(
    bank: str, entries: Iterable[Mapping[str, Any]], time: float
) -> dict[str, JsonObject]:
    """Return alarms that had something to tell, in the shape of the topic `alarms`.

    Args:
        bank: Name of the Bank.
        entries: Of its journal, remarks and calls of `alarms`, in any order.
        time: UTC, unix seconds.
    """
    found: dict[str, _Then] = {}
    for entry in sorted(entries, key=lambda each: float(each["time"])):
        if (at := float(entry["time"])) > time:
            break
        event = AlarmEvent.read(str(entry["text"])) if entry["outcome"] == "remark" else None
        if event is not None:
            found.setdefault(event.name, _Then()).take(event, at)
        object_name, _, method = str(entry["method"]).partition(".")
        if object_name == ALARMS and entry["outcome"] == DONE:
            told = _arguments(method, entry["arguments"])
            by = str(entry["key"] or entry["client"])
            found.setdefault(str(told.get("name")), _Then()).act(method, by, told, at)
    return {
        f"{bank} {name}": _described(bank, name, each, time)
        for name, each in found.items()
        if each.phase != "quiet" or each.unreadable or _shelf(each, time)
    }


_NAMES = {"acknowledge": ("name", "note", "number"), "shelve": ("name", "seconds", "note")}
"""Arguments of what is called, in their order."""


def _arguments(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    names = _NAMES.get(method, ("name",))
    return {**dict(zip(names, given.get("args", ()), strict=False)), **given.get("kwargs", {})}


def _shelf(then: _Then, time: float) -> Signed | None:
    return then.shelf if then.shelf is not None and then.shelf.until > time else None


def _described(bank: str, name: str, then: _Then, time: float) -> JsonObject:
    shelf = _shelf(then, time)
    return {
        "bank": bank,
        "source": "player",
        "name": name,
        "severity": str(then.spec.severity),
        "text": then.spec.text,
        "phase": then.phase,
        "number": len(then.times),
        "count": sum(time - COUNTED_S <= each for each in then.times),
        "since": then.times[-1] if then.times else 0.0,
        "gone": then.gone,
        "value": then.value,
        "key": then.spec.key,
        "limits": "",
        "unreadable": then.unreadable,
        "acknowledged": None if then.signed is None else then.signed.describe(),
        "shelved": None if shelf is None else shelf.describe(),
    }
