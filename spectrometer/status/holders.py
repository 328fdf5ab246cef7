"""Holders of the semaphore of a status memory, which itself does not know them. Looks into /proc
and changes nothing.

Whoever uses the semaphore is attached to the memory, and the kernel counts those, also the
processes that nobody may look at. A process of ours that holds the semaphore holds a lock on its
file too, and has that file open, which others do not: glibc closes it once it is in memory. So who
holds our lock knows that none of ours holds the semaphore; if all attachments are of ours, its
holder has ended.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ForeignUsers", "foreign_users"]

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ForeignUsers:
    """Programs of others that are attached to a status memory."""

    processes: tuple[int, ...]
    """Those that we may look at."""
    unseen: int
    """Attachments of processes that we may not."""

    def __bool__(self) -> bool:
        return bool(self.processes) or self.unseen > 0

    def __str__(self) -> str:
        seen = ["process " + ", ".join(map(str, self.processes))] if self.processes else []
        unseen = [f"{self.unseen} of another user"] if self.unseen > 0 else []
        return " and ".join(seen + unseen) or "nobody"


def foreign_users(key: int, attached: int, semaphore_file: str) -> ForeignUsers:
    """Return the programs of others that are attached.

    Args:
        key: Of the memory's segment.
        attached: How often the segment is attached, as the kernel counts.
        semaphore_file: Where the semaphore is.
    """
    found: list[int] = []
    for process in PROC.iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(
            OSError
        ):  # it has ended meanwhile, or is nobody's business: then it is unseen
            if times := _attached(process, key):
                attached -= times
                if not _has_open(process, semaphore_file):
                    found.append(int(process.name))
    return ForeignUsers(tuple(sorted(found)), max(attached, 0))


def _attached(process: Path, key: int) -> int:
    return (process / "maps").read_text(errors="replace").count(f"/SYSV{key & 0xFFFFFFFF:08x}")


def _has_open(process: Path, file: str) -> bool:
    for descriptor in (process / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(descriptor) == file:
                return True
    return False
