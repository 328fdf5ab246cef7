"""Alarms of kinds look at what these kinds publish."""

from __future__ import annotations

from typing import Any

import pytest

from gateways.difx.bank import DifxBank
from histogrammer.bank import HistogrammerBank
from player.alarms.rules import AlarmRule, member
from player.bank import Bank
from spectrometer.bank import SpectrometerBank
from spectrometer.observing.scanreport import ScanReport, standing
from zmqjsonproxy.channels.properties import declared_by

KINDS: list[type[Bank]] = [SpectrometerBank, HistogrammerBank, DifxBank]


@pytest.mark.parametrize("kind", KINDS)
def test_each_key_is_of_a_property_of_its_kind_and_has_a_limit(kind: type[Bank]) -> None:
    rules = kind.declared_alarms()
    assert len({rule.name for rule in rules}) == len(rules) > 0
    for rule in rules:
        assert rule.key.partition(".")[0] in {"status", *declared_by(kind)}
        assert rule.text
        assert rule.limits


def rule_of(name: str) -> AlarmRule:
    return next(rule for rule in SpectrometerBank.declared_alarms() if rule.name == name)


def verdict(name: str, value: Any) -> bool | None:
    path = rule_of(name).key.split(".")[1:]
    return rule_of(name).judge(member(value, path)).holds


def test_a_bank_without_a_scan_is_well_and_one_that_lost_blocks_is_not() -> None:
    scans = ("scan-failed", "dropped-blocks", "lost-packets")
    none = standing("idle", None)
    assert [verdict(name, none) for name in scans] == [False, False, False]
    report = ScanReport("id", "ann", scan=12, found={"dropped": 3, "packets_lost": 0})
    assert [verdict(name, standing("running", report)) for name in scans] == [False, True, False]


def test_a_board_that_answers_or_was_never_asked_is_well() -> None:
    assert rule_of("board").judge("answers").holds is False
    assert rule_of("board").judge(None).holds is False
    assert rule_of("board").judge("lost 03:12:44 UTC").holds is True
