"""Conditions of other conditions: `*` (and), `+` (or), `-` (not). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from histogrammer.errors import ConditionError
from histogrammer.events.blocks import EventBlock
from histogrammer.gates.condition import ConditionKind, Context, Given, Point, Truth, Truths

__all__ = ["KINDS", "And", "Not", "Or", "existing"]


def existing(gates: tuple[str, ...], context: Context) -> tuple[str, ...]:
    """Return names of components.

    Raises:
        ConditionError: One of them is no condition.
    """
    for name in gates:
        if name not in context.conditions:
            raise ConditionError(f"Dependent condition {name} was not found")
    return gates


@dataclass(frozen=True, slots=True)
class And:
    """A condition that is true if all its components are, and without any."""

    letters: ClassVar[str] = "*"
    parameters: ClassVar[tuple[str, ...]] = ()
    points: ClassVar[tuple[Point, ...]] = ()

    gates: tuple[str, ...]

    @classmethod
    def create(cls, given: Given, context: Context) -> And:
        """Make one of at least one condition that exists."""
        if not given.gates:
            raise ConditionError("And conditions require the 'gate' query parameters")
        return cls(existing(given.gates, context))

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        """Tell for which events all components are true."""
        truth = np.ones(len(block), np.bool_)
        for name in self.gates:
            truth &= truths(name)
        return truth


@dataclass(frozen=True, slots=True)
class Or:
    """A condition that is true if one of its components is.

    Attributes:
        gates: Names of its components.
        empty: Its truth if there are none.
    """

    letters: ClassVar[str] = "+"
    parameters: ClassVar[tuple[str, ...]] = ()
    points: ClassVar[tuple[Point, ...]] = ()

    gates: tuple[str, ...]
    empty: bool

    @classmethod
    def create(cls, given: Given, context: Context) -> Or:
        """Make one of at least one condition that exists."""
        if not given.gates:
            raise ConditionError("Or conditions require the 'gate' query parameters")
        return cls(existing(given.gates, context), context.flavor.empty_or)

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        """Tell for which events a component is true."""
        truth = np.full(len(block), self.empty and not self.gates)
        for name in self.gates:
            truth |= truths(name)
        return truth


@dataclass(frozen=True, slots=True)
class Not:
    """A condition that is true if its component is false.

    Attributes:
        gate: Name of its component.
        of_deleted: Its truth if the component was deleted.
    """

    letters: ClassVar[str] = "-"
    parameters: ClassVar[tuple[str, ...]] = ()
    points: ClassVar[tuple[Point, ...]] = ()

    gate: str
    of_deleted: bool

    @classmethod
    def create(cls, given: Given, context: Context) -> Not:
        """Make one of one condition that exists."""
        if not given.gates:
            raise ConditionError("gate is a required query parameter for not conditions")
        if len(given.gates) > 1:
            raise ConditionError("Not conditions can have at most one dependent condition")
        (gate,) = existing(given.gates, context)
        return cls(gate, context.flavor.not_of_deleted)

    @property
    def gates(self) -> tuple[str, ...]:
        """Name of its component."""
        return (self.gate,)

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        """Tell for which events the component is false."""
        if not truths.exists(self.gate):
            return np.full(len(block), self.of_deleted)
        return ~truths(self.gate)


KINDS: tuple[ConditionKind, ...] = (And, Or, Not)
