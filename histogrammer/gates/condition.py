"""A condition (gate) of any kind: what it refers to, and its truth for a block of events. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from histogrammer.events.blocks import EventBlock

__all__ = ["Condition", "Point", "Truth", "Truths"]

Truth: TypeAlias = npt.NDArray[np.bool_]
"""Shape (events,)."""

Truths: TypeAlias = Callable[[str], Truth]
"""Truth of a condition by its name, made once a block; False for one that was deleted."""

Point: TypeAlias = tuple[float, float]


class Condition(Protocol):
    """One condition; a frozen dataclass of a module of this package."""

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
        primitive condition false."""
