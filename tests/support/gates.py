"""Gates by a second method: one point at a time, in exact fractions. Nothing of the gates is used.

Also short ways to make conditions and blocks.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from histogrammer.events.blocks import EventBlock
from histogrammer.flavors import RUSTOGRAMER, SPECTCL, Flavor, PolygonRule
from histogrammer.gates.condition import Given
from histogrammer.gates.conditions import BlockTruths, Conditions

__all__ = [
    "PARAMETERS",
    "SPECTCL",
    "Point",
    "below_line",
    "in_polygon",
    "made",
    "points_at",
    "truth",
    "two_dim",
]

Point = tuple[float, float]

PARAMETERS = ("a", "b", "c", "d")


def made(
    *definitions: tuple[str, str, Given],
    flavor: Flavor = RUSTOGRAMER,
    parameters: Sequence[str] = PARAMETERS,
) -> Conditions:
    """Make a dictionary of conditions: name, letters, ingredients of each."""
    conditions = Conditions(flavor, parameters)
    for name, letters, given in definitions:
        conditions.edit(name, letters, given)
    return conditions


def truth(conditions: Conditions, name: str, *events: Mapping[str, float]) -> list[bool]:
    """Return the truth of a condition for events, which is the same in both precisions."""
    doubles = BlockTruths(dict(conditions), EventBlock.of(events))(name).tolist()
    assert (
        BlockTruths(dict(conditions), EventBlock.of(events, np.float32))(name).tolist() == doubles
    )
    return [bool(value) for value in doubles]


def points_at(*points: Point) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return coordinates x and y of points as columns."""
    x, y = np.array(points, np.float64).reshape(-1, 2).T.copy()
    return x, y


def two_dim(*points: Point) -> Given:
    """Return the ingredients of a band or contour of the parameters a and b."""
    return Given(
        x_parameter="a",
        y_parameter="b",
        x_coordinates=tuple(x for x, _ in points),
        y_coordinates=tuple(y for _, y in points),
    )


def _along(at: float, start: Point, end: Point) -> Fraction:
    """Return the second coordinate of a line where the first one is `at`."""
    begin, begin_value = Fraction(start[0]), Fraction(start[1])
    slope = (Fraction(end[1]) - begin_value) / (Fraction(end[0]) - begin)
    return begin_value + (Fraction(at) - begin) * slope


def in_polygon(points: Sequence[Point], x: float, y: float, rule: PolygonRule) -> bool:
    """Tell whether a point is inside a polygon, on its border by the rule of a flavor."""
    if rule is PolygonRule.RIGHT_EDGES and (x, y) in points:
        return True
    crossed = 0
    for (xa, ya), (xb, yb) in zip(points, [*points[1:], points[0]], strict=True):
        if min(ya, yb) <= y < max(ya, yb):
            edge = _along(y, (ya, xa), (yb, xb))
            crossed += x <= edge if rule is PolygonRule.RIGHT_EDGES else edge <= x
    return crossed % 2 == 1


def below_line(points: Sequence[Point], x: float, y: float, *, first_decides: bool) -> bool:
    """Tell whether a point is below a polyline."""
    crossed = 0
    for start, end in itertools.pairwise(points):
        left, right = sorted((start[0], end[0]))
        if first_decides and left <= x <= right:
            return y <= (max(start[1], end[1]) if left == right else _along(x, start, end))
        ends_line = x == right == max(point[0] for point in points)
        if left < right and (left <= x < right or ends_line):
            crossed += y < _along(x, start, end)
    return crossed % 2 == 1
