"""Spectra as displays read them, of memories that other programs wrote: built here by offsets of the
reference.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histogrammer.display.protocol.displayed import (
    DisplayedSpectrum,
    names_of,
    read_slot,
)
from histogrammer.display.protocol.layout import HEADER
from histogrammer.errors import DisplayMemoryError

SIZE = 4096


def memory(
    kind: int = 4,
    xy: tuple[int, int] = (12, 1),
    offset: int = 0,
    slot: int = 3,
    statistics: tuple[int, int, int, int] = (0, 0, 0, 0),
    info: bytes = b"e7",
) -> bytearray:
    """Return a memory with one slot."""
    data = bytearray(5_600_000 + SIZE)
    struct.pack_into("=2I", data, 8 * slot, *xy)
    struct.pack_into("128s", data, 80_000 + 128 * slot, b"e7 [1] (energy)")
    struct.pack_into("128s", data, 1_360_000 + 128 * slot, info)
    struct.pack_into("=I", data, 2_640_000 + 4 * slot, offset)
    struct.pack_into("=I", data, 2_680_000 + 4 * slot, kind)
    at = 2_720_000 + 272 * slot
    struct.pack_into("=4f128s128s", data, at, 0, 50, -1, 1, b"keV", b"ns")
    struct.pack_into("=4I", data, 5_440_000 + 16 * slot, *statistics)
    return data


def read(data: bytearray, slot: int = 3) -> DisplayedSpectrum:
    whole = np.frombuffer(data, np.uint8)
    return read_slot(whole[:5_600_000].view(HEADER).reshape(()), whole[5_600_000:], slot)


def names(data: bytearray) -> dict[str, int]:
    return names_of(np.frombuffer(data, HEADER, 1).reshape(()))


def test_a_spectrum_of_one_dimension_has_axis_title_and_flow() -> None:
    data = memory(offset=7)
    struct.pack_into("=12I", data, 5_600_000 + 28, 5, *range(10), 9)
    assert names(data) == {"e7": 3}
    found = read(data)
    assert (found.slot, found.name, found.title) == (3, "e7", "e7 [1] (energy)")
    assert (found.x.low, found.x.high, found.x.bins, found.x.label) == (0, 50, 10, "keV")
    assert found.y is None
    assert found.counts.tolist() == list(range(10))
    assert (found.underflows, found.overflows) == ((5, 0), (9, 0))
    assert not found.cells.flags.writeable


@pytest.mark.parametrize(("kind", "letter"), [(1, "B"), (3, "H"), (5, "I")])
def test_every_type_of_two_dimensions_is_read_with_x_fastest(kind: int, letter: str) -> None:
    data = memory(kind, (5, 4), offset=6)
    values = [10 * y + x for y in range(4) for x in range(5)]
    struct.pack_into(f"=20{letter}", data, 5_600_000 + 6 * struct.calcsize(f"={letter}"), *values)
    found = read(data)
    assert found.cells.tolist() == [[10 * y + x for x in range(5)] for y in range(4)]
    assert found.counts.tolist() == [[11, 12, 13], [21, 22, 23]]
    assert found.y is not None
    assert (found.x.bins, found.y.bins, found.y.low, found.y.label) == (3, 2, -1, "ns")
    assert found.overflows == (4 + 14 + 24 + 34, 30 + 31 + 32 + 33 + 34)
    assert found.underflows == (0 + 10 + 20 + 30, 0 + 1 + 2 + 3 + 4)


def test_words_and_statistics_of_the_memory_are_read() -> None:
    data = memory(2, (6, 0), statistics=(4, 3, 2, 1))
    struct.pack_into("=6H", data, 5_600_000, 1, 2, 3, 4, 5, 65535)
    found = read(data)
    assert found.cells.tolist() == [1, 2, 3, 4, 5, 65535]
    assert (found.overflows, found.underflows) == ((4, 3), (2, 1))


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"kind": 0}, "slot 3 is empty"),
    ({"kind": 6}, "the type 6, which does not exist"),
    ({"xy": (1, 1)}, "are not in the 4096 bytes"),
    ({"xy": (1025, 1)}, "are not in the 4096 bytes"),
    ({"xy": (2**32 - 1, 2**32 - 1), "kind": 5}, "are not in the 4096 bytes"),
    ({"offset": 2**32 - 1}, "are not in the 4096 bytes"),
    ({"offset": 1013}, "are not in the 4096 bytes"),
    ({"kind": 5, "xy": (12, 1)}, "are not in the 4096 bytes"),
]


@pytest.mark.parametrize(("given", "told"), FAULTS)
def test_a_description_that_cannot_be_is_an_error(given: dict[str, Any], told: str) -> None:
    with pytest.raises(DisplayMemoryError, match=told):
        read(memory(**given))


@settings(max_examples=20)
@given(st.integers(0, 7), st.tuples(*[st.integers(0, 2**32 - 1)] * 2), st.integers(0, 2**32 - 1))
def test_whatever_stands_in_the_tables_nothing_is_read_outside(
    kind: int, xy: tuple[int, int], offset: int
) -> None:
    try:
        found = read(memory(kind, xy, offset))
    except DisplayMemoryError:
        return
    assert found.cells.nbytes <= SIZE


@pytest.mark.parametrize("slot", [-1, 10_000])
def test_slots_that_do_not_exist_are_an_error(slot: int) -> None:
    with pytest.raises(DisplayMemoryError, match="there are 0 to 9999"):
        read(memory(), slot)


def test_texts_that_are_no_utf8_or_have_no_end_are_read() -> None:
    assert list(names(memory(info=b"\xff" * 128))) == ["�" * 128]
