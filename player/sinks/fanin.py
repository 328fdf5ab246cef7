"""Live fan-in: records of many arrays, as they come into the streams of one Redis. Needs redis."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from groundwork.closing import Closing
from groundwork.values import JsonValue
from player.sinks.base import CallEntry, HistoryPoint
from player.sinks.destination import RecordKind, RecordOrigin

__all__ = ["Arrived", "FanIn", "Loss"]

log = logging.getLogger(__name__)

MAX_ARRAYS = 1000
MAX_MESSAGES = 500
"""Of a stream, that are read at once."""
LOOK_EVERY_S = 5.0
"""Time between two looks for arrays that are new, s."""
_START = "0-0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Records that will never come.

    Attributes:
        kind: Of the records.
        count: Their number, at most.
        why: They will not.
    """

    kind: RecordKind
    count: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One record of an array.

    Attributes:
        owner: Its array and Bank.
        record: Entry of a journal, which comes again when its call has ended; point of a history;
            or what is lost.
    """

    owner: RecordOrigin
    record: CallEntry | HistoryPoint | Loss


class FanIn(Closing):
    """Reader of all arrays of a Redis, from now on; of those that come later from their begin.

    Args:
        url: As in `[instrument.redis]`.
        prefix: Likewise.

    Raises:
        redis.RedisError: As all methods: the server is away. What was read is not read again by the
            next call, and nothing is missed that the streams still have.
    """

    def __init__(self, url: str, prefix: str = "dealer-player") -> None:
        import redis

        self._client = redis.Redis.from_url(url, decode_responses=True, protocol=2)
        self._prefix = prefix
        self._read: dict[str, str] = {}  # stream -> identity of the message that was read last
        self._owners: dict[str, tuple[str, RecordKind]] = {}
        self._looked_at = 0.0
        self._look(is_first=True)

    @property
    def arrays(self) -> list[str]:
        """Names of the arrays that there are."""
        return sorted({array for array, _ in self._owners.values()})

    def read(self, within: float) -> list[Arrived]:
        """Return what has come, in the order of each stream; empty: nothing came in so many
        seconds."""
        if time.monotonic() - self._looked_at >= LOOK_EVERY_S or not self._read:
            self._look()
        if not self._read:
            return []
        wait_ms = max(1, round(min(within, LOOK_EVERY_S) * 1000))
        streams: Any = dict(self._read)
        told: Any = self._client.xread(streams, count=MAX_MESSAGES, block=wait_ms)
        arrived: list[Arrived] = []
        for stream, messages in told or ():
            array, kind = self._owners[stream]
            for identity, message in messages:
                self._read[stream] = identity
                try:
                    arrived.append(_read_message(array, kind, message))
                except (KeyError, ValueError):  # nobody but sinks should write there
                    log.warning("%s %s: not a record, left out", stream, identity)
        return arrived

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _look(self, is_first: bool = False) -> None:
        found: Any = self._client.smembers(f"{self._prefix}:arrays")
        for array in sorted(found)[:MAX_ARRAYS]:
            for kind in RecordKind:
                stream = f"{self._prefix}:{array}:{kind}"
                if stream not in self._read:
                    self._owners[stream] = (array, kind)
                    self._read[stream] = self._newest(stream) if is_first else _START
        self._looked_at = time.monotonic()

    def _newest(self, stream: str) -> str:
        newest: Any = self._client.xrevrange(stream, count=1)
        return str(newest[0][0]) if newest else _START


def _read_message(array: str, kind: RecordKind, message: Mapping[str, str]) -> Arrived:
    owner = RecordOrigin(array=array, bank=message["bank"], simulated=message["simulated"] == "1")
    return Arrived(owner=owner, record=_record(kind, message))


def _record(kind: RecordKind, message: Mapping[str, str]) -> CallEntry | HistoryPoint | Loss:
    if "lost" in message:
        return Loss(kind=kind, count=int(message["lost"]), why=message["why"])
    if kind is RecordKind.HISTORY:
        value: JsonValue = json.loads(message["value"])
        return HistoryPoint(
            number=int(message["number"]),
            time_us=int(message["time_us"]),
            key=message["key"],
            value=value,
            unit=message["unit"],
        )
    numbers = ("number", "time_us", "duration_s")
    texts = {
        each.name: message[each.name] for each in fields(CallEntry) if each.name not in numbers
    }
    took = message["duration_s"]
    return CallEntry(
        int(message["number"]),
        int(message["time_us"]),
        duration_s=float(took) if took else None,
        **texts,
    )
