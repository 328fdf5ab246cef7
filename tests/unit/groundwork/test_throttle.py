"""Throttle: whatever comes is done or counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from groundwork.throttle import Throttle


@given(st.lists(st.floats(0.0, 0.7), max_size=60), st.integers(1, 5))
def test_everything_is_done_or_counted(pauses: list[float], most: int) -> None:
    throttle, now, done, told = Throttle(most), 0.0, list[float](), 0
    for pause in pauses:
        now += pause
        told += throttle.take_left_out(now)
        if throttle.takes():
            done.append(now)
    told += throttle.take_left_out(now + 1.0)
    assert len(done) + told == len(pauses)
    assert all(sum(then <= each < then + 1.0 for each in done) <= 2 * most for then in done)
    assert throttle.due is None
