"""Account of one source: what was read, used and left out, and why; the numbers add up.

Bytes are those of all items; `values` are `used` and all `dropped`; `items` are the events, the
definitions and all `skipped`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from groundwork.truncation import cut
from histogrammer.events.protocol.ringitems import type_name

__all__ = ["Account", "Drop", "Oddity"]


Key = TypeVar("Key")


class Drop(Enum):
    """Reason why a value of a parameter is not used."""

    BEFORE_DEFINITIONS = "before any definitions"
    UNDEFINED = "id not defined"
    REPEATED = "again in the same event"  # the last one is used


class Oddity(Enum):
    """Fault of a source that stops nothing."""

    REDEFINED = "id defined again in the same item"  # the last one holds
    TRAILING = "bytes behind the values of an event"
    UNREADABLE = "contents of a skipped item cannot be read"


@dataclass(slots=True)
class Account:
    """Account of one source.

    Attributes:
        source: The file, or the command of a program.
        bytes: Bytes of all items that were read; the next one begins here.
        events: Number of events.
        values: Values of parameters in them.
        used: Those that became values of the events.
        dropped: Those that did not, by reason.
        definitions: Number of items of definitions.
        skipped: Number of other items, by type.
        oddities: Number of faults, by kind.
        left_out: Names of branches of a ROOT tree that are no parameters.
    """

    source: str = ""
    bytes: int = 0
    events: int = 0
    values: int = 0
    used: int = 0
    dropped: Counter[Drop] = field(default_factory=Counter)
    definitions: int = 0
    skipped: Counter[int] = field(default_factory=Counter)
    oddities: Counter[Oddity] = field(default_factory=Counter)
    left_out: tuple[str, ...] = ()

    def add(self, other: Account) -> None:
        """Add the counts of another part of the same source."""
        self.bytes += other.bytes
        self.events += other.events
        self.values += other.values
        self.used += other.used
        self.definitions += other.definitions
        self.dropped.update(other.dropped)
        self.skipped.update(other.skipped)
        self.oddities.update(other.oddities)

    @property
    def items(self) -> int:
        """Number of all items."""
        return self.events + self.definitions + sum(dict(self.skipped).values())

    def lines(self) -> list[str]:
        """Return it for people: one line on the whole, and one on each thing left out."""
        texts = [
            f"{self.source}: {self.bytes} bytes, {self.events} events, "
            f"{self.used} of {self.values} values used"
        ]
        texts += [
            f"  {number} values dropped: {why.value}" for why, number in self._of(self.dropped)
        ]
        texts += [
            f"  {number} items without events: {type_name(kind)}"
            for kind, number in self._of(self.skipped)
        ]
        texts += [f"  {number} times: {what.value}" for what, number in self._of(self.oddities)]
        if self.left_out:
            texts.append(f"  no single numbers, left out: {cut(', '.join(self.left_out), 400)}")
        return texts

    @staticmethod
    def _of(counts: Counter[Key]) -> list[tuple[Key, int]]:
        return [(key, number) for key, number in dict(counts).items() if number]
