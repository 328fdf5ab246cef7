"""Values of properties, judged by the rules of alarms. It looks at what was published, asks no Bank,
and costs the same however often values change.

A computed property is read by the threads that read them anyway, every few seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from groundwork.values import JsonValue
from player.alarms.rules import AlarmRule, AlarmVerdict, member
from player.clock import Clock
from player.remotenames import SIGN
from zmqjsonproxy.channels.declarations import PropertyKind
from zmqjsonproxy.channels.properties import Property, PropertyTable, PublishedUpdate

__all__ = ["AlarmWatch"]

SAMPLE_EVERY_S = 5.0
"""Between two readings of a computed property; more if it says so."""
MAX_BODY = 50_000
"""Bytes of a value that is looked at."""
_STALE = "stale"
"""Why nothing is heard of a remote, in what is published of it."""


@dataclass(slots=True)
class _Looked:
    """Place that a rule looks at, as far as it is known.

    Attributes:
        rule: The rule.
        table: Table that has its property; None: there is none yet.
        name: Of the property.
        path: Of the member of its value.
        update: That was looked at.
        value: In it.
    """

    rule: AlarmRule
    table: PropertyTable | None = None
    name: str = ""
    path: Sequence[str] = ()
    update: PublishedUpdate | None = None
    value: JsonValue = None


@dataclass(slots=True)
class AlarmWatch:
    """Looks at the properties of a Bank and its parts.

    Args:
        rules: Of alarms.
        tables: Properties by the name of the part that has them; of the Bank itself it is empty.
        clock: The time.
    """

    rules: Sequence[AlarmRule]
    tables: Mapping[str, PropertyTable]
    clock: Clock
    _looked: dict[str, _Looked] = field(init=False)
    _sampled: dict[tuple[int, str], float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._looked = {rule.name: _Looked(rule) for rule in self.rules}

    def look(self) -> dict[str, AlarmVerdict]:
        """Return the verdict on each alarm, as things are now."""
        return {name: self._judge(each) for name, each in self._looked.items()}

    def _judge(self, looked: _Looked) -> AlarmVerdict:
        rule = looked.rule
        if looked.table is None and not self._find(looked):
            return rule.judge_missing(f"there is no property {rule.key}")
        table = looked.table
        assert table is not None
        known = table.properties[looked.name]
        if why := self._why_unknown(table, known):
            return AlarmVerdict(None, "", why)
        update = known.newest
        if update is None:
            return rule.judge_missing(f"{looked.name} has no value yet")
        if update is not looked.update:
            encoded = update.encoded
            if encoded.frames or len(encoded.body) > MAX_BODY:
                return AlarmVerdict(None, "", f"{looked.name} is too long to be looked at")
            looked.update, looked.value = update, member(encoded.value(), looked.path)
        is_read = known.declared.read is not None  # and published only if it is another value
        age = 0.0 if is_read else self.clock.time() - update.time_us / 1e6
        verdict = rule.judge(looked.value, age)
        unit = "" if looked.path else known.declared.unit  # of members of tables none is known
        if not unit or not verdict.value:
            return verdict
        return replace(verdict, value=f"{verdict.value} {unit}")

    def _find(self, looked: _Looked) -> bool:
        """Find the property that a key means: the longest name that there is."""
        parts = looked.rule.key.split(".")
        for part in ("", parts[0]):
            table = self.tables.get(part)
            if table is None:
                continue
            rest = parts[1:] if part else parts
            for length in range(len(rest), 0, -1):
                known = table.properties.get(".".join(rest[:length]))
                if known is not None and known.declared.kind is PropertyKind.RESULT:
                    looked.table, looked.name = table, known.declared.name
                    looked.path = rest[length:]
                    return True
        return False

    def _why_unknown(self, table: PropertyTable, known: Property) -> str:
        """Return why a property cannot be told now; empty: it can."""
        name = known.declared.name
        if known.declared.read is not None:
            self._sample(table, known)
            problem = table.readings.problem(name)
            return "" if problem is None else f"{name} cannot be read: {problem['reason']}"
        _, sign, remote = name.partition(SIGN)
        if sign and name != SIGN + remote:
            told = table.properties.get(SIGN + remote)
            state = None if told is None or told.newest is None else told.newest.encoded.value()
            if isinstance(state, Mapping) and state.get(_STALE):
                return f"nothing is heard of the remote {remote}: {state[_STALE]}"
        return ""

    def _sample(self, table: PropertyTable, known: Property) -> None:
        now, place = self.clock.monotonic(), (id(table), known.declared.name)
        every = max(SAMPLE_EVERY_S, known.declared.every)
        if now >= self._sampled.get(place, now - every) + every:
            self._sampled[place] = now
            table.sample(known.declared.name)
