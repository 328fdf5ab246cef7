"""Events scattered into columns: compiled and with numpy, byte for byte alike."""

from __future__ import annotations

import math
import struct

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.ringfiles import event, item

from histogrammer.compiling import has_numba
from histogrammer.events.blocks import ABSENT32, ABSENT64
from histogrammer.events.scatter import TILE_EVENTS, Counted, RunEnding, scatter, scatter_numpy

EVENTS = 5
DENSE = np.array([-1, 2, 0, -1, 1, 0], np.int64)
HIGH, HIGH_ROWS = np.array([70000, 2**32 - 1], np.int64), np.array([1, 2], np.int64)
ROWS = 3
FLOATS = [0.0, -0.0, 1.5, 0.1, math.inf, -math.inf, 1e300, 1e-40, 5e-324, 16777217.0]
NANS = [
    struct.unpack("<d", struct.pack("<Q", bits))[0]
    for bits in (int(ABSENT64), 0x7FF8_0000_0000_0000, 0xFFF0_0000_0000_0001, 2**64 - 1)
]


def run(
    function: object, data: bytes, at: int, dtype: type, count: int, events: int = EVENTS
) -> tuple[tuple[int, int, int], npt.NDArray[np.uint64], list[int]]:
    columns = np.zeros((ROWS, events), dtype)
    tile, counted = np.zeros((ROWS, TILE_EVENTS), dtype), np.zeros(len(Counted), np.int64)
    raw = np.frombuffer(data, np.uint8).copy()
    assert callable(function)
    found = function(raw, at, len(raw), DENSE, HIGH, HIGH_ROWS, columns, tile, count, counted)
    return found, columns[:, count : found[1]], counted.tolist()


pairs = st.tuples(
    st.sampled_from([0, 1, 2, 4, 5, 6, 69999, 70000, 70001, 2**32 - 1]),
    st.sampled_from(FLOATS + NANS),
)
items = st.one_of(
    st.builds(event, st.just(1), st.lists(pairs, max_size=6)),
    st.builds(
        lambda values, header, more: item(
            32770,
            struct.pack("<QI", 1, len(values))
            + b"".join(struct.pack("<Id", *pair) for pair in values)
            + more,
            header,
        ),
        st.lists(pairs, max_size=3),
        st.sampled_from([bytes(4), struct.pack("<I", 20) + bytes(16)]),
        st.binary(max_size=3),
    ),
    st.just(item(32770, struct.pack("<QI", 1, 4) + bytes(47))),
    st.just(item(32770, bytes(11))),
    st.just(item(20, bytes(6))),
    st.just(struct.pack("<III", 24, 32770, 2**32 - 1) + bytes(12)),
    st.just(struct.pack("<III", 11, 32770, 4)),
)


@settings(max_examples=60)
@given(
    st.lists(items, max_size=7).map(b"".join),
    st.integers(0, 3),
    st.integers(0, 40),
    st.sampled_from([np.uint32, np.uint64]),
    st.integers(0, EVENTS),
)
def test_compiled_and_numpy_do_the_same(
    data: bytes, at: int, cut: int, dtype: type, count: int
) -> None:
    data = bytes(at) + data[: max(0, len(data) - cut)]
    one = run(scatter, data, at, dtype, count)
    other = run(scatter_numpy, data, at, dtype, count)
    assert one[0] == other[0]
    assert one[1].tobytes() == other[1].tobytes()
    assert one[2] == other[2]


@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
@pytest.mark.parametrize("events", [2 * TILE_EVENTS, 3 * TILE_EVENTS - 1])
@pytest.mark.parametrize(
    "unusual",
    [
        event(1, [(1, 0.5), (3, 1.0)]),  # an id that is not defined
        event(1, [(1, 0.5), (70000, 1.0)]),  # a high one
        event(1, [(1, 0.5), (4, 2.5), (1, 1.5)]),  # a parameter that comes again
        event(1, [(4, 0.5), (1, math.nan)]),
        event(1, [(4, 0.5), (1, 0.1)]),  # no float32
        event(1, []),
        item(32770, struct.pack("<QIId", 1, 1, 1, 2.5) + b"more"),
        item(20, bytes(6)),
    ],
)
@pytest.mark.parametrize("place", [0, 1, TILE_EVENTS - 1, TILE_EVENTS, 2 * TILE_EVENTS])
def test_an_unusual_event_anywhere_among_many_is_taken_as_numpy_does(
    place: int, unusual: bytes, events: int, dtype: type
) -> None:
    usual = [event(1, [(1 + 3 * (n % 2), float(n)), (5, -0.5)]) for n in range(events)]
    data = b"".join([*usual[:place], unusual, *usual[place:]])
    one = run(scatter, data, 0, dtype, 3, events)
    other = run(scatter_numpy, data, 0, dtype, 3, events)
    assert one[0] == other[0]
    assert one[1].tobytes() == other[1].tobytes()
    assert one[2] == other[2]


def test_tests_of_compiled_functions_have_numba() -> None:
    assert has_numba()


@pytest.mark.parametrize("function", [scatter, scatter_numpy])
def test_values_of_an_event_are_in_their_rows(function: object) -> None:
    data = event(1, [(1, 1.5), (70000, -0.0)]) + event(2, [(4, 0.1), (3, 8.0), (4, NANS[0])])
    (at, count, ending), columns, counted = run(function, data, 0, np.uint64, 0)
    values = columns.view(np.float64)
    assert (at, count, ending) == (len(data), 2, RunEnding.CUT)
    assert values[2, 0] == 1.5
    assert math.copysign(1, values[1, 0]) == -1
    assert columns[0].tolist() == [ABSENT64, ABSENT64]
    assert columns[1, 1] == np.array(np.nan).view(np.uint64), "a NaN of a file is no absent value"
    assert counted == [5, 1, 1, 0, 1]


@pytest.mark.parametrize("function", [scatter, scatter_numpy])
def test_float32_ends_before_the_event_that_it_cannot_hold(function: object) -> None:
    data = event(1, [(1, 0.5)]) + event(2, [(2, 0.5), (1, 0.1)])
    (at, count, ending), columns, counted = run(function, data, 0, np.uint32, 0)
    assert (at, count, ending) == (36, 1, RunEnding.INEXACT)
    assert columns.view(np.float32)[2, 0] == 0.5
    assert columns[0, 0] == ABSENT32
    assert counted == [1, 0, 0, 0, 0]
