"""Bands, the points below a line in the plane of two parameters: `b`. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from histogrammer.events.blocks import EventBlock
from histogrammer.gates.condition import ConditionKind, Context, Given, Point, Truth, Truths
from histogrammer.gates.points import two_parameters
from histogrammer.gates.polylines import Polyline

__all__ = ["KINDS", "Band"]


@dataclass(frozen=True, slots=True)
class Band:
    """A condition that is true if the values of two parameters are a point below a line.

    Attributes:
        x_parameter: Name of the parameter along x.
        y_parameter: The same along y.
        points: At least two.
        first_segment: The first segment that holds x decides; else the number of crossings.
        line: Made of the points.
    """

    letters: ClassVar[str] = "b"
    gates: ClassVar[tuple[str, ...]] = ()

    x_parameter: str
    y_parameter: str
    points: tuple[Point, ...]
    first_segment: bool
    line: Polyline = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        line = Polyline.of(self.points, first_decides=self.first_segment)
        object.__setattr__(self, "line", line)

    @classmethod
    def create(cls, given: Given, context: Context) -> Band:
        """Make one of two parameters and at least two points."""
        return cls(*two_parameters(given, context), context.flavor.band_first_segment)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of its parameters, x first."""
        return (self.x_parameter, self.y_parameter)

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        """Tell for which events the point is below the line."""
        return self.line.above(block.row(self.x_parameter), block.row(self.y_parameter))


KINDS: tuple[ConditionKind, ...] = (Band,)
