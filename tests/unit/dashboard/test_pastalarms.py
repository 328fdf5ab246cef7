"""Alarms as they were, of a journal: as the Player's own state machine had them."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.pastalarms import alarms_at
from player.alarms.book import AlarmBook, AlarmEventKind, AlarmMoment
from player.alarms.rules import AlarmRule, AlarmSeverity, AlarmVerdict

RULE = AlarmRule(
    name="drop", key="scan.dropped", above=0, text="lost", severity=AlarmSeverity.FAULT
)
SAME = ("name", "severity", "text", "phase", "value", "key", "count", "shelved", "since", "gone")


def remark(time: float, text: str) -> dict[str, Any]:
    told = {"time": time, "method": "journal", "arguments": {}, "outcome": "remark", "text": text}
    return {**told, "key": "", "client": ""}


def call(
    time: float, method: str, *args: Any, outcome: str = "done", **kwargs: Any
) -> dict[str, Any]:
    told = {"time": time, "method": f"alarms.{method}", "outcome": outcome, "text": ""}
    return {
        **told,
        "arguments": {"args": list(args), "kwargs": kwargs},
        "key": "ann",
        "client": "x",
    }


class Recorded:
    """A book whose events are remarked as a Player does."""

    def __init__(self) -> None:
        self.book = AlarmBook([RULE], settle=0.0)
        self.entries: list[dict[str, Any]] = []
        self.now = 0.0

    def look(self, seconds: float, verdict: AlarmVerdict) -> None:
        self.now += seconds
        for event in self.book.look({"drop": verdict}, self.moment):
            if event.kind not in (AlarmEventKind.ACKNOWLEDGED, AlarmEventKind.SHELVED):
                self.entries.append(remark(self.now, str(event)))

    @property
    def moment(self) -> AlarmMoment:
        return AlarmMoment(self.now, self.now)

    def then(self) -> dict[str, Any] | None:
        return alarms_at("BANKA", self.entries, self.now).get("BANKA drop")

    def check(self) -> None:
        """Compare what the journal tells with what the book has."""
        own, then = self.book.told("drop", self.now), self.then()
        if own["phase"] == "quiet" and not own["unreadable"] and not own["shelved"]:
            assert then is None
        else:
            assert then is not None
            assert {name: then[name] for name in SAME} == {name: own[name] for name in SAME}


def test_the_journal_tells_the_same_as_the_player_did() -> None:
    recorded = Recorded()
    holds, away = AlarmVerdict(True, "3"), AlarmVerdict(False, "0")
    for step in range(3):
        recorded.look(10, holds)
        recorded.check()
        if step == 1:
            recorded.book.acknowledge("drop", None, "ann", "on it", recorded.moment)
            recorded.entries.append(call(recorded.now, "acknowledge", "drop", "on it"))
            recorded.check()
        recorded.look(10, away)
        recorded.look(10, away)
        recorded.check()
    recorded.book.shelve("drop", 50.0, "ann", "", recorded.moment)
    recorded.entries.append(call(recorded.now, "shelve", "drop", seconds=50.0))
    recorded.check()
    recorded.look(60, away)
    recorded.check()


@pytest.mark.parametrize(
    ("entries", "phase"),
    [
        ([remark(5, "alarm drop raised: fault: lost (x is 3)")], "new"),
        ([remark(15, "alarm drop raised: fault: lost (x is 3)")], None),
        ([remark(5, "alarm drop raised: what nobody wrote")], "new"),
        ([remark(5, "the Player begins"), call(6, "acknowledge", "drop")], None),
        (
            [
                remark(5, "alarm drop raised: fault: lost"),
                call(6, "acknowledge", "drop", outcome="refused"),
            ],
            "new",
        ),
    ],
)
def test_what_came_later_or_was_refused_does_not_count(
    entries: list[dict[str, Any]], phase: str | None
) -> None:
    told = alarms_at("BANKA", entries, 10.0)
    assert (told["BANKA drop"]["phase"] if told else None) == phase
