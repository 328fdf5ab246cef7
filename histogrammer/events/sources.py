"""Sources of events: a file, several in a row, one that is still written, the output of a program,
a live stream.

    with EventSource([FileInput("run1.evt"), FileInput("run2.evt")]) as source:
        for part in source:  # EventBlock, Definitions, StateChange, ...
            ...
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from histogrammer.errors import EventFileError, RingItemError
from histogrammer.events.blocks import BLOCK_EVENTS
from histogrammer.events.blocksource import BlockSource
from histogrammer.events.decoder import Decoder, Part, RowOf
from histogrammer.events.inputs import Input
from histogrammer.events.livecounts import LiveCounts

__all__ = ["EventSource"]


class EventSource(BlockSource):
    """Events and other items of inputs, one after the other.

    The first input is opened here: a program is started. Definitions of one input hold in the next
    until it has its own.

    Args:
        inputs: `FileInput`, `FollowedInput`, `ProgramInput`, `LiveInput`; at least one.
        row_of: As of `Decoder`.
        kept: As of `Decoder`.
        block_events: As of `Decoder`.
        version: As of `Decoder`: the format to assume.

    An iteration raises EventFileError where an input ends within an item, or has what is none, or
    its program failed; on the last input it is raised again, unless it has got more to read.

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
        super().__init__([each.name for each in self._inputs])
        self._decoder = Decoder(row_of, block_events=block_events, kept=kept, version=version)
        self._decoder.begin(self._accounts[0])
        self._inputs[0].open()

    def _total_bytes(self) -> int | None:
        total: int | None = 0
        for each in self._inputs:
            size = each.size
            total = None if size is None or total is None else total + size
        return total

    @property
    def live(self) -> LiveCounts | None:
        """Counts of a live source; None: it is none."""
        return self._inputs[self._number].live

    def assume(self, version: int) -> None:
        """Assume a format, 11 or 12, of items that do not tell it. Between iterations."""
        self._decoder.version = version

    def close(self) -> None:
        """End a program, and close files. To be called when no iteration is under way."""
        super().close()
        for each in self._inputs:
            each.close()

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
        if not self._has_next():
            return False
        self._inputs[self._number].close()
        self._number += 1
        self._decoder.begin(self._accounts[self._number])
        return True
