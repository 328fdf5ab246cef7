"""The outcome of a scan, from what was planned and what was recorded."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spectrometer.observing.scanreport import (
    FOUND,
    KEPT,
    NO_REPORT,
    ScanOutcome,
    ScanReport,
    ScanReports,
    judge,
)
from spectrometer.status.protocol.cards import read_card, write_card

WHOLE = {"integrations": 10, "planned": 10, "dropped": 0, "lost_s": 0.0}

JUDGED: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    # found, other arguments, outcome, what error or warning say
    (WHOLE, {}, "done", ""),
    (WHOLE, {"error": "disk full"}, "failed", "disk full"),
    (
        WHOLE | {"integrations": 0, "dropped": 65},
        {},
        "failed",
        "nothing was recorded of 10 integrations.*65 blocks",
    ),
    (WHOLE | {"integrations": 2}, {}, "incomplete", "2 of 10 integrations recorded"),
    (
        WHOLE | {"dropped": 0.25, "lost_s": 0.1},
        {},
        "incomplete",
        "0.25 blocks, 0.1 s of the data lost",
    ),
    (WHOLE | {"lost_s": 0.1}, {}, "incomplete", "0.1 s of the data lost"),
    ({}, {"has_counts": True}, "failed", "daq reported nothing of this scan"),
    ({}, {}, "done", "not verified: daq reports no counts"),
    (
        {"integrations": 7},
        {},
        "done",
        "not verified: daq reports 7 integrations and not how many were planned",
    ),
    ({"integrations": 0}, {}, "failed", "nothing was recorded"),
    ({"integrations": 0, "planned": 0}, {}, "failed", "nothing was recorded of 0 integrations"),
    ({"packets": 1000, "packets_lost": 0}, {}, "done", ""),
    ({"packets": 1000, "packets_lost": 3}, {}, "incomplete", "3 packets lost"),
    ({"packets": 0}, {}, "failed", "no data came: NPKT is 0"),
    ({}, {"blocked": 30, "looks": 30}, "failed", "NETSTAT was blocked throughout the scan"),
    (WHOLE, {"blocked": 2, "looks": 30}, "incomplete", "NETSTAT was blocked at 2 of 30 looks"),
    ({}, {"has_counts": None}, "done", "simulated without a source: no data are taken"),
    (
        WHOLE | {"integrations": 3},
        {"ended": ScanOutcome.STOPPED},
        "stopped",
        "3 of 10 integrations recorded",
    ),
    (
        WHOLE | {"integrations": 0},
        {"ended": ScanOutcome.ABORTED},
        "aborted",
        "0 of 10 integrations recorded",
    ),
    (WHOLE, {"ended": ScanOutcome.STOPPED, "error": "disk full"}, "failed", "disk full"),
]


@pytest.mark.parametrize(("found", "others", "outcome", "text"), JUDGED)
def test_the_outcome_is_what_was_recorded_of_what_was_planned(
    found: dict[str, Any], others: dict[str, Any], outcome: str, text: str
) -> None:
    arguments = {
        "ended": ScanOutcome.DONE,
        "error": "",
        "program": "daq",
        "has_counts": False,
    } | others
    verdict = judge(found=found, **arguments)
    assert verdict.outcome.value == outcome
    assert re.search(text, "; ".join([verdict.error, *verdict.warnings]))
    if not text:
        assert (verdict.error, verdict.warnings) == ("", ())


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "integrations": st.integers(0, 20),
            "planned": st.integers(0, 20),
            "dropped": st.floats(0, 10),
            "lost_s": st.floats(0, 10),
            "packets": st.integers(0, 9),
            "packets_lost": st.integers(0, 9),
        },
    ),
    st.booleans(),
    st.integers(0, 5),
)
@example({"integrations": 1, "packets": 0, "packets_lost": 0}, False, 0)
def test_nothing_that_lost_data_is_done_without_a_word(
    found: dict[str, Any], counts: bool, blocked: int
) -> None:
    verdict = judge(
        ScanOutcome.DONE, "", found, program="daq", has_counts=counts, blocked=blocked, looks=5
    )
    if verdict.outcome is ScanOutcome.DONE and not verdict.warnings:
        assert not blocked
        assert not any(found.get(name) for name in ("dropped", "lost_s", "packets_lost"))
        assert found.get("packets") or found["integrations"] >= found["planned"]
    if verdict.outcome is ScanOutcome.FAILED:
        assert verdict.error


def test_all_keys_are_always_there() -> None:
    report = ScanReport("id", "ann", 3, datetime(2026, 3, 1, tzinfo=UTC), 5.0)
    report.take({"DAQFITS": "a.fits", "DAQNINT": 7})
    assert report.as_dict().keys() == NO_REPORT.keys() >= FOUND.keys()
    assert (NO_REPORT["outcome"], NO_REPORT["scan"], NO_REPORT["planned"]) == ("none", None, None)


@pytest.mark.parametrize("strange", ["many", -1, float("nan"), float("inf"), True, None])
def test_only_numbers_stand_where_numbers_belong(strange: Any) -> None:
    report = ScanReport("id", "ann")
    report.take({"DAQNINT": strange, "DAQPLAN": 5, "DAQFITS": 7})
    assert (
        report.as_dict()["integrations"],
        report.as_dict()["planned"],
        report.as_dict()["file"],
    ) == (None, 5, None)


def test_a_common_start_is_whole_only_if_somebody_said_so() -> None:
    assert ScanReport("id", "ann").is_whole is None
    report = ScanReport("id", "ann", banks=("BANKA", "BANKB"))
    assert (report.is_whole, report.array_state) == (False, "not confirmed: BANKA BANKB")
    report.missing = ()
    assert (report.is_whole, report.array_state, report.array_sentence) == (True, "whole", "")
    report.missing = ("BANKB",)
    assert (report.is_whole, report.array_state) == (False, "without BANKB")
    assert report.array_sentence == "the scan is not whole: BANKB did not take part"


@pytest.mark.parametrize(
    "names",
    [[f"BANK{n}" for n in range(64)], ["SPECTROMETER_OF_A_LONG_NAME" * 2] * 3, ["BÄNK'A"] * 9],
)
def test_however_many_banks_there_are_their_state_fits_a_card(names: list[str]) -> None:
    for missing in (None, names[1:]):
        report = ScanReport("id", "ann", banks=names, missing=missing)
        card = read_card(write_card("ARRAYST", report.array_state))
        assert card is not None
        assert card.value == report.array_state
        assert "more" in report.array_state
        assert len(report.array_sentence) < 2000


def test_reports_are_found_by_the_identity_of_their_start_and_bounded() -> None:
    reports = ScanReports()
    assert reports.get(None) is None
    for number in range(KEPT + 1):
        reports.add(ScanReport(f"id{number}", "ann", number))
    assert reports.get("id0") is None
    assert reports.get("id1") is not None
    last = reports.get(None)
    assert last is not None
    assert last.scan == KEPT
