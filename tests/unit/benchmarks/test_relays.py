"""Fan-out through relays, against what can be said without a simulation."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.relays import Costs, call, even_parts, relay_levels

QUIET = Costs(send=1.0, receive=2.0, serve=5.0, one_way=10.0, jitter=1e-12, merge=0.0)


def once(count: int, levels: int, costs: Costs = QUIET) -> float:
    return call(count, levels, costs, random.Random(1)).took


def test_one_player_takes_each_part_of_a_call_once() -> None:
    assert once(1, 0) == pytest.approx(1 + 10 + 5 + 10 + 2)


def test_a_relay_adds_a_whole_call() -> None:
    assert once(1, 1) == pytest.approx(2 * once(1, 0))


def test_a_fan_out_ends_when_the_caller_has_taken_the_last_answer() -> None:
    # Sending takes 100 s, the first answer is there after 26 s: the caller is never idle.
    assert once(100, 0) == pytest.approx(100 * 1 + 100 * 2)


def test_ten_by_ten_are_what_two_levels_of_ten_take() -> None:
    # Answers come each second and take two: the first one, and the taking of all ten.
    inner = (1 + 25) + 10 * 2
    assert once(10, 0) == pytest.approx(inner)
    assert once(100, 1) == pytest.approx((1 + 25 + inner) + 10 * 2)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 2000), st.integers(0, 2))
def test_every_player_is_called_once_whatever_lies_between(count: int, levels: int) -> None:
    outcome = call(count, levels, Costs(send=0, receive=0, serve=0, merge=1.0), random.Random(1))
    if levels:
        assert outcome.busy == pytest.approx(count)  # a merge for each
    assert outcome.connections <= math.ceil(count ** (1 / (levels + 1))) + 1
    assert (outcome.relays == 0) == (levels == 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 500), st.integers(1, 50))
def test_parts_are_even_and_whole(count: int, parts: int) -> None:
    sizes = even_parts(count, parts)
    assert sum(sizes) == count
    assert min(sizes) >= 1
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(("count", "levels"), [(10, 0), (64, 0), (65, 1), (4096, 1), (4097, 2)])
def test_levels_follow_from_the_width(count: int, levels: int) -> None:
    assert relay_levels(count, 64) == levels
