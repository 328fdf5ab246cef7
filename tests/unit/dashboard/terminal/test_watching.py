"""Absences of Players acknowledged at a terminal: here, and at the dashboard that keeps them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard.terminal.watching import ArrayView
from dealer.dashboardclient import DashboardError
from player.alarms.book import AlarmRefusedError

KEY = "BANKA no answer"


class Absences:
    """Stands for the alarms of absence of this program, and for a dashboard that keeps them.

    Attributes:
        here: What was acknowledged in this program.
        there: Bodies that the dashboard got.
    """

    def __init__(self, *, fault: Exception | None = None, refusal: str = "") -> None:
        self._fault, self._refusal = fault, refusal
        self.here: list[tuple[str, str]] = []
        self.there: list[Mapping[str, Any]] = []

    async def acknowledge(self, bank: str, number: int | None, _by: str, note: str) -> None:
        if number is not None:
            raise AlarmRefusedError("another raising was seen")
        self.here.append((bank, note))

    def post(self, _path: str, body: Mapping[str, Any], _timeout: float) -> Any:
        if self._fault is not None:
            raise self._fault
        self.there.append(body)
        return {"outcomes": {KEY: self._refusal}}


@pytest.mark.parametrize(
    ("absences", "has_dashboard", "told"),
    [
        (Absences(), True, f"{KEY}: acknowledged"),
        (
            Absences(),
            False,
            f"{KEY}: acknowledged at this terminal alone: [dashboard] url names no",
        ),
        (
            Absences(fault=DashboardError("http://x:1", "refused")),
            True,
            f"{KEY}: acknowledged at this terminal alone: the dashboard at http://x:1: refused",
        ),
        (Absences(refusal="it is quiet"), True, "at this terminal alone: it is quiet"),
    ],
)
def test_an_absence_is_acknowledged_where_it_is_kept_and_it_is_said_where_not(
    absences: Absences, has_dashboard: bool, told: str
) -> None:
    values = {KEY: {"source": "dashboard", "bank": "BANKA", "name": "no answer", "number": 3}}
    board = SimpleNamespace(alarms=SimpleNamespace(values=values), join=lambda *_: None)
    array = SimpleNamespace(urls={})
    hub: Any = SimpleNamespace(board=board, calls=None, array=array, alarms=absences)
    dashboard: Any = absences if has_dashboard else None
    shown = ArrayView(hub, dashboard=lambda: dashboard)
    assert told in asyncio.run(shown.acknowledge(KEY, "called Bob"))
    assert absences.here == [("BANKA", "called Bob")]
    if told == f"{KEY}: acknowledged":
        alarms = [{"bank": "BANKA", "name": "no answer"}]
        assert absences.there == [{"alarms": alarms, "note": "called Bob"}]
