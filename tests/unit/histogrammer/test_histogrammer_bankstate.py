"""Findings of a histogrammer Bank, and what keeps it from filling spectra."""

from __future__ import annotations

from dataclasses import replace

import pytest

from histogrammer.analyzer import NOT_ATTACHED, RunState
from histogrammer.bankstate import bank_findings, bank_hindrances
from histogrammer.events.livecounts import LiveCounts

IDLE = RunState(is_active=False, attached=NOT_ATTACHED)
RUNNING = replace(IDLE, is_active=True, attached="stream:daq")
CUT = LiveCounts(is_connected=False, trouble="Connection refused")


@pytest.mark.parametrize(
    ("state", "thing", "text", "is_fault"),
    [
        (IDLE, "source", "no source of events is attached", False),
        (replace(IDLE, attached="file:a.evt", is_over=True), "analysis", "read to its end", False),
        (replace(IDLE, attached="file:a.evt"), "analysis", "the analysis is stopped", False),
        (replace(RUNNING, live=CUT), "source", "not connected: Connection refused", True),
    ],
)
def test_what_is_missing_is_named(state: RunState, thing: str, text: str, is_fault: bool) -> None:
    (found,) = bank_hindrances("HIST", state)
    assert (found.thing, text in found.text, found.is_fault) == (thing, True, is_fault)


def test_an_analysis_that_runs_lacks_nothing() -> None:
    zeromq = replace(RUNNING, live=LiveCounts(is_connected=None))
    assert bank_hindrances("HIST", RUNNING) == bank_hindrances("HIST", zeromq) == []
    assert bank_findings("HIST", RUNNING, is_alive=True) == []
    assert [each["check"] for each in bank_findings("HIST", RUNNING, is_alive=False)] == [
        "histogrammer"
    ]
