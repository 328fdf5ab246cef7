"""Slices of one parameter: `s`. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from histogrammer.errors import ConditionError
from histogrammer.events.blocks import EventBlock
from histogrammer.gates.condition import ConditionKind, Context, Given, Point, Truth, Truths
from histogrammer.gates.intervals import Interval

__all__ = ["KINDS", "Slice"]


@dataclass(frozen=True, slots=True)
class Slice:
    """A condition that is true if the value of a parameter is in an interval."""

    letters: ClassVar[str] = "s"
    gates: ClassVar[tuple[str, ...]] = ()

    parameter: str
    interval: Interval

    @classmethod
    def create(cls, given: Given, context: Context) -> Slice:
        """Make one of a parameter and two limits; the flavor tells whether it holds the upper."""
        if not given.parameters:
            raise ConditionError("The parameter query parameter is required for slice conditions")
        if len(given.parameters) > 1:
            raise ConditionError("Slices must have exactly one parameter")
        if given.low is None or given.high is None:
            raise ConditionError(  # Rustogramer's spelling
                "Both the low and high query parameters are requried for slice conditions"
            )
        (parameter,) = given.parameters
        if parameter not in context.parameters:
            raise ConditionError(f"Parameter {parameter} does not exist")
        return cls(parameter, Interval(given.low, given.high, context.flavor.slice_holds_high))

    @property
    def parameters(self) -> tuple[str, ...]:
        """Name of its parameter."""
        return (self.parameter,)

    @property
    def points(self) -> tuple[Point, ...]:
        """Limits, as points."""
        return self.interval.points

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        """Tell for which events the value is in the interval."""
        return self.interval.holds(block.row(self.parameter))


KINDS: tuple[ConditionKind, ...] = (Slice,)
