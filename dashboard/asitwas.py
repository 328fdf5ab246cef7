"""State of the array as it was, from what Players keep: in the shapes in which live state is told."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from dashboard.acts.checks import call_text
from dashboard.bankstate import (
    ALARMS,
    CONTROL,
    LOAD,
    PREFIX,
    SCAN_STATE,
    SIMULATED,
    STATUS,
    WatchedBank,
    is_yes,
    key_of,
)
from dashboard.pastalarms import alarms_at
from dashboard.records import HISTORY, JOURNAL, READ, ArrayRecords
from dealer.recordreading import in_time_order
from groundwork.values import JsonObject
from player.alarms.book import AlarmEvent
from player.journal import OF_THE_JOURNAL

__all__ = ["AsItWas", "moments_of", "operations_of", "tables_of", "was_there"]

FRESH_S = 30.0
"""Of a Player that is there something is kept at least so often: its load."""
MAX_OPERATIONS, MAX_MOMENTS = 50, 1000
SCAN_KEYS = ("scan.scan", "status.SCANNUM")
"""Keys whose changes are scans; the first that a Bank keeps."""
_OVER = frozenset({"done", "failed", "aborted"})
_PARTS_OF_A_START = frozenset({"bank.arm", "bank.confirm_start", "bank.disarm_start"})
"""Besides `bank.commit`, which stands for all of it."""


class AsItWas:
    """Asks Players how it was.

    Args:
        records: Of the array.
        states: Bank -> what is known of it now: its name, kind, and what it publishes.
    """

    def __init__(self, records: ArrayRecords, states: Mapping[str, WatchedBank]) -> None:
        self._records, self._states = records, states

    async def at(self, time: float) -> JsonObject:
        """Return rows, values and operations as they were at a time, UTC, unix seconds."""
        banks = list(self._states)
        (found, errors), (entries, _), alarms = await asyncio.gather(
            self._in_force(banks, time), self._commands(banks, time), self._alarms(banks, time)
        )
        rows, values = {}, {}
        for bank in banks:
            state = self._states[bank]
            values[bank] = tables_of(found.get(bank, {}), _names(state))
            rows[bank] = _row(state, values[bank], time)
        operations = {
            f"{bank} {each['id']}": {"bank": bank, **each}
            for bank, some in entries.items()
            for each in operations_of(some, time)
        }
        for bank in banks:
            running = [
                each["id"]
                for each in operations.values()
                if each["bank"] == bank and each["state"] == "running"
            ]
            rows[bank]["operations"] = running
        told = {"time": time, "is_live": False, "rows": rows, "values": values}
        return {**told, "operations": operations, "alarms": alarms, "errors": errors}

    async def _in_force(
        self, banks: Sequence[str], time: float
    ) -> tuple[dict[str, Any], dict[str, str]]:
        keys, errors = await self._records.ask(banks, HISTORY, "keys")
        asked = {
            bank: {"keys": [each["name"] for each in some], "at": time}
            for bank, some in keys.items()
        }
        found, failed = await self._each("in_force", asked)
        return found, errors | failed

    async def _alarms(self, banks: Sequence[str], time: float) -> dict[str, JsonObject]:
        """Return alarms as they were, as far as the newest remarks and calls of then tell."""
        asked = {"until": time, "most": MAX_MOMENTS, "newest": True}
        (remarks, _), (calls, _) = await asyncio.gather(
            self._records.ask(banks, JOURNAL, READ, {**asked, "method": OF_THE_JOURNAL}),
            self._records.ask(banks, JOURNAL, READ, {**asked, "method": f"{ALARMS}.*"}),
        )
        found: dict[str, JsonObject] = {}
        for bank in banks:
            entries = [
                *remarks.get(bank, {}).get("entries", ()),
                *calls.get(bank, {}).get("entries", ()),
            ]
            found |= alarms_at(bank, entries, time)
        return found

    async def _each(
        self, method: str, asked: Mapping[str, Mapping[str, Any]]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Ask histories of Banks, each with arguments of its own; as `ArrayRecords.ask`."""
        told = await asyncio.gather(
            *(self._records.ask([bank], HISTORY, method, kwargs) for bank, kwargs in asked.items())
        )
        answers: dict[str, Any] = {}
        errors: dict[str, str] = {}
        for some, failed in told:
            answers |= some
            errors |= failed
        return answers, errors

    async def _commands(
        self, banks: Sequence[str], time: float
    ) -> tuple[dict[str, list[JsonObject]], dict[str, str]]:
        asked = {"until": time, "most": MAX_OPERATIONS, "newest": True}
        answers, errors = await self._records.ask(banks, JOURNAL, READ, asked)
        return {bank: answer["entries"] for bank, answer in answers.items()}, errors

    async def moments(self, banks: Sequence[str], since: float, until: float) -> JsonObject:
        """Return what is worth a look between two times: scans, changes, control, alarms."""
        span = {"since": since, "until": until, "most": MAX_MOMENTS}
        keys, errors = await self._records.ask(banks, HISTORY, "keys", {"pattern": "s*"})
        told: dict[str, list[JsonObject]] = {}
        entries, failed = await self._records.ask(banks, JOURNAL, READ, span)
        errors |= failed
        asked = {}
        for bank, some in keys.items():
            kept = {each["name"] for each in some}
            if key := next((each for each in SCAN_KEYS if each in kept), ""):
                asked[bank] = {"keys": [key], **span}
        points, failed = await self._each(READ, asked)
        errors |= failed
        is_cut = False
        for bank in banks:
            scans = points.get(bank, [])
            done = entries.get(bank, {}).get("entries", [])
            is_cut |= len(done) >= MAX_MOMENTS or len(scans) >= MAX_MOMENTS
            told[bank] = moments_of(scans, done)
        ordered = [{"bank": bank, **each} for bank, each in in_time_order(told)]
        return {"moments": ordered, "errors": errors, "cut": is_cut}


