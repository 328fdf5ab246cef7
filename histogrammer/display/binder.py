"""Spectra in the display memory: slots, storage, and the copy of counts.

Statistics of slots stay zero, as in Rustogramer: they are part of the header, and mirrors are sent
all of that, 5.6 MB, whenever it changes.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from histogrammer.axes import Axis
from histogrammer.display.protocol.layout import (
    CHANNEL_BYTES,
    MAX_COUNT,
    SLOTS,
    TEXT_BYTES,
    Channels32,
    ChannelType,
    Header,
    text_bytes,
)
from histogrammer.display.protocol.mark import MARK_OFFSET
from histogrammer.display.snapshot import Snapshot
from histogrammer.errors import DisplayMemoryError
from histogrammer.spectra.definition import Definition

__all__ = ["Binder", "Storage"]

_BLOCK = 1 << 15
"""Cells that are copied at once: they stay in the cache between clipping and casting."""


class Storage:
    """Free blocks of an area, in bytes: first fit by address, neighbours merged on release.

    Args:
        size: Bytes of the area.
    """

    def __init__(self, size: int) -> None:
        self._free = [(0, size)] if size else []

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Iterate over free blocks, (offset, size), by address."""
        return iter(self._free)

    def allocate(self, size: int) -> int | None:
        """Return the offset of a block that is now taken; None: there is no room."""
        for at, (offset, free) in enumerate(self._free):
            if free >= size:
                if free == size:
                    del self._free[at]
                else:
                    self._free[at] = (offset + size, free - size)
                return offset
        return None

    def release(self, offset: int, size: int) -> None:
        """Give a block back that was allocated with this size."""
        at = bisect_left(self._free, (offset, 0))
        if at < len(self._free) and offset + size == self._free[at][0]:
            size += self._free.pop(at)[1]
        if at and sum(self._free[at - 1]) == offset:
            before, free = self._free.pop(at - 1)
            offset, size = before, free + size
        insort(self._free, (offset, size))


@dataclass(frozen=True, slots=True)
class _Bound:
    """A spectrum in the display memory; offset and size of its channels in bytes."""

    slot: int
    offset: int
    size: int
    channels: Channels32


