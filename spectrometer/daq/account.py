"""Account of a scan: planned and recorded, lost, and its ending; as status keys and as cards of a
FITS file.

The cards are in the header from the beginning, with the ending `unfinished`, and are rewritten in
place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, auto

from spectrometer.daq.pacing import Pacing
from spectrometer.daq.source import SourceCard
from spectrometer.daq.streamingfits import StreamingTable
from spectrometer.status.protocol.cards import Value

__all__ = [
    "CLOSING",
    "ClosingRemarks",
    "FileState",
    "ScanAccount",
    "Tally",
    "account_cards",
    "close_header",
    "update_header",
]

ARRAY_TEXT = 60
"""Longest text of ARRAYST."""
ENDING_TEXT = 10


class FileState(StrEnum):
    """State of a scan's file.

    Attributes:
        COMPLETE: All that was planned was recorded.
        INCOMPLETE: Something was lost.
        STOPPED: Ended before its length.
    """

    UNFINISHED = auto()
    COMPLETE = auto()
    INCOMPLETE = auto()
    STOPPED = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanAccount:
    """Counts of a scan; integrations, rows or blocks by the kind of its file.

    Attributes:
        planned: Complete ones, without any loss, until the scan's end or the present moment.
        recorded: Those that were recorded.
        lost_blocks: Blocks of the source, with parts of them.
        lost_s: Seconds of the scan.
    """

    planned: int
    recorded: int
    lost_blocks: float
    lost_s: float

    @property
    def is_complete(self) -> bool:
        """Nothing is missing."""
        return self.recorded >= self.planned and not self.lost_blocks and not self.lost_s

    @property
    def status(self) -> dict[str, Value]:
        """Return it as keys of the status memory."""
        return {
            "DAQPLAN": self.planned,
            "DAQNINT": self.recorded,
            "DAQDROP": rounded(self.lost_blocks),
            "DAQLOST": rounded(self.lost_s),
        }

    def __str__(self) -> str:
        return (
            f"{self.recorded} of {self.planned} integrations, {rounded(self.lost_blocks)} blocks lost "
            f"({rounded(self.lost_s)} s)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingRemarks:
    """Remarks that a scan's file gets at its end.

    Attributes:
        ending: None: by the account.
        array: State of the whole array's scan, as the Bank says it; empty if it says nothing.
        clock_step: Seconds by which the host's clock was set meanwhile.
    """

    ending: FileState | None = None
    array: str = ""
    clock_step: float = 0.0


class Tally:
    """Counts of a scan against its plan.

    Args:
        pacing: Of its source.
        planned: Says how many complete integrations, rows or blocks a number of samples makes.
    """

    def __init__(self, pacing: Pacing, planned: Callable[[int], int]) -> None:
        self._pacing, self._planned = pacing, planned
        self.whole = planned(pacing.length or 0)
        """Planned for the whole scan; 0 if it has no length."""

    def account(self, recorded: int) -> ScanAccount:
        """Return the account with so many recorded; `planned` is of the whole scan until it is
        over."""
        pacing = self._pacing
        as_planned = pacing.is_whole or not pacing.over
        planned = self.whole if as_planned else self._planned(pacing.reached)
        return ScanAccount(
            planned=planned,
            recorded=recorded,
            lost_blocks=pacing.dropped,
            lost_s=pacing.lost_seconds,
        )

    def ending(self, account: ScanAccount) -> FileState:
        """Of a scan that did not fail."""
        if not self._pacing.is_whole:
            return FileState.STOPPED
        return FileState.COMPLETE if account.is_complete else FileState.INCOMPLETE


CLOSING = ClosingRemarks()
"""Of a scan about which there is nothing to be said."""


def rounded(number: float) -> float:
    """The number to a millionth; never 0 if it is not, and without a point if it is whole."""
    if not number:
        return 0
    found = max(round(number, 6), 1e-6)
    return int(found) if found == int(found) else found


def account_cards(planned: int) -> list[SourceCard]:
    """Cards of a file that is begun.

    Args:
        planned: Of the whole scan; 0 if it has no length.
    """
    return [
        (
            "DAQEND",
            FileState.UNFINISHED.ljust(ENDING_TEXT),
            "or complete, incomplete, stopped, failed",
        ),
        ("DAQPLAN", planned, "integrations, or rows, without a loss"),
        ("DAQNINT", 0, "those that were recorded"),
        ("DAQDROP", 0.0, "blocks of the source that were lost"),
        ("DAQLOST", 0.0, "s of the scan that were lost"),
        ("CLKSTEP", 0.0, "s, the clock of the host was set by it"),
        ("ARRAYST", "unknown".ljust(ARRAY_TEXT), "array"),
    ]


def update_header(file: StreamingTable, account: ScanAccount) -> None:
    """Write the counts of a scan that goes on into its file. OSError."""
    file.set_number("DAQNINT", account.recorded)
    file.set_number("DAQDROP", float(rounded(account.lost_blocks)))
    file.set_number("DAQLOST", float(rounded(account.lost_s)))


def close_header(
    file: StreamingTable, account: ScanAccount, ending: FileState, closing: ClosingRemarks
) -> None:
    """Write what became of a scan into its file. OSError."""
    update_header(file, account)
    file.set_number("DAQPLAN", account.planned)
    file.set_number("CLKSTEP", float(closing.clock_step))
    if closing.array:
        file.set_text("ARRAYST", closing.array)
    file.set_text("DAQEND", ending)
