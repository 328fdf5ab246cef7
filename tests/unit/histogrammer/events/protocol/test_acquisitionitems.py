"""Items of the data acquisition as bytes, in both directions, formats 11 and 12."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from histogrammer.errors import RingItemError
from histogrammer.events.protocol import acquisitionitems as acq
from histogrammer.events.protocol.acquisitionitems import (
    EventCount,
    Glom,
    RingFormat,
    Scalers,
    StateChange,
    TextList,
    read_acquisition_item,
)
from histogrammer.events.protocol.ringitems import BodyHeader, RingItem, read_item, write_item

BEGIN_12 = (
    "71 00 00 00 01 00 00 00 04 00 00 00 2a 00 00 00 00 00 00 00 00 f1 53 65 01 00 00 00 00 00 00 00"
    " 74 65 73 74 20 72 75 6e" + " 00" * 73
)
END_11 = (
    "6d 00 00 00 02 00 00 00 00 00 00 00 07 00 00 00 0a 00 00 00 05 00 00 00 02 00 00 00 78"
    + " 00" * 80
)
TEXTS_12 = (
    "27 00 00 00 0b 00 00 00 04 00 00 00 01 00 00 00 02 00 00 00 02 00 00 00 03 00 00 00 09 00 00 00"
    " 61 3d 31 00 c2 b5 00"
)
SCALERS_11 = (
    "2c 00 00 00 14 00 00 00 00 00 00 00 01 00 00 00 02 00 00 00 03 00 00 00 04 00 00 00 02 00 00 00"
    " 01 00 00 00 ff ff ff ff 05 00 00 00"
)
COUNT_12 = (
    "24 00 00 00 1f 00 00 00 04 00 00 00 01 00 00 00 02 00 00 00 03 00 00 00 04 00 00 00"
    " 00 00 00 00 01 00 00 00"
)
GLOM = "18 00 00 00 2a 00 00 00 04 00 00 00 0a 00 00 00 00 00 00 00 01 00 02 00"
CONTENTS: list[tuple[str, int, object, Callable[..., RingItem]]] = [
    (
        BEGIN_12,
        12,
        StateChange(1, 42, 0, 1700000000, 1, "test run", 0),
        acq.write_state_change,
    ),
    (END_11, 11, StateChange(2, 7, 10, 5, 2, "x"), acq.write_state_change),
    (
        TEXTS_12,
        12,
        TextList(11, 1, 2, 3, ("a=1", "µ"), 9),
        acq.write_text_list,
    ),
    (
        "10 00 00 00 0c 00 00 00 00 00 00 00 0b 00 00 00",
        11,
        RingFormat(11, 0),
        acq.write_ring_format,
    ),
    (
        "10 00 00 00 0c 00 00 00 04 00 00 00 0c 00 00 00",
        12,
        RingFormat(12, 0),
        acq.write_ring_format,
    ),
    (SCALERS_11, 11, Scalers(1, 2, 3, 4, (0xFFFFFFFF, 5), True), acq.write_scalers),
    (COUNT_12, 12, EventCount(1, 2, 3, 1 << 32, 4), acq.write_event_count),
    (GLOM, 12, Glom(10, True, 2), acq.write_glom),
]


@pytest.mark.parametrize(("text", "version", "known", "write"), CONTENTS)
def test_contents_read_and_write(
    text: str, version: int, known: object, write: Callable[..., RingItem]
) -> None:
    raw = bytes.fromhex(text)
    assert read_acquisition_item(read_item(raw), version) == known
    assert write_item(write(known)) == raw


@pytest.mark.parametrize(("text", "version", "known", "write"), CONTENTS)
def test_contents_that_are_cut_are_refused_at_any_byte(
    text: str, version: int, known: object, write: Callable[..., RingItem]
) -> None:
    item = read_item(bytes.fromhex(text), offset=5)
    for length in range(len(item.payload)):
        cut = replace(item, payload=item.payload[:length])
        with pytest.raises(RingItemError, match="byte 5"):
            read_acquisition_item(replace(cut, offset=5), version)


@pytest.mark.parametrize(
    ("source", "header", "size"),
    [
        (None, None, 109),
        (0, None, 113),
        (None, BodyHeader(1, 2), 125),
        (0, BodyHeader(1, 2), 129),
    ],
)
def test_state_change_has_the_size_of_its_format(
    source: int | None, header: BodyHeader | None, size: int
) -> None:
    change = StateChange(1, 42, 0, 1, 1, "t" * 80, source)
    raw = write_item(acq.write_state_change(change, header))
    assert len(raw) == size
    item = read_item(raw)
    assert item.header == header
    assert read_acquisition_item(item, 11 if source is None else 12) == change


@pytest.mark.parametrize("title", ["t" * 81, "µ" * 41])
def test_title_that_is_too_long_is_refused(title: str) -> None:
    with pytest.raises(ValueError, match="room for 80"):
        acq.write_state_change(StateChange(1, 1, 0, 0, 1, title))


def test_bytes_behind_a_layout_are_ignored() -> None:
    item = read_item(bytes.fromhex(GLOM))
    assert read_acquisition_item(replace(item, payload=item.payload + b"more"), 12) == Glom(
        10, True, 2
    )


@pytest.mark.parametrize("kind", [5, 30, 40, 41, 32771, 33000])
def test_item_without_a_layout_is_its_own_contents(kind: int) -> None:
    item = RingItem(kind, b"any", BodyHeader(1, 2))
    assert read_acquisition_item(item, 12) is item


@pytest.mark.parametrize(
    ("text", "place", "what"), [(TEXTS_12, 8, "entries"), (SCALERS_11, 16, "entries")]
)
def test_number_beyond_the_item_is_refused(text: str, place: int, what: str) -> None:
    item: Any = read_item(bytes.fromhex(text))
    payload = bytearray(item.payload)
    payload[place : place + 4] = b"\xff" * 4
    with pytest.raises(RingItemError, match=what):
        read_acquisition_item(replace(item, payload=bytes(payload)), 12 if text is TEXTS_12 else 11)
