"""Traces: changes of parameters, spectra, gates and bindings, for clients that ask for them now and
then. No threads, no clock: callers say `now`.

What is told and how it reads is Rustogramer's; filling, zeroing, applying a gate and folding are no
changes in this sense.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from histogrammer.errors import HistogrammerError

__all__ = ["MAX_CLIENTS", "MAX_ENTRIES", "NoSuchTokenError", "Topic", "Traces"]

MAX_ENTRIES = 100_000
"""Kept of all changes; of more the oldest go, whatever the retention."""

MAX_CLIENTS = 1000
"""Of more the one that has not asked for the longest time gives way."""

MAX_RETENTION_S = 7 * 86400


class NoSuchTokenError(HistogrammerError):
    """A token that was never given, or given back."""

    def __init__(self, token: int) -> None:
        super().__init__("No such client token")
        self.token = token


class Topic(StrEnum):
    """Lists in which changes are told."""

    PARAMETER = "parameter"
    SPECTRUM = "spectrum"
    GATE = "gate"
    BINDING = "binding"


@dataclass(frozen=True, slots=True)
class _Entry:
    number: int
    time: float
    topic: Topic
    text: str


@dataclass(slots=True)
class _Client:
    retention: float
    told: int
    asked_at: float


class Traces:
    """Changes since each client's last question; kept once for all of them.

    Args:
        first_token: Of the first client.
    """

    def __init__(self, first_token: int = 0) -> None:
        self._entries: deque[_Entry] = deque(maxlen=MAX_ENTRIES)
        self._clients: dict[int, _Client] = {}
        self._count = 0
        self._tokens = first_token

    def establish(self, retention: float, now: float) -> int:
        """Return the token of a new client.

        Args:
            retention: Seconds for which its changes are kept, a week at most.
            now: Monotonic time, s.
        """
        if len(self._clients) >= MAX_CLIENTS:
            silent = min(self._clients, key=lambda token: self._clients[token].asked_at)
            del self._clients[silent]
        token, self._tokens = self._tokens, self._tokens + 1
        self._clients[token] = _Client(min(retention, MAX_RETENTION_S), self._count, now)
        return token

    def note(self, topic: Topic, text: str, now: float) -> None:
        """Keep a change for all clients: `add NAME`, `changed NAME`, `delete NAME`, ..."""
        if self._clients:
            self._count += 1
            self._entries.append(_Entry(self._count, now, topic, text))

    def fetch(self, token: int, now: float) -> dict[str, list[str]]:
        """Return and forget what a client was not told yet, by topic, in the order of time.

        Raises:
            NoSuchTokenError: No client has this token.
        """
        client = self._client(token)
        lists: dict[str, list[str]] = {topic.value: [] for topic in Topic}
        for entry in self._entries:
            if entry.number > client.told and entry.time >= now - client.retention:
                lists[entry.topic.value].append(entry.text)
        client.told, client.asked_at = self._count, now
        self.prune(now)
        return lists

    def done(self, token: int) -> None:
        """Forget a client.

        Raises:
            NoSuchTokenError: No client has this token.
        """
        self._client(token)
        del self._clients[token]

    def prune(self, now: float) -> None:
        """Forget what no client will be told any more; Rustogramer does so once a second."""
        told = min((client.told for client in self._clients.values()), default=self._count)
        retention = max((client.retention for client in self._clients.values()), default=0.0)
        while self._entries and (
            self._entries[0].number <= told or self._entries[0].time < now - retention
        ):
            self._entries.popleft()

    def _client(self, token: int) -> _Client:
        client = self._clients.get(token)
        if client is None:
            raise NoSuchTokenError(token)
        return client
