"""Bits of a parameter taken as an unsigned number of 32 bits: `em`, `am`, `nm`, which SpecTcl has.

A value is cut to a whole number first. No bits has what is negative, 2^32 or more, or NaN, and the
conditions are false for it, as for an absent parameter. Pure.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np

from histogrammer.errors import ConditionError
from histogrammer.events.blocks import EventBlock
from histogrammer.gates.condition import ConditionKind, Context, Given, Point, Truth, Truths

__all__ = ["KINDS", "Mask", "MaskAnd", "MaskEqual", "MaskNot"]

_ALL = (1 << 32) - 1

M = TypeVar("M", bound="Mask")


@dataclass(frozen=True, slots=True)
class Mask(ABC):
    """Condition that looks at bits of the value of a parameter.

    Attributes:
        parameter: Name of it.
        value: The mask, 32 bits.
    """

    letters: ClassVar[str]
    gates: ClassVar[tuple[str, ...]] = ()
    points: ClassVar[tuple[Point, ...]] = ()

    parameter: str
    value: int

    def __post_init__(self) -> None:
        if not 0 <= self.value <= _ALL:
            raise ConditionError(f"Mask {self.value}: it must be a number of 32 bits without sign")

    @classmethod
    def create(cls: type[M], given: Given, context: Context) -> M:
        """Make one of a parameter and a mask."""
        if len(given.parameters) != 1:
            raise ConditionError("Mask conditions must have exactly one parameter")
        if given.value is None:
            raise ConditionError("The value query parameter is required for mask conditions")
        (parameter,) = given.parameters
        if parameter not in context.parameters:
            raise ConditionError(f"Parameter {parameter} does not exist")
        return cls(parameter, given.value)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Name of its parameter."""
        return (self.parameter,)

    @property
    @abstractmethod
    def bits(self) -> tuple[int, int]:
        """Bits that are looked at, and those of them that must be set."""

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        """Tell for which events the bits are as they must be."""
        values = block.column(self.parameter)
        has_bits = (values >= 0) & (values < _ALL + 1)
        looked_at, set_bits = self.bits
        numbers = np.where(has_bits, values, 0.0).astype(np.uint32)
        truth: Truth = has_bits & ((numbers & np.uint32(looked_at)) == np.uint32(set_bits))
        return truth


@dataclass(frozen=True, slots=True)
class MaskEqual(Mask):
    """A condition that is true if a value is equal to a mask."""

    letters: ClassVar[str] = "em"

    @property
    def bits(self) -> tuple[int, int]:
        """All, as in the mask."""
        return _ALL, self.value


@dataclass(frozen=True, slots=True)
class MaskAnd(Mask):
    """A condition that is true if all bits of a mask are set in a value."""

    letters: ClassVar[str] = "am"

    @property
    def bits(self) -> tuple[int, int]:
        """Those of the mask, set."""
        return self.value, self.value


@dataclass(frozen=True, slots=True)
class MaskNot(Mask):
    """A condition that is true if all bits outside of a mask are set in a value."""

    letters: ClassVar[str] = "nm"

    @property
    def bits(self) -> tuple[int, int]:
        """Those outside of the mask, set."""
        return _ALL ^ self.value, _ALL ^ self.value


KINDS: tuple[ConditionKind, ...] = (MaskEqual, MaskAnd, MaskNot)
