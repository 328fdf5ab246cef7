"""Display memories by their kind."""

from __future__ import annotations

from pathlib import Path

from histogrammer.display.filememory import FileMemory
from histogrammer.display.memory import DisplayMemory, MemoryKind, checked_megabytes
from histogrammer.display.segmentmemory import SegmentMemory

__all__ = ["make_memory"]


def make_memory(kind: MemoryKind, folder: Path, megabytes: int) -> DisplayMemory:
    """Make a display memory.

    Args:
        kind: Its kind.
        folder: Of a file.
        megabytes: Size of its channels, MiB.

    Raises:
        DisplayMemoryError: There is no room for it.
    """
    if kind is MemoryKind.SYSV:
        return SegmentMemory(checked_megabytes(megabytes))
    return FileMemory(folder, megabytes)
