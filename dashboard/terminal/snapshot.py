"""State of the array as a screen shows it: views of the topics. No clock, no terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dashboard.protocol.topics import BoardTopic, KeyTopic, LineTopic
from dashboard.terminal.states import State, bank_state, is_problem, is_stale
from groundwork.values import JsonObject

__all__ = ["ArraySnapshot", "Pipe"]

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pipe:
    """A pipe of a Bank, with its newest frame.

    Attributes:
        object_name: Exposed object that has it.
        about: As `list_properties` tells it.
        frame: Value of the newest; None: none came.
        time: Of it, UTC, unix seconds.
        count: Frames so far.
    """

    object_name: str
    about: JsonObject
    frame: Any = None
    time: float = 0.0
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArraySnapshot:
    """The array at one moment.

    Attributes:
        now: UTC, unix seconds.
        topics: By name.
        banks: In the order of the site.
        silence: Time since any Player was heard, s; None: none was.
        name: Of the site; empty: it has none.
        zone: Of the site's time, IANA; None: not known.
        longitude: Degrees, east is positive; None: not known.
        docs: Bank -> key of a value -> its property.
        pipes: Bank -> its pipes.
        answers: What was asked for: name -> answer.
    """

    now: float
    topics: Mapping[str, BoardTopic]
    banks: Sequence[str]
    silence: float | None = 0.0
    name: str = ""
    zone: str | None = None
    longitude: float | None = None
    docs: Mapping[str, Mapping[str, JsonObject]] = field(default_factory=dict)
    pipes: Mapping[str, Sequence[Pipe]] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)

    def values(self, topic: str) -> Mapping[str, Any]:
        """Return what a topic of keys has; nothing: there is no such topic."""
        found = self.topics.get(topic)
        return found.values if isinstance(found, KeyTopic) else {}

    @property
    def log(self) -> LineTopic:
        """Lines of the log."""
        found = self.topics.get("log")
        return found if isinstance(found, LineTopic) else LineTopic("log")

    @property
    def rows(self) -> list[Row]:
        """Rows of all Banks, in the order of the site."""
        known = self.values("overview")
        return [known[bank] for bank in self.banks if bank in known]

    def row(self, bank: str) -> Row | None:
        """Return the row of a Bank; None: there is no such Bank."""
        found: Row | None = self.values("overview").get(bank)
        return found

    def state(self, row: Row) -> State:
        """Return the state of a Bank by its row."""
        return bank_state(row, self.now)

    @property
    def problems(self) -> list[str]:
        """Banks that somebody should look at."""
        return [str(row["bank"]) for row in self.rows if is_problem(self.state(row))]

    @property
    def is_simulated(self) -> bool:
        """Some Bank touches no real instrument."""
        return any(row["simulated"] for row in self.rows)

    def age(self, row: Row, told: Sequence[Any]) -> float:
        """Return the age of a value of a Bank, s.

        Args:
            row: Of the Bank.
            told: Value, time and number.
        """
        return max(self.now - (float(told[1]) - (row["offset"] or 0.0)), 0.0)

    def is_stale(self, bank: str) -> bool:
        """Tell whether the values of a Bank are not those of now."""
        row = self.row(bank)
        return row is None or is_stale(row)

    def held(self) -> ArraySnapshot:
        """Return a copy that stays as it is."""
        return replace(self, topics={name: _held(topic) for name, topic in self.topics.items()})


def _held(topic: BoardTopic) -> BoardTopic:
    if isinstance(topic, KeyTopic):
        keys = KeyTopic(topic.name)
        keys.values = dict(topic.values)
        return keys
    if isinstance(topic, LineTopic):
        lines = LineTopic(topic.name)
        lines.lines = topic.lines.copy()
        return lines
    return topic
