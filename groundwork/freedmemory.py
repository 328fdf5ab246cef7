"""Memory that was freed: whether the process keeps it for the next large block."""

from __future__ import annotations

__all__ = ["keep_freed_memory"]

_KEPT_BYTES = 16 * 2**20


def keep_freed_memory() -> None:
    """Have the process keep up to 32 MiB that were freed; for who takes large blocks one after the
    other.

    glibc gives the memory of each large block back to the system, and takes it page by page again
    for the next one, until a larger block was freed once; then it keeps up to twice as much. That
    is half of the time that it takes to receive a frame of 256 KiB.
    """
    bytes(_KEPT_BYTES)  # made and freed; its pages are never touched
