"""Target of fuzzing: a reader of bytes, and what it may raise."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Target", "json_of", "pieces"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One reader, or several that get the same bytes.

    Attributes:
        name: For people and for files.
        folder: The `protocol/` folder that it stands for.
        read: Takes bytes, and asserts whatever else is promised of what it has read.
        raises: What a reader may raise; all else is a fault.
        samples: Good bytes, from which the search begins.
    """

    name: str
    folder: str
    read: Callable[[bytes], object]
    raises: tuple[type[Exception], ...] = ()
    samples: tuple[bytes, ...] = ()

    def try_bytes(self, data: bytes) -> None:
        """Read bytes; whatever is raised is a fault."""
        try:
            self.read(data)
        except self.raises:
            pass


def pieces(data: bytes) -> list[bytes]:
    """Divide bytes as their first ones say, for readers of streams."""
    if not data:
        return []
    step = data[0] % 61 + 1
    return [data[at : at + step] for at in range(1, len(data), step)]


def json_of(data: bytes) -> object:
    """Return the value that bytes are in JSON; None: they are none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
