"""Conditions that look at nothing: `T` and `F`. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from histogrammer.events.blocks import EventBlock
from histogrammer.gates.condition import ConditionKind, Context, Given, Point, Truth, Truths

__all__ = ["KINDS", "Always", "Never"]


@dataclass(frozen=True, slots=True)
class Always:
    """A condition that is true for every event."""

    letters: ClassVar[str] = "T"
    parameters: ClassVar[tuple[str, ...]] = ()
    gates: ClassVar[tuple[str, ...]] = ()
    points: ClassVar[tuple[Point, ...]] = ()

    @classmethod
    def create(cls, given: Given, context: Context) -> Always:
        """Make one; it takes no ingredients."""
        return cls()

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        """Return True for every event."""
        return np.ones(len(block), np.bool_)


@dataclass(frozen=True, slots=True)
class Never:
    """A condition that is false for every event."""

    letters: ClassVar[str] = "F"
    parameters: ClassVar[tuple[str, ...]] = ()
    gates: ClassVar[tuple[str, ...]] = ()
    points: ClassVar[tuple[Point, ...]] = ()

    @classmethod
    def create(cls, given: Given, context: Context) -> Never:
        """Make one; it takes no ingredients."""
        return cls()

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        """Return False for every event."""
        return np.zeros(len(block), np.bool_)


KINDS: tuple[ConditionKind, ...] = (Always, Never)
