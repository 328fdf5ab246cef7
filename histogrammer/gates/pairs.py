"""Lists of parameters, of which any or any two make a condition true. Pure."""

from __future__ import annotations

from histogrammer.errors import ConditionError
from histogrammer.gates.condition import Context, Given, Point
from histogrammer.gates.points import pair

__all__ = ["MAX_PAIRED", "known", "parameters_and_points"]


MAX_PAIRED = 512
"""Parameters of which all pairs are looked at; of more a block of events takes minutes."""


def known(parameters: tuple[str, ...], context: Context) -> tuple[str, ...]:
    """Return names of parameters.

    Raises:
        ConditionError: One of them is unknown.
    """
    for parameter in parameters:
        if parameter not in context.parameters:
            raise ConditionError(f"Parameter: {parameter} does not exist")
    return parameters


def parameters_and_points(
    given: Given, context: Context, kind: str
) -> tuple[tuple[str, ...], tuple[Point, ...]]:
    """Return the parameters and the points of a gamma contour or band.

    Args:
        given: Ingredients.
        context: Surroundings.
        kind: `contour` or `band`.

    Raises:
        ConditionError: One of them is missing, a parameter is unknown, there are more than
            `MAX_PAIRED`, or not as many x as y. The texts are Rustogramer's, letter by letter.
    """
    if not given.parameters:
        raise ConditionError(f"Parameters are required for a multi parameter {kind}")
    if len(given.parameters) > MAX_PAIRED:
        raise ConditionError(
            f"{len(given.parameters)} parameters for a multi parameter {kind}: up to {MAX_PAIRED} "
            "are possible, as all pairs of them are looked at"
        )
    if not given.x_coordinates:
        raise ConditionError(f"xcoords are required for multi parameter {kind}s")
    if not given.y_coordinates:
        kinds = "contous" if kind == "contour" else f"{kind}s"
        raise ConditionError(f"ycoords are required for multi parameters {kinds}")
    if len(given.x_coordinates) != len(given.y_coordinates):
        raise ConditionError("There must be the same number of x and y coordinates.")
    return known(given.parameters, context), pair(given)
