"""Contents of a display memory at one moment, as mirrors are sent them. They never change."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Snapshot"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Contents of a display memory.

    Attributes:
        changes: Number of the changes before it; equal ones have equal contents.
        table_changes: The same of its tables.
        tables: Its header, without a mark.
        channels: Channels up to the end of the last that is used.
    """

    changes: int
    table_changes: int
    tables: memoryview
    channels: memoryview
