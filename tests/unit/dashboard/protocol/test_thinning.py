"""Points of a history, thinned."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.protocol.thinning import Point, thinned

VALUES = st.one_of(st.none(), st.text(max_size=2), st.booleans(), st.floats(-9, 9), st.integers())
POINTS = st.lists(st.tuples(st.floats(0, 100), VALUES), max_size=80).map(
    lambda points: sorted(points, key=lambda point: point[0])
)


def is_number(value: object) -> bool:
    return type(value) in (int, float) and not math.isnan(float(value))  # type: ignore[arg-type]


@settings(max_examples=80, deadline=None)
@given(points=POINTS, stretches=st.integers(1, 20))
def test_extremes_stay_and_so_does_what_is_no_number(points: list[Point], stretches: int) -> None:
    found = thinned(points, stretches, 0.0, 100.0)
    at = iter(points)
    assert all(any(one is point for one in at) for point in found)  # in order, none twice
    assert [p for p in found if not is_number(p[1])] == [p for p in points if not is_number(p[1])]
    numbers = [value for _, value in points if is_number(value)]
    shown = [value for _, value in found if is_number(value)]
    if numbers:
        assert (min(shown), max(shown)) == (min(numbers), max(numbers))


def test_a_stretch_has_four_points_at_most() -> None:
    points = [(t / 10, math.sin(t)) for t in range(1000)]
    found = thinned(points, 10, 0.0, 100.0)
    assert 30 < len(found) <= 40
    assert (found[0], found[-1]) == (points[0], points[-1])


def test_few_points_stay_as_they_are() -> None:
    points: list[Point] = [(1.0, 1), (2.0, 2)]
    assert thinned(points, 2, 0.0, 3.0) == points
    assert thinned(points, 1, 3.0, 3.0) == points
