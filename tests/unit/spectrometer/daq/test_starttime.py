"""The start of a scan on the monotonic clock, and steps of the clock."""

from __future__ import annotations

import pytest
from support.clocks import SettableClock

from spectrometer.daq.starttime import Start, StartTime, is_armed
from spectrometer.status.errors import CardError


def test_a_start_is_taken_to_the_monotonic_clock_once() -> None:
    clock = SettableClock(1000.0)
    clock.advance(50.0)
    start = StartTime(clock)
    assert start.read({}) is None
    assert start.read({"DAQSTART": "1060.0"}) == Start(1060.0, 60.0)
    clock.set_by(500.0)
    assert start.read({"DAQSTART": 1060.0}) == Start(1060.0, 60.0)
    assert start.read({"DAQSTART": 1570.0}) == Start(1570.0, 70.0)
    start.forget()
    assert start.read({"DAQSTART": 1060.0, "DAQMONO": 60.0}) == Start(1060.0, 60.0)
    assert start.read({"DAQSTART": 1060.0}) == Start(1060.0, 60.0)  # the Bank has taken it away


def test_a_start_is_missed_only_if_it_was_ahead_when_it_was_heard_of() -> None:
    clock = SettableClock(1000.0)
    start = StartTime(clock)
    start.read({"DAQSTART": 900.0})
    assert start.missed is None
    start.read({"DAQSTART": 1010.0})
    clock.advance(5.0)
    assert start.missed is None
    clock.advance(5.0)
    assert start.missed == Start(1010.0, 10.0)
    start.forget()
    assert start.missed is None


@pytest.mark.parametrize(
    "values",
    [
        {"DAQSTART": "soon"},
        {"DAQSTART": -1},
        {"DAQSTART": 1e300},
        {"DAQSTART": 1e9, "DAQMONO": "nan"},
    ],
)
def test_a_start_that_cannot_be_is_refused(values: dict[str, object]) -> None:
    start = StartTime(SettableClock())
    with pytest.raises(CardError, match=list(values)[-1]):
        start.read(values)  # type: ignore[arg-type]
    assert start.announced is None


def test_armed_is_a_word() -> None:
    assert [is_armed({"ARMSTATE": word}) for word in ("armed", "ARMED", "idle", 1)] == [
        True,
        True,
        False,
        False,
    ]
    assert not is_armed({})
