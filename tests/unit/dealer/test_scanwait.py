"""A wait for scans: which one is waited for, and what is raised or told of it."""

from __future__ import annotations

from typing import Any

import pytest

from dealer.errors import ScanFailedError, ScanStoppedError
from dealer.outcome import Outcome
from dealer.scanwait import FINE_AFTER_S, FINE_EVERY_S, LOST_FOR_GOOD_S, ScanWait
from zmqjsonproxy.errors import PeerLostError

ME, OTHER = "ann@hpc1:1", "bob@hpc2:2"
NOW, WALL = 1000.0, 1_772_000_000.0
RUNNING = {"start_id": "mine", "scan": 7, "outcome": "running", "start": None, "scan_length": None}


def report(**changes: Any) -> dict[str, Any]:
    return {**RUNNING, "error": "", "warning": "", "ended_by": "", **changes}


def wait_for(*reports: dict[str, Any], start_ids: dict[str, str] | None = None) -> ScanWait:
    wait = ScanWait(ME, ["BANKA"], dict(start_ids or {}))
    for each in reports:
        assert wait.waiting == ["BANKA"]
        wait.report("BANKA", each, NOW, WALL)
    return wait


@pytest.mark.parametrize(
    ("ended", "error", "remark"),
    [
        (report(outcome="done"), None, None),
        (report(outcome="done", warning="not verified"), None, "scan 7: not verified"),
        (report(outcome="incomplete", warning="2 of 5"), None, "scan 7 is incomplete: 2 of 5"),
        (
            report(outcome="failed", error="disk full"),
            (ScanFailedError, "scan 7 failed: disk full"),
            None,
        ),
        (
            report(outcome="stopped", ended_by=OTHER),
            (ScanStoppedError, f"scan 7 was stopped by {OTHER}"),
            None,
        ),
        (
            report(outcome="aborted", ended_by=OTHER),
            (ScanStoppedError, f"scan 7 was aborted by {OTHER}"),
            None,
        ),
        (report(outcome="stopped", ended_by=ME), None, f"scan 7 was stopped by {ME}"),
        (
            report(outcome="aborted", error="another mode"),
            (ScanStoppedError, "scan 7 was aborted by nobody who said so: another mode"),
            None,
        ),
        (
            report(outcome="none", start_id=""),
            (ScanFailedError, "knows nothing of the scan any more"),
            None,
        ),
    ],
)
def test_what_became_of_a_scan_is_raised_or_told(
    ended: dict[str, Any], error: tuple[type[Exception], str] | None, remark: str | None
) -> None:
    wait = wait_for(report(), ended, start_ids={"BANKA": "mine"})
    assert wait.waiting == []
    if error is None:
        assert wait.failed == {}
    else:
        found = wait.failed["BANKA"].error
        assert type(found) is error[0]
        assert error[1] in str(found)
    assert wait.remarks.get("BANKA") == remark


def test_without_a_start_of_ones_own_it_is_the_scan_of_the_first_report() -> None:
    wait = wait_for(report(start_id="whichever"))
    assert wait.start_ids == {"BANKA": "whichever"}


def test_a_scan_that_somebody_stopped_before_it_was_waited_for_is_only_told() -> None:
    assert wait_for(report(outcome="stopped", ended_by=OTHER)).remarks == {
        "BANKA": f"scan 7 was stopped by {OTHER}"
    }
    assert "BANKA" in wait_for(report(outcome="failed", error="disk full")).failed


def test_a_scan_without_reports_is_over_when_nothing_runs_and_not_verified() -> None:
    wait = ScanWait(ME, ["BANKA"])
    wait.status("BANKA", Outcome("BANKA", (True, "", "")))
    assert wait.waiting == ["BANKA"]
    wait.status("BANKA", Outcome("BANKA", (False, "", "")))
    assert wait.remarks["BANKA"].endswith("not verified: its Player has no reports of scans")
    wait = ScanWait(ME, ["BANKA"])
    wait.status("BANKA", Outcome("BANKA", (False, "", "")))
    assert (wait.waiting, wait.remarks) == ([], {})


def test_where_there_was_no_scan_there_is_nothing_to_wait_for() -> None:
    wait = wait_for(report(outcome="none", start_id=""))
    assert (wait.waiting, wait.failed) == ([], {})


def test_a_lost_player_is_given_up_after_a_while_and_one_that_is_back_is_not() -> None:
    lost = Outcome("BANKA", None, PeerLostError("tcp://a:1", "scan_status", "gone"))
    wait = ScanWait(ME, ["BANKA"])
    assert not wait.lost("BANKA", lost, NOW, NOW + 1)
    assert wait.back("BANKA", 1)
    assert not wait.lost("BANKA", lost, NOW + 60, NOW + 61)
    assert wait.lost("BANKA", lost, NOW + 60, NOW + 60 + LOST_FOR_GOOD_S)
    assert list(wait.failed) == ["BANKA"]


def test_another_process_that_knows_nothing_of_the_scan_has_not_ended_it() -> None:
    wait = ScanWait(ME, ["BANKA"])
    assert wait.back("BANKA", 1)
    assert not wait.back("BANKA", 2)
    assert "started again" in str(wait.failed["BANKA"].error)


def test_around_the_end_of_a_scan_it_is_looked_for_more_often() -> None:
    start = [2026, 2, 25, 6, 13, 20, 0]  # WALL
    wait = wait_for(report(start=start, scan_length=30.0))
    assert wait.pause(1.0, NOW) == 1.0
    assert wait.pause(1.0, NOW + 29.6) == pytest.approx(0.2)
    assert wait.pause(1.0, NOW + 30.5) == FINE_EVERY_S
    assert wait.pause(1.0, NOW + 31 + FINE_AFTER_S) == 1.0
    assert ScanWait(ME, ["BANKA"]).pause(0.7, NOW) == 0.7
