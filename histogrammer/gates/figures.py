"""Conditions that are true for the points of a figure in the plane: of two parameters, or of any two
of several. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import ClassVar, Generic, Protocol, TypeVar

import numpy as np

from histogrammer.events.blocks import EventBlock, Values
from histogrammer.gates.condition import Point, Truth, Truths

__all__ = ["AnyPairInFigure", "Figure", "PairInFigure"]


class Figure(Protocol):
    """A set of points of the plane: those inside a polygon, or below a line."""

    def holds(self, x: Values, y: Values) -> Truth:
        """Tell which points belong to it; none that lacks x or y."""


F = TypeVar("F", bound=Figure)


@dataclass(frozen=True, slots=True)
class PairInFigure(Generic[F]):
    """A condition that is true if the values of two parameters are a point of a figure.

    Attributes:
        x_parameter: Name of the parameter along x.
        y_parameter: The same along y.
        points: As they were given.
        figure: Made of the points.
    """

    gates: ClassVar[tuple[str, ...]] = ()

    x_parameter: str
    y_parameter: str
    points: tuple[Point, ...]
    figure: F = field(repr=False, compare=False)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of its parameters, x first."""
        return (self.x_parameter, self.y_parameter)

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        """Tell for which events the point belongs to the figure."""
        return self.figure.holds(block.row(self.x_parameter), block.row(self.y_parameter))


@dataclass(frozen=True, slots=True)
class AnyPairInFigure(Generic[F]):
    """A condition that is true if any two parameters of a list, in either order, are a point of a
    figure.

    Attributes:
        parameters: Names; useful from two on.
        points: As they were given.
        figure: Made of the points.
    """

    gates: ClassVar[tuple[str, ...]] = ()

    parameters: tuple[str, ...]
    points: tuple[Point, ...]
    figure: F = field(repr=False, compare=False)

    def matches_pair(self, block: EventBlock, x: str, y: str) -> Truth:
        """Tell for which events two parameters, in this order, are a point of the figure."""
        return self.figure.holds(block.row(x), block.row(y))

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        """Tell for which events any two of its parameters are a point of the figure."""
        truth = np.zeros(len(block), np.bool_)
        for x, y in combinations([block.row(parameter) for parameter in self.parameters], 2):
            truth |= self.figure.holds(x, y)
            truth |= self.figure.holds(y, x)
        return truth
