"""Ring items of the data acquisition, formats 11 and 12: state changes, texts, scalers, counts.

`RingItem` -> its contents, and back. Bytes behind what a layout names are ignored: later formats
extend items at their ends.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from histogrammer.errors import RingItemError
from histogrammer.events.protocol.ringitems import (
    BodyHeader,
    ItemType,
    RingItem,
    check_room,
    read_strings,
    read_text,
    type_name,
    write_text,
)

__all__ = [
    "AcquisitionItem",
    "EventCount",
    "Glom",
    "RingFormat",
    "Scalers",
    "StateChange",
    "TextList",
    "read_acquisition_item",
    "read_event_count",
    "read_glom",
    "read_ring_format",
    "read_scalers",
    "read_state_change",
    "read_text_list",
    "write_event_count",
    "write_glom",
    "write_ring_format",
    "write_scalers",
    "write_state_change",
    "write_text_list",
]

TITLE_BYTES = 81
"""With the NUL at its end."""


def _fields(item: RingItem, layout: struct.Struct) -> tuple[int, ...]:
    if len(item.payload) < layout.size:
        what = f"{type_name(item.type)} item with {len(item.payload)} bytes of contents"
        raise RingItemError(item.offset, f"{what}; it should have {layout.size}")
    return layout.unpack_from(item.payload)


class _Layout:
    """Whole numbers at the beginning of a payload; format 12 has the original source id behind
    them."""

    def __init__(self, plain: str) -> None:
        self._plain, self._marked = struct.Struct(f"<{plain}"), struct.Struct(f"<{plain}I")

    def read(self, item: RingItem, version: int) -> tuple[tuple[int, ...], int | None, int]:
        """Return the numbers, the source id (None in format 11), and where the rest begins."""
        layout = self._plain if version == 11 else self._marked
        numbers = _fields(item, layout)
        if version == 11:
            return numbers, None, layout.size
        return numbers[:-1], numbers[-1], layout.size

    def write(self, numbers: tuple[int, ...], original_source: int | None) -> bytes:
        if original_source is None:
            return self._plain.pack(*numbers)
        return self._marked.pack(*numbers, original_source)


def _item(
    number: int, payload: bytes, original_source: int | None, header: BodyHeader | None
) -> RingItem:
    return RingItem(number, payload, header, 11 if original_source is None else 12)


@dataclass(frozen=True, slots=True)
class StateChange:
    """Begin, end, pause or resume of a run. Its time is `time_offset / divisor` s of the run.

    Attributes:
        type: Which of the four.
        run: Run number.
        time_offset: Time in the run, in parts of a second.
        unix_time: The same on the clock, s.
        divisor: Parts in a second.
        title: At most 80 bytes.
        original_source: Source id before the event builder gave another; None in format 11.
    """

    type: int
    run: int
    time_offset: int
    unix_time: int
    divisor: int
    title: str
    original_source: int | None = None


_STATE_CHANGE = _Layout("IIII")


def read_state_change(item: RingItem, version: int) -> StateChange:
    """Read a change of state; RingItemError if it is too short."""
    (run, time_offset, unix_time, divisor), source, at = _STATE_CHANGE.read(item, version)
    title = item.payload[at : at + TITLE_BYTES]
    if len(title) < TITLE_BYTES:
        what = f"{type_name(item.type)} item with {len(title)} bytes of a title"
        raise RingItemError(item.offset, f"{what}; it should have {TITLE_BYTES}")
    text = read_text(title.partition(b"\0")[0])
    return StateChange(item.type, run, time_offset, unix_time, divisor, text, source)


def write_state_change(change: StateChange, header: BodyHeader | None = None) -> RingItem:
    """Write a change of state; ValueError if its title is too long."""
    numbers = change.run, change.time_offset, change.unix_time, change.divisor
    title = write_text(change.title, TITLE_BYTES - 1).ljust(TITLE_BYTES, b"\0")
    payload = _STATE_CHANGE.write(numbers, change.original_source) + title
    return _item(change.type, payload, change.original_source, header)


@dataclass(frozen=True, slots=True)
class TextList:
    """Packet types or monitored variables, as lines of text.

    Attributes:
        type: Which of the two.
        time_offset: Time in the run, in parts of a second.
        unix_time: The same on the clock, s.
        divisor: Parts in a second.
        texts: The lines.
        original_source: As of `StateChange`.
    """

    type: int
    time_offset: int
    unix_time: int
    divisor: int
    texts: tuple[str, ...]
    original_source: int | None = None


_TEXT_LIST = _Layout("IIII")


def read_text_list(item: RingItem, version: int) -> TextList:
    """Read a list of texts; RingItemError if it has fewer than it says."""
    (time_offset, unix_time, number, divisor), source, at = _TEXT_LIST.read(item, version)
    texts = tuple(text for _at, text in read_strings(item, at, number))
    return TextList(item.type, time_offset, unix_time, divisor, texts, source)


def write_text_list(texts: TextList, header: BodyHeader | None = None) -> RingItem:
    """Write a list of texts."""
    numbers = texts.time_offset, texts.unix_time, len(texts.texts), texts.divisor
    payload = _TEXT_LIST.write(numbers, texts.original_source)
    payload += b"".join(write_text(text) + b"\0" for text in texts.texts)
    return _item(texts.type, payload, texts.original_source, header)


@dataclass(frozen=True, slots=True)
class RingFormat:
    """Format of the items that follow."""

    major: int
    minor: int = 0


_RING_FORMAT = struct.Struct("<HH")


def read_ring_format(item: RingItem) -> RingFormat:
    """Read a format item; RingItemError if it is too short."""
    return RingFormat(*_fields(item, _RING_FORMAT))


def write_ring_format(ring_format: RingFormat) -> RingItem:
    """Write a format item."""
    payload = _RING_FORMAT.pack(ring_format.major, ring_format.minor)
    version = 11 if ring_format.major < 12 else 12
    return RingItem(ItemType.RING_FORMAT, payload, version=version)


@dataclass(frozen=True, slots=True)
class Scalers:
    """Counts of scalers over a part of the run.

    Attributes:
        start_offset: Its beginning in the run, in parts of a second.
        end_offset: Its end.
        unix_time: Its end on the clock, s.
        divisor: Parts in a second.
        counts: One for each scaler.
        is_incremental: The counts are those of this part only.
        original_source: As of `StateChange`.
    """

    start_offset: int
    end_offset: int
    unix_time: int
    divisor: int
    counts: tuple[int, ...]
    is_incremental: bool = True
    original_source: int | None = None


_SCALERS = _Layout("IIIIII")


def read_scalers(item: RingItem, version: int) -> Scalers:
    """Read scalers; RingItemError if there are fewer than it says."""
    (*times, number, flag), source, at = _SCALERS.read(item, version)
    check_room(item, at, number, 4)
    counts = struct.unpack_from(f"<{number}I", item.payload, at)
    start_offset, end_offset, unix_time, divisor = times
    return Scalers(start_offset, end_offset, unix_time, divisor, counts, flag != 0, source)


def write_scalers(scalers: Scalers, header: BodyHeader | None = None) -> RingItem:
    """Write scalers."""
    times = scalers.start_offset, scalers.end_offset, scalers.unix_time, scalers.divisor
    number = len(scalers.counts)
    payload = _SCALERS.write((*times, number, int(scalers.is_incremental)), scalers.original_source)
    payload += struct.pack(f"<{number}I", *scalers.counts)
    return _item(ItemType.SCALERS, payload, scalers.original_source, header)


@dataclass(frozen=True, slots=True)
class EventCount:
    """Number of physics events up to a time in the run.

    Attributes:
        time_offset: The time, in parts of a second.
        divisor: Parts in a second.
        unix_time: The same on the clock, s.
        events: Their number.
        original_source: As of `StateChange`.
    """

    time_offset: int
    divisor: int
    unix_time: int
    events: int
    original_source: int | None = None


_EVENT_COUNT = _Layout("III")
_NUMBER = struct.Struct("<Q")


def read_event_count(item: RingItem, version: int) -> EventCount:
    """Read a count of events; RingItemError if it is too short."""
    (time_offset, divisor, unix_time), source, at = _EVENT_COUNT.read(item, version)
    if len(item.payload) < at + _NUMBER.size:
        raise RingItemError(item.offset, "event count item without its number")
    (events,) = _NUMBER.unpack_from(item.payload, at)
    return EventCount(time_offset, divisor, unix_time, events, source)


def write_event_count(count: EventCount, header: BodyHeader | None = None) -> RingItem:
    """Write a count of events."""
    numbers = count.time_offset, count.divisor, count.unix_time
    payload = _EVENT_COUNT.write(numbers, count.original_source) + _NUMBER.pack(count.events)
    return _item(ItemType.EVENT_COUNT, payload, count.original_source, header)


@dataclass(frozen=True, slots=True)
class Glom:
    """Parameters of the event builder.

    Attributes:
        coincidence_ticks: Largest distance of two fragments of an event.
        is_building: Events are built.
        policy: Time stamp of an event: 0 the first, 1 the last, 2 the average of its fragments.
    """

    coincidence_ticks: int
    is_building: bool
    policy: int


_GLOM = struct.Struct("<QHH")


def read_glom(item: RingItem) -> Glom:
    """Read parameters of the event builder; RingItemError if it is too short."""
    ticks, is_building, policy = _fields(item, _GLOM)
    return Glom(ticks, is_building != 0, policy)


def write_glom(glom: Glom) -> RingItem:
    """Write parameters of the event builder."""
    payload = _GLOM.pack(glom.coincidence_ticks, int(glom.is_building), glom.policy)
    return RingItem(ItemType.GLOM, payload)


AcquisitionItem: TypeAlias = (
    StateChange | TextList | RingFormat | Scalers | EventCount | Glom | RingItem
)
"""Contents of an item; a `RingItem` where the payload has no layout of its own."""

_READERS: dict[int, Callable[[RingItem, int], AcquisitionItem]] = {
    ItemType.BEGIN_RUN: read_state_change,
    ItemType.END_RUN: read_state_change,
    ItemType.PAUSE_RUN: read_state_change,
    ItemType.RESUME_RUN: read_state_change,
    ItemType.PACKET_TYPES: read_text_list,
    ItemType.MONITORED_VARIABLES: read_text_list,
    ItemType.RING_FORMAT: lambda item, _version: read_ring_format(item),
    ItemType.SCALERS: read_scalers,
    ItemType.EVENT_COUNT: read_event_count,
    ItemType.GLOM: lambda item, _version: read_glom(item),
}


def read_acquisition_item(item: RingItem, version: int) -> AcquisitionItem:
    """Read the contents of an item of the data acquisition.

    Args:
        item: Any item.
        version: Format of its contents, 11 or 12.

    Raises:
        RingItemError: The contents are not those of its type.
    """
    reader = _READERS.get(item.type)
    return item if reader is None else reader(item, version)
