"""Ring items of NSCLDAQ, formats 11 and 12: any item, its body header, and texts in it.

Bytes -> `RingItem`, and back. All is little-endian and packed. What a payload means is read by
`acquisitionitems` and `paramitems`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum

from histogrammer.errors import RingItemError

__all__ = [
    "HEAD_BYTES",
    "MAX_ITEM_BYTES",
    "Barrier",
    "BodyHeader",
    "ItemHead",
    "ItemType",
    "RingItem",
    "check_room",
    "read_head",
    "read_item",
    "read_strings",
    "read_text",
    "type_name",
    "write_item",
    "write_text",
]

HEAD_BYTES = 12
"""Smallest item: its size, its type, and the size of its body header."""

MAX_ITEM_BYTES = 1 << 26
"""A larger item is damage: a whole ring buffer of the data acquisition has 8 MB."""

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
    check_room(item, at, number, gap + 1)
    for index in range(number):
        end = payload.find(b"\0", at + gap)
        if end < 0:
            what = f"text {index + 1} of {number} in a {type_name(item.type)} item has no end"
            raise RingItemError(item.offset, what)
        texts.append((at, read_text(payload[at + gap : end])))
        at = end + 1
    return texts


def check_room(item: RingItem, at: int, number: int, each: int) -> None:
    """Check that entries that an item says have room in it.

    Args:
        item: The item.
        at: Where in its payload they begin.
        number: How many there should be.
        each: Bytes that each has at least.

    Raises:
        RingItemError: They have not.
    """
    room = len(item.payload) - at
    if room < 0 or number > room // each:
        what = f"{type_name(item.type)} item says {number} entries; it has {max(room, 0)} bytes"
        raise RingItemError(item.offset, f"{what} for them")
