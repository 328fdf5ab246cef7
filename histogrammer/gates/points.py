"""Points of graphical gates, as requests give them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from histogrammer.errors import ConditionError
from histogrammer.gates.condition import Context, Given, Point
from histogrammer.gates.turns import Floats

__all__ = ["finite", "pair", "two_parameters"]


def finite(points: Sequence[Point]) -> Floats:
    """Return points as an array, shape (points, 2).

    Raises:
        ConditionError: One is not finite.
    """
    array = np.array(points, np.float64).reshape(-1, 2)
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if bad.size:
        x, y = array[bad[0]]
        raise ConditionError(
            f"Point {bad[0] + 1} is ({x:g}, {y:g}): coordinates must be finite numbers"
        )
    return array


def pair(given: Given) -> tuple[Point, ...]:
    """Return the points of two lists of coordinates of the same length."""
    return tuple(zip(given.x_coordinates, given.y_coordinates, strict=True))


def two_parameters(given: Given, context: Context) -> tuple[str, str, tuple[Point, ...]]:
    """Return the x parameter, the y parameter and the points of a band or contour.

    Raises:
        ConditionError: One of them is missing, a parameter is unknown, or there are not as many x
            as y.
    """
    missing = "is a mandatory query parameter for this condition type"
    x_parameter, y_parameter = given.x_parameter, given.y_parameter
    if x_parameter is None:
        raise ConditionError(f"xparameter {missing}")
    if y_parameter is None:
        raise ConditionError(f"yparameter {missing}")
    if not given.x_coordinates:
        raise ConditionError(f"xcoord {missing}")
    if not given.y_coordinates:
        raise ConditionError(f"ycoord {missing}")
    for parameter in (x_parameter, y_parameter):
        if parameter not in context.parameters:
            raise ConditionError(f"Parameter {parameter} does not exist")
    if len(given.x_coordinates) != len(given.y_coordinates):
        raise ConditionError(
            f"xcoord array has {len(given.x_coordinates)} entries but ycoord array has "
            f"{len(given.y_coordinates)} -they must be the same length"
        )
    return x_parameter, y_parameter, pair(given)
