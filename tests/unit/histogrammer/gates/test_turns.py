"""Turns by every way, against fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histogrammer.gates.turns import UNSURE, turn, turn_by_fractions, turns

Six = tuple[float, float, float, float, float, float]


def _exactly(numbers: Six) -> int:
    xa, ya, xb, yb, x, y = (Fraction(number) for number in numbers)
    value = xb * y - xb * ya - xa * y - yb * x + yb * xa + ya * x
    return (value > 0) - (value < 0)


def _near_a_line(ends: tuple[int, int, int, int], along: int, scale: float, ulps: int) -> Six:
    """Return a line and a point that is on it, but for rounding and some units in the last place."""
    xa, ya, xb, yb = (end * scale for end in ends)
    x, y = xa + (xb - xa) * along / 8, ya + (yb - ya) * along / 8
    return xa, ya, xb, yb, x + ulps * float(np.spacing(x)), y


NEAR_A_LINE = st.builds(
    _near_a_line,
    st.tuples(*[st.integers(-50, 50)] * 4),
    st.integers(0, 8),
    st.sampled_from([1.0, 0.1, 1 / 3, 1e100, 1e-100]),
    st.integers(-1, 1),
)
ANY = st.tuples(*[st.floats(-1e6, 1e6)] * 6)


@given(st.one_of(NEAR_A_LINE, ANY))
@settings(max_examples=60)
def test_a_turn_is_exact_whatever_rounding_does(numbers: Six) -> None:
    *line, x, y = numbers
    exact = _exactly(numbers)
    found = turn(*numbers)
    assert found in (exact, UNSURE)
    assert found == exact or any(0 < abs(number) < 1e-140 for number in numbers)
    assert turn_by_fractions(*numbers) == exact
    assert turns(line[0], line[1], line[2], line[3], np.array([x]), np.array([y])) == [found]
    # numba's own way is the written one
    assert turn.function(*numbers) == found


@pytest.mark.parametrize(
    "numbers",
    [(0.0, 0.0, 1e300, 1e300, 5e299, 5e299), (0.0, 0.0, 1e-310, 1e-310, 5e-311, 5e-311)],
)
def test_a_point_on_a_line_of_extreme_numbers_is_left_to_fractions(numbers: Six) -> None:
    assert turn(*numbers) == UNSURE
    assert turn_by_fractions(*numbers) == 0
