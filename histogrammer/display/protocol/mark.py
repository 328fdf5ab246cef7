"""Mark of a display memory of this project: its owner, where no display looks. Pure.

It is the y label of the last slot. What mirrors are sent has none: a copy is marked by whoever keeps
it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from histogrammer.display.protocol.layout import HEADER_BYTES, SLOTS, STATISTICS_BYTES, TEXT_BYTES

__all__ = ["MARK_OFFSET", "OwnerMark", "read_mark", "write_mark"]

MARK_OFFSET = HEADER_BYTES - SLOTS * STATISTICS_BYTES - TEXT_BYTES
_MARK = re.compile(
    rb"display memory of dealer-player, process (\d{1,20}), started (\d{1,20})(, stale)?\0"
)


@dataclass(frozen=True, slots=True)
class OwnerMark:
    """Owner of a display memory.

    Attributes:
        process: Its id.
        started: When that process was started, clock ticks since the boot: an id is used again.
        is_stale: It is a copy, whose original is not heard of.
    """

    process: int
    started: int
    is_stale: bool = False


def write_mark(mark: OwnerMark) -> bytes:
    """Return the bytes of a mark."""
    stale = ", stale" if mark.is_stale else ""
    text = f"display memory of dealer-player, process {mark.process}, started {mark.started}{stale}"
    return text.encode().ljust(TEXT_BYTES, b"\0")


def read_mark(data: bytes) -> OwnerMark | None:
    """Return the mark that bytes begin with; None: there is none."""
    found = _MARK.match(data)
    if found is None:
        return None
    return OwnerMark(int(found[1]), int(found[2]), is_stale=found[3] is not None)
