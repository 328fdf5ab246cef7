"""Processes that own display memories, found again in /proc."""

from __future__ import annotations

import os
from pathlib import Path

from histogrammer.display.protocol.mark import OwnerMark

__all__ = ["has_owner", "own_mark"]

_PROC = Path("/proc")
_STATE, _STARTED = 0, 19
"""Fields of `stat` behind the name of the program."""


def own_mark(*, is_stale: bool = False) -> OwnerMark:
    """Return the mark of this process."""
    fields = _stat(os.getpid())
    assert fields is not None
    return OwnerMark(os.getpid(), int(fields[_STARTED]), is_stale)


def has_owner(mark: OwnerMark) -> bool:
    """Tell whether the process of a mark lives. One of another container does not, as seen from here."""
    fields = _stat(mark.process)
    return fields is not None and fields[_STATE] != "Z" and int(fields[_STARTED]) == mark.started


def _stat(process: int) -> list[str] | None:
    try:
        text = (_PROC / str(process) / "stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()
