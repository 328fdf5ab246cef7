"""The start of a scan on the monotonic clock, whatever the wall clock does."""

from __future__ import annotations

import pytest

from player.clock import ClockWatch, SystemClock
from spectrometer.observing.scantime import ScanTime, told_of_steps


class Clock(SystemClock):
    """Both clocks stand; `pauses` are what passes between two reads of the monotonic one."""

    def __init__(self, *pauses: float) -> None:
        self.wall, self.passed, self._pauses = 990.0, 50.0, list(pauses)

    def time(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        pause = self._pauses.pop(0) if self._pauses else 0.0
        self.passed += pause
        self.wall += pause
        return self.passed


def test_a_start_is_fixed_once_and_a_step_of_the_wall_clock_moves_it_not() -> None:
    clock = Clock()
    time = ScanTime.fix(1000.0, clock)
    assert time.left(50.0) == 10.0
    clock.wall += 3600.0
    assert time.left(55.0) == 5.0


def test_both_clocks_are_read_at_one_moment_even_if_the_thread_was_held_up_between() -> None:
    time = ScanTime.fix(1000.0, Clock(0.0, 0.4, 0.0, 0.3))
    assert time.at - 50.0 == pytest.approx(10.0, abs=1e-9)


def test_steps_are_told_and_a_slewed_clock_has_made_none() -> None:
    clock = Clock()
    watch = ClockWatch(clock)
    assert told_of_steps(watch) == ""
    for _ in range(1000):
        clock.wall += 5e-4
        assert watch.look() == 0.0
    clock.wall += 0.4
    assert watch.look() == pytest.approx(0.4)
    clock.wall -= 3600.4
    watch.look()
    assert "set by -3600.00 s in 2 steps meanwhile" in told_of_steps(watch)
