"""Points inside polygons, in numba and numpy, against fractions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histogrammer.errors import ConditionError
from histogrammer.flavors import PolygonRule
from histogrammer.gates import polygons
from histogrammer.gates.polygons import Polygon
from tests.support.gates import Point, in_polygon, points_at

RIGHT, LEFT = PolygonRule.RIGHT_EDGES, PolygonRule.LEFT_EDGES
RULES = st.sampled_from(PolygonRule)
SMALL = st.integers(-3, 3)
CORNERS = st.lists(st.tuples(SMALL, SMALL), min_size=3, max_size=7)
SCALES = st.sampled_from([1.0, 0.1, 1 / 3, 1e7])

SQUARE = [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0)]


def _by_both(
    polygon: Polygon, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> list[bool]:
    """Return which points are inside, which is the same by numba and by numpy."""
    found = polygon.holds(x, y).tolist()
    marks, _ = polygons._marks.fallback(x, y, *polygon._arguments())
    assert marks.tolist() == [int(inside) for inside in found]
    return [bool(inside) for inside in found]


def _around(corners: list[Point]) -> list[Point]:
    """Return corners, middles of edges, and points between, a little beyond the box too."""
    xs, ys = ({p[i] for p in corners} for i in (0, 1))
    steps = [sorted({*values, min(values) - 1, max(values) + 1}) for values in (xs, ys)]
    lines = [[*at, *((a + b) / 2 for a, b in itertools.pairwise(at))] for at in steps]
    middles = [
        ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
        for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)
    ]
    return [*corners, *middles, *((x, y) for x in lines[0] for y in lines[1])]


@given(CORNERS, SCALES, RULES)
@settings(max_examples=40)
def test_points_on_and_beside_borders_are_inside_as_fractions_say(
    grid: list[tuple[int, int]], scale: float, rule: PolygonRule
) -> None:
    corners = [(x * scale, y * scale) for x, y in grid]
    points = _around(corners)
    expected = [in_polygon(corners, x, y, rule) for x, y in points]
    assert _by_both(Polygon.of(corners, rule), *points_at(*points)) == expected


@given(CORNERS, st.integers(0, 6), RULES)
@settings(max_examples=20)
def test_rotation_direction_and_a_repeated_last_point_change_nothing(
    corners: list[Point], turned: int, rule: PolygonRule
) -> None:
    at = points_at(*_around(corners))
    found = Polygon.of(corners, rule).holds(*at).tolist()
    rotated = corners[turned % len(corners) :] + corners[: turned % len(corners)]
    for same in (rotated, corners[::-1], [*corners, corners[0]], [corners[0], *corners]):
        assert Polygon.of(same, rule).holds(*at).tolist() == found


NOTCHED = st.lists(
    st.tuples(st.floats(0, 100), st.floats(0, 100), st.sampled_from([1e-9, 0.01, 0.7, 3.0])),
    min_size=1,
    max_size=4,
)


@given(NOTCHED, st.integers(0, 2**32 - 1), RULES)
@settings(max_examples=15)
def test_notches_thinner_than_a_cell_of_the_raster_are_seen(
    notches: list[tuple[float, float, float]], seed: int, rule: PolygonRule
) -> None:
    corners = list(SQUARE)
    for x, y, width in notches:  # from the upper side down to (x, y)
        corners += [(x, 100.0), (x + width / 2, y), (x + width, 100.0)]
    random = np.random.default_rng(seed)
    x, y, width = (np.array(part) for part in zip(*notches, strict=True))
    along, which = random.uniform(0, 1, 40), random.integers(len(notches), size=40)
    at_x = np.concatenate([x[which] + width[which] / 2, random.uniform(-1, 101, 40)])
    at_y = np.concatenate([y[which] + (100 - y[which]) * along, random.uniform(-1, 101, 40)])
    expected = [
        in_polygon(corners, a, b, rule) for a, b in zip(at_x.tolist(), at_y.tolist(), strict=True)
    ]
    assert _by_both(Polygon.of(corners, rule), at_x, at_y) == expected


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.3, 3.0]), RULES)
@settings(max_examples=15)
def test_points_among_very_many_edges_are_inside_as_fractions_say(
    seed: int, step: float, rule: PolygonRule
) -> None:
    random = np.random.default_rng(seed)  # a walk of 120 steps: of a row of the raster, or of many
    walk = np.cumsum(random.normal(0, step, (120, 2)), axis=0).round(2)
    corners = [(float(x), float(y)) for x, y in walk]
    (left, low), (right, high) = walk.min(axis=0), walk.max(axis=0)
    at_x, at_y = random.uniform(left, right, 40), random.uniform(low, high, 40)
    at_y[:20] = random.choice(walk[:, 1], 20)  # the height of a corner
    at_x[:5], at_y[:5] = walk[:5, 0], walk[:5, 1]
    points = zip(at_x.tolist(), at_y.tolist(), strict=True)
    expected = [in_polygon(corners, x, y, rule) for x, y in points]
    assert _by_both(Polygon.of(corners, rule), at_x, at_y) == expected


def test_only_edges_near_a_point_are_looked_at_of_a_contour_of_25000_points() -> None:
    angles = np.linspace(0, 2 * np.pi, 25_000, endpoint=False)
    raster = Polygon.of(list(zip(np.cos(angles), np.sin(angles), strict=True)), RIGHT).raster
    assert len(raster.near) < 27_000
    assert np.diff(raster.near_starts).max() < 600
    assert len(raster.ends) < 51_000


def test_cells_of_the_raster_without_an_edge_are_inside_or_outside_as_their_corners() -> None:
    star = [(50.0, 0.0), (79.0, 90.0), (2.0, 34.0), (98.0, 34.0), (21.0, 90.0)]
    polygon = Polygon.of(star, RIGHT)
    cells = polygon.raster.classes[:-1].reshape(128, 128)
    assert 0.02 < np.mean(cells >= 4) < 0.1
    origin_x, origin_y, scale_x, scale_y = polygon.grid.tolist()
    for row, column in np.argwhere(cells < 4)[::61].tolist():
        for dx, dy in ((0.001, 0.001), (0.999, 0.5)):
            x, y = origin_x + (column + dx) / scale_x, origin_y + (row + dy) / scale_y
            assert in_polygon(star, x, y, RIGHT) == bool(cells[row, column])


@pytest.mark.parametrize("rule", PolygonRule)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e300, -1e300])
@pytest.mark.parametrize("at", [0, 1000, 2047])
def test_values_without_end_are_outside_and_move_no_others(
    bad: float, at: int, rule: PolygonRule
) -> None:
    x = np.full(2048, 50.0)
    x[at] = bad
    inside = Polygon.of(SQUARE, rule)
    for columns in ((x, np.full(2048, 50.0)), (np.full(2048, 50.0), x), (x, x)):
        assert np.flatnonzero(~inside.holds(*columns)).tolist() == [at]


EXTREME = [
    [(0.0, 0.0), (1e300, 1e300), (0.0, 1e300)],
    [(-1.7e308, -1.7e308), (1.7e308, 1.7e308), (-1.7e308, 1.7e308)],
    [(0.0, 0.0), (1e-310, 1e-310), (0.0, 1e-310)],
    [(5.0, 1.0), (5.0, 2.0), (5.0, 3.0)],
    [(1.0, 5.0), (2.0, 5.0), (3.0, 5.0)],
    [(5.0, 5.0), (5.0, 5.0), (5.0, 5.0)],
    [(1e16, 1e16), (1e16 + 4, 1e16), (1e16 + 4, 1e16 + 8)],
]


@pytest.mark.parametrize("rule", PolygonRule)
@pytest.mark.parametrize("corners", EXTREME)
def test_polygons_without_width_or_of_extreme_size_are_exact(
    corners: list[Point], rule: PolygonRule
) -> None:
    (xa, ya), (xb, yb) = corners[:2]
    points = [*corners, (xa / 2 + xb / 2, ya / 2 + yb / 2), (xa / 2 + xb / 2, yb), (0.0, 0.0)]
    expected = [in_polygon(corners, x, y, rule) for x, y in points]
    assert Polygon.of(corners, rule).holds(*points_at(*points)).tolist() == expected


def test_single_precision_is_compared_with_corners_in_double() -> None:
    edge = float(np.nextafter(np.float32(0.3), np.float32(1)))
    corners = [(0.1, 0.1), (0.3, 0.1), (0.3, 0.7), (0.1, 0.7)]
    x = np.array([np.float32(0.1), np.float32(0.3), edge, 0.2], np.float32)
    y = np.full(4, 0.5, np.float32)
    expected = [in_polygon(corners, at, 0.5, RIGHT) for at in x.astype(float).tolist()]
    assert Polygon.of(corners, RIGHT).holds(x, y).tolist() == expected


def test_a_polygon_has_at_least_three_finite_points() -> None:
    with pytest.raises(ConditionError, match=r"^Too few points for a contour$"):
        Polygon.of(SQUARE[:2], RIGHT)
    for bad in (math.nan, math.inf):
        with pytest.raises(ConditionError, match=r"^Point 2 is \(1, (nan|inf)\): .* finite"):
            Polygon.of([(0.0, 0.0), (1.0, bad), (1.0, 1.0)], LEFT)


def test_a_contour_of_very_many_points_is_rasterized_in_parts() -> None:
    angles = np.linspace(0, 2 * np.pi, 2500, endpoint=False)
    circle = list(zip(np.cos(angles).tolist(), np.sin(angles).tolist(), strict=True))
    radius = np.array([0.0, 0.5, 0.999, 1.001, 2.0])
    assert Polygon.of(circle, RIGHT).holds(radius, 0 * radius + 0.01).tolist() == [
        True,
        True,
        True,
        False,
        False,
    ]
