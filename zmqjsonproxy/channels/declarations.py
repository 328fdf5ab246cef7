"""Declaration of a property: its name, what it is, and what clients are told of it. No values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from groundwork.values import JsonObject, JsonValue

__all__ = ["CANNOT_BE_READ", "Declared", "PropertyKind"]

SHORTEST_S = 0.001
"""Between two readings of a computed property."""
CANNOT_BE_READ = "cannot_be_read"
"""Beside the values of all results: those that could not be read, and why. No property has this
name."""


class PropertyKind(StrEnum):
    """A result has a present value; a message is an event; a pipe is a stream of arrays."""

    RESULT = "result"
    MESSAGE = "message"
    PIPE = "pipe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Declaration of a property.

    Attributes:
        name: As subscribers write it; dots group: `status.SCANNUM`.
        kind: What it is.
        unit: Of its value.
        doc: What it is.
        annotation: Type of its value, as Python writes it; empty: any.
        x_unit: Of a pipe: of the axis along its frames.
        writable: Clients may set it.
        read: Of one that is computed: reads it; it is called for `get_properties`, and every
            `every` seconds while somebody subscribes.
        check: Of one that is writable: takes the value that a client sets, and returns the one that
            is acknowledged and published, or refuses.
        every: s.
    """

    name: str
    kind: PropertyKind = PropertyKind.RESULT
    unit: str = ""
    doc: str = ""
    annotation: str = ""
    x_unit: str = ""
    writable: bool = False
    read: Callable[[], JsonValue] | None = None
    check: Callable[[JsonValue], JsonValue] | None = None
    every: float = 1.0

    def __post_init__(self) -> None:
        if not SHORTEST_S <= self.every < math.inf:
            raise ValueError(f"every: {self.every!r} is no time from {SHORTEST_S:g} s on")
        if self.name == CANNOT_BE_READ:
            raise ValueError(f"{self.name}: no property has this name; see get_properties")

    def describe(self) -> JsonObject:
        """Return what clients are told."""
        told: JsonObject = {"name": self.name, "kind": self.kind.value}
        texts = {
            "unit": self.unit,
            "doc": self.doc,
            "annotation": self.annotation,
            "x_unit": self.x_unit,
        }
        told |= {key: text for key, text in texts.items() if text}
        return told | {"writable": self.writable}