class Binder:
    """Spectra by name in the slots of a display memory.

    Args:
        header: Tables of the memory.
        channels: Its channels, all of them free.
    """

    def __init__(self, header: Header, channels: Channels32) -> None:
        self._header, self._channels = header, channels
        self._storage = Storage(channels.nbytes)
        self._free_slots = list(range(SLOTS))
        self._bound: dict[str, _Bound] = {}
        self._changes = self._table_changes = 0

    @property
    def slots(self) -> dict[str, int]:
        """Name -> slot, in the order in which they were bound."""
        return {name: bound.slot for name, bound in self._bound.items()}

    @property
    def used_bytes(self) -> int:
        """Bytes of channels up to the end of the last that is used, as mirrors are sent them."""
        return max((bound.offset + bound.size for bound in self._bound.values()), default=0)

    def __contains__(self, name: object) -> bool:
        return name in self._bound

    def bind(self, name: str, definition: Definition | None) -> int:
        """Give a spectrum a slot, with channels of zeros.

        Args:
            name: Its name.
            definition: Its definition; None: there is no such spectrum.

        Returns:
            The slot.

        Raises:
            DisplayMemoryError: There is no such spectrum, it is bound already, or there is no slot
                or no room for it.
        """
        if definition is None:
            raise DisplayMemoryError(f"Spectrum {name} might not exist")
        if name in self._bound:
            raise DisplayMemoryError(f"{name} is already bound")
        if not self._free_slots:
            raise DisplayMemoryError("All spectrum slots are in use")
        cells = definition.size
        size = cells * CHANNEL_BYTES
        offset = self._storage.allocate(size)
        if offset is None:
            raise DisplayMemoryError(f"Unable to allocate spectrum storage for {size} bytes")
        slot = heapq.heappop(self._free_slots)
        first = offset // CHANNEL_BYTES
        bound = _Bound(slot, offset, size, self._channels[first : first + cells])
        bound.channels[:] = 0
        self._describe(definition, slot, first)
        self._bound[name] = bound
        self._note_tables()
        return slot

    def _note_tables(self) -> None:
        self._changes += 1
        self._table_changes += 1

    def _describe(self, definition: Definition, slot: int, first: int) -> None:
        """Write the tables of a slot, the type last: readers take the slot from then on."""
        header, x_axis, y_axis = self._header, definition.x_axis, definition.y_axis
        text = text_bytes(definition.name)
        header["titles"][slot] = text
        header["info"][slot] = text
        header["xy"][slot] = (x_axis.cells, 1 if y_axis is None else y_axis.cells)
        header["offsets"][slot] = first
        self._limit_x(slot, x_axis)
        limits = header["map"][slot]  # its labels stay as they are: empty
        with np.errstate(over="ignore"):  # limits beyond single precision are infinite there
            limits["ymin"] = 0.0 if y_axis is None else y_axis.low
            limits["ymax"] = 0.0 if y_axis is None else y_axis.high
        header["statistics"][slot] = 0
        header["types"][slot] = ChannelType.LONGS_1D if y_axis is None else ChannelType.LONGS_2D

    def _limit_x(self, slot: int, axis: Axis) -> bool:
        """Write the limits of an x axis, and tell if they were others."""
        limits = self._header["map"][slot]
        before = (limits["xmin"], limits["xmax"])
        with np.errstate(over="ignore"):
            limits["xmin"], limits["xmax"] = axis.low, axis.high
        return before != (limits["xmin"], limits["xmax"])

    def unbind(self, name: str) -> int:
        """Take a spectrum out of its slot, and return the slot.

        Raises:
            DisplayMemoryError: It is not bound.
        """
        bound = self._bound.pop(name, None)
        if bound is None:
            raise DisplayMemoryError(f"Spectrum {name} could not be unbound: Spectrum is not bound")
        self._header["types"][bound.slot] = ChannelType.UNDEFINED
        self._storage.release(bound.offset, bound.size)
        heapq.heappush(self._free_slots, bound.slot)
        self._note_tables()
        return bound.slot

    def clear(self, name: str) -> None:
        """Set the copy of a spectrum to zero at once, if it is bound."""
        if (bound := self._bound.get(name)) is not None:
            bound.channels[:] = 0
            self._changes += 1

    def refresh(
        self,
        cells: Mapping[str, npt.NDArray[np.float64]],
        moving: Mapping[str, Axis] | None = None,
    ) -> None:
        """Copy counts, cut to integers and to what 32 bits hold.

        Args:
            cells: Cells of spectra by name, of the shapes with which they were bound; of those that
                are not bound nothing is copied.
            moving: Name -> x axis as it is now, of those whose axes move.
        """
        for name, axis in (moving or {}).items():
            if (bound := self._bound.get(name)) is not None and self._limit_x(bound.slot, axis):
                self._note_tables()
        for name, counts in cells.items():
            if (bound := self._bound.get(name)) is not None:
                _copy_counts(counts.reshape(-1), bound.channels)
                self._changes += 1

    def snapshot(self, before: Snapshot | None = None) -> Snapshot:
        """Return what the memory holds; what has not changed since is not copied.

        Args:
            before: An earlier one of this memory.
        """
        if before is not None and before.changes == self._changes:
            return before
        if before is not None and before.table_changes == self._table_changes:
            tables = before.tables
        else:
            copied = self._header.reshape(1).view(np.uint8).copy()
            copied[MARK_OFFSET : MARK_OFFSET + TEXT_BYTES] = 0
            tables = copied.data
        used = self._channels[: self.used_bytes // CHANNEL_BYTES].view(np.uint8).copy()
        return Snapshot(self._changes, self._table_changes, tables, used.data)


def _copy_counts(counts: npt.NDArray[np.float64], channels: Channels32) -> None:
    scratch = np.empty(min(_BLOCK, len(counts)))
    for start in range(0, len(counts), _BLOCK):
        part = counts[start : start + _BLOCK]
        clipped = scratch[: len(part)]
        np.fmax(part, 0.0, out=clipped)  # NaN is 0, on every machine
        np.minimum(clipped, MAX_COUNT, out=clipped)
        channels[start : start + len(part)] = clipped
