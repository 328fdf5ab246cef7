"""Dictionary of conditions by name: made, replaced, deleted, listed, and their truth for blocks of
events. Pure.

A condition refers to others by name, so that it sees what they are replaced by. A component that is
deleted is false until there is one of its name again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from groundwork.truncation import cut
from histogrammer.errors import ConditionError
from histogrammer.events.blocks import EventBlock
from histogrammer.flavors import Flavor
from histogrammer.gates import KINDS
from histogrammer.gates.condition import Condition, Context, Given, Truth
from histogrammer.gates.constants import Never
from histogrammer.names import refusal
from histogrammer.patterns import select

__all__ = ["DELETED", "BlockTruths", "Conditions", "Edited", "Listed"]

DELETED = "-deleted-"
"""Name by which lists tell of a component that was deleted."""


class Edited(Enum):
    """Outcome of an edit; the values are those that REST clients know."""

    CREATED = "Created"
    REPLACED = "Replaced"


@dataclass(frozen=True, slots=True)
class Listed:
    """A condition as lists have it.

    Attributes:
        name: Its name.
        condition: Itself.
        gates: Names of its components, `-deleted-` in place of those that do not exist.
    """

    name: str
    condition: Condition
    gates: tuple[str, ...]


class BlockTruths:
    """Truths of conditions for one block, each made once, when it is asked for first, by one
    thread; `filling` shares them out to several.

    Args:
        conditions: Name -> condition; it must not change meanwhile.
        block: Events.
    """

    def __init__(self, conditions: Mapping[str, Condition], block: EventBlock) -> None:
        self._conditions, self._block = conditions, block
        self._made: dict[str, Truth] = {}

    def exists(self, name: str) -> bool:
        """Tell whether there is a condition of this name."""
        return name in self._conditions

    def __call__(self, name: str) -> Truth:
        """Return the truth of a condition, shape (events,), not to be changed by who gets it;
        False for one that does not exist."""
        if name not in self._made:
            self._make(name)
        return self._made[name]

    def _make(self, name: str) -> None:
        """Make a truth after those of its components: chains of any length need no recursion."""
        waiting = [name]
        while waiting:
            at = waiting[-1]
            condition = self._conditions.get(at)
            before = (
                [gate for gate in condition.gates if gate not in self._made] if condition else []
            )
            if before:
                waiting += before
                continue
            waiting.pop()
            if condition is None:
                self._made[at] = np.zeros(len(self._block), np.bool_)
            elif at not in self._made:  # two that wait may have it in common
                self._made[at] = condition.truth(self._block, self)


class Conditions(Mapping[str, Condition]):
    """Conditions by name, in the order in which they were made.

    Args:
        flavor: Program whose rules hold.
        parameters: Names of all parameters; may grow.
    """

    def __init__(self, flavor: Flavor, parameters: Container[str]) -> None:
        self._flavor, self._parameters = flavor, parameters
        self._conditions: dict[str, Condition] = {}
        self._referred = Counter[str]()  # how many conditions have a name as a component

    def __getitem__(self, name: str) -> Condition:
        return self._conditions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._conditions)

    def __len__(self) -> int:
        return len(self._conditions)

    def edit(self, name: str, letters: str, given: Given) -> Edited:
        """Make a condition, or replace one in its place; all that refers to it sees the new one.

        Args:
            name: Any text.
            letters: Kind: `gs`.
            given: Ingredients.

        Raises:
            ConditionError: No such kind, ingredients that it does not take, a name that is too
                long, or it would depend on itself. The text is the `detail` that REST clients
                know. Nothing has changed.
        """
        kind = KINDS.get(letters)
        if kind is None:
            raise ConditionError(f"Unsupported condition type: {letters}")
        context = Context(flavor=self._flavor, parameters=self._parameters, conditions=self)
        return self.put(name, kind.create(given, context))

    def put(self, name: str, condition: Condition) -> Edited:
        """Do the same with a condition that is made already.

        Raises:
            ConditionError: It would depend on itself, or its name is too long. Nothing has changed.
        """
        if reason := refusal(name):
            raise ConditionError(reason)
        if chain := self._chain(name, condition):
            raise ConditionError(
                f"Condition {name} would depend on itself: {cut(' -> '.join(chain), 400)}"
            )
        edited = Edited.REPLACED if name in self._conditions else Edited.CREATED
        self._set(name, condition)
        return edited

    def delete(self, name: str) -> None:
        """Delete a condition; conditions that refer to it keep its name.

        Where the flavor has spectra of a deleted gate fill no more, a condition that is never true
        takes its place.

        Raises:
            ConditionError: There is none of this name.
        """
        if name not in self._conditions:
            raise ConditionError(f"No such condition {name}")
        self._set(name, None if self._flavor.deleted_gate_ungates else Never())

    def _set(self, name: str, condition: Condition | None) -> None:
        """Put a condition in the place of another one, or, with None, nothing."""
        old = self._conditions.get(name)
        for gate in old.gates if old else ():
            self._referred[gate] -= 1
            if not self._referred[gate]:
                del self._referred[gate]
        if condition is None:
            del self._conditions[name]
        else:
            self._conditions[name] = condition
            self._referred.update(condition.gates)

    def matching(self, pattern: str = "*") -> list[Listed]:
        """Return the conditions that a pattern selects, in their order.

        Raises:
            PatternError: The pattern is malformed, and no condition has it as its name.
        """
        return [self._listed(name) for name in select(self, pattern)]

    def _listed(self, name: str) -> Listed:
        condition = self._conditions[name]
        gates = tuple(gate if gate in self._conditions else DELETED for gate in condition.gates)
        return Listed(name, condition, gates)

    def _chain(self, name: str, condition: Condition) -> list[str]:
        """Return the names from a condition through its components to itself, if there is a way."""
        if name not in self._referred and name not in condition.gates:
            return []  # so that long chains are built in time
        came_from = dict.fromkeys(condition.gates, name)
        waiting = list(came_from)
        while waiting and name not in came_from:
            at = waiting.pop()
            known = self._conditions.get(at)
            for gate in known.gates if known else ():
                if gate not in came_from:
                    came_from[gate] = at
                    waiting.append(gate)
        if name not in came_from:
            return []
        chain, at = [name], came_from[name]
        while at != name:
            chain.append(at)
            at = came_from[at]
        return [name, *reversed(chain)]