def tables_of(
    points: Mapping[str, Mapping[str, Any]], names: Collection[str]
) -> dict[str, list[Any]]:
    """Return values as viewers get them, by name of a result: value, time, number.

    Args:
        points: Key of a history -> its last point. Of a table its members are kept.
        names: Of the results that the Bank publishes.
    """
    values: dict[str, list[Any]] = {}
    for key, point in points.items():
        table = key if key in names else _table_of(key, names)
        if table == key:
            if point["value"] is not None:  # else it was removed
                values[key] = [point["value"], point["time"], 0]
            continue
        known = values.setdefault(table, [{}, point["time"], 0])
        known[0][key[len(table) + 1 :]] = point["value"]
        known[1] = max(known[1], point["time"])
    return values


def _table_of(key: str, names: Collection[str]) -> str:
    """Return the result that a key is a member of; itself if it is of none."""
    table = key
    while "." in table:
        table = table.rpartition(".")[0]
        if table in names:
            return table
    return key


def _names(state: WatchedBank) -> set[str]:
    return {
        key_of(object_name, str(one["name"]))
        for object_name, some in state.interface.properties.items()
        for one in some
        if one["kind"] == "result"
    }


def was_there(values: Mapping[str, Sequence[Any]], time: float) -> JsonObject:
    """Return the link to a Player as it was, by the age of what was kept last."""
    newest = max((value[1] for value in values.values()), default=None)
    if newest is None:
        return {"state": "connecting", "since": time, "reason": "nothing of then is kept"}
    if time - newest <= FRESH_S:
        return {"state": "live", "since": newest, "reason": ""}
    return {"state": "lost", "since": newest, "reason": "nothing was kept after that"}


def _row(state: WatchedBank, values: Mapping[str, list[Any]], time: float) -> JsonObject:
    def value(name: str) -> Any:
        return values[name][0] if name in values else None

    simulated = value(STATUS + SIMULATED)
    return {
        **state.identity(),
        "simulated": state.journal_simulated if simulated is None else is_yes(simulated),
        "link": was_there(values, time),
        "offset": None,
        "instance": "",
        "overview": {name: _shown(name, values) for name in state.overview},
        "control": _control(value(CONTROL), time),
        "findings": [],
        "load": value(LOAD),
        "scan": value(SCAN_STATE),
        "alarms": None,
        "operations": [],
        "missed": 0,
    }


def _shown(name: str, values: Mapping[str, list[Any]]) -> Any:
    """Return what an overview showed under a name."""
    for key in (name, STATUS + name):
        if key in values:
            value = values[key][0]
            return value.get(name) if isinstance(value, dict) else value
    return None


def _control(told: Any, time: float) -> Any:
    """Return control as it was: one whose time was over by then is nobody's."""
    if not isinstance(told, dict):
        return None
    until = told.get("until")
    is_over = isinstance(until, int | float) and until < time
    names = ("owner", "host", "key", "reason", "since", "until", "number")
    return {**told, **{name: None if is_over else told.get(name) for name in names}}


def operations_of(entries: Iterable[Mapping[str, Any]], time: float) -> list[JsonObject]:
    """Return operations as they stood at a time, of entries of a journal."""
    found = []
    for entry in entries:
        if not entry["operation"]:
            continue
        began, took = float(entry["time"]), entry["duration_s"]
        ended = None if took is None else began + float(took)
        is_over = entry["outcome"] in _OVER and ended is not None and ended <= time
        found.append(
            {
                "id": entry["operation"],
                "method": entry["method"],
                "state": entry["outcome"] if is_over else "running",
                "fraction": None,
                "text": entry["text"] if is_over else "",
                "estimate": None,
                "client": entry["client"],
                "asked": began,
                "started": began,
                "ended": ended if is_over else None,
            }
        )
    return found


def moments_of(
    points: Iterable[Mapping[str, Any]], entries: Iterable[Mapping[str, Any]]
) -> list[JsonObject]:
    """Return what is worth a look of one Bank, in the order of time.

    Args:
        points: Of the number of its scan.
        entries: Of its journal.
    """
    found: list[dict[str, Any]] = [
        {"time": point["time"], "kind": "scan", "text": f"scan {point['value']}"}
        for point in points
        if point["value"] is not None
    ]
    for entry in entries:
        name = str(entry["method"])
        if name in _PARTS_OF_A_START:
            continue
        is_control = name.startswith("control") or str(entry["text"]).startswith("control:")
        is_alarm = name.startswith(f"{ALARMS}.") or AlarmEvent.read(str(entry["text"])) is not None
        who = entry["key"] or entry["client"]
        words = [_call_of(name, entry["arguments"]), str(who), str(entry["outcome"])]
        found.append(
            {
                "time": entry["time"],
                "kind": "alarm" if is_alarm else "control" if is_control else "change",
                "text": entry["text"]
                if entry["outcome"] == "remark"
                else ", ".join(word for word in words if word),
            }
        )
    return sorted(found, key=lambda each: float(each["time"]))


def _call_of(method: str, arguments: Any) -> str:
    """Return a call of a journal in words; empty: it is none."""
    told = arguments if isinstance(arguments, Mapping) else {}
    args, kwargs = told.get("args", ()), told.get("kwargs", {})
    return call_text(method.removeprefix(PREFIX), args, kwargs) if method else ""
