"""Common part of all sources of events: accounts of their inputs, a progress, an end, a stop.

An iteration ends at the end of the source, or when another thread calls `stop`; the next one goes on at the same
place. Used by one thread; `stop`, `progress` and the accounts are for any.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from groundwork.closing import Closing
from histogrammer.events.accounts import Account
from histogrammer.events.decoder import Part
from histogrammer.events.livecounts import LiveCounts
from histogrammer.events.stopsign import StopSign

__all__ = ["BlockSource", "SourceProgress"]


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """State of a source.

    Attributes:
        source: The file that is read now, or the command.
        position: Byte of it at which the next item begins.
        bytes_read: Bytes of all items so far, in all its files.
        bytes_total: Bytes of all files as they are now; None: not known, as of a program.
        events: Events so far.
        items: Items so far, events among them.
    """

    source: str
    position: int
    bytes_read: int
    bytes_total: int | None
    events: int
    items: int


class BlockSource(Closing, ABC):
    """Events and other items of inputs, one after the other.

    Args:
        names: Of the inputs; at least one.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._number = 0
        self._accounts = [Account(name) for name in names]
        self._stop = StopSign()
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """The last iteration came to the end of the last input, or failed there."""
        return self._is_over

    @property
    def was_stopped(self) -> bool:
        """The last iteration ended, or will end, because of `stop`."""
        return self._stop.is_set()

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Accounts of all inputs, in order; they go on changing."""
        return tuple(self._accounts)

    @property
    def progress(self) -> SourceProgress:
        """Return the present state."""
        account = self._accounts[self._number]
        return SourceProgress(
            account.source,
            account.bytes,
            sum(each.bytes for each in self._accounts),
            self._total_bytes(),
            sum(each.events for each in self._accounts),
            sum(each.items for each in self._accounts),
        )

    @abstractmethod
    def _total_bytes(self) -> int | None:
        """Return the bytes of all inputs; None: not known."""

    @property
    def live(self) -> LiveCounts | None:
        """Counts of a live source; None: it is none."""
        return None

    @abstractmethod
    def assume(self, version: int) -> None:
        """Assume a format, 11 or 12, of items that do not tell it. Between iterations."""

    def stop(self) -> None:
        """End the iteration, soon; a wait for data ends at once. What was read is still yielded.
        From any thread."""
        self._stop.set()

    def __iter__(self) -> Iterator[Part]:
        """Go on reading; a `stop` from before holds no more.

        Raises:
            EventFileError: An input cannot be read on; all before it was yielded. The next
                iteration goes on with the next input.
        """
        self._stop.clear()
        self._is_over = False
        return self._parts()

    @abstractmethod
    def _parts(self) -> Iterator[Part]:
        """Yield what the inputs have, until `self._stop` is set."""

    def _has_next(self) -> bool:
        """Tell whether there is a further input; if not, the source is over."""
        self._is_over = self._number + 1 == len(self._accounts)
        return not self._is_over

    def close(self) -> None:
        """Close what is open. To be called when no iteration is under way."""
        self._stop.close()
