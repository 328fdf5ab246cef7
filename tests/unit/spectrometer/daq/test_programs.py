"""Whose heartbeat stands still, and who only is slow."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectrometer.daq.programs import LONGEST_LOOK_S, Programs, Pulse


class Program:
    """One that runs, or does not."""

    name = "daq"

    def __init__(self, is_running: bool) -> None:
        self.is_running = is_running


@pytest.mark.parametrize(
    ("is_running", "said", "is_starting"),
    [
        (True, "starting", True),
        (True, "stopped", False),
        (True, None, False),
        (False, "starting", False),
    ],
)
def test_a_program_is_starting_until_it_says_otherwise(
    is_running: bool, said: str | None, is_starting: bool
) -> None:
    status: Any = {} if said is None else {"DAQSTATE": said}
    program: Any = Program(is_running)
    programs = Programs(status, [program], logging.getLogger(), silent_limit=math.inf)
    assert programs.is_starting is is_starting


def silence(looks: Iterable[tuple[float, object]]) -> float:
    pulse = Pulse()
    for now, value in looks:
        pulse.look(value, now)
    return pulse.silent_s


def test_a_heartbeat_that_stands_still_is_silent_from_its_last_change_on() -> None:
    looks: list[tuple[float, object]] = [
        (0, "12:00:00"),
        (1, "12:00:01"),
        (2, "12:00:01"),
        (3, "12:00:01"),
    ]
    assert silence(looks) == 2
    assert silence([*looks, (4, "12:00:04")]) == 0


def test_a_program_that_never_had_a_heartbeat_is_not_watched() -> None:
    assert silence((float(now), None) for now in range(1000)) == 0


def test_a_pause_of_whoever_looks_is_not_the_programs() -> None:
    assert (
        silence([(0.0, "12:00:00"), (1.0, "12:00:00"), (3600.0, "12:00:00")]) == 1 + LONGEST_LOOK_S
    )


@given(st.lists(st.tuples(st.floats(0.0, 100.0), st.sampled_from(["a", "b", None])), max_size=30))
def test_silence_is_never_longer_than_the_time_since_the_first_look(
    steps: list[tuple[float, object]],
) -> None:
    pulse, now = Pulse(), 50.0
    for step, value in steps:
        now += step
        silent = pulse.look(value, now)
        assert 0 <= silent <= now - 50.0 + 1e-6
        assert math.isfinite(silent)
