"""Contours, closed polygons in the plane of two parameters: `c`. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from histogrammer.events.blocks import EventBlock
from histogrammer.flavors import PolygonRule
from histogrammer.gates.condition import ConditionKind, Context, Given, Point, Truth, Truths
from histogrammer.gates.points import two_parameters
from histogrammer.gates.polygons import Polygon

__all__ = ["KINDS", "Contour"]


@dataclass(frozen=True, slots=True)
class Contour:
    """A condition that is true if the values of two parameters are a point inside a polygon.

    Attributes:
        x_parameter: Name of the parameter along x.
        y_parameter: The same along y.
        points: At least three.
        rule: Points of the border that are inside.
        polygon: Made of the points.
    """

    letters: ClassVar[str] = "c"
    gates: ClassVar[tuple[str, ...]] = ()

    x_parameter: str
    y_parameter: str
    points: tuple[Point, ...]
    rule: PolygonRule
    polygon: Polygon = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "polygon", Polygon.of(self.points, self.rule))

    @classmethod
    def create(cls, given: Given, context: Context) -> Contour:
        """Make one of two parameters and at least three points."""
        return cls(*two_parameters(given, context), context.flavor.polygons)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of its parameters, x first."""
        return (self.x_parameter, self.y_parameter)

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        """Tell for which events the point is inside."""
        return self.polygon.holds(block.row(self.x_parameter), block.row(self.y_parameter))


KINDS: tuple[ConditionKind, ...] = (Contour,)
