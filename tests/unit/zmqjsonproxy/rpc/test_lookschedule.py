"""Looks for silent clients: soon after one another in a flood, seldom while clients have calls under
way."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import chain, islice, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmqjsonproxy.rpc.lookschedule import LookSchedule

ALONE, SHARED, BUSY = -math.inf, 0.0, 0.99
"""Times at which another client has sent something; it is 1 s."""
FLOOD = 32 + 64
"""Messages, each followed by another that has arrived, after which there is no doubt."""


def looks(schedule: LookSchedule, more: Iterable[bool]) -> list[tuple[int, bool]]:
    """Numbers of the messages that are followed by a look, and whether others are let run then.

    Args:
        schedule: Of the looks.
        more: For each message, whether another waits behind it.
    """
    found, until = [], schedule.every
    for number, is_crowded in enumerate(more, 1):
        until -= 1
        if not until:
            found.append((number, schedule.on_look(is_crowded, 1.0)))
            until = schedule.every
    return found


def calls_under_way(at_once: int) -> Iterable[bool]:
    """Messages of a client that takes all answers before it sends more."""
    return chain.from_iterable(repeat([True] * (at_once - 1) + [False]))


def schedule(changed_at: float) -> LookSchedule:
    made = LookSchedule()
    made.changed_at = changed_at
    return made


@pytest.mark.parametrize(("changed_at", "every"), [(SHARED, 3), (ALONE, 16)])
def test_a_flood_is_interrupted_again_and_again(changed_at: float, every: int) -> None:
    found = looks(schedule(changed_at), repeat(True, 1000))
    during = [number for number, are_let_run in found if number >= FLOOD and are_let_run]
    assert during == list(range(FLOOD, 1001, every))


@given(st.integers(1, 64))
def test_calls_of_one_client_that_are_under_way_are_never_interrupted(at_once: int) -> None:
    found = looks(schedule(ALONE), islice(calls_under_way(at_once), 10_000))
    assert not any(are_let_run for _, are_let_run in found)
    assert len(found) <= 1000


@given(st.integers(1, 64))
def test_they_are_seldom_interrupted_where_others_call_too(at_once: int) -> None:
    found = looks(schedule(SHARED), islice(calls_under_way(at_once), 10_000))
    assert len(found) <= 1000
    assert sum(are_let_run for _, are_let_run in found) <= 10_000 / 32


def test_a_flood_that_others_come_into_is_interrupted_more_often() -> None:
    alone = schedule(ALONE)
    looks(alone, repeat(True, 1000))
    assert alone.every == 16
    alone.changed_at = 0.5
    looks(alone, repeat(True, 16))
    assert alone.every == 3


def test_who_calls_at_the_same_time_interrupts_even_a_few_calls_under_way() -> None:
    few = [*repeat(False, 32), *repeat(True, 20), *repeat(False, 20)]
    assert looks(schedule(BUSY), few) == [
        (32, False), (40, True), (43, True), (46, True), (49, True), (52, True),
        (55, False), (63, False), (71, False),
    ]  # fmt: skip


def test_who_called_long_ago_is_not_waited_for() -> None:
    flooded = schedule(SHARED)
    looks(flooded, repeat(True, 1000))
    assert flooded.on_look(True, 3600.0)
    assert flooded.every == 16


def test_the_end_of_a_flood_is_seen_and_its_next_wave_suspected() -> None:
    flooded = schedule(SHARED)
    looks(flooded, repeat(True, 1000))
    looks(flooded, repeat(False, 3))
    assert flooded.every == 32
    assert [number for number, are_let_run in looks(flooded, repeat(True, 110)) if are_let_run] == [
        FLOOD, 99, 102, 105, 108,
    ]  # fmt: skip
