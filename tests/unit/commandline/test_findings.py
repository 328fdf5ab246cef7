"""Findings, and the report of any doctor."""

from __future__ import annotations

import json

import pytest

from commandline.findings import Finding, Report


def report() -> Report:
    return Report(
        file="a.toml",
        banks={"A": {"url": "tcp://a:1"}, "B": {"url": "tcp://b:1"}},
        fine={"A": "at tcp://a:1", "B": "at tcp://b:1"},
        facts={"host": "lab1"},
        findings=[Finding("knob", "the knob is stiff", "oil it", "B")],
        notes=["the file is old"],
    )


def test_a_report_says_what_is_wrong_what_is_fine_and_what_deserves_a_look() -> None:
    assert report().lines() == [
        "B: the knob is stiff; oil it",
        "A: fine, at tcp://a:1",
        "note: the file is old",
    ]


def test_nothing_is_called_fine_where_something_is_wrong_with_all() -> None:
    found = report()
    found.findings.append(Finding("disk", "the disk is full", "remove old data"))
    found.repaired = ["A: oiled"]
    assert found.lines() == [
        "A: oiled",
        "B: the knob is stiff; oil it",
        "the disk is full; remove old data",
        "note: the file is old",
    ]


def test_a_note_of_several_banks_is_told_once() -> None:
    found = report()
    found.note("the file is old")
    found.note("no simulator")
    assert found.notes == ["the file is old", "no simulator"]


@pytest.mark.parametrize("as_json", [False, True])
def test_a_report_is_shown_and_decides_the_exit_status(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report().show(as_json) == 1
    shown = capsys.readouterr().out
    if as_json:
        told = json.loads(shown)
        assert list(told) == ["file", "host", "banks", "findings", "notes"]
        assert told["findings"] == [
            {"check": "knob", "text": "the knob is stiff", "remedy": "oil it", "bank": "B"}
        ]
    else:
        assert shown.splitlines() == report().lines()
    assert Report().show(as_json) == 0
