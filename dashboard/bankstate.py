"""State of one Bank as viewers see it: what its Player told, made into topics. No sockets, no
clock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.protocol.liveness import Liveness
from dashboard.protocol.topics import KeyTopic, LineTopic
from dealer.differences import HeldValue
from groundwork.truncation import cut
from groundwork.values import JsonObject
from player.endpoints.http.protocol.messages import MAX_ARRAY
from player.endpoints.http.protocol.texts import write_json
from zmqjsonproxy import InterfaceDescription
from zmqjsonproxy.channels import Update

__all__ = [
    "ALARMS",
    "CONTROL",
    "LOAD",
    "ORIGINAL_SUMMARY",
    "PREFIX",
    "SCAN_STATE",
    "SIMULATED",
    "STATUS",
    "ShownInterface",
    "WatchedBank",
    "bounded",
    "is_yes",
    "key_of",
    "wanted_patterns",
]

BANK, PREFIX = "bank", "bank."
CONTROL, LOAD, LOG, OPERATIONS = "control", "host_load", "log", "operations"
ALARMS = "alarms"
SCAN_STATE = "scan"
"""Result of kinds of Banks that take scans."""
MESSAGES = (LOG, OPERATIONS)
"""Messages of every Player that viewers see; others are a kind's own."""
SCAN, SIMULATED = "SCANNUM", "SIMULATE"
ORIGINAL_SUMMARY = (SCAN, "SCANREM", "NETSTAT", "DAQSTATE", SIMULATED)
"""Status keys that stand for the overview of a Player that has none."""
STATUS = "status."
MAX_TEXT, MAX_VALUE = 2000, 65_536
"""Characters of a text, and of another value as JSON; of Banks strangers may be the authors."""
MAX_OVERVIEW, MAX_FINDINGS = 100, 100
MAX_OPERATIONS, ENDED_KEPT_S = 200, 3600.0
_ENDED = frozenset({"done", "failed", "aborted", "lost"})


def key_of(object_name: str, name: str) -> str:
    """Return the name of a property among those of all objects of a Bank, as histories have it."""
    part = object_name.removeprefix(PREFIX)
    return name if object_name == BANK else f"{part}.{name}"


