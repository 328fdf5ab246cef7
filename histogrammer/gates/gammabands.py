"""Bands of any two of several parameters: `gb`, which SpecTcl has. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from histogrammer.events.blocks import EventBlock
from histogrammer.gates.condition import ConditionKind, Context, Given, Point, Truth, Truths
from histogrammer.gates.pairs import any_pair, parameters_and_points
from histogrammer.gates.polylines import Polyline

__all__ = ["KINDS", "GammaBand"]


@dataclass(frozen=True, slots=True)
class GammaBand:
    """A condition that is true if any two parameters of a list, in either order, are a point below
    a line.

    Attributes:
        parameters: Names; useful from two on.
        points: At least two.
        first_segment: The first segment that holds x decides; else the number of crossings.
        line: Made of the points.
    """

    letters: ClassVar[str] = "gb"
    gates: ClassVar[tuple[str, ...]] = ()

    parameters: tuple[str, ...]
    points: tuple[Point, ...]
    first_segment: bool
    line: Polyline = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        line = Polyline.of(self.points, first_decides=self.first_segment)
        object.__setattr__(self, "line", line)

    @classmethod
    def create(cls, given: Given, context: Context) -> GammaBand:
        """Make one of parameters and at least two points."""
        parameters, points = parameters_and_points(given, context, "band")
        return cls(parameters, points, context.flavor.band_first_segment)

    def matches_pair(self, block: EventBlock, x: str, y: str) -> Truth:
        """Tell for which events two parameters, in this order, are a point below the line."""
        return self.line.above(block.row(x), block.row(y))

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        """Tell for which events any two of its parameters are a point below the line."""
        return any_pair(block, self.parameters, self.line.above)


KINDS: tuple[ConditionKind, ...] = (GammaBand,)
