"""Folds: conditions that say how often the fills of a gamma spectrum count. Pure.

A fold shows what came together with a known line. The flavor says by which rule: Rustogramer fills
the spectrum once, without the parameters that match; SpecTcl once for each match, with all others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import combinations, product
from typing import Protocol, TypeAlias, TypeGuard, runtime_checkable

import numpy as np
import numpy.typing as npt

from histogrammer.errors import ConditionError
from histogrammer.events.blocks import EventBlock
from histogrammer.flavors import FoldRule
from histogrammer.gates.condition import Condition, Truth
from histogrammer.spectra.definition import Definition, Fill, FillOne, FillPair

__all__ = [
    "FOLDED_KINDS",
    "FoldCounts",
    "OneFold",
    "PairFold",
    "check_fold",
    "fold_counts",
    "is_fold",
]

FOLDED_KINDS = frozenset({"g1", "g2", "gd"})
"""Letters of the spectra that can be folded."""

Counts: TypeAlias = npt.NDArray[np.int64]
FoldCounts: TypeAlias = Truth | Counts
"""Shape (events,): how often an event counts in a fill."""


@runtime_checkable
class OneFold(Condition, Protocol):
    """A condition that single parameters match: `gs`."""

    def matches(self, block: EventBlock, parameter: str) -> Truth:
        """Tell for which events a parameter matches."""


@runtime_checkable
class PairFold(Condition, Protocol):
    """A condition that pairs of parameters match: `gc`, `gb`."""

    def matches_pair(self, block: EventBlock, x: str, y: str) -> Truth:
        """Tell for which events two parameters, in this order, match."""


def is_fold(condition: Condition | None) -> TypeGuard[OneFold | PairFold]:
    """Tell whether a condition can be used as a fold."""
    return isinstance(condition, OneFold | PairFold)


def check_fold(name: str, conditions: Mapping[str, Condition], definition: Definition) -> None:
    """Check that a condition can be the fold of a spectrum.

    Raises:
        ConditionError: There is none of this name, it is no fold, or the spectrum takes none.
    """
    if name not in conditions:
        raise ConditionError(f"There is no condition named {name}")
    if not is_fold(conditions[name]):
        raise ConditionError(f"{name} cannot be used as a fold")
    if definition.kind not in FOLDED_KINDS:
        raise ConditionError("Spectra of this type cannot have folds applied")


def fold_counts(
    fold: OneFold | PairFold,
    definition: Definition,
    fills: Sequence[Fill],
    block: EventBlock,
    rule: FoldRule,
) -> tuple[FoldCounts, ...]:
    """Return how often each event counts in each fill of a folded spectrum.

    Args:
        fold: Condition that it is folded by.
        definition: Spectrum of one of `FOLDED_KINDS`.
        fills: Its fills.
        block: Events.
        rule: Rule of the flavor.

    Raises:
        ConditionError: The spectrum has other fills than those of these kinds.
    """
    ones, pairs = _COUNTS[rule]
    counts: _Counts = (
        ones(fold, definition, block)
        if isinstance(fold, OneFold)
        else pairs(fold, definition, block)
    )
    return tuple(_of_fill(fill, counts) for fill in fills)


class _Counts(Protocol):
    """Counts of the fills of one spectrum from one block."""

    def one(self, x: str) -> FoldCounts:
        """Return those of fills by one parameter."""

    def pair(self, x: str, y: str) -> FoldCounts:
        """Return those of fills by two."""


def _of_fill(fill: Fill, counts: _Counts) -> FoldCounts:
    match fill:
        case FillOne(x):
            return counts.one(x)
        case FillPair(x, y):
            return counts.pair(x, y)
    raise ConditionError("Spectra of this type cannot have folds applied")


class _Order:
    """Pairs of a list of names, the one that comes first as x; names may come several times."""

    def __init__(self, names: Sequence[str]) -> None:
        self._last = {name: at for at, name in enumerate(names)}
        self._first = {name: at for at, name in reversed(list(enumerate(names)))}

    def has(self, x: str, y: str) -> bool:
        """Tell whether x and y are a pair."""
        return x in self._first and y in self._last and self._first[x] < self._last[y]


class _UnmatchedOnes:
    """Rustogramer's counts: parameters of the fold's list that are present and do not match, and
    pairs of them in the order of the list."""

    def __init__(self, fold: OneFold, definition: Definition, block: EventBlock) -> None:
        self._nothing = np.zeros(len(block), np.bool_)
        self._order = _Order(fold.parameters)
        self._unmatched = {
            name: block.present(name) & ~fold.matches(block, name)
            for name in dict.fromkeys(fold.parameters)
        }

    def one(self, x: str) -> Truth:
        return self._unmatched.get(x, self._nothing)

    def pair(self, x: str, y: str) -> Truth:
        if not self._order.has(x, y):
            return self._nothing
        return self._unmatched[x] & self._unmatched[y]


class _UnmatchedPairs:
    """Rustogramer's counts: pairs in the order of the fold's list that are present and do not
    match, and parameters that are part of such a pair."""

    def __init__(self, fold: PairFold, definition: Definition, block: EventBlock) -> None:
        self._fold, self._block = fold, block
        self._nothing = np.zeros(len(block), np.bool_)
        self._order = _Order(fold.parameters)
        self._present = {name: block.present(name) for name in fold.parameters}

    @cached_property
    def _parts(self) -> dict[str, Truth]:
        parts = {name: self._nothing.copy() for name in self._fold.parameters}
        for x, y in dict.fromkeys(combinations(self._fold.parameters, 2)):
            unmatched = self._unmatched(x, y)
            parts[x] |= unmatched
            parts[y] |= unmatched
        return parts

    def _unmatched(self, x: str, y: str) -> Truth:
        both = self._present[x] & self._present[y]
        return both & ~self._fold.matches_pair(self._block, x, y)

    def one(self, x: str) -> Truth:
        return self._parts.get(x, self._nothing)

    def pair(self, x: str, y: str) -> Truth:
        return self._unmatched(x, y) if self._order.has(x, y) else self._nothing


class _OtherOnes:
    """SpecTcl's counts: matches among the parameters of the spectrum that are not those of a fill;
    of `gd`, each match of the x side with each of the y side."""

    def __init__(self, fold: OneFold, definition: Definition, block: EventBlock) -> None:
        sides, self._block = definition.groups, block
        self._matches = {
            name: fold.matches(block, name).astype(np.int64) for name in definition.parameters
        }
        self._totals = [
            np.sum([self._matches[name] for name in side], axis=0, dtype=np.int64) for side in sides
        ]

    def one(self, x: str) -> Counts:
        (total,) = self._totals
        return _of_present(self._block, total - self._matches[x], x)

    def pair(self, x: str, y: str) -> Counts:
        match self._totals:
            case [total]:
                counts = total - self._matches[x] - self._matches[y]
            case [x_total, y_total]:
                counts = (x_total - self._matches[x]) * (y_total - self._matches[y])
        return _of_present(self._block, counts, x, y)


class _OtherPairs:
    """SpecTcl's counts: matching pairs of parameters of the spectrum, in one of their orders, that
    a fill has no part of; of `gd`, pairs of an x with a y parameter, in this order."""

    def __init__(self, fold: PairFold, definition: Definition, block: EventBlock) -> None:
        self._fold, self._block = fold, block
        x_side, y_side = definition.groups[0], definition.groups[-1]
        self._two_sided = len(definition.groups) == 2
        self._total = np.zeros(len(block), np.int64)
        self._with_x = {x: self._total.copy() for x in x_side}
        self._with_y = {y: self._total.copy() for y in y_side} if self._two_sided else self._with_x
        for x, y in product(x_side, y_side) if self._two_sided else combinations(x_side, 2):
            matches = self._matches(x, y)
            for counts in (self._total, self._with_x[x], self._with_y[y]):
                counts += matches

    def _matches(self, x: str, y: str) -> Truth:
        truth = self._fold.matches_pair(self._block, x, y)
        return truth if self._two_sided else truth | self._fold.matches_pair(self._block, y, x)

    def one(self, x: str) -> Counts:
        return _of_present(self._block, self._total - self._with_x[x], x)

    def pair(self, x: str, y: str) -> Counts:
        counts = self._total - self._with_x[x] - self._with_y[y] + self._matches(x, y)
        return _of_present(self._block, counts, x, y)


def _of_present(block: EventBlock, counts: Counts, *names: str) -> Counts:
    """Return counts, of events that have some parameters."""
    for name in names:
        counts = counts * block.present(name)
    return counts


_COUNTS: dict[
    FoldRule,
    tuple[
        Callable[[OneFold, Definition, EventBlock], _Counts],
        Callable[[PairFold, Definition, EventBlock], _Counts],
    ],
] = {
    FoldRule.REDUCED: (_UnmatchedOnes, _UnmatchedPairs),
    FoldRule.PER_MATCH: (_OtherOnes, _OtherPairs),
}
