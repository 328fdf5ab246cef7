"""Sources of events: a file, several in a row, one that is still written, the output of a program,
a live stream.

    with EventSource([FileInput("run1.evt"), FileInput("run2.evt")]) as source:
        for part in source:  # EventBlock, Definitions, StateChange, ...
            ...

An iteration ends at the end of the source, or when another thread calls `stop`; the next one goes
on at the same place. Used by one thread; `stop`, `progress` and the accounts are for any.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from histogrammer.errors import EventFileError, RingItemError
from histogrammer.events.accounts import Account
from histogrammer.events.blocks import BLOCK_EVENTS
from histogrammer.events.decoder import Decoder, Part, RowOf
from histogrammer.events.inputs import Input
from histogrammer.events.livecounts import LiveCounts
from histogrammer.events.stopsign import StopSign

__all__ = ["BlockSource", "EventSource", "SourceProgress"]


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


class BlockSource(Protocol):
    """A source as it is analyzed; what its members do is told by `EventSource`."""

    @property
    def is_over(self) -> bool:
        """The last iteration came to the end."""

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Accounts of all inputs, in order."""

    @property
    def progress(self) -> SourceProgress:
        """Return the present state."""

    @property
    def live(self) -> LiveCounts | None:
        """Counts of a live source; None: it is none."""

    def assume(self, version: int) -> None:
        """Assume a format of items that do not tell it."""

    def stop(self) -> None:
        """End the iteration, soon."""

    def __iter__(self) -> Iterator[Part]:
        """Go on reading."""

    def close(self) -> None:
        """Close what is open."""


class EventSource:
    """Events and other items of inputs, one after the other.

    The first input is opened here: a program is started. Definitions of one input hold in the next
    until it has its own.

    Args:
        inputs: `FileInput`, `FollowedInput`, `ProgramInput`, `LiveInput`; at least one.
        row_of: As of `Decoder`.
        kept: As of `Decoder`.
        block_events: As of `Decoder`.
        version: As of `Decoder`: the format to assume.

    Raises:
        EventFileError: The first cannot be opened.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        row_of: RowOf | None = None,
        *,
        kept: Container[int] | None = None,
        block_events: int = BLOCK_EVENTS,
        version: int = 11,
    ) -> None:
        self._inputs = tuple(inputs)
        self._number = 0
        self._accounts = [Account(each.name) for each in self._inputs]
        self._decoder = Decoder(row_of, block_events=block_events, kept=kept, version=version)
        self._decoder.begin(self._accounts[0])
        self._inputs[0].open()
        self._stop = StopSign()
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """The last iteration came to the end of the last input, or failed there."""
        return self._is_over

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Accounts of all inputs, in order; they go on changing."""
        return tuple(self._accounts)

    @property
    def was_stopped(self) -> bool:
        """The last iteration ended, or will end, because of `stop`."""
        return self._stop.is_set()

    @property
    def progress(self) -> SourceProgress:
        """Return the present state."""
        account = self._accounts[self._number]
        total: int | None = 0
        for each in self._inputs:
            size = each.size
            total = None if size is None or total is None else total + size
        return SourceProgress(
            account.source,
            account.bytes,
            sum(each.bytes for each in self._accounts),
            total,
            sum(each.events for each in self._accounts),
            sum(each.items for each in self._accounts),
        )

    @property
    def live(self) -> LiveCounts | None:
        """Counts of a live source; None: it is none."""
        return self._inputs[self._number].live

    def assume(self, version: int) -> None:
        """Assume a format, 11 or 12, of items that do not tell it. Between iterations."""
        self._decoder.version = version

    def stop(self) -> None:
        """End the iteration, soon; a wait for data ends at once. What was read is still yielded.
        From any thread."""
        self._stop.set()

    def __iter__(self) -> Iterator[Part]:
        """Go on reading; a `stop` from before holds no more.

        Raises:
            EventFileError: An input ends within an item, or has what is none, or its program
                failed; all before it was yielded. The next iteration goes on with the next
                input; on the last one it is raised again, unless it has got more to read.
        """
        self._stop.clear()
        self._is_over = False
        return self._parts()

    def close(self) -> None:
        """End a program, and close files. To be called when no iteration is under way."""
        self._stop.close()
        for each in self._inputs:
            each.close()

    def __enter__(self) -> EventSource:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def _parts(self) -> Iterator[Part]:
        decoder = self._decoder
        try:
            yield from self._until_end()
            return
        except RingItemError as error:
            failure = EventFileError(decoder.account.source, error.offset, error.reason)
            failure.__cause__ = error
        except OSError as error:
            why = error.strerror or str(error)
            failure = EventFileError(decoder.account.source, decoder.account.bytes, why)
            failure.__cause__ = error
        except EventFileError as error:  # the next file cannot be opened
            failure = error
        yield from decoder.flush()
        self._go_on()
        raise failure

    def _until_end(self) -> Iterator[Part]:
        decoder, stop = self._decoder, self._stop
        while not stop.is_set():
            now = self._inputs[self._number]
            now.open()
            for part in decoder.parts():
                yield part
                if stop.is_set():
                    break
            if stop.is_set():  # while a row was waited for, too
                break
            count = now.read_into(decoder.room())
            if count:
                decoder.filled(count)
                continue
            yield from decoder.flush()
            if count is None:
                now.wait(stop)
            elif not self._goes_on_after(now):
                return
        yield from decoder.flush()

    def _goes_on_after(self, now: Input) -> bool:
        """Check the end of an input, and begin with the next one; False: it was the last."""
        if why := now.fault():
            raise RingItemError(self._decoder.account.bytes, why)
        self._decoder.end()
        return self._go_on()

    def _go_on(self) -> bool:
        """Begin with the next input, if there is one."""
        if self._number + 1 == len(self._inputs):
            self._is_over = True
            return False
        self._inputs[self._number].close()
        self._number += 1
        self._decoder.begin(self._accounts[self._number])
        return True
