"""Contours, closed polygons in the plane of two parameters: `c`. Pure."""

from __future__ import annotations

from typing import ClassVar

from histogrammer.gates.condition import ConditionKind, Context, Given
from histogrammer.gates.figures import PairInFigure
from histogrammer.gates.points import two_parameters
from histogrammer.gates.polygons import Polygon

__all__ = ["KINDS", "Contour"]


class Contour(PairInFigure[Polygon]):
    """A condition that is true if the values of two parameters are a point inside a polygon."""

    __slots__ = ()

    letters: ClassVar[str] = "c"

    @classmethod
    def create(cls, given: Given, context: Context) -> Contour:
        """Make one of two parameters and at least three points."""
        x, y, points = two_parameters(given, context)
        return cls(x, y, points, Polygon.of(points, context.flavor.polygons))


KINDS: tuple[ConditionKind, ...] = (Contour,)
