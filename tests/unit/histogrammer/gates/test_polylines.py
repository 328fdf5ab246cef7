"""Points below polylines, in numba and numpy, against fractions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histogrammer.errors import ConditionError
from histogrammer.gates import polylines
from histogrammer.gates.polylines import Polyline
from tests.support.gates import Point, below_line, points_at

SMALL = st.integers(-3, 3)


@given(
    st.lists(st.tuples(SMALL, SMALL), min_size=2, max_size=6),
    st.sampled_from([1.0, 0.1, 1 / 3, 1e7]),
    st.booleans(),
)
@settings(max_examples=40)
def test_points_on_and_beside_the_line_are_below_as_fractions_say(
    grid: list[tuple[int, int]], scale: float, first_decides: bool
) -> None:
    line = [(x * scale, y * scale) for x, y in grid]
    halves = [half * scale / 2 for half in range(-7, 8)]
    points = [*line, *((x, y) for x in halves for y in halves)]
    expected = [below_line(line, x, y, first_decides=first_decides) for x, y in points]
    x, y = points_at(*points)
    polyline = Polyline.of(line, first_decides=first_decides)
    assert polyline.holds(x, y).tolist() == expected
    marks, unsure = polylines._marks.fallback(
        x, y, polyline.segments, first_decides, polyline.least
    )
    assert not unsure
    assert marks.tolist() == [int(below) for below in expected]


@pytest.mark.parametrize("first_decides", [True, False])
def test_values_without_end_are_below_only_straight_down(first_decides: bool) -> None:
    line = Polyline.of([(0.0, 10.0), (10.0, 20.0)], first_decides=first_decides)
    x, y = points_at(
        (5.0, -math.inf),
        (5.0, -1e300),
        (5.0, math.inf),
        (5.0, math.nan),
        (math.nan, 0.0),
        (math.inf, 0.0),
        (-math.inf, 0.0),
        (math.nan, -math.inf),
    )
    assert line.holds(x, y).tolist() == [True, True] + [False] * 6


@pytest.mark.parametrize("first_decides", [True, False])
@pytest.mark.parametrize("size", [1e300, 1e-310])
def test_lines_of_extreme_size_are_exact(size: float, first_decides: bool) -> None:
    line = [(0.0, 0.0), (size, size)]
    points = [(size / 2, size / 2), (size / 2, size / 4), (size / 4, size / 2), (size, size)]
    expected = [below_line(line, x, y, first_decides=first_decides) for x, y in points]
    polyline = Polyline.of(line, first_decides=first_decides)
    assert polyline.holds(*points_at(*points)).tolist() == expected


def test_a_line_has_at_least_two_finite_points() -> None:
    one: list[Point] = [(0.0, 0.0)]
    with pytest.raises(ConditionError, match=r"^Too few points for  band$"):
        Polyline.of(one, first_decides=True)
    with pytest.raises(ConditionError, match=r"^Point 2 is \(nan, 0\)"):
        Polyline.of([*one, (math.nan, 0.0)], first_decides=False)


def test_single_precision_is_compared_with_points_in_double() -> None:
    line = Polyline.of([(0.0, 0.1), (1.0, 0.1)], first_decides=True)
    y = np.array([np.float32(0.1), np.nextafter(np.float32(0.1), np.float32(0))], np.float32)
    assert line.holds(np.full(2, 0.5, np.float32), y).tolist() == [False, True]
