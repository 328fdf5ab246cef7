"""The line that says how far a scan, a call or a fetch is."""

from __future__ import annotations

from typing import Any

import pytest

from dealer.outcome import Outcome
from dealer.progress import call_progress, fetch_progress, scan_progress
from zmqjsonproxy import PeerLostError
from zmqjsonproxy.files.fetch import FetchProgress


def test_the_progress_line_shows_the_slowest_bank_and_who_is_waited_for() -> None:
    outcomes = {
        "A": Outcome("A", (True, "NETSTAT=running")),
        "B": Outcome("B", (True, "NETSTAT=running")),
        "C": Outcome("C", None, PeerLostError("tcp://c:1", "scan_status", "connection refused")),
    }
    status = {"A": {"SCANLEN": 20.0, "SCANREM": "5"}, "B": {"SCANLEN": 20, "SCANREM": 10}}
    line = scan_progress(outcomes, status).line()
    assert line == f"[{'#' * 12}{'.' * 12}]  50%, 10 s left  running: A B  no answer: C"
    assert (
        scan_progress(outcomes, status).line(60)
        == "[#######.......]  50%, 10 s left  running: A B  no answer: C"
    )
    assert scan_progress(outcomes, status).line(50) == "50%, 10 s left  running: A B  no answer: C"


@pytest.mark.parametrize(
    "status", [{}, {"SCANLEN": 0, "SCANREM": 0}, {"SCANLEN": 5, "SCANREM": "scan terminated"}]
)
def test_the_progress_line_does_without_numbers(status: dict[str, Any]) -> None:
    assert scan_progress({"A": Outcome("A", (True, ""))}, {"A": status}).line() == "running: A"
    assert scan_progress({"A": Outcome("A", (False, ""))}, {"A": status}).line() == "ended"


def test_a_call_shows_the_slowest_bank_and_what_it_does() -> None:
    running = {
        "A": {"fraction": 0.6, "text": "starting the program"},
        "B": {"fraction": 0.25, "text": "programming"},
        "C": {"fraction": None, "text": ""},
    }
    assert (
        call_progress(running).line() == f"[{'#' * 6}{'.' * 18}]  25%, programming  running: A B C"
    )
    assert (
        call_progress({"C": {"fraction": None, "text": "", "state": "queued"}}).line()
        == "queued  running: C"
    )
    assert (
        call_progress({"C": {"fraction": 1.5, "text": ""}}).line(30)
        == "[###########] 100%  running: C"
    )


def test_a_bank_is_waiting_until_its_scan_begins() -> None:
    outcomes = {bank: Outcome(bank, (True, "")) for bank in "AB"}
    status = {
        "A": {"DAQSTART": 1_800_000_000.0, "SCANLEN": 20, "SCANREM": 22},
        "B": {"DAQSTART": 1_799_999_000.0},
    }
    assert (
        scan_progress(outcomes, status, now=1_799_999_990.0)
        .line()
        .startswith("waiting for 08:00:00 UTC: A  running: B")
    )
    assert scan_progress(outcomes, status, now=1_800_000_001.0).line().endswith("running: A B")
    for strange in ("x", float("nan"), 1e300, None):
        assert (
            scan_progress({"A": outcomes["A"]}, {"A": {"DAQSTART": strange}}, now=1.0).line()
            == "running: A"
        )


def test_a_fetch_shows_what_is_there_and_how_fast_it_comes() -> None:
    progress = FetchProgress(name="DATA/a.fits", done=25_000_000, size=100_000_000)
    assert (
        fetch_progress("BANKA", progress, 12.34e6).line(100)
        == f"[{'#' * 6}{'.' * 18}]  25%, 25.0 of 100.0 MB  12.3 MB/s  BANKA DATA/a.fits"
    )
    progress = FetchProgress(name="a", done=5, size=5, text="checksum 50%")
    assert (
        fetch_progress("BANKA", progress, 1.0).line() == f"[{'#' * 24}] 100%, checksum 50%  BANKA a"
    )
    assert (
        fetch_progress("B", FetchProgress(name="a", done=0, size=0), 0.0).line().startswith("[####")
    )
