"""Contours of any two of several parameters: `gc`. Pure."""

from __future__ import annotations

from typing import ClassVar

from histogrammer.errors import ConditionError
from histogrammer.gates.condition import ConditionKind, Context, Given
from histogrammer.gates.figures import AnyPairInFigure
from histogrammer.gates.pairs import parameters_and_points
from histogrammer.gates.polygons import Polygon

__all__ = ["KINDS", "GammaContour"]


class GammaContour(AnyPairInFigure[Polygon]):
    """A condition that is true if any two parameters of a list, in either order, are a point
    inside a polygon."""

    __slots__ = ()

    letters: ClassVar[str] = "gc"

    @classmethod
    def create(cls, given: Given, context: Context) -> GammaContour:
        """Make one of parameters and at least three points."""
        parameters, points = parameters_and_points(given, context, "contour")
        if len(points) < 3:
            raise ConditionError("Unable to create multicontour")
        return cls(parameters, points, Polygon.of(points, context.flavor.polygons))


KINDS: tuple[ConditionKind, ...] = (GammaContour,)
