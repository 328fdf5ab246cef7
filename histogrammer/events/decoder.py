"""Bytes of ring items, in pieces of any size, as blocks of events and other items. No I/O.

Definitions build the map from ids of the file to rows anew; it stays when a series goes on with
the next file. Events end a block only when it is full, when an item is to be delivered, or when
the caller wants what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from histogrammer.errors import RingItemError
from histogrammer.events.accounts import Account, Drop, Oddity
from histogrammer.events.blocks import BLOCK_EVENTS, EventBlock, absent_bits, as_type
from histogrammer.events.protocol.acquisitionitems import (
    AcquisitionItem,
    RingFormat,
    read_acquisition_item,
)
from histogrammer.events.protocol.paramitems import (
    ParameterNames,
    Variables,
    read_definitions,
    read_parameter_data,
    read_variables,
)
from histogrammer.events.protocol.ringitems import (
    HEAD_BYTES,
    ItemHead,
    ItemType,
    RingItem,
    read_head,
    read_item,
)
from histogrammer.events.scatter import TILE_EVENTS, Counted, RunEnding, scatter

__all__ = ["BUFFER_BYTES", "Decoder", "Part", "RowOf"]

BUFFER_BYTES = 1 << 20
"""Read at once; it stays in the cache. It grows for a larger item, as far as its bytes arrive."""

MAX_CELLS = 1 << 23
"""Values of a block; with more than 512 parameters it has fewer events."""

DENSE_IDS = 1 << 16
"""Ids below have their rows in a table; higher ones are searched for."""

Part: TypeAlias = EventBlock | ParameterNames | Variables | AcquisitionItem

Values: TypeAlias = npt.NDArray[np.float32] | npt.NDArray[np.float64]

RowOf: TypeAlias = Callable[[str], int]
"""Row of a parameter by its name, which may be a new one; rows should be dense."""


class _Map:
    """Rows of ids of a file."""

    def __init__(self, definitions: ParameterNames, row_of: RowOf) -> None:
        self.rows = {name: row_of(name) for _number, name in definitions.names}
        by_id = {number: self.rows[name] for number, name in definitions.names}
        self.redefined = len(definitions.names) - len(by_id)
        self.width = max(self.rows.values(), default=-1) + 1
        low = [number for number in by_id if number < DENSE_IDS]
        self.dense = np.full(max(low, default=-1) + 1, -1, np.int64)
        for number in low:
            self.dense[number] = by_id[number]
        high = sorted(by_id.keys() - set(low))
        self.ids = np.array(high, np.int64)
        self.high_rows = np.array([by_id[number] for number in high], np.int64)


class Decoder:
    """Decoder of one source, or of several in a row.

    Args:
        row_of: None: rows are numbered in the order in which names are first defined.
        block_events: Largest number of events of a block.
        kept: Types of the items that are delivered; None: all. The others are counted, and end no
            block. Definitions are read in any case.
        version: Format of items, 11 or 12, for those that do not tell it, until a format item
            tells it for all.

    Attributes:
        account: Of the source that is read now.
        version: As it was given; it may be changed.
    """

    def __init__(
        self,
        row_of: RowOf | None = None,
        *,
        block_events: int = BLOCK_EVENTS,
        kept: Container[int] | None = None,
        version: int = 11,
    ) -> None:
        rows: dict[str, int] = {}
        self._row_of: RowOf = row_of or (lambda name: rows.setdefault(name, len(rows)))
        self._most, self._kept = block_events, kept
        self.version, self._told_version = version, 0
        self.account = Account()
        self._buffer = np.empty(BUFFER_BYTES, np.uint8)
        self._at = self._end = 0
        self._map = _Map(ParameterNames(()), self._row_of)
        self._is_defined = False
        self._counted = np.zeros(len(Counted), np.int64)
        self._values: Values = np.empty((0, 0), np.float32)
        self._count = 0
        self._begin_block(np.float32)

    @property
    def pending(self) -> int:
        """Bytes that were given and not yet read."""
        return self._end - self._at

    def begin(self, account: Account, told_version: int = 0) -> None:
        """Go on with another source; what is pending is forgotten.

        Args:
            account: Of it; its bytes tell where reading begins.
            told_version: Format that its items have told before; 0: none.
        """
        self.account, self._told_version = account, told_version
        self._at = self._end = 0

    def define(self, definitions: ParameterNames) -> None:
        """Have definitions hold, before the first source."""
        self._define(definitions)

    def room(self) -> memoryview:
        """Return room for the next bytes; `filled` tells how many there are then."""
        if self._at:
            pending = self._buffer[self._at : self._end].copy()
            self._at, self._end = 0, len(pending)
            self._buffer[: self._end] = pending
        if self._end == len(self._buffer):
            self._buffer = np.concatenate([self._buffer, np.empty_like(self._buffer)])
        return self._buffer.data[self._end :]

    def filled(self, count: int) -> None:
        """Take note of bytes in the room."""
        self._end += count

    def parts(self) -> Iterator[Part]:
        """Yield what is complete of the bytes so far, except a block that is not yet full.

        Raises:
            RingItemError: The next item cannot be read; all before it was taken. It is raised
                again by the next call.
        """
        while True:
            ending = self._scatter()
            if ending == RunEnding.FULL:
                yield from self.flush()
            elif ending == RunEnding.INEXACT:
                self._widen()
            else:
                head = self._head()
                if head is None or head.size > self.pending:
                    return
                yield from self._take(head)

    def flush(self) -> Iterator[EventBlock]:
        """Yield the events that are in no block yet, if there are any."""
        if self._count == 0:
            return
        values, count = self._values, self._count
        if values.dtype == np.float64 and not self._counted[Counted.INEXACT]:
            values = as_type(values[:, :count], np.float32)
        elif count < values.shape[1]:
            values = values[:, :count].copy()
        self._begin_block(values.dtype)
        yield EventBlock(self._map.rows, values)

    def end(self) -> None:
        """Take note of the end of the source.

        Raises:
            RingItemError: It is within an item.
        """
        if self.pending:
            read_item(self._view(), 0, self.account.bytes)

    def _view(self) -> memoryview:
        return self._buffer.data[self._at : self._end]

    def _begin_block(self, dtype: npt.DTypeLike) -> None:
        """Begin a block. The array of the last one is taken again if only a copy was delivered."""
        width = self._map.width
        shape = (width, max(1, min(self._most, MAX_CELLS // max(1, width))))
        was_copied = self._count < self._values.shape[1]
        if not was_copied or self._values.shape != shape or self._values.dtype != dtype:
            self._begin_array(np.empty(shape, dtype))
        self._count = 0
        self._counted[Counted.INEXACT] = 0

    def _begin_array(self, values: Values) -> None:
        bits = absent_bits(values).dtype
        self._values, self._columns = values, values.view(bits)
        self._tile = np.empty((len(values), TILE_EVENTS), bits)

    def _widen(self) -> None:
        """Go on with float64 in the block that has been begun."""
        values = np.empty(self._values.shape, np.float64)
        values[:, : self._count] = as_type(self._values[:, : self._count], np.float64)
        self._begin_array(values)

    def _scatter(self) -> int:
        """Take events as far as possible; an `RunEnding`."""
        rows, before, counted = self._map, self._count, self._counted
        counted[: Counted.INEXACT] = 0
        at, self._count, ending = scatter(
            self._buffer,
            self._at,
            self._end,
            rows.dense,
            rows.ids,
            rows.high_rows,
            self._columns,
            self._tile,
            before,
            counted,
        )
        values, unknown, repeated, trailing = (int(n) for n in counted[: Counted.INEXACT])
        account = self.account
        account.bytes += at - self._at
        account.events += self._count - before
        account.values += values
        account.used += values - unknown - repeated
        account.dropped[Drop.UNDEFINED if self._is_defined else Drop.BEFORE_DEFINITIONS] += unknown
        account.dropped[Drop.REPEATED] += repeated
        account.oddities[Oddity.TRAILING] += trailing
        self._at = at
        return ending

    def _head(self) -> ItemHead | None:
        if self.pending < HEAD_BYTES:
            return None
        return read_head(self._buffer.data, self._at, self.account.bytes)

    def _take(self, head: ItemHead) -> Iterator[Part]:
        """Take the next item, which is complete and no good event."""
        is_kept = self._kept is None or head.type in self._kept
        if is_kept or head.type == ItemType.PARAMETER_DEFINITIONS:
            yield from self.flush()
        contents: Part | None = None
        if is_kept or head.type in _ALWAYS_READ:
            contents = self._contents(read_item(self._view(), 0, self.account.bytes))
        self._at += head.size
        self.account.bytes += head.size
        if isinstance(contents, ParameterNames):
            self.account.definitions += 1
            self._define(contents)
        else:
            self.account.skipped[head.type] += 1
        if is_kept and contents is not None:
            yield contents

    def _contents(self, item: RingItem) -> Part:
        if item.type == ItemType.PARAMETER_DATA:
            read_parameter_data(item)  # says what is wrong with it
        if item.type == ItemType.PARAMETER_DEFINITIONS:
            return read_definitions(item)
        if item.type == ItemType.VARIABLE_VALUES:
            return read_variables(item)
        told = self._told_version or (self.version if item.header else item.version)
        try:
            contents = read_acquisition_item(item, told)
        except RingItemError:  # nothing of the events is lost by it
            self.account.oddities[Oddity.UNREADABLE] += 1
            return item
        if isinstance(contents, RingFormat) and contents.major in (11, 12):
            self._told_version = contents.major
        return contents

    def _define(self, definitions: ParameterNames) -> None:
        self._map = _Map(definitions, self._row_of)
        self._is_defined = True
        self.account.oddities[Oddity.REDEFINED] += self._map.redefined
        self._begin_block(self._values.dtype)


_ALWAYS_READ = {
    ItemType.PARAMETER_DATA,
    ItemType.PARAMETER_DEFINITIONS,
    ItemType.RING_FORMAT,
}
