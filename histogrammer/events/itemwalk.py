"""Whole ring items among bytes: where they begin, and that the decoder will take them. No I/O.

Items that a reader may leave out without harm to others, events above all, come as one stretch of
many; definitions, variables, changes of state and formats come alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from histogrammer.compiling import compiled
from histogrammer.events.protocol.paramitems import (
    VALUE_BYTES,
    read_definitions,
    read_parameter_data,
    read_variables,
)
from histogrammer.events.protocol.ringitems import (
    HEAD_BYTES,
    MAX_ITEM_BYTES,
    ItemType,
    RingItem,
    read_head,
    read_item,
)
from histogrammer.events.scatter import word

__all__ = ["Raw", "Stretch", "stretches"]

Raw: TypeAlias = npt.NDArray[np.uint8]

_HEAD, _LARGEST, _VALUE = HEAD_BYTES, MAX_ITEM_BYTES, VALUE_BYTES
_DATA, _DEFINITIONS, _VARIABLES, _FORMAT, _STATES = (
    int(each)
    for each in (
        ItemType.PARAMETER_DATA,
        ItemType.PARAMETER_DEFINITIONS,
        ItemType.VARIABLE_VALUES,
        ItemType.RING_FORMAT,
        ItemType.ABNORMAL_END,  # and those below
    )
)
_MAX_TYPE = 0xFFFF
_4, _8 = np.uint64(4), np.uint64(8)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole items that follow each other.

    Attributes:
        start: Place of the first.
        stop: Place behind the last.
        items: Number of items.
        events: Number of events among them.
        needed: The item, if it is one that no reader may leave out, alone; else None.
    """

    start: int
    stop: int
    items: int
    events: int
    needed: RingItem | None = None


def stretches(
    data: Raw, at: int, end: int, *, offset: int = 0, until: int | None = None
) -> Iterator[Stretch]:
    """Yield the whole items among bytes, in order.

    Args:
        data: Bytes; an item begins at `at`.
        at: Where to begin.
        end: Where the bytes end; an item that is not whole there is not yielded.
        offset: Where in its source `data` begins, for errors.
        until: Items that begin there or later are not yielded; None: any.

    Raises:
        RingItemError: The next item is one that the decoder does not take.
    """
    last = end if until is None else min(until, end)
    while at < last:
        stop, items, events = (int(n) for n in _walk(data, at, end, last))
        if items:
            yield Stretch(at, stop, items, events)
            at = stop
            continue
        if end - at < HEAD_BYTES:
            return
        head = read_head(data.data, at, offset + at)
        if end - at < head.size:
            return
        item = read_item(data.data, at, offset + at)
        _check(item)
        yield Stretch(at, at + head.size, 1, 0, item)
        at += head.size


def _check(item: RingItem) -> None:
    """Read what the decoder will read; RingItemError if it cannot be."""
    if item.type == _DEFINITIONS:
        read_definitions(item)
    elif item.type == _VARIABLES:
        read_variables(item)
    elif item.type == _DATA:
        read_parameter_data(item)


@compiled
def _walk(data: Raw, at: int, end: int, last: int) -> tuple[int, int, int]:
    """Step over good items that may be left out; where the next begins, how many, and how many of
    them are events."""
    items = events = 0
    while at < last and end - at >= _HEAD:
        start = np.uint64(at)
        size = np.int64(word(data, start))
        kind = np.int64(word(data, start + _4))
        payload = 8 + max(np.int64(4), np.int64(word(data, start + _8)))
        if size < _HEAD or size > _LARGEST or kind > _MAX_TYPE or payload > size:
            break
        if size > end - at:
            break
        if kind == _DATA:
            if payload + 12 > size:
                break
            number = np.int64(word(data, start + np.uint64(payload) + _8))
            if payload + 12 + _VALUE * number > size:
                break
            events += 1
        elif 1 <= kind <= _STATES or kind in (_FORMAT, _DEFINITIONS, _VARIABLES):
            break
        at += int(size)
        items += 1
    return at, items, events
