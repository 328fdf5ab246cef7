"""Start of a scan as it was asked for, and the scan that is to be run. Values only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from zmqjsonproxy.errors import RefusedError

__all__ = ["ScanPlan", "StartRequest", "read_banks", "read_start_id"]

MAX_BANKS, LONGEST_BANK, LONGEST_ID = 10_000, 64, 64


def read_start_id(text: object) -> str:
    """Return the identity of a start as a caller gave it, empty for none; RefusedError if it is
    none."""
    if isinstance(text, str) and len(text) <= LONGEST_ID and text.isprintable():
        return text
    raise RefusedError(
        f"start_id is {text!r:.80}; expected a text of up to {LONGEST_ID} characters"
    )


def read_banks(names: object) -> tuple[str, ...]:
    """Return names of Banks as a caller gave them; RefusedError if they are none."""
    if isinstance(names, list | tuple) and len(names) <= MAX_BANKS:
        found = tuple(name for name in names if isinstance(name, str) and name.isprintable())
        if len(found) == len(names) and all(len(name) <= LONGEST_BANK for name in found):
            return found
    raise RefusedError(
        f"{names!r:.80} are no names of Banks; expected a list of at most {MAX_BANKS} texts"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """A start, as it was asked for.

    Attributes:
        id: Its identity, which nobody else's start has.
        is_named: The identity was given by who asked, and others have to name it; else it was made
            up here.
        by: Who asked.
        two_phase: Wait for `commit` before arming.
        answers_early: The caller is answered when the programs receive; else when the scan runs.
        banks: All Banks of a common start; empty: this one alone.
    """

    id: str
    by: str
    is_named: bool = False
    two_phase: bool = False
    answers_early: bool = True
    banks: Sequence[str] = ()

    def is_called(self, start_id: str | None) -> bool:
        """Return whether a caller means this start; without an identity only one that was given
        none."""
        return self.id == start_id if start_id or self.is_named else True


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPlan:
    """One scan to be run.

    Attributes:
        start: Full second, UTC.
        length: s.
        number: Scan number.
        ready_the_fpga: Called before the programs are told to start.
        arm: The mode's arm phase; called just after the last pulse before the start.
        disarm: The mode's phase after a scan.
        give_back: Called if the start does not become a scan.
    """

    start: datetime
    length: float
    number: int
    ready_the_fpga: Callable[[], None]
    arm: Callable[[], None]
    disarm: Callable[[], None]
    give_back: Callable[[], None] = lambda: None
