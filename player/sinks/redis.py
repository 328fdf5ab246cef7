"""Redis as the destination of a follower: a stream of each kind of records for each array. Needs
redis.

Of an array `vegas`, with the prefix `dealer-player`:

dealer-player:arrays                    set of the names of arrays
dealer-player:vegas:journal             stream, a message for each entry, and one for its end
dealer-player:vegas:history             stream, a message for each point
dealer-player:vegas:positions           hash, `BANK:KIND` -> number up to which all were sent
dealer-player:vegas:running:BANK        set of numbers of calls that have not ended
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from groundwork.errors import text_of
from groundwork.extras import install_advice
from player.sinks.destination import (
    RecordKind,
    RecordOrigin,
    RecordPage,
    RecordsRefusedError,
    SinkAwayError,
)
from player.sinks.texts import shown_value
from player.tables import without_user

if TYPE_CHECKING:
    import redis

__all__ = ["RedisDestination"]

T = TypeVar("T")

WITHIN_S = 5.0
"""Limit of a connection, and of a page, s."""
MAX_UNFINISHED = 1000
RUNNING = "running"
_Fields = dict[str, str | int | float]


class RedisDestination:
    """Streams of one array.

    Args:
        url: `redis://HOST:PORT/DATABASE`, `rediss://` with TLS, or `unix://PATH`.
        owner: Whose records they are.
        prefix: Of all keys.
        length: Messages that a stream keeps, about; older ones are removed.
        within_s: Limit of a connection, and of a page, s.

    Attributes:
        name: As of Destination.
        begins_now: True: it is for who looks on.
        most_behind: As many as a stream keeps.
    """

    begins_now = True

    def __init__(
        self, url: str, owner: RecordOrigin, *, prefix: str, length: int, within_s: float = WITHIN_S
    ) -> None:
        self.name = without_user(url).partition("?")[0]
        self.most_behind: int | None = length
        self._url, self._within_s, self._prefix = url, within_s, prefix
        self._array = owner.array
        self._of_array = f"{prefix}:{owner.array}"
        self._bank = f"{owner.bank}{' (simulated)' if owner.simulated else ''}"
        self._about: _Fields = {"bank": owner.bank, "simulated": int(owner.simulated)}
        self._client: redis.Redis | None = None

    def open(self) -> Mapping[RecordKind, int]:
        """Connect; return the positions."""

        def ask() -> Mapping[RecordKind, int]:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry

            self._client = client = redis.Redis.from_url(
                self._url,
                socket_timeout=self._within_s,
                socket_connect_timeout=self._within_s,
                retry=Retry(NoBackoff(), 0),  # a page must not be sent twice
                max_connections=1,
            )
            names = [f"{self._bank}:{kind}" for kind in RecordKind]
            found: Any = client.hmget(f"{self._of_array}:positions", names)
            pairs = zip(RecordKind, found, strict=True)
            return {kind: int(number) for kind, number in pairs if number is not None}

        return _asked(ask)

    def unfinished(self) -> Sequence[int]:
        """Return numbers of calls that had not ended when they were written."""
        found: Any = _asked(lambda: self._opened.srandmember(self._running_key, MAX_UNFINISHED))
        return sorted(map(int, found))

    def write(self, page: RecordPage) -> None:
        """Write a page in one transaction."""
        _asked(lambda: self._write(page))

    def drop(self) -> None:
        """Close the connection, whatever its state."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @property
    def _running_key(self) -> str:
        return f"{self._of_array}:running:{self._bank}"

    @property
    def _opened(self) -> redis.Redis:
        if self._client is None:
            raise SinkAwayError("not connected")
        return self._client

    def _write(self, page: RecordPage) -> None:
        with self._opened.pipeline(transaction=True) as pipe:
            pipe.sadd(f"{self._prefix}:arrays", self._array)
            stream = f"{self._of_array}:{page.kind}"
            for fields in self._messages(page):
                told: Any = {**self._about, **fields}
                pipe.xadd(stream, told, maxlen=self.most_behind, approximate=True)
            running = [call.number for call in page.calls if call.outcome == RUNNING]
            ended = [call.number for call in page.calls if call.outcome != RUNNING]
            if ended:
                pipe.srem(self._running_key, *ended)
            if running:
                pipe.sadd(self._running_key, *running)
            place = f"{self._bank}:{page.kind}"
            pipe.hset(f"{self._of_array}:positions", place, str(page.position))
            pipe.execute()

    def _messages(self, page: RecordPage) -> list[_Fields]:
        messages = [
            {name: "" if value is None else value for name, value in asdict(call).items()}
            for call in page.calls
        ]
        messages += [{**asdict(point), "value": shown_value(point.value)} for point in page.points]
        if page.lost:
            messages.append({"lost": page.lost, "why": page.why})
        return messages


def _asked(ask: Callable[[], T]) -> T:
    """Return an answer; errors as of Destination."""
    try:
        import redis
    except ModuleNotFoundError as error:
        raise SinkAwayError(install_advice(error.name) or text_of(error)) from error
    try:
        return ask()
    except redis.DataError as error:
        raise RecordsRefusedError(text_of(error)) from error
    except (redis.RedisError, OSError) as error:
        raise SinkAwayError(text_of(error)) from error
