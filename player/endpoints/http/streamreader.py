"""Reader of a live stream: who it is, and why its stream ended. Knows no connection."""

from __future__ import annotations

import asyncio
import time

from groundwork.values import JsonObject
from player.endpoints.http.protocol.sessions import Person

__all__ = ["StreamReader"]


class StreamReader:
    """The state of one stream to a client; a kind of stream adds what waits for it.

    Args:
        who: Address, for people.
        way: Kind of its stream.
        person: Who looks; None: nobody had to say so.

    Attributes:
        sent: Messages that it took.
        since: When it came, UTC, unix seconds.
        why: Reason why its stream ended, for who looks; empty: there is none for them.
        is_ended: Its stream ends.
    """

    def __init__(self, who: str, way: str, person: Person | None) -> None:
        self.who, self.way, self.person = who, way, person
        self.why, self.is_ended, self.since = "", False, time.time()
        self.sent = 0
        self._there = asyncio.Event()

    def end(self, why: str = "") -> None:
        """Have its stream end."""
        self.why, self.is_ended = self.why or why, True
        self._there.set()

    def describe(self) -> JsonObject:
        """Return what is told of it."""
        return {
            "who": self.who,
            "person": self.person.key if self.person else "",
            "way": self.way,
            "since": self.since,
            "sent": self.sent,
        }
