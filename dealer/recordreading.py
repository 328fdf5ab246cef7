"""Reading journals and histories of many Players: all Banks at once, page after page; their entries
in one order."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from dealer.outcome import Outcome, Outcomes
from zmqjsonproxy import ThreadHub

Record: TypeAlias = dict[str, Any]
"""An entry of a journal, or a point of a history, as its Player tells it."""

__all__ = ["PAGE", "Record", "RecordReader", "in_time_order"]

PAGE = 1000
"""Records of one question."""


class RecordReader:
    """Asks Players for records.

    Args:
        hub: Asks.
        urls: Bank -> URL.
        timeout: Of one question, s.
    """

    def __init__(self, hub: ThreadHub, urls: Mapping[str, str], timeout: float) -> None:
        self._hub, self._urls, self._timeout = hub, urls, timeout

    def ask(
        self, object_name: str, method: str, arguments: Mapping[str, Mapping[str, Any]]
    ) -> Outcomes:
        """Call a method of an object of Banks, each with keywords of its own."""
        calls = {
            bank: self._hub.begin(
                self._urls[bank], object_name, method, (), dict(kwargs), self._timeout
            )
            for bank, kwargs in arguments.items()
        }
        return Outcomes().await_all(calls)

    def read_all(
        self,
        object_name: str,
        arguments: Mapping[str, Mapping[str, Any]],
        records_of: Callable[[Any], list[Record]],
    ) -> Outcomes:
        """Read all records that Banks have, in pages.

        Args:
            object_name: `journal` or `history`.
            arguments: Bank -> keywords of its `read`; with `newest` one page is read.
            records_of: Records in an answer.

        Returns:
            Bank -> all its records, in the order of their numbers.
        """
        found = Outcomes()
        wanted = {bank: dict(kwargs) for bank, kwargs in arguments.items()}
        while wanted:
            for bank, outcome in self.ask(object_name, "read", wanted).items():
                if outcome.error is not None:
                    found[bank] = outcome
                    del wanted[bank]
                    continue
                records = records_of(outcome.value)
                known = found.setdefault(bank, Outcome(bank, []))
                known.value += records
                if wanted[bank].get("newest") or len(records) < wanted[bank].get("most", PAGE):
                    del wanted[bank]
                else:
                    wanted[bank]["after"] = records[-1]["number"]
        return Outcomes({bank: found[bank] for bank in arguments})


def in_time_order(
    records: Mapping[str, Sequence[Record]],
) -> Iterable[tuple[str, Record]]:
    """Yield records of several Banks by time; those of one Bank stay in the order of their numbers.

    Where the clock of a Bank was set back, what it wrote before stands with what it wrote next: its
    times from before were wrong.
    """
    streams = [_with_times(bank, at, each) for at, (bank, each) in enumerate(records.items())]
    for _, _, _, bank, record in heapq.merge(*streams, key=lambda item: item[:3]):
        yield bank, record


def _with_times(
    bank: str, at: int, records: Sequence[Record]
) -> list[tuple[float, int, int, str, Record]]:
    earliest = float("inf")
    told: list[tuple[float, int, int, str, Record]] = []
    for index in range(len(records) - 1, -1, -1):
        earliest = min(earliest, records[index]["time"])
        told.append((earliest, at, index, bank, records[index]))
    return told[::-1]
