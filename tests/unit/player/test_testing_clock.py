"""The clock of the kit for tests."""

from __future__ import annotations

import threading

import pytest

from player.clock import SystemClock
from player.testing import ManualClock


def test_it_stands_still_until_it_is_turned() -> None:
    clock = ManualClock(1000.0)
    assert (clock.time(), clock.monotonic()) == (1000.0, 0.0)
    clock.advance(1.5)
    assert (clock.time(), clock.monotonic()) == (1001.5, 1.5)
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)


def test_who_waits_wakes_when_its_time_has_come() -> None:
    clock, event, woken = ManualClock(), threading.Event(), threading.Event()

    def sleeper() -> None:
        assert clock.wait(event, 10.0) is False
        woken.set()

    thread = threading.Thread(target=sleeper)
    thread.start()
    clock.wait_for_waiters()
    clock.advance(9.9)
    assert not woken.is_set()
    clock.advance(0.1)
    assert woken.wait(5)
    thread.join()


def test_an_event_ends_a_wait_without_the_clock() -> None:
    clock, event = ManualClock(), threading.Event()
    threading.Timer(0.05, event.set).start()
    assert clock.wait(event, 1e6) is True


def test_nobody_waits_is_said() -> None:
    with pytest.raises(TimeoutError, match="0 of 1 threads wait"):
        ManualClock().wait_for_waiters(within_s=0.05)


def test_that_of_the_computer_goes_by_itself() -> None:
    clock, event = SystemClock(), threading.Event()
    begun = clock.monotonic()
    assert clock.wait(event, 0.01) is False
    assert clock.monotonic() > begun
    event.set()
    assert clock.wait(event, -1.0) is True
    assert clock.time() > 1.7e9
