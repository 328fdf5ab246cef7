"""Journals and histories of Banks, read for viewers. Knows no HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from dashboard.protocol.thinning import Point, thinned
from dealer.recordreading import in_time_order
from groundwork.values import JsonObject
from zmqjsonproxy import AsyncHub, ProxyError

__all__ = [
    "HISTORY",
    "JOURNAL",
    "MAX_ENTRIES",
    "READ",
    "ArrayRecords",
    "HistoryKey",
    "read_key",
]

JOURNAL, HISTORY, READ = "journal", "history", "read"
WITHIN_S = 10.0
MAX_ENTRIES = 1000
PAGE, MAX_PAGES = 10_000, 10
"""Points of one question to a Player, and questions for one key."""


@dataclass(frozen=True, slots=True)
class HistoryKey:
    """A key of a Bank's history."""

    bank: str
    name: str


def read_key(text: str) -> HistoryKey:
    """Return the key that a text, BANK.NAME, means; ValueError: it means none."""
    bank, dot, name = text.partition(".")
    if not (bank and dot and name):
        raise ValueError(f"{text[:80]!r} is no key: write BANK.NAME, as BANKA.status.SCANNUM")
    return HistoryKey(bank, name)


class ArrayRecords:
    """Asks Players for what they keep.

    Args:
        calls: Makes calls.
        urls: Bank -> URL of its Player.
    """

    def __init__(self, calls: AsyncHub, urls: Mapping[str, str]) -> None:
        self._calls, self._urls = calls, urls

    async def ask(
        self,
        banks: Sequence[str],
        object_name: str,
        method: str,
        kwargs: Mapping[str, Any] = MappingProxyType({}),
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Ask some Banks the same: Bank -> answer, and Bank -> why there is none."""
        urls = [self._urls[bank] for bank in banks]
        results = await self._calls.call_each(
            urls, object_name, method, (), kwargs, timeout=WITHIN_S
        )
        answers, errors = {}, {}
        for bank, result in zip(banks, results, strict=True):
            if result.error is None:
                answers[bank] = result.value
            else:
                errors[bank] = str(result.error)
        return answers, errors

    async def journal(
        self, banks: Sequence[str], most: int, wanted: Mapping[str, Any]
    ) -> JsonObject:
        """Return the newest entries of journals, in the order of time.

        Args:
            banks: Whose.
            most: So many of each at most.
            wanted: Which: `since`, `until`, `client`, `method`, as of `journal.read`.
        """
        asked = {**wanted, "most": min(most, MAX_ENTRIES), "newest": True}
        answers, errors = await self.ask(banks, JOURNAL, READ, asked)
        told = in_time_order({bank: answer["entries"] for bank, answer in answers.items()})
        entries = [
            {"bank": bank, "simulated": answers[bank]["simulated"], **entry} for bank, entry in told
        ]
        return {"entries": entries, "errors": errors}

    async def keys(self, banks: Sequence[str], pattern: str) -> JsonObject:
        """Return what Banks keep, with units."""
        answers, errors = await self.ask(banks, HISTORY, "keys", {"pattern": pattern})
        return {"keys": answers, "errors": errors}

    async def history(
        self, keys: Sequence[HistoryKey], since: float, until: float, stretches: int
    ) -> JsonObject:
        """Return values of keys over time, thinned for a plot.

        Args:
            keys: Which.
            since: From then on, UTC, unix seconds.
            until: Before then.
            stretches: Of time, of each of which what shows is left.
        """
        found = await asyncio.gather(*(self._series(key, since, until) for key in keys))
        series, errors = [], {}
        for key, each in zip(keys, found, strict=True):
            if isinstance(each, ProxyError):
                errors[key.bank] = str(each)
                continue
            points, unit, is_cut = each
            shown = thinned(points, stretches, since, until)
            told: JsonObject = {"bank": key.bank, "key": key.name, "unit": unit, "points": shown}
            series.append({**told, "reduced": len(shown) < len(points), "cut": is_cut})
        return {"since": since, "until": until, "series": series, "errors": errors}

    async def _series(
        self, key: HistoryKey, since: float, until: float
    ) -> tuple[list[Point], str, bool] | ProxyError:
        """Return points, unit, and whether there are more; or why there are none."""
        url, name = self._urls[key.bank], key.name
        asked: dict[str, Any] = {"keys": [name], "since": since, "until": until, "most": PAGE}
        points: list[Point] = []
        unit, page = "", []
        try:
            held = await self._calls.call(
                url, HISTORY, "in_force", (), {"keys": [name], "at": since}, timeout=WITHIN_S
            )
            if name in held:
                points.append((held[name]["time"], held[name]["value"]))
                unit = held[name]["unit"]
            for _ in range(MAX_PAGES):
                page = await self._calls.call(url, HISTORY, READ, (), asked, timeout=WITHIN_S)
                points += [(point["time"], point["value"]) for point in page]
                if len(page) < PAGE:
                    break
                asked["after"] = page[-1]["number"]
        except ProxyError as error:
            return error
        return points, page[-1]["unit"] if page else unit, len(page) == PAGE
