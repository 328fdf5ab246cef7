"""Slices of any of several parameters: `gs`. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from histogrammer.errors import ConditionError
from histogrammer.events.blocks import EventBlock
from histogrammer.gates.condition import ConditionKind, Context, Given, Point, Truth, Truths
from histogrammer.gates.intervals import Interval
from histogrammer.gates.pairs import known

__all__ = ["KINDS", "GammaSlice"]


@dataclass(frozen=True, slots=True)
class GammaSlice:
    """A condition that is true if a parameter of a list has a value in an interval."""

    letters: ClassVar[str] = "gs"
    gates: ClassVar[tuple[str, ...]] = ()

    parameters: tuple[str, ...]
    interval: Interval

    @classmethod
    def create(cls, given: Given, context: Context) -> GammaSlice:
        """Make one of parameters and two limits; it holds the lower one only, in both programs."""
        if not given.parameters:
            raise ConditionError("Multi 1d (gs) conditions require parameters")
        if given.low is None or given.high is None:
            raise ConditionError(  # two blanks: Rustogramer's text
                "Both low and high must be present to make a multi  slice (gs)"
            )
        interval = Interval(given.low, given.high, holds_high=False)
        return cls(known(given.parameters, context), interval)

    @property
    def points(self) -> tuple[Point, ...]:
        """Limits, as points."""
        return self.interval.points

    def matches(self, block: EventBlock, parameter: str) -> Truth:
        """Tell for which events one parameter has a value in the interval."""
        return self.interval.holds(block.row(parameter))

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        """Tell for which events any of its parameters has a value in the interval."""
        truth = np.zeros(len(block), np.bool_)
        for parameter in self.parameters:
            truth |= self.matches(block, parameter)
        return truth


KINDS: tuple[ConditionKind, ...] = (GammaSlice,)
