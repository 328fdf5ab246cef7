"""The array as it was: shapes of live state, out of histories and journals."""

from __future__ import annotations

from typing import Any

from dashboard.asitwas import moments_of, operations_of, tables_of, was_there


def point(value: Any, time: float = 1.0) -> dict[str, Any]:
    return {"value": value, "time": time}


def test_members_of_tables_are_tables_again() -> None:
    points = {
        "level": point(1.5),
        "status.SCANNUM": point(12, 3.0),
        "scan.scan": point(12, 4.0),
        "scan.is_over": point(False, 5.0),
        "jobs.load.a.b": point(1),
        "gone": point(None),
        "status": point("odd"),
    }
    names = {"level", "scan", "status.SCANNUM", "jobs.load", "gone"}
    assert tables_of(points, names) == {
        "level": [1.5, 1.0, 0],
        "status.SCANNUM": [12, 3.0, 0],
        "scan": [{"scan": 12, "is_over": False}, 5.0, 0],
        "jobs.load": [{"a.b": 1}, 1.0, 0],
        "status": ["odd", 1.0, 0],
    }


def test_a_player_was_there_if_it_kept_something_lately() -> None:
    assert was_there({}, 100.0)["state"] == "connecting"
    assert was_there({"x": [1, 95.0, 0], "y": [1, 2.0, 0]}, 100.0)["state"] == "live"
    link = was_there({"x": [1, 50.0, 0]}, 100.0)
    assert (link["state"], link["since"]) == ("lost", 50.0)


def entry(**more: Any) -> dict[str, Any]:
    return {
        "time": 10.0,
        "method": "bank.set_mode",
        "arguments": {"args": ["MODE1"], "kwargs": {"force": True}},
        "client": "ann@h:1",
        "key": "ann",
        "operation": "o1",
        "outcome": "done",
        "duration_s": 5.0,
        "text": "",
        **more,
    }


def test_an_operation_ran_until_its_end() -> None:
    assert [each["state"] for each in operations_of([entry()], 12.0)] == ["running"]
    (ended,) = operations_of([entry(outcome="failed", text="no")], 15.0)
    assert (ended["state"], ended["ended"], ended["text"]) == ("failed", 15.0, "no")
    assert operations_of([entry(operation="")], 12.0) == []
    running = entry(outcome="running", duration_s=None)
    assert operations_of([running], 1e9)[0]["state"] == "running"


def test_moments_are_scans_changes_control_and_alarms_in_the_order_of_time() -> None:
    entries = [
        entry(),
        entry(time=11.0, method="control.take", arguments={}),
        entry(time=11.5, method="bank.arm"),
        entry(time=12.0, method="", outcome="remark", text="control: 3 ended"),
        entry(time=13.0, method="journal", outcome="remark", text="alarm drop gone"),
        entry(time=14.0, method="alarms.acknowledge", arguments="(drop)"),
    ]
    told = moments_of([point(12, 10.5), point(None, 13.0)], entries)
    assert [(each["time"], each["kind"]) for each in told] == [
        (10.0, "change"),
        (10.5, "scan"),
        (11.0, "control"),
        (12.0, "control"),
        (13.0, "alarm"),
        (14.0, "alarm"),
    ]
    assert told[0]["text"] == "set_mode('MODE1', force=true), ann, done"
