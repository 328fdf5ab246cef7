"""Whole items among bytes: those that may be left out together, the others alone, bad ones refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.ringfiles import definitions, event, feed, item

from histogrammer.errors import RingItemError
from histogrammer.events.decoder import Decoder
from histogrammer.events.itemwalk import Stretch, stretches

NEEDED = (1, 2, 3, 4, 5, 12, 32768, 32769)
HEADER = struct.pack("<IQII", 20, 1, 2, 0)
ITEMS = st.sampled_from(
    [
        definitions([(1, "a"), (7, "b")]),
        event(3, [(1, 1.0), (7, 2.0)]),
        event(4, []),
        item(20, b"12345"),
        item(30, b"abcd", HEADER),
        item(32770, struct.pack("<QIId", 1, 1, 1, 2.0), HEADER),
        item(12, struct.pack("<HH", 12, 0), struct.pack("<I", 0)),
        item(33000, b""),
    ]
)


def walk(data: bytes) -> list[Stretch]:
    """Return the stretches of bytes."""
    return list(stretches(np.frombuffer(data, np.uint8), 0, len(data)))


@settings(max_examples=25, deadline=None)
@given(st.lists(ITEMS, max_size=12), st.integers(0, 200))
def test_items_are_all_there_in_order_up_to_the_last_whole_one(
    items: list[bytes], cut: int
) -> None:
    data = b"".join(items)
    given_bytes = data[: max(0, len(data) - cut)]
    starts = np.cumsum([0, *map(len, items)])
    whole = int((starts[1:] <= len(given_bytes)).sum())
    found = walk(given_bytes)
    assert sum(each.items for each in found) == whole
    assert [0, *(each.stop for each in found)] == [*(each.start for each in found), starts[whole]]
    alone = [struct.unpack_from("<I", one, 4)[0] for one in items[:whole]]
    assert [each.needed.type for each in found if each.needed] == [
        kind for kind in alone if kind in NEEDED
    ]
    assert sum(each.events for each in found) == alone.count(32770)


BAD = [
    struct.pack("<III", 11, 30, 4),
    struct.pack("<III", 1 << 27, 30, 4),
    struct.pack(">III", 12, 30, 4),
    struct.pack("<III", 12, 30, 24),
    struct.pack("<III", 12, 32770, 4),
    item(32770, struct.pack("<QI", 1, 1)),
    item(32770, struct.pack("<QI", 1, 0xFFFFFFFF)),
    item(32768, struct.pack("<II", 1, 1) + b"no end"),
    item(32769, struct.pack("<I", 3)),
]


@pytest.mark.parametrize("bad", BAD)
def test_what_the_decoder_refuses_is_refused_at_the_same_byte_with_the_same_reason(
    bad: bytes,
) -> None:
    good = definitions([(1, "a")]) + event(0, [(1, 1.0)])
    with pytest.raises(RingItemError) as found:
        walk(good + bad)
    _, error = feed(Decoder(), [good + bad])
    assert error is not None
    assert (found.value.offset, found.value.reason) == (error.offset, error.reason)


def test_items_from_a_place_on_are_left_to_others() -> None:
    data = np.frombuffer(event(0, []) * 5, np.uint8)
    found = list(stretches(data, 0, len(data), until=49))
    assert [(each.stop, each.events) for each in found] == [(72, 3)]
