"""Findings about servers that get records, too."""

from __future__ import annotations

from dealer.recordfindings import sink_findings
from groundwork.values import JsonValue

WELL: dict[str, JsonValue] = {
    "name": "redis://hub",
    "up": True,
    "trouble": "",
    "journal": {"written": 1, "lost": 0, "behind": 0},
}


def test_a_sink_that_is_away_or_has_lost_something_is_found_by_its_bank() -> None:
    away = WELL | {"trouble": "refused\x1b[2J"}
    short = WELL | {"history": {"written": 1, "lost": 7, "behind": 0}}
    found = sink_findings({"A": [WELL], "B": [away, short], "C": [], "D": None})
    assert [(one.bank, one.check) for one in found] == [("B", "sinks"), ("B", "sinks")]
    assert "gets no records: refused" in found[0].text
    assert found[0].text.isprintable()
    assert "7 records of the history" in found[1].text
