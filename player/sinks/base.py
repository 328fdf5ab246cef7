"""Sinks: further places for what the journal and the history write. Knows no file and no server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from groundwork.values import JsonValue

__all__ = ["CallEntry", "HistoryPoint", "Sink"]


@dataclass(frozen=True, slots=True)
class CallEntry:
    """A line of the journal: one command or operation, or a remark of the journal itself.

    Attributes:
        number: Of the entry; rises, also over restarts.
        time_us: When it began, UTC, microseconds.
        method: `object.method`; of a remark `journal`.
        arguments: As JSON, `{"args": [...], "kwargs": {...}}`, shortened, without secrets.
        client: Name that the client gives itself.
        host: Of the client, as its name tells it; empty: it does not.
        key: Name of its key; empty: it came without one.
        through: Name of the key of the client that called on its behalf, as a dashboard; empty: it
            called itself.
        call_id: As the client calls the call; empty: not at all.
        operation: Identity of the operation; empty: a command.
        outcome: As of `CallOutcome`; of a remark `remark`.
        duration_s: s; None: it has not ended, or was not begun.
        error: Type of what was raised; empty: nothing was.
        text: Of that, or of the remark.
    """

    number: int
    time_us: int
    method: str
    arguments: str = "{}"
    client: str = ""
    host: str = ""
    key: str = ""
    through: str = ""
    call_id: str = ""
    operation: str = ""
    outcome: str = ""
    duration_s: float | None = None
    error: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPoint:
    """One value of a property.

    Attributes:
        number: Of the point; rises, also over restarts.
        time_us: When it was so, UTC, microseconds.
        key: Name of the property.
        value: Number, text or truth value; None: there is none any more.
        unit: Of the value.
    """

    number: int
    time_us: int
    key: str
    value: JsonValue
    unit: str = ""


class Sink(Protocol):
    """A further place for records.

    It is told in the thread that writes, after the Player's own file has them, so it returns at
    once: what it has to wait for it does in a thread of its own, from a bounded queue. An entry
    comes twice if it was written before its call had ended. What it raises is logged and ignored.
    """

    def take_calls(self, entries: Sequence[CallEntry]) -> None:
        """Take entries of the journal, in their order."""

    def take_points(self, points: Sequence[HistoryPoint]) -> None:
        """Take points of the history, in their order."""

    def close(self) -> None:
        """Take nothing any more; within a second."""