def wanted_patterns(properties: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return patterns that mean all results, and those messages that viewers see, but no pipe.

    Names with a dot are meant by their beginning, so that further ones of the group are meant, too.
    """
    pipes = {one["name"] for one in properties if one["kind"] == "pipe"}
    patterns: dict[str, None] = {}
    for one in properties:
        name, kind = one["name"], one["kind"]
        if kind != "result" and not (kind == "message" and name in MESSAGES):
            continue
        group, dot, _ = name.rpartition(".")
        has_pipe = any(pipe.startswith(f"{group}.") for pipe in pipes)
        patterns[f"{group}.*" if dot and not has_pipe else name] = None
    return list(patterns)


def is_yes(value: Any) -> bool:
    """Tell whether a value of a status memory means yes."""
    return str(value).strip().upper() in ("1", "T", "TRUE")


def bounded(value: Any) -> Any:
    """Return a value as viewers get it: of a long text its begin and its length, of what else is
    large the size."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        if len(value) <= MAX_TEXT:
            return value
        return {"left_out": True, "text": value[:MAX_TEXT], "characters": len(value)}
    size = len(write_json(value, MAX_ARRAY))
    return value if size <= MAX_VALUE else {"left_out": True, "characters": size}


@dataclass(slots=True)
class ShownInterface:
    """Description of what a Player offers.

    Attributes:
        objects: Object -> its description.
        properties: Object -> its properties, as `list_properties` tells them.
        number: Rises when it has changed.
    """

    objects: dict[str, InterfaceDescription] = field(default_factory=dict)
    properties: dict[str, list[JsonObject]] = field(default_factory=dict)
    number: int = 0

    def take(
        self,
        objects: Mapping[str, InterfaceDescription],
        properties: Mapping[str, Iterable[Mapping[str, Any]]],
    ) -> None:
        """Take what a Player tells now."""
        told = {
            name: [{k: v for k, v in one.items() if k not in _OF_A_MOMENT} for one in some]
            for name, some in properties.items()
        }
        before = {name: each.methods for name, each in self.objects.items()}
        if told != self.properties or before != {
            name: each.methods for name, each in objects.items()
        }:
            self.number += 1
        self.objects, self.properties = dict(objects), told

    def describe(self) -> JsonObject:
        """Return objects with methods and properties."""
        return {
            name: {
                "methods": [
                    {
                        "name": method.name,
                        "kind": method.kind,
                        "signature": method.signature,
                        "doc": method.doc or "",
                        "parameters": None
                        if method.parameters is None
                        else [each.describe() for each in method.parameters],
                    }
                    for method in each.methods.values()
                ],
                "properties": self.properties.get(name, []),
            }
            for name, each in self.objects.items()
        }


_OF_A_MOMENT = ("number", "time", "problem")


class WatchedBank:
    """State of one Bank, written into topics.

    Args:
        bank: Its name.
        url: Of its Player.
        host: Where it is at home; empty: not known.
        topics: Overview, values of this Bank, operations, log.
        wall: The time, UTC, unix seconds; `now` of the methods is that of a clock which is never set.

    Attributes:
        interface: What its Player offers.
        liveness: Of its Player.
        kind: Of the Bank; empty: not known.
        dialect: Of its Player.
        instance: Of its Player; empty: not known.
        offset: Clock of its Player minus ours, s; None: not known.
        overview: What it shows of itself.
        findings: What is wrong with it.
        missed: Updates that did not arrive.
        journal_simulated: No real instrument is touched, as its journal says; None: it does not.
    """

    def __init__(
        self,
        bank: str,
        url: str,
        host: str,
        topics: tuple[KeyTopic, KeyTopic, KeyTopic, LineTopic],
        wall: float,
    ) -> None:
        self.bank, self.url, self.host = bank, url, host
        self._rows, self._values, self._operations, self._log = topics
        self.interface, self.liveness = ShownInterface(), Liveness(wall)
        self.kind, self.dialect, self.instance = "", "unknown", ""
        self.offset: float | None = None
        self.overview: JsonObject = {}
        self.findings: list[Any] = []
        self.missed = 0
        self.journal_simulated: bool | None = None
        self._known: OrderedDict[str, float | None] = OrderedDict()  # id -> when it ended
        self.show()

    def show(self) -> None:
        """Write the row of this Bank."""
        self._rows.put(
            self.bank,
            {
                **self.identity(),
                "simulated": self._simulated(),
                "link": self.liveness.describe(),
                "offset": self.offset,
                "instance": self.instance,
                "overview": self.overview,
                "control": self.control,
                "findings": self.findings,
                "load": self._value(LOAD),
                "scan": self._value(SCAN_STATE),
                "alarms": self._alarm_counts(),
                "operations": [id for id, ended in self._known.items() if ended is None],
                "missed": self.missed,
            },
        )

    def identity(self) -> JsonObject:
        """Return what a row has of it that does not change with time."""
        return {
            "bank": self.bank,
            "kind": self.kind,
            "host": self.host,
            "url": self.url,
            "dialect": self.dialect,
            "interface": self.interface.number,
        }

    @property
    def control(self) -> Any:
        """Control as its Player tells it; None: not known."""
        return self._value(CONTROL)

    @property
    def scan_number(self) -> int | None:
        """Number of its scan; None: it has none, or it is not known."""
        value = self._value(STATUS + SCAN)
        return value if type(value) is int else None

    def _value(self, key: str) -> Any:
        known = self._values.values.get(key)
        return None if known is None else known[0]

    @property
    def controlled_by(self) -> str:
        """Name of the key that has control; empty: nobody has, or somebody without a key."""
        told = self._value(CONTROL)
        return str(told.get("key") or "") if isinstance(told, Mapping) else ""

    def settings(self) -> dict[str, HeldValue]:
        """Return values in force, those of tables by member as histories have them, with the time
        since when, by our clock."""
        offset = self.offset or 0.0
        held: dict[str, HeldValue] = {}
        for key, (value, time, _) in self._values.values.items():
            some = value.items() if isinstance(value, Mapping) else [("", value)]
            for member, each in some:
                if each is not None and not isinstance(each, list | Mapping):
                    name = f"{key}.{member}" if member else key
                    held[name] = HeldValue(value=each, since=time - offset)
        return held

    def _alarm_counts(self) -> JsonObject | None:
        """Return how many alarms there are, as its Player counts them; None: it does not tell."""
        told = self._value(ALARMS)
        if not isinstance(told, Mapping) or "active" not in told:
            return None
        return {name: count for name, count in told.items() if isinstance(count, int)}

    def _simulated(self) -> bool | None:
        value = self._value(STATUS + SIMULATED)
        if value is None:
            value = self.overview.get(SIMULATED, self.journal_simulated)
        return None if value is None else is_yes(value)

    # what comes

    def take(self, object_name: str, update: Update, now: float) -> None:
        """Take an update of an object."""
        self.liveness.heard = now
        if update.kind == "result":
            key = key_of(object_name, update.name)
            self._values.put(key, [bounded(update.value), update.time, update.number])
        elif object_name == BANK and isinstance(update.value, dict):
            if update.name == LOG:
                self._add_line(update)
            elif update.name == OPERATIONS:
                self.take_operation(update.value, now)

    def _add_line(self, update: Update) -> None:
        told: Any = update.value
        line: JsonObject = {
            "bank": self.bank,
            "host": self.host,
            "time": told.get("time", update.time),
            "level": str(told.get("level", "")),
            "logger": str(told.get("logger", "")),
            "text": cut(str(told.get("text", "")), MAX_TEXT),
            "scan": self._value(STATUS + SCAN),
        }
        if "left_out" in told:
            line["left_out"] = told["left_out"]
        self._log.add(line)

    def take_overview(self, told: Mapping[str, Any]) -> None:
        """Take what a Bank shows of itself."""
        some = list(told.items())[:MAX_OVERVIEW]
        self.overview = {str(name): bounded(value) for name, value in some}

    def take_findings(self, told: Iterable[Any]) -> None:
        """Take what is wrong with a Bank."""
        self.findings = [bounded(finding) for finding in told][:MAX_FINDINGS]

    def take_operation(self, told: Mapping[str, Any], now: float) -> None:
        """Take what is told of an operation; old ones that have ended are forgotten."""
        id = str(told.get("id", ""))
        has_ended = told.get("state") in _ENDED
        self._known[id] = now if has_ended else None
        self._known.move_to_end(id)
        self._operations.put(f"{self.bank} {id}", {"bank": self.bank, **bounded(told)})
        self.forget_operations(now)

    def forget_operations(self, now: float) -> None:
        """Forget operations that ended long ago, and of too many the oldest."""
        excess = len(self._known) - MAX_OPERATIONS
        for id, ended in list(self._known.items()):
            if (ended is not None and now - ended > ENDED_KEPT_S) or excess > 0:
                del self._known[id]
                self._operations.remove(f"{self.bank} {id}")
                excess -= 1

    def take_running(self, told: Iterable[Mapping[str, Any]], now: float) -> None:
        """Take all operations that have not ended; others that we thought of so are lost."""
        running = {str(each.get("id", "")): each for each in told}
        for id, ended in list(self._known.items()):
            if ended is None and id not in running:
                before = self._operations.values.get(f"{self.bank} {id}", {"id": id})
                self.take_operation({**before, "state": "lost"}, now)
        for each in running.values():
            self.take_operation(each, now)

    @property
    def values(self) -> Mapping[str, Any]:
        """Present values of this Bank."""
        return self._values.values

    def forget_values(self, before: Iterable[str]) -> None:
        """Forget values of results that are published no more.

        Args:
            before: Those that were known when it was asked what is published; later ones are newer.
        """
        published = {
            key_of(object_name, str(one["name"]))
            for object_name, properties in self.interface.properties.items()
            for one in properties
        }
        self.drop_values(set(before) - published)

    def drop_values(self, keys: Iterable[str]) -> None:
        """Forget values."""
        for key in keys:
            self._values.remove(key)

    def take_status(self, values: Mapping[str, Any], wall: float) -> None:
        """Take the whole status of a Player that publishes nothing: what has changed counts on."""
        known = self._values.values
        for name, value in values.items():
            key, value = STATUS + name, bounded(value)
            before = known.get(key)
            if before is None or before[0] != value:
                self._values.put(key, [value, wall, 1 if before is None else before[2] + 1])
        for key in known.keys() - {STATUS + name for name in values}:
            if known[key][0] is not None:
                self._values.put(key, [None, wall, known[key][2] + 1])
