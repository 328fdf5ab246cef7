"""Spectra in the display memory, as a reader that knows the reference alone sees them."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from support.histograms import DEFINITIONS

from histogrammer.axes import Axis
from histogrammer.display.binder import Binder, Storage
from histogrammer.display.protocol.layout import HEADER
from histogrammer.errors import DisplayMemoryError
from histogrammer.spectra import KINDS
from histogrammer.spectra.definition import Definition

MIB = 1 << 20


def definition(kind: str, name: str) -> Definition:
    return replace(DEFINITIONS[kind], name=name)


def binder(size: int = MIB) -> tuple[Binder, bytearray]:
    memory = bytearray(5_600_000 + size)
    header = np.ndarray((), HEADER, memory)
    return Binder(header, np.ndarray((size // 4,), np.uint32, memory, 5_600_000)), memory


@dataclass
class Seen:
    title: bytes
    info: bytes
    type: int
    limits: tuple[float, float, float, float]
    rows: list[tuple[int, ...]]


def seen(memory: bytearray, slot: int) -> Seen | None:
    """Read a slot by offsets of the reference."""
    (kind,) = struct.unpack_from("=I", memory, 2_680_000 + 4 * slot)
    if kind == 0:
        return None
    x_channels, y_channels = struct.unpack_from("=2I", memory, 8 * slot)
    (offset,) = struct.unpack_from("=I", memory, 2_640_000 + 4 * slot)
    at = 5_600_000 + 4 * offset
    return Seen(
        bytes(memory[80_000 + 128 * slot :][:128]).partition(b"\0")[0],
        bytes(memory[1_360_000 + 128 * slot :][:128]).partition(b"\0")[0],
        kind,
        struct.unpack_from("=4f", memory, 2_720_000 + 272 * slot),
        [
            struct.unpack_from(f"={x_channels}I", memory, at + 4 * x_channels * y)
            for y in range(y_channels)
        ],
    )


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_a_reader_sees_every_kind_of_spectra(kind: str) -> None:
    bound, memory = binder()
    spectra = [definition("1", "before"), DEFINITIONS[kind], definition("2", "after")]
    cells = {
        one.name: np.arange(np.prod(one.shape), dtype=float).reshape(one.shape) + 100 * number
        for number, one in enumerate(spectra)
    }
    for number, one in enumerate(spectra):
        assert bound.bind(one.name, one) == number
    bound.refresh(cells)
    for number, one in enumerate(spectra):
        reader = seen(memory, number)
        assert reader is not None
        assert reader.title == reader.info == one.name.encode()
        counts = cells[one.name]
        x_limits = (one.x_axis.low, one.x_axis.high)
        if one.y_axis is None:
            assert (reader.type, reader.limits) == (4, (*x_limits, 0.0, 0.0))
            assert [list(row) for row in reader.rows] == [counts.tolist()]
        else:
            assert (reader.type, reader.limits) == (5, (*x_limits, one.y_axis.low, one.y_axis.high))
            assert [list(row) for row in reader.rows] == counts.tolist()


def test_the_example_of_the_reference_is_where_it_says() -> None:
    bound, memory = binder()
    spectra = {
        name: KINDS["1"].define(name, ((name,),), (Axis(0.0, 50.0, bins),))
        for name, bins in (("a", 48), ("b", 50), ("c", 100), ("e7", 100))
    }
    assert [bound.bind(name, one) for name, one in spectra.items()] == [0, 1, 2, 3]
    cells = {name: np.zeros(one.shape) for name, one in spectra.items()}
    cells["e7"][1] = 9
    bound.refresh(cells)
    assert struct.unpack_from("=2I", memory, 24) == (102, 1)
    assert memory[80_384:80_387] == b"e7\0"
    assert struct.unpack_from("=I", memory, 2_640_012) == (204,)
    assert struct.unpack_from("=I", memory, 2_680_012) == (4,)
    assert struct.unpack_from("=4f", memory, 2_720_816) == (0.0, 50.0, 0.0, 0.0)
    assert struct.unpack_from("=I", memory, 5_600_820) == (9,)


def test_counts_are_cut_and_saturate() -> None:
    bound, memory = binder()
    bound.bind("h", definition("1", "h"))
    cells = np.array([0.99, -3.0, 2.0**31, 2.0**32 - 1, 2.0**32, 1e300, 7.9, 0, 0, 1.0])
    bound.refresh({"h": cells})
    reader = seen(memory, 0)
    assert reader is not None
    most = 2**32 - 1
    assert reader.rows == [(0, 0, 2**31, most, most, most, 7, 0, 0, 1)]


def test_large_spectra_are_copied_whole() -> None:
    bound, memory = binder(2 * MIB)
    axis = Axis(0, 1, 512)
    bound.bind("h", KINDS["2"].define("h", (("a", "b"),), (axis, axis)))
    cells = np.arange(514.0 * 514).reshape(514, 514)
    bound.refresh({"h": cells})
    copied = np.frombuffer(memory, np.uint32, 514 * 514, 5_600_000)
    assert np.array_equal(copied, cells.ravel())


def test_a_cleared_spectrum_is_zero_at_once_and_a_bound_one_begins_with_zeros() -> None:
    bound, memory = binder()
    ones = {"h": np.ones(10)}
    bound.bind("h", definition("1", "h"))
    bound.refresh(ones)
    bound.clear("h")
    bound.clear("not bound")
    assert not any(memory[5_600_000:])
    bound.refresh(ones)
    bound.unbind("h")
    assert any(memory[5_600_000:])
    bound.bind("g", definition("1", "h"))
    assert not any(memory[5_600_000:])


def test_errors_come_in_the_order_of_the_reference() -> None:
    bound, _ = binder(1 << 10)
    big = KINDS["1"].define("big", (("a",),), (Axis(0, 1, 255),))
    bound.bind("h", definition("1", "h"))
    with pytest.raises(DisplayMemoryError, match=r"^Spectrum h might not exist$"):
        bound.bind("h", None)
    with pytest.raises(DisplayMemoryError, match=r"^h is already bound$"):
        bound.bind("h", big)
    with pytest.raises(
        DisplayMemoryError, match=r"^Unable to allocate spectrum storage for 1028 bytes$"
    ):
        bound.bind("big", big)
    assert bound.slots == {"h": 0}
    with pytest.raises(
        DisplayMemoryError, match=r"^Spectrum g could not be unbound: Spectrum is not bound$"
    ):
        bound.unbind("g")
    assert bound.bind("g", definition("1", "h")) == 1


def test_slots_run_out_before_room_does() -> None:
    bound, _ = binder(MIB)
    tiny = KINDS["1"].define("t", (("a",),), (Axis(0, 1, 1),))
    for number in range(10_000):
        assert bound.bind(f"h{number}", tiny) == number
    with pytest.raises(DisplayMemoryError, match=r"^All spectrum slots are in use$"):
        bound.bind("one more", tiny)
    assert [bound.unbind("h77"), bound.unbind("h5")] == [77, 5]
    assert [bound.bind("a", tiny), bound.bind("b", tiny)] == [5, 77]


def test_used_bytes_end_with_the_last_spectrum() -> None:
    bound, _ = binder()
    assert bound.used_bytes == 0
    bound.bind("h", KINDS["1"].define("h", (("a",),), (Axis(0, 1, 510),)))
    assert bound.used_bytes == 2048
    bound.bind("g", definition("2", "g"))
    assert bound.used_bytes == 2048 + 4 * 10 * 5
    bound.unbind("h")
    assert bound.used_bytes == 2048 + 4 * 10 * 5


def test_after_a_thousand_random_changes_all_of_the_area_is_one_block() -> None:
    random_numbers = random.Random(4)
    bound, memory = binder()
    names: list[str] = []
    for number in range(1000):
        if names and random_numbers.random() < 0.48:
            bound.unbind(names.pop(random_numbers.randrange(len(names))))
            continue
        name = f"h{number}"
        axis = Axis(0, 1, random_numbers.randint(1, 2000))
        try:
            bound.bind(name, KINDS["1"].define(name, (("a",),), (axis,)))
        except DisplayMemoryError:
            continue
        names.append(name)
    places = sorted(
        (struct.unpack_from("=I", memory, 2_640_000 + 4 * slot)[0], len(reader.rows[0]))
        for slot in bound.slots.values()
        if (reader := seen(memory, slot)) is not None
    )
    assert len(places) == len(names) > 5
    assert all(at + size <= after for (at, size), (after, _) in pairwise(places))
    for name in names:
        bound.unbind(name)
    assert all(seen(memory, slot) is None for slot in range(100))
    whole = KINDS["1"].define("whole", (("a",),), (Axis(0, 1, MIB // 4 - 2),))
    assert bound.bind("whole", whole) == 0
    assert bound.used_bytes == MIB


def test_storage_of_3000_mib_is_told_in_bytes() -> None:
    size = 3000 * MIB
    storage = Storage(size)
    half = size // 2
    assert [storage.allocate(half), storage.allocate(half - 4), storage.allocate(8)] == [
        0,
        half,
        None,
    ]
    assert storage.allocate(4) == size - 4
    storage.release(0, half)
    storage.release(size - 4, 4)
    assert list(storage) == [(0, half), (size - 4, 4)]
    assert storage.allocate(8) == 0
    storage.release(half, half - 4)
    storage.release(0, 8)
    assert list(storage) == [(0, size)]


def test_what_is_no_count_is_the_nearest_one_and_nan_is_zero() -> None:
    made, memory = binder()
    one = KINDS["1"].define("h", [["a"]], [Axis(0, 4, 4)])
    made.bind("h", one)
    made.refresh({"h": np.array([np.nan, np.inf, -np.inf, -0.5, 2.0**32, 2.0**31 + 0.5])})
    found = seen(memory, 0)
    assert found is not None
    assert found.rows == [(0, 2**32 - 1, 0, 0, 2**32 - 1, 2**31)]


def test_a_snapshot_has_what_is_used_and_is_made_anew_only_after_a_change() -> None:
    bound, memory = binder()
    empty = bound.snapshot()
    assert (bytes(empty.tables), bytes(empty.channels)) == (bytes(5_600_000), b"")
    bound.bind("h", KINDS["1"].define("h", (("a",),), (Axis(0, 1, 510),)))
    first = bound.snapshot()
    assert len(first.channels) == 2048  # the example of the reference
    assert bytes(first.tables) == memory[:5_600_000]
    assert bound.snapshot(first) is first
    bound.refresh({"not bound": np.ones(3)})
    assert bound.snapshot(first) is first
    bound.refresh({"h": np.arange(512.0)})
    second = bound.snapshot(first)
    assert second.tables is first.tables
    assert np.frombuffer(second.channels, np.uint32).tolist() == list(range(512))
    assert not any(first.channels)
    bound.clear("h")
    assert not any(bound.snapshot(second).channels)
    bound.unbind("h")
    third = bound.snapshot(second)
    assert third.table_changes > second.table_changes
    assert len(third.channels) == 0


def test_a_snapshot_has_no_mark_of_an_owner() -> None:
    bound, memory = binder()
    memory[5_439_872:5_440_000] = b"m" * 128
    assert not any(bound.snapshot().tables)


def test_limits_change_the_tables_only_when_they_are_others() -> None:
    bound, _ = binder()
    bound.bind("h", definition("1", "h"))
    axis = DEFINITIONS["1"].x_axis
    before = bound.snapshot()
    bound.refresh({}, {"h": axis})
    assert bound.snapshot(before) is before
    bound.refresh({}, {"h": Axis(axis.low + 1, axis.high + 1, axis.bins)})
    assert bound.snapshot(before).table_changes == before.table_changes + 1
