"""Interface of conditions (gates) of all kinds: definition, and truth for a block of events. Pure.

Each kind is a module of this package, `slices` the simplest; `conditions` evaluates each gate once
a block.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from histogrammer.events.blocks import EventBlock
from histogrammer.flavors import Flavor

__all__ = [
    "Condition",
    "ConditionKind",
    "Context",
    "Given",
    "Point",
    "Truth",
    "Truths",
]

Truth: TypeAlias = npt.NDArray[np.bool_]
"""Shape (events,)."""

Point: TypeAlias = tuple[float, float]


class Truths(Protocol):
    """Truths of all conditions for one block, each made once; those who get one do not change it."""

    def __call__(self, name: str) -> Truth:
        """Return the truth of a condition; False for one that does not exist (any more)."""

    def exists(self, name: str) -> bool:
        """Tell whether there is a condition of this name."""


class Condition(Protocol):
    """One condition; a frozen dataclass of a module of this package, valid by construction."""

    letters: ClassVar[str]
    """Name of the kind in requests: `gs`."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that it looks at."""

    @property
    def gates(self) -> tuple[str, ...]:
        """Names of the conditions that it is made of."""

    @property
    def points(self) -> tuple[Point, ...]:
        """Points as they were given: corners, or (low, 0) and (high, 0) of a slice."""

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        """Tell for which events of a block it is true. A parameter that is absent makes every
        primitive condition false. Asks `truths` for its `gates` only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Ingredients of a condition as a request gives them. None and empty: not given."""

    gates: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    x_parameter: str | None = None
    y_parameter: str | None = None
    low: float | None = None
    high: float | None = None
    x_coordinates: tuple[float, ...] = ()
    y_coordinates: tuple[float, ...] = ()
    value: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Surroundings in which a condition is made.

    Attributes:
        flavor: Program whose rules it follows.
        parameters: Names of all parameters.
        conditions: Name -> condition, of all that exist.
    """

    flavor: Flavor
    parameters: Container[str]
    conditions: Mapping[str, Condition]


class ConditionKind(Protocol):
    """One kind of conditions: modules of this package list theirs as `KINDS`."""

    @property
    def letters(self) -> str:
        """Name in requests: `gs`."""

    def create(self, given: Given, context: Context) -> Condition:
        """Make a condition.

        Raises:
            ConditionError: Ingredients that are missing, or that this kind does not take; the
                text is the `detail` that REST clients know.
        """
