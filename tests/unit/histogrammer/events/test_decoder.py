"""Ring items in pieces of any size, as blocks of events: all good variants, all broken ones."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.ringfiles import definitions, event, events_of, feed, item, plain_events, same

from histogrammer.events import decoder as decoder_module
from histogrammer.events.accounts import Account, Drop, Oddity
from histogrammer.events.blocks import ABSENT32, EventBlock
from histogrammer.events.decoder import BUFFER_BYTES, Decoder
from histogrammer.events.protocol.acquisitionitems import RingFormat, Scalers, StateChange, TextList
from histogrammer.events.protocol.paramitems import ParameterNames, Variables
from histogrammer.events.protocol.ringitems import RingItem
from histogrammer.events.scatter import scatter, scatter_numpy

NAMES = [(3, "e1"), (1000, "a b"), (17, "det.µ"), (2**32 - 1, "x")]
STATE = struct.pack("<5I", 42, 0, 0, 1, 0) + b"title".ljust(81, b"\0")
MIXED = [
    item(12, struct.pack("<HH", 12, 0)),
    definitions(NAMES),
    item(1, STATE),
    event(0, [(3, 1.5), (17, 2.0)]),
    event(1, []),
    item(20, struct.pack("<9I", 0, 1, 2, 1, 2, 1, 0, 7, 8)),
    item(11, struct.pack("<5I", 0, 1, 1, 1, 0) + b"gain=2\0"),
    item(30, b"raw", struct.pack("<IQII", 20, 5, 1, 0)),
    event(2, [(2**32 - 1, math.nan), (1000, -0.0), (3, math.inf)]),
    item(33000, b"unknown"),
    item(32769, struct.pack("<Id", 1, 0.5) + b"keV".ljust(32, b"\0") + b"gain\0"),
    definitions([(1, "a b"), (2, "new")]),
    event(3, [(1, 0.25), (2, 1e300), (3, 1.0)]),
    item(2, STATE),
]
FILE = b"".join(MIXED)


@pytest.fixture(params=[scatter, scatter_numpy], autouse=True)
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_module, "scatter", request.param)


def adds_up(account: Account, size: int) -> bool:
    return (
        account.bytes == size
        and account.values == account.used + sum(account.dropped.values())
        and account.items == account.events + account.definitions + sum(account.skipped.values())
    )


def test_events_are_those_of_a_reader_that_takes_one_by_one() -> None:
    decoder = Decoder()
    parts, error = feed(decoder, [FILE])
    assert error is None
    found = events_of(parts)
    assert same(found, list(plain_events(FILE)))
    assert found[3] == {"a b": 0.25, "new": 1e300}
    assert adds_up(decoder.account, len(FILE))
    assert decoder.account.dropped[Drop.UNDEFINED] == 1
    assert decoder.account.skipped == {12: 1, 1: 1, 20: 1, 11: 1, 30: 1, 33000: 1, 32769: 1, 2: 1}


def test_other_items_come_in_their_order_as_objects() -> None:
    parts, _error = feed(Decoder(), [FILE])
    kinds = [type(part) for part in parts]
    assert kinds == [
        RingFormat,
        ParameterNames,
        StateChange,
        EventBlock,
        Scalers,
        TextList,
        RingItem,
        EventBlock,
        RingItem,
        Variables,
        ParameterNames,
        EventBlock,
        StateChange,
    ]
    assert isinstance(parts[2], StateChange)
    assert parts[2].title == "title"


def test_items_that_nobody_wants_end_no_block() -> None:
    decoder = Decoder(kept={1, 2})
    parts, _error = feed(decoder, [FILE])
    kinds = [type(part) for part in parts]
    assert kinds == [StateChange, EventBlock, EventBlock, StateChange]
    assert same(events_of(parts), list(plain_events(FILE)))
    assert adds_up(decoder.account, len(FILE))


@settings(max_examples=20)
@given(st.lists(st.integers(0, len(FILE)), max_size=5))
def test_pieces_of_any_size_give_the_same(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(FILE)]
    decoder = Decoder(block_events=2)
    parts, error = feed(decoder, [FILE[low:high] for low, high in pairwise(places)])
    assert error is None
    assert same(events_of(parts), list(plain_events(FILE)))
    assert adds_up(decoder.account, len(FILE))


def test_file_that_is_cut_at_any_byte_ends_well_only_between_items() -> None:
    starts = [0]
    for each in MIXED:
        starts.append(starts[-1] + len(each))
    for cut in range(len(FILE) + 1):
        decoder = Decoder()
        parts, error = feed(decoder, [FILE[:cut]])
        start = max(place for place in starts if place <= cut)
        assert decoder.account.bytes == start
        assert same(events_of(parts), list(plain_events(FILE[:start])))
        if cut == start:
            assert error is None
        else:
            assert error is not None
            assert error.offset == start
            assert error.reason.startswith("cut within")
            assert f"{cut - start} of" in error.reason


GOOD = definitions(NAMES) + event(0, [(3, 1.0)])
BROKEN = [
    (struct.pack("<III", 0, 32770, 4), "size 0"),
    (struct.pack("<III", 8, 32770, 4), "size 8"),
    (struct.pack("<III", 11, 32770, 4), "size 11"),
    (struct.pack("<III", 1 << 31, 32770, 4), "size 2147483648"),
    (struct.pack("<III", 0xFFFFFFFF, 99, 4), "size 4294967295"),
    (struct.pack("<III", 48, 32770, 4) + bytes(35), "cut within an item: 47 of 48"),
    (item(32770, struct.pack("<QI", 0, 2) + bytes(12)), "says 2 values"),
    (item(32770, struct.pack("<QI", 0, 0xFFFFFFFF) + bytes(12)), "says 4294967295 values"),
    (item(32770, bytes(8)), "8 bytes of contents"),
    (struct.pack("<III", 24, 32770, 0xFFFFFFFF) + bytes(12), "body header"),
    (item(32768, struct.pack("<I", 2) + bytes(4) + b"a\0"), "says 2 entries"),
    (item(32768, struct.pack("<II", 1, 5) + b"no end"), "has no end"),
    (item(32768, struct.pack("<I", 1 << 30)), "at most"),
    (item(32769, struct.pack("<I", 1) + bytes(40)), "says 1 entries"),
    (struct.pack(">III", 36, 32770, 4) + bytes(24), "big-endian"),
    (b"\x89HDF\r\n\x1a\n" + bytes(8), "no ring item"),
]


@pytest.mark.parametrize(("bad", "reason"), BROKEN)
def test_broken_item_is_named_with_its_place_after_all_that_came_before(
    bad: bytes, reason: str
) -> None:
    data = GOOD + bad
    for pieces in ([data], [data[k : k + 1] for k in range(len(data))]):
        decoder = Decoder()
        parts, error = feed(decoder, pieces)
        assert error is not None
        assert error.offset == len(GOOD)
        assert reason in error.reason
        assert events_of(parts) == [{"e1": 1.0}]
        assert adds_up(decoder.account, len(GOOD))


def test_big_endian_file_is_recognised_by_its_first_item() -> None:
    _parts, error = feed(Decoder(), [struct.pack(">IIIHH", 16, 12, 4, 12, 0)])
    assert error is not None
    assert (error.offset, "big-endian" in error.reason) == (0, True)


def test_empty_file_is_a_good_end() -> None:
    assert feed(Decoder(), []) == ([], None)


def test_events_before_any_definitions_lose_their_values_and_are_counted() -> None:
    decoder = Decoder()
    parts, error = feed(decoder, [event(0, [(1, 1.0), (2, 2.0)]) + GOOD])
    assert error is None
    assert events_of(parts) == [{}, {"e1": 1.0}]
    assert decoder.account.dropped[Drop.BEFORE_DEFINITIONS] == 2
    assert adds_up(decoder.account, 48 + len(GOOD))


def test_last_of_equal_ids_in_an_event_counts_once() -> None:
    decoder = Decoder()
    data = definitions(NAMES) + event(0, [(3, 1.0), (17, 5.0), (3, 2.0), (3, 4.0)])
    parts, _error = feed(decoder, [data])
    assert events_of(parts) == [{"e1": 4.0, "det.µ": 5.0}]
    assert decoder.account.dropped[Drop.REPEATED] == 2
    assert decoder.account.used == 2


def test_id_that_is_defined_again_has_the_last_name() -> None:
    decoder = Decoder()
    data = definitions([(1, "a"), (1, "b"), (2, "b")]) + event(0, [(1, 1.0), (2, 2.0), (3, 3.0)])
    parts, error = feed(decoder, [data])
    assert error is None
    assert events_of(parts) == [{"b": 2.0}]
    assert decoder.account.oddities[Oddity.REDEFINED] == 1
    assert decoder.account.dropped == {
        Drop.UNDEFINED: 1,
        Drop.REPEATED: 1,
        Drop.BEFORE_DEFINITIONS: 0,
    }


def test_event_with_body_header_or_bytes_behind_its_values_is_read() -> None:
    decoder = Decoder()
    payload = struct.pack("<QIId", 0, 1, 3, 1.0)
    data = definitions(NAMES) + item(32770, payload, struct.pack("<I", 20) + bytes(16))
    parts, error = feed(decoder, [data + item(32770, payload + b"?")])
    assert error is None
    assert events_of(parts) == [{"e1": 1.0}, {"e1": 1.0}]
    assert decoder.account.oddities[Oddity.TRAILING] == 1


def test_contents_of_an_item_that_is_only_passed_on_stop_nothing() -> None:
    decoder = Decoder()
    parts, error = feed(decoder, [item(1, b"short") + GOOD])
    assert error is None
    assert parts[0] == RingItem(1, b"short")
    assert decoder.account.oddities[Oddity.UNREADABLE] == 1
    assert any("1 times: contents" in line for line in decoder.account.lines())


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1.5, math.inf, math.nan, -0.0], np.float32),
        ([0.5, 0.1], np.float64),
        ([1e300], np.float64),
        ([0.1, 0.5], np.float64),
    ],
)
def test_block_is_float64_unless_float32_changes_nothing(values: list[float], dtype: type) -> None:
    data = definitions(NAMES) + b"".join(event(0, [(3, value)]) for value in values)
    (_names, block), _error = feed(Decoder(), [data])
    assert isinstance(block, EventBlock)
    assert block.values.dtype == dtype
    assert same(events_of([block]), [{"e1": value} for value in values])


def test_precision_is_that_of_each_block() -> None:
    values = [0.5, 0.1, 1.5, 2.5, 3.5]
    data = definitions(NAMES) + b"".join(event(0, [(3, value)]) for value in values)
    parts, _error = feed(Decoder(block_events=2), [data])
    blocks = [part for part in parts if isinstance(part, EventBlock)]
    assert [block.values.dtype for block in blocks] == [np.float64, np.float32, np.float32]
    assert [len(block) for block in blocks] == [2, 2, 1]
    assert all(block.values.flags.c_contiguous for block in blocks)
    assert blocks[1].values.view(np.uint32)[1].tolist() == [ABSENT32] * 2


def test_rows_are_those_of_the_caller() -> None:
    rows = {"x": 0, "e1": 2, "a b": 1, "det.µ": 5}
    asked: list[str] = []

    def row_of(name: str) -> int:
        asked.append(name)
        return rows[name]

    (_names, block), _error = feed(Decoder(row_of), [GOOD])
    assert isinstance(block, EventBlock)
    assert block.rows == rows
    assert block.values.shape == (6, 1)
    assert block.values[2, 0] == 1.0
    assert asked == [name for _number, name in NAMES]


def test_format_of_an_item_is_told_by_itself_or_by_the_format_item() -> None:
    marked = struct.pack("<5I", 0, 1, 1, 1, 77) + b"a\0"
    with_header = struct.pack("<IQII", 20, 0, 0, 0)
    cases: list[tuple[bytes, int, int | None]] = [
        (item(11, marked), 11, 77),
        (item(11, marked, with_header), 12, 77),
        (item(12, struct.pack("<HH", 12, 0)) + item(11, marked, with_header), 11, 77),
        (item(11, marked[:16] + b"a\0", bytes(4)), 12, None),
    ]
    for data, version, source in cases:
        parts, _error = feed(Decoder(version=version), [data])
        texts = parts[-1]
        assert isinstance(texts, TextList)
        assert (texts.texts, texts.original_source) == (("a",), source)


def test_item_larger_than_the_buffer_is_read() -> None:
    size = BUFFER_BYTES + 1000
    parts, error = feed(Decoder(), [item(30, bytes(size)) + GOOD])
    assert error is None
    assert isinstance(parts[0], RingItem)
    assert len(parts[0].payload) == size
    assert events_of(parts) == [{"e1": 1.0}]


@pytest.mark.parametrize("claimed", [1 << 31, 50 << 20])
def test_claimed_size_takes_no_memory(claimed: int) -> None:
    decoder = Decoder()
    feed(decoder, [struct.pack("<III", claimed, 30, 4) + bytes(1000)])
    assert len(decoder.room()) <= BUFFER_BYTES


def test_more_parameters_make_smaller_blocks() -> None:
    number = 40_000
    names = [(k, str(k)) for k in range(number)]
    decoder = Decoder()
    parts, error = feed(decoder, [definitions(names) + event(0, [(number - 1, 1.0)]) * 300])
    assert error is None
    blocks = [part for part in parts if isinstance(part, EventBlock)]
    assert all(block.values.size <= 1 << 23 for block in blocks)
    assert sum(len(block) for block in blocks) == 300


def next_file(decoder: Decoder, data: bytes, name: str) -> tuple[Account, Callable[[], object]]:
    decoder.begin(Account(name))
    parts, _error = feed(decoder, [data])
    return decoder.account, lambda: events_of(parts)


def test_definitions_hold_in_the_next_file() -> None:
    decoder = Decoder()
    one, _events = next_file(decoder, GOOD + b"cut", "one")
    two, events = next_file(decoder, event(5, [(17, 3.0)]), "two")
    assert events() == [{"det.µ": 3.0}]
    assert (one.events, two.events, two.source, two.used) == (1, 1, "two", 1)
