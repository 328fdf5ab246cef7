"""Ring items of NSCLDAQ: the generic item, and those of the data acquisition, formats 11 and 12.

Bytes -> `RingItem` -> its contents, and back. All is little-endian and packed. Bytes behind what a
layout names are ignored: later formats extend items at their ends.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

from histogrammer.errors import RingItemError

__all__ = [
    "HEAD_BYTES",
    "MAX_ITEM_BYTES",
    "AcquisitionItem",
    "Barrier",
    "BodyHeader",
    "EventCount",
    "Glom",
    "ItemHead",
    "ItemType",
    "RingFormat",
    "RingItem",
    "Scalers",
    "StateChange",
    "TextList",
    "read_acquisition_item",
    "read_event_count",
    "read_glom",
    "read_head",
    "read_item",
    "read_ring_format",
    "read_scalers",
    "read_state_change",
    "read_strings",
    "read_text",
    "read_text_list",
    "type_name",
    "write_event_count",
    "write_glom",
    "write_item",
    "write_ring_format",
    "write_scalers",
    "write_state_change",
    "write_text",
    "write_text_list",
]

HEAD_BYTES = 12
"""Smallest item: its size, its type, and the size of its body header."""

MAX_ITEM_BYTES = 1 << 26
"""A larger item is damage: a whole ring buffer of the data acquisition has 8 MB."""

TITLE_BYTES = 81
"""With the NUL at its end."""

_HEAD = struct.Struct("<III")
_BODY_HEADER = struct.Struct("<QII")
_BARE = 4
"""Size of the word alone, as format 12 says that there is no body header; format 11 says 0."""
_WITH_HEADER = _BARE + _BODY_HEADER.size


class ItemType(IntEnum):
    """Types of items; others are legal, too."""

    BEGIN_RUN = 1
    END_RUN = 2
    PAUSE_RUN = 3
    RESUME_RUN = 4
    ABNORMAL_END = 5
    PACKET_TYPES = 10
    MONITORED_VARIABLES = 11
    RING_FORMAT = 12
    SCALERS = 20
    PHYSICS_EVENT = 30
    EVENT_COUNT = 31
    FRAGMENT = 40
    UNKNOWN_FRAGMENT = 41
    GLOM = 42
    PARAMETER_DEFINITIONS = 32768
    VARIABLE_VALUES = 32769
    PARAMETER_DATA = 32770
    TEST_DATA = 32771


class Barrier(IntEnum):
    """Barrier types of a body header."""

    NONE = 0
    BEGIN = 1
    END = 2
    PAUSE = 3
    RESUME = 4


def type_name(number: int) -> str:
    """Return the name of a type for people: `scalers`, or `type 33000`."""
    try:
        return ItemType(number).name.lower().replace("_", " ")
    except ValueError:
        return f"type {number}"


@dataclass(frozen=True, slots=True)
class BodyHeader:
    """Body header of an item.

    Attributes:
        time_stamp: Ticks of the source's clock.
        source: Id of the source.
        barrier: One of `Barrier`, or what else was written.
        extension: Bytes behind, which format 12 allows.
    """

    time_stamp: int
    source: int
    barrier: int = Barrier.NONE
    extension: bytes = b""


@dataclass(frozen=True, slots=True)
class RingItem:
    """Any item.

    Attributes:
        type: One of `ItemType`, or what else was written.
        payload: Bytes behind the body header.
        header: None: there is none.
        version: 11 or 12, as an item without body header tells it by the word in its place.
        offset: Byte of the source at which it begins; it is no part of the item.
    """

    type: int
    payload: bytes
    header: BodyHeader | None = None
    version: int = 12
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ItemHead:
    """Beginning of an item, checked.

    Attributes:
        size: Bytes of the whole item.
        type: Its type.
        header_word: Size of the body header, as it is written.
    """

    size: int
    type: int
    header_word: int

    @property
    def payload_at(self) -> int:
        """Byte of the item at which its payload begins."""
        return 8 + max(_BARE, self.header_word)


def read_head(data: bytes | bytearray | memoryview, at: int = 0, offset: int = 0) -> ItemHead:
    """Read the first 12 bytes of an item, which must be there.

    Args:
        data: Bytes with the item in it.
        at: Where in `data` it begins.
        offset: Where in its source it begins, for the error.

    Raises:
        RingItemError: The type, the size or the body header cannot be.
    """
    size, number, header_word = _HEAD.unpack_from(data, at)
    if number > 0xFFFF:
        swapped = int.from_bytes(number.to_bytes(4, "little"), "big")
        if swapped <= 0xFFFF:
            reason = "big-endian (swapped byte order); only little-endian items are read"
        else:
            reason = f"no ring item: its type would be {number:#x}"
        raise RingItemError(offset, reason)
    if size < HEAD_BYTES:
        raise RingItemError(offset, f"size {size} of an item; the least is {HEAD_BYTES}")
    if size > MAX_ITEM_BYTES:
        raise RingItemError(offset, f"size {size} of an item; the largest is {MAX_ITEM_BYTES}")
    head = ItemHead(size, number, header_word)
    if head.payload_at > size:
        raise RingItemError(offset, f"body header of {header_word} bytes in an item of {size}")
    return head


def read_item(data: bytes | bytearray | memoryview, at: int = 0, offset: int = 0) -> RingItem:
    """Read an item, which may be followed by others.

    Args:
        data: Bytes with the item in it.
        at: Where in `data` it begins.
        offset: Where in its source it begins.

    Raises:
        RingItemError: It is cut, or none.
    """
    there = len(data) - at
    if there < HEAD_BYTES:
        raise RingItemError(offset, f"cut within the head of an item: {there} of 12 bytes")
    head = read_head(data, at, offset)
    if there < head.size:
        raise RingItemError(offset, f"cut within an item: {there} of {head.size} bytes")
    header = None
    if head.header_word >= _WITH_HEADER:
        stamp, source, barrier = _BODY_HEADER.unpack_from(data, at + HEAD_BYTES)
        extension = bytes(data[at + 8 + _WITH_HEADER : at + head.payload_at])
        header = BodyHeader(stamp, source, barrier, extension)
    payload = bytes(data[at + head.payload_at : at + head.size])
    return RingItem(head.type, payload, header, 12 if head.header_word else 11, offset)


def write_item(item: RingItem) -> bytes:
    """Write an item."""
    if (header := item.header) is None:
        word, body = (0 if item.version == 11 else _BARE), b""
    else:
        word = _WITH_HEADER + len(header.extension)
        body = _BODY_HEADER.pack(header.time_stamp, header.source, header.barrier)
        body += header.extension
    size = HEAD_BYTES + len(body) + len(item.payload)
    return _HEAD.pack(size, item.type, word) + body + item.payload


def read_text(raw: bytes) -> str:
    r"""Return a text of a file; bytes that are no UTF-8 become `\xb5`, and differ as before."""
    return raw.decode("utf-8", "backslashreplace")


def write_text(text: str, most: int | None = None) -> bytes:
    """Write a text that a NUL will end.

    Raises:
        ValueError: There is a NUL in it, or it has more than `most` bytes.
    """
    raw = text.encode("utf-8", "surrogatepass")
    if b"\0" in raw:
        raise ValueError(f"{text!r}: a text in a ring item cannot have a NUL in it")
    if most is not None and len(raw) > most:
        raise ValueError(f"{text!r} has {len(raw)} bytes; there is room for {most}")
    return raw


def read_strings(item: RingItem, at: int, number: int, gap: int = 0) -> list[tuple[int, str]]:
    """Read texts, each of which ends with a NUL.

    Args:
        item: Item with them.
        at: Where in its payload they begin.
        number: How many there should be.
        gap: Bytes before each that are something else.

    Returns:
        Of each text where the gap before it begins, and the text.

    Raises:
        RingItemError: The item has no room for so many, or one has no NUL.
    """
    payload, texts = item.payload, []
    _check_room(item, at, number, gap + 1)
    for index in range(number):
        end = payload.find(b"\0", at + gap)
        if end < 0:
            what = f"text {index + 1} of {number} in a {type_name(item.type)} item has no end"
            raise RingItemError(item.offset, what)
        texts.append((at, read_text(payload[at + gap : end])))
        at = end + 1
    return texts


def _check_room(item: RingItem, at: int, number: int, each: int) -> None:
    room = len(item.payload) - at
    if room < 0 or number > room // each:
        what = f"{type_name(item.type)} item says {number} entries; it has {max(room, 0)} bytes"
        raise RingItemError(item.offset, f"{what} for them")


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
    _check_room(item, at, number, 4)
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
