"""Ring files of tests, written by `struct` alone, and events read one by one: a second method."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO

from histogrammer.errors import RingItemError
from histogrammer.events.blocks import EventBlock
from histogrammer.events.decoder import Decoder, Part

Event = dict[str, float]


def item(kind: int, payload: bytes, header: bytes = struct.pack("<I", 4)) -> bytes:
    """Return an item; `header` is the word at byte 8 and the body header behind it."""
    return struct.pack("<II", 8 + len(header) + len(payload), kind) + header + payload


def definitions(names: Sequence[tuple[int, str]]) -> bytes:
    """Return an item of definitions."""
    texts = b"".join(struct.pack("<I", number) + name.encode() + b"\0" for number, name in names)
    return item(32768, struct.pack("<I", len(names)) + texts)


def event(trigger: int, values: Iterable[tuple[int, float]]) -> bytes:
    """Return an item of one event."""
    pairs = [struct.pack("<Id", number, value) for number, value in values]
    return item(32770, struct.pack("<QI", trigger, len(pairs)) + b"".join(pairs))


def plain_events(data: bytes) -> Iterator[Event]:
    """Read the events of a good file, one by one."""
    stream, names = BytesIO(data), dict[int, str]()
    while head := stream.read(12):
        size, kind, word = struct.unpack("<III", head)
        payload = stream.read(size - 12)[max(4, word) - 4 :]
        if kind == 32768:
            (count,) = struct.unpack_from("<I", payload)
            names, rest = {}, payload[4:]
            for _ in range(count):
                number, (name, _nul, rest) = rest[:4], rest[4:].partition(b"\0")
                names[int.from_bytes(number, "little")] = name.decode()
        elif kind == 32770:
            (count,) = struct.unpack_from("<I", payload, 8)
            pairs = struct.iter_unpack("<Id", payload[12 : 12 + 12 * count])
            yield {names[number]: value for number, value in pairs if number in names}


def events_of(parts: Iterable[object]) -> list[Event]:
    """Return the events of blocks, as mappings."""
    events: list[Event] = []
    for block in parts:
        if isinstance(block, EventBlock):
            there = {name: block.present(name) for name in block.rows}
            columns = {name: block.column(name) for name in block.rows}
            events += [
                {name: float(columns[name][k]) for name in block.rows if there[name][k]}
                for k in range(len(block))
            ]
    return events


def same(one: Sequence[Mapping[str, float]], other: Sequence[Mapping[str, float]]) -> bool:
    """Tell if events have the same values; -0.0 is not 0.0, and NaN is itself."""

    def key(value: float) -> object:
        return "nan" if math.isnan(value) else struct.pack("<d", value)

    def keys(events: Sequence[Mapping[str, float]]) -> list[dict[str, object]]:
        return [{name: key(value) for name, value in each.items()} for each in events]

    return keys(one) == keys(other)


def feed(decoder: Decoder, pieces: Iterable[bytes]) -> tuple[list[Part], RingItemError | None]:
    """Give pieces to a decoder, to the end; what it yields, and the error that ends it."""
    parts: list[Part] = []
    error = None
    try:
        for piece in pieces:
            while piece:
                room = decoder.room()
                count = min(len(room), len(piece))
                room[:count] = piece[:count]
                decoder.filled(count)
                piece = piece[count:]
                parts += decoder.parts()
        parts += decoder.flush()
        decoder.end()
    except RingItemError as raised:
        error = raised
    parts += decoder.flush()
    return parts, error
