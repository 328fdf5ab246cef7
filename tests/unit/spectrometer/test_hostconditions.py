"""Conditions of the host that data depend on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from spectrometer.hostconditions import ClockSteps, disk_room
from tests.support.clocks import SettableClock


def test_the_room_on_the_disk_is_that_of_the_system(tmp_path: Path) -> None:
    told, usage = disk_room(tmp_path), shutil.disk_usage(tmp_path)
    assert told is not None
    assert told["total_bytes"] == usage.total
    assert told["free_share"] == pytest.approx(usage.free / usage.total, abs=0.01)
    assert disk_room(tmp_path / "missing") is None


def test_a_step_of_the_clock_is_told_for_ten_minutes() -> None:
    clock = SettableClock()
    steps = ClockSteps(clock)
    assert steps.read() == {"step_s": 0.0, "steps": 0}
    clock.set_by(-2.5)
    clock.advance(5)
    assert steps.read() == {"step_s": -2.5, "steps": 1}
    clock.advance(599)
    assert steps.read()["step_s"] == -2.5
    clock.advance(1)
    assert steps.read() == {"step_s": 0.0, "steps": 1}
