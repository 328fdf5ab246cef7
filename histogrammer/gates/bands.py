"""Bands, the points below a line in the plane of two parameters: `b`. Pure."""

from __future__ import annotations

from typing import ClassVar

from histogrammer.gates.condition import ConditionKind, Context, Given
from histogrammer.gates.figures import PairInFigure
from histogrammer.gates.points import two_parameters
from histogrammer.gates.polylines import Polyline

__all__ = ["KINDS", "Band"]


class Band(PairInFigure[Polyline]):
    """A condition that is true if the values of two parameters are a point below a line."""

    __slots__ = ()

    letters: ClassVar[str] = "b"

    @classmethod
    def create(cls, given: Given, context: Context) -> Band:
        """Make one of two parameters and at least two points."""
        x, y, points = two_parameters(given, context)
        line = Polyline.of(points, first_decides=context.flavor.band_first_segment)
        return cls(x, y, points, line)


KINDS: tuple[ConditionKind, ...] = (Band,)
