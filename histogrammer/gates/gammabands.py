"""Bands of any two of several parameters: `gb`, which SpecTcl has. Pure."""

from __future__ import annotations

from typing import ClassVar

from histogrammer.gates.condition import ConditionKind, Context, Given
from histogrammer.gates.figures import AnyPairInFigure
from histogrammer.gates.pairs import parameters_and_points
from histogrammer.gates.polylines import Polyline

__all__ = ["KINDS", "GammaBand"]


class GammaBand(AnyPairInFigure[Polyline]):
    """A condition that is true if any two parameters of a list, in either order, are a point below
    a line."""

    __slots__ = ()

    letters: ClassVar[str] = "gb"

    @classmethod
    def create(cls, given: Given, context: Context) -> GammaBand:
        """Make one of parameters and at least two points."""
        parameters, points = parameters_and_points(given, context, "band")
        line = Polyline.of(points, first_decides=context.flavor.band_first_segment)
        return cls(parameters, points, line)


KINDS: tuple[ConditionKind, ...] = (GammaBand,)
