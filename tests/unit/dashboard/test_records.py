"""Journals and histories, read page by page from Players that a stand-in plays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from dashboard import records
from dashboard.records import ArrayRecords, HistoryKey, read_key
from zmqjsonproxy import CallResult, RefusedError

URLS = {"BANKA": "tcp://a:1", "BANKB": "tcp://b:1"}


class Players:
    """Stands for Players: BANKB keeps nothing."""

    def __init__(self, points: Sequence[tuple[float, Any]] = ()) -> None:
        self.points = [
            {"number": n, "time": time, "key": "x", "value": value, "unit": "dB"}
            for n, (time, value) in enumerate(points, 1)
        ]
        self.asked: list[Mapping[str, Any]] = []

    async def call(
        self, url: str, object_name: str, method: str, args: Any, kwargs: Any, timeout: float
    ) -> Any:
        assert object_name == "history"
        if url == URLS["BANKB"]:
            raise RefusedError("keeps no history")
        if method == "in_force":
            held = [point for point in self.points if point["time"] < kwargs["at"]]
            return {"x": held[-1]} if held else {}
        self.asked.append(dict(kwargs))
        fitting = (
            point
            for point in self.points
            if kwargs["since"] <= point["time"] < kwargs["until"]
            and point["number"] > kwargs.get("after", 0)
        )
        return list(fitting)[: kwargs["most"]]

    async def call_each(
        self, urls: Iterable[str], name: str, method: str, args: Any, kwargs: Any, timeout: float
    ) -> list[CallResult]:
        self.asked.append(dict(kwargs))
        entries = [{"number": 1, "time": 5.0}, {"number": 2, "time": 7.0}]
        value = {"bank": "BANKA", "simulated": True, "entries": entries}
        error = RefusedError("keeps no journal")
        return [
            CallResult(value) if url == URLS["BANKA"] else CallResult(None, error) for url in urls
        ]


def ask(players: Players, *keys: str, stretches: int = 100) -> dict[str, Any]:
    made = ArrayRecords(players, URLS)  # type: ignore[arg-type]  # as far as it is used
    told = asyncio.run(made.history([read_key(key) for key in keys], 10.0, 20.0, stretches))
    return dict(told)


def test_a_history_begins_with_the_value_that_held() -> None:
    told = ask(Players([(5.0, 1), (9.0, 2), (12.0, 3), (25.0, 4)]), "BANKA.x")
    assert told == {
        "since": 10.0,
        "until": 20.0,
        "errors": {},
        "series": [
            {
                "bank": "BANKA",
                "key": "x",
                "unit": "dB",
                "points": [(9.0, 2), (12.0, 3)],
                "reduced": False,
                "cut": False,
            }
        ],
    }


def test_pages_are_read_to_the_end_or_the_history_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "PAGE", 3)
    monkeypatch.setattr(records, "MAX_PAGES", 2)
    players = Players([(11.0 + n, n) for n in range(5)])
    (series,) = ask(players, "BANKA.x")["series"]
    assert (len(series["points"]), series["cut"]) == (5, False)
    assert [asked.get("after", 0) for asked in players.asked] == [0, 3]
    (series,) = ask(Players([(11.0 + n, n) for n in range(7)]), "BANKA.x")["series"]
    assert (len(series["points"]), series["cut"]) == (6, True)


def test_a_long_history_is_thinned_and_says_so() -> None:
    players = Players([(10.0 + n / 100, n % 7) for n in range(1000)])
    (series,) = ask(players, "BANKA.x", stretches=10)["series"]
    assert series["reduced"]
    assert len(series["points"]) <= 40


def test_banks_without_a_history_are_named_beside_the_others() -> None:
    told = ask(Players([(11.0, 1)]), "BANKA.x", "BANKB.y")
    assert [series["bank"] for series in told["series"]] == ["BANKA"]
    assert told["errors"] == {"BANKB": "keeps no history"}


def test_entries_of_journals_say_whose_they_are() -> None:
    players = Players()
    made = ArrayRecords(players, URLS)  # type: ignore[arg-type]  # likewise
    told = asyncio.run(made.journal(["BANKA", "BANKB"], 5000, {"method": "bank.*"}))
    assert told["entries"] == [
        {"bank": "BANKA", "simulated": True, "number": 1, "time": 5.0},
        {"bank": "BANKA", "simulated": True, "number": 2, "time": 7.0},
    ]
    assert told["errors"] == {"BANKB": "keeps no journal"}
    assert players.asked == [{"method": "bank.*", "most": 1000, "newest": True}]


def test_keys_have_their_bank_in_front() -> None:
    assert read_key("BANKA.status.SCANNUM") == HistoryKey("BANKA", "status.SCANNUM")
    for text in ("BANKA", ".x", "BANKA.", ""):
        with pytest.raises(ValueError, match=r"BANK\.NAME"):
            read_key(text)
