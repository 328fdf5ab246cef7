"""Contours made of two bands: `c2band`, which SpecTcl has. Pure."""

from __future__ import annotations

from histogrammer.errors import ConditionError
from histogrammer.gates.bands import Band
from histogrammer.gates.compounds import existing
from histogrammer.gates.condition import ConditionKind, Context, Given
from histogrammer.gates.contours import Contour
from histogrammer.gates.polygons import Polygon

__all__ = ["KINDS", "TwoBands"]


class TwoBands:
    """Maker of a contour from two bands, which are not looked at later."""

    letters = "c2band"

    @classmethod
    def create(cls, given: Given, context: Context) -> Contour:
        """Make a contour of the points of the first band, and those of the second in reverse."""
        if len(given.gates) != 2:
            raise ConditionError("A contour of two bands requires exactly two 'gate' parameters")
        first, second = (context.conditions[name] for name in existing(given.gates, context))
        if not (isinstance(first, Band) and isinstance(second, Band)):
            raise ConditionError("A contour of two bands can be made of bands (b) only")
        if first.parameters != second.parameters:
            raise ConditionError(
                f"Bands {' and '.join(given.gates)} must have the same x and y parameters"
            )
        points = first.points + second.points[::-1]
        polygon = Polygon.of(points, context.flavor.polygons)
        return Contour(first.x_parameter, first.y_parameter, points, polygon)


KINDS: tuple[ConditionKind, ...] = (TwoBands,)
