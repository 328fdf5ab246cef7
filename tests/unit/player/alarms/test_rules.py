"""Verdicts on values."""

from __future__ import annotations

import math
from typing import Any

import pytest

from player.alarms.rules import AlarmRule, AlarmSeverity, member, read_said


def rule(**limits: Any) -> AlarmRule:
    return AlarmRule(name="drop", key="scan.dropped", text="blocks were dropped", **limits)


@pytest.mark.parametrize(
    ("limits", "value", "holds"),
    [
        ({"above": 0}, 3, True),
        ({"above": 0}, 0, False),
        ({"below": 10.5}, 10.5, False),
        ({"below": 10.5}, 10.4, True),
        ({"above": 10, "below": 1}, 5, False),
        ({"above": 10, "below": 1}, 0.5, True),
        ({"equals": ["failed", "lost"]}, "lost", True),
        ({"equals": ["failed", "lost"]}, "done", False),
        ({"equals": [True]}, True, True),
        ({"equals": [True]}, 1, False),
        ({"equals": [1]}, True, False),
        ({"differs": ["", "answers"]}, "lost 03:12:44 UTC", True),
        ({"differs": ["", "answers"]}, "answers", False),
        ({"above": math.inf}, math.inf, False),
    ],
)
def test_a_limit_holds_for_the_values_that_it_means(
    limits: dict[str, Any], value: object, holds: bool
) -> None:
    assert rule(**limits).judge(value).holds is holds


@pytest.mark.parametrize("value", ["many", True, math.nan, [], {}])
def test_limits_of_numbers_tell_nothing_of_what_is_no_number(value: object) -> None:
    verdict = rule(above=0).judge(value)
    assert verdict.holds is None
    assert "scan.dropped is" in verdict.why


def test_a_value_that_is_not_there_is_not_well_unless_the_rule_says_so() -> None:
    assert rule(above=0).judge(None).holds is None
    assert rule(above=0).judge(None).why == "scan.dropped has no value"
    assert rule(above=0, missing_is_well=True).judge(None).holds is False


def test_a_value_that_is_too_old_tells_nothing() -> None:
    assert rule(above=0, max_age=5).judge(3, age=5.0).holds is True
    old = rule(above=0, max_age=5).judge(3, age=61.0)
    assert old.holds is None
    assert old.why == "scan.dropped was last renewed 61 s ago"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (["jobs", "-1", "state"], "failed"),
        (["jobs", "0", "state"], "done"),
        (["jobs", "7", "state"], None),
        (["jobs", "last"], None),
        (["host", "load"], 2.5),
        (["host", "load", "deeper"], None),
        (["name", "0"], None),
        (
            [],
            {"jobs": [{"state": "done"}, {"state": "failed"}], "host": {"load": 2.5}, "name": "x"},
        ),
    ],
)
def test_members_of_tables_and_lists_are_found(path: list[str], found: object) -> None:
    value = {
        "jobs": [{"state": "done"}, {"state": "failed"}],
        "host": {"load": 2.5},
        "name": "x",
    }
    assert member(value, path) == found


def test_limits_and_what_is_said_are_for_people() -> None:
    made = rule(above=0, differs=["", True], severity=AlarmSeverity.FAULT)
    assert made.limits == "above 0 or not (empty) or true"
    assert made.said("3") == "fault: blocks were dropped (scan.dropped is 3)"
    assert made.said("") == "fault: blocks were dropped"


@pytest.mark.parametrize("value", ["3", "", "lost (03:12:44 UTC)", "two\nlines"])
def test_what_was_said_is_read_back(value: str) -> None:
    made = rule(above=0, severity=AlarmSeverity.FAULT)
    told = read_said(made.said(value))
    assert told is not None
    spec, shown = told
    assert (spec.text, spec.severity, shown) == (made.text, made.severity, value)
    assert spec.key == (made.key if value else "")
    assert read_said("the Player begins") is None
