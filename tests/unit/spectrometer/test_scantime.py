"""The start of a scan on the monotonic clock, whatever the wall clock does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spectrometer.scantime import STEP_S, ScanTime


def test_a_step_of_the_wall_clock_moves_no_start() -> None:
    time = ScanTime.fix(1000.0, wall=990.0, monotonic=50.0)
    assert time.left(50.0) == 10.0
    assert time.look(991.0, 51.0) == 0.0
    assert time.look(991.0 + 3600.0, 51.0) == 3600.0
    assert time.left(55.0) == 5.0
    assert time.look(996.0, 56.0) == -3600.0
    assert "set by +3600.0 s, -3600.0 s meanwhile" in time.sentence


def test_a_clock_that_is_only_slewed_has_made_no_step() -> None:
    time = ScanTime.fix(1000.0, wall=0.0, monotonic=0.0)
    for second in range(1, 1000):
        assert time.look(second * (1 + 5e-4), float(second)) == 0.0
    assert time.sentence == ""


@given(st.lists(st.floats(-1e6, 1e6).filter(lambda step: abs(step) > STEP_S), max_size=20))
def test_every_step_is_counted_and_few_are_told(steps: list[float]) -> None:
    time, wall = ScanTime.fix(1000.0, wall=0.0, monotonic=0.0), 0.0
    for number, step in enumerate(steps):
        wall += step
        time.look(wall + number, float(number))
    assert len(time.steps) == len(steps)
    assert len(time.sentence) < 400
