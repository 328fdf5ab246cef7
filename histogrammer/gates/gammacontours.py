"""Contours of any two of several parameters: `gc`. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from histogrammer.errors import ConditionError
from histogrammer.events.blocks import EventBlock
from histogrammer.flavors import PolygonRule
from histogrammer.gates.condition import ConditionKind, Context, Given, Point, Truth, Truths
from histogrammer.gates.pairs import any_pair, parameters_and_points
from histogrammer.gates.polygons import Polygon

__all__ = ["KINDS", "GammaContour"]


@dataclass(frozen=True, slots=True)
class GammaContour:
    """A condition that is true if any two parameters of a list, in either order, are a point
    inside a polygon.

    Attributes:
        parameters: Names; useful from two on.
        points: At least three.
        rule: Points of the border that are inside.
        polygon: Made of the points.
    """

    letters: ClassVar[str] = "gc"
    gates: ClassVar[tuple[str, ...]] = ()

    parameters: tuple[str, ...]
    points: tuple[Point, ...]
    rule: PolygonRule
    polygon: Polygon = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "polygon", Polygon.of(self.points, self.rule))

    @classmethod
    def create(cls, given: Given, context: Context) -> GammaContour:
        """Make one of parameters and at least three points."""
        parameters, points = parameters_and_points(given, context, "contour")
        if len(points) < 3:
            raise ConditionError("Unable to create multicontour")
        return cls(parameters, points, context.flavor.polygons)

    def matches_pair(self, block: EventBlock, x: str, y: str) -> Truth:
        """Tell for which events two parameters, in this order, are a point inside."""
        return self.polygon.holds(block.row(x), block.row(y))

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        """Tell for which events any two of its parameters are a point inside."""
        return any_pair(block, self.parameters, self.polygon.holds)


KINDS: tuple[ConditionKind, ...] = (GammaContour,)
