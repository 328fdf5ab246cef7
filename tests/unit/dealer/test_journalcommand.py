"""Entries of journals as rows: whatever is in them, one line each, and nothing steers a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from commandline.rows import plain_rows
from dealer.historycommand import plot_lines
from dealer.journalcommand import _follow, _Shown, _tell_troubles
from dealer.journalrows import row_of
from dealer.outcome import Outcome, Outcomes
from dealer.recordfindings import record_findings
from zmqjsonproxy.errors import PeerLostError


def entry(**more: Any) -> dict[str, Any]:
    return {
        "number": 7,
        "time": 1e9,
        "method": "bank.set_mode",
        "arguments": {"args": ["MODE1"], "kwargs": {"fast": True}},
        "client": "anna@hpc1:17",
        "key": "",
        "outcome": "done",
        "duration_s": 0.25,
        "error": "",
        "text": "",
    } | more


def test_a_row_says_who_did_what_when_and_how_it_ended() -> None:
    assert row_of("BANKA", entry()) == (
        "2001-09-09 01:46:40.000",
        "BANKA",
        "7",
        "anna@hpc1:17",
        'set_mode("MODE1", fast=true)',
        "done",
        "0.250 s",
        "",
    )
    refused = entry(key="anna", outcome="refused", duration_s=None, error="RefusedError", text="no")
    assert row_of("BANKA", refused)[3:] == (
        "anna",
        'set_mode("MODE1", fast=true)',
        "refused",
        "",
        "RefusedError: no",
    )


@pytest.mark.parametrize(
    ("client", "shown"),
    [
        ("anna", "anna (no key)"),
        ("anna@hpc1:17", "anna@hpc1:17"),
        ("a client of the original",) * 2,
    ],
)
def test_a_client_without_a_key_is_not_taken_for_one_with_a_key(client: str, shown: str) -> None:
    assert row_of("BANKA", entry(client=client))[3] == shown


HOSTILE = ["a\nb", "\x1b[2J", "\r", "\u202e", "\u2028", "\0", "\x9b31m", "[31m"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_forges_a_line_or_steers_a_terminal(text: str) -> None:
    hostile = entry(
        method=f"bank.{text}",
        arguments={"args": [text], "kwargs": {text: text}},
        client=text,
        key=text,
        error=text,
        text=text,
    )
    for table in (plain_rows((), [row_of("BANKA", hostile)]), "  ".join(row_of("BANKA", hostile))):
        assert table.isprintable()


def test_a_plot_shows_what_held_between_the_values() -> None:
    told = [
        ("A", {"time": 0.0, "key": "x", "value": 0.0}),
        ("A", {"time": 50.0, "key": "x", "value": 1.0}),
        ("A", {"time": 1.0, "key": "mode", "value": "M1"}),
    ]
    lines = plot_lines(told, 0.0, 100.0, 40)
    assert lines[0] == "A.x"
    assert lines[1].startswith("1")
    assert not lines[1][5:20].strip()  # the line is at the bottom in the first half
    assert lines[1][25:].strip()
    assert lines[-1] == "A.mode: no numbers"


def test_a_journal_that_is_not_written_is_a_finding() -> None:
    told = {
        "BANKA": {
            "trouble": "disk full",
            "lost": 3,
            "set_aside": ["x was damaged"],
            "folder": "/s",
        },
        "BANKB": {"trouble": "", "lost": 0, "set_aside": [], "folder": "/s"},
        "BANKC": {"why_not": "there is no state folder"},
        "BANKD": None,
    }
    findings, notes = record_findings("journal", told)  # type: ignore[arg-type]  # as JSON has it
    assert [finding.text for finding in findings] == [
        "its journal is not written: disk full",
        "3 records of its journal were lost since its start",
        "x was damaged",
    ]
    assert {finding.bank for finding in findings} == {"BANKA"}
    assert notes == ["BANKC: keeps no journal: there is no state folder"]


def test_what_runs_is_shown_again_when_it_has_ended() -> None:
    shown = _Shown([entry(number=1), entry(number=2, outcome="running")])
    assert shown.after == 1  # the running one is asked for again
    assert shown.fresh([entry(number=2, outcome="running")]) == []
    later = shown.fresh([entry(number=2, outcome="running"), entry(number=3)])
    assert [each["number"] for each in later] == [3]
    ended = [entry(number=2), entry(number=3)]
    assert [each["number"] for each in shown.fresh(ended)] == [2]
    assert shown.after == 3
    assert shown.fresh(ended) == []


def test_a_journal_that_lacks_what_happens_now_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    class Reader:
        def ask(self, *asked: Any) -> Outcomes:
            assert asked == ("journal", "state", {"BANKA": {}, "BANKB": {}, "BANKC": {}})
            lost = PeerLostError("tcp://c:1", "journal.state", "connection refused")
            return Outcomes(
                BANKA=Outcome("BANKA", {"trouble": "disk full"}),
                BANKB=Outcome("BANKB", {"trouble": ""}),
                BANKC=Outcome("BANKC", None, lost),
            )

    _tell_troubles(Reader(), ["BANKA", "BANKB", "BANKC"])  # type: ignore[arg-type]
    said = capsys.readouterr().err
    assert said == (
        "dealer: BANKA: its journal is not written: disk full; what happens now waits\n"
    )


def test_banks_that_are_away_are_told_and_followed_when_they_are_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = PeerLostError("tcp://b:1", "journal.read", "connection refused")
    turns: list[dict[str, Any]] = [
        {"BANKA": [], "BANKB": lost},
        {"BANKA": [], "BANKB": [entry(number=4), entry(number=5)]},
        {"BANKA": lost, "BANKB": [entry(number=6)]},
    ]
    asked: list[Any] = []

    class Reader:
        def read_all(self, _name: str, questions: dict[str, Any], _of: object) -> Outcomes:
            if not turns:
                raise KeyboardInterrupt
            asked.append({bank: question.get("after") for bank, question in questions.items()})
            return told(turns.pop(0))

    def told(turn: dict[str, Any]) -> Outcomes:
        return Outcomes(
            {
                bank: Outcome(bank, None, each) if each is lost else Outcome(bank, each)
                for bank, each in turn.items()
            }
        )

    monkeypatch.setattr("dealer.journalcommand.EVERY_S", 0.0)
    begin = told({"BANKA": [entry(number=1)], "BANKB": lost})
    with pytest.raises(KeyboardInterrupt):
        _follow(Reader(), begin, {"newest": True}, as_json=False)  # type: ignore[arg-type]
    shown, said = capsys.readouterr()
    assert [line.split()[2:4] for line in shown.splitlines()] == [
        ["BANKB", "4"],
        ["BANKB", "5"],
        ["BANKB", "6"],
    ]
    assert said.splitlines() == [
        "dealer: BANKB: is followed again",
        f"dealer: BANKA: is away: {lost}",
    ]
    assert [each["BANKB"] for each in asked] == [None, None, 5]
