"""Reduced and full frames draw the same plot, for every dtype, width, window and hole."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import hypothesis.strategies as st
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis.extra import numpy as npst

from zmqjsonproxy.channels.reducedframe import (
    MAX_WIDTH,
    ReducedFrame,
    Reduction,
    ReductionMethod,
    read_reduced,
)
from zmqjsonproxy.channels.reduction import PixelBounds, pixel_edges, reduce_frame, restore
from zmqjsonproxy.protocol.arrays import DTYPES

Array = npt.NDArray[Any]

INTEGERS = [np.dtype(name) for name in DTYPES if np.dtype(name).kind in "iu"]
FLOATS = [np.dtype(name) for name in DTYPES if np.dtype(name).kind == "f"]
BIG_ENDIAN = [np.dtype(">i4"), np.dtype(">f8")]
NUMBERS = INTEGERS + FLOATS


def over_the_wire(reduced: ReducedFrame) -> ReducedFrame:
    described = json.loads(json.dumps(reduced.describe()))
    arrays = [
        np.frombuffer(a.tobytes(), json.loads(json.dumps(a.dtype.str))).reshape(a.shape)
        for a in reduced.arrays
    ]
    return read_reduced(described, arrays)


def bounds(reduced: ReducedFrame) -> PixelBounds:
    band = restore(over_the_wire(reduced))
    assert isinstance(band, PixelBounds)
    return band


def frame_of(reduced: ReducedFrame) -> Array:
    frame = restore(over_the_wire(reduced))
    assert not isinstance(frame, PixelBounds)
    assert frame.dtype.str == reduced.dtype
    return frame


def envelope(row: Array, width: int) -> list[tuple[Any, Any] | None]:
    """Bounds of each pixel point by point, in Python's own numbers; None: a hole."""
    pixels: list[tuple[Any, Any] | None] = [None] * width
    for k, value in enumerate(row.tolist()):
        if not math.isnan(value):
            p = k * width // len(row)
            low, high = pixels[p] or (value, value)
            pixels[p] = min(low, value), max(high, value)
    return pixels


def drawn(lower: Array, upper: Array) -> list[tuple[Any, Any] | None]:
    pairs = zip(lower.tolist(), upper.tolist(), strict=True)
    return [None if math.isnan(low) and math.isnan(high) else (low, high) for low, high in pairs]


def same(one: Array, other: Array) -> bool:
    return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


@st.composite
def frames(draw: st.DrawFn, dtypes: list[np.dtype[Any]], most_rows: int = 1) -> Array:
    """Frames of one row or of several, with the ends of the dtype's range, NaN and infinities in
    runs."""
    dtype = draw(st.sampled_from(dtypes))
    n = draw(st.integers(0, 60))
    shape = (n,) if most_rows == 1 else (draw(st.integers(0, most_rows)), n)
    frame: Array = draw(npst.arrays(dtype, shape))
    specials = (
        [np.nan, np.inf, -np.inf]
        if dtype.kind == "f"
        else [np.iinfo(dtype).min, np.iinfo(dtype).max]
    )
    for _ in range(draw(st.integers(0, 3))):
        begin = draw(st.integers(0, n))
        frame[..., begin : draw(st.integers(begin, n))] = draw(st.sampled_from(specials))
    return frame


WINDOWS = st.none() | st.tuples(st.integers(0, 50), st.integers(1, 70)).map(
    lambda ends: (ends[0], ends[0] + ends[1])
)


@given(frames([*NUMBERS, *BIG_ENDIAN]), st.integers(1, 25), WINDOWS, st.booleans())
@example(np.full(9, np.nan, np.float32), 3, None, False)
@example(np.array([np.nan, 1, 2, 3, np.nan, np.nan, np.nan, np.nan, 4]), 3, None, False)
def test_reduced_and_full_frames_draw_the_same_envelope(
    frame: Array, width: int, window: tuple[int, int] | None, compress: bool
) -> None:
    full = frame[slice(*window)] if window else frame
    reduced = reduce_frame(frame, Reduction(width=width, window=window, compress=compress))
    if len(full) >= 3 * width:
        assert reduced.method is ReductionMethod.BAND
        band = bounds(reduced)
        assert drawn(*band) == envelope(full, width)
        assert band.lower.dtype == band.upper.dtype == frame.dtype.newbyteorder("<")
    else:
        assert reduced.method is ReductionMethod.PLAIN
        assert same(frame_of(reduced), full.astype(frame.dtype.newbyteorder("<")))
    assert (reduced.points, reduced.shape) == (len(frame), full.shape)
    assert reduced.nbytes <= full.nbytes


@given(frames(NUMBERS, most_rows=4), st.integers(1, 15), WINDOWS)
def test_each_row_of_a_waterfall_is_reduced_by_itself(
    frame: Array, width: int, window: tuple[int, int] | None
) -> None:
    reduced = reduce_frame(frame, Reduction(width=width, window=window))
    rows = [reduce_frame(row, Reduction(width=width, window=window)) for row in frame]
    assert {row.method for row in rows} <= {reduced.method}
    assert reduced.rows == frame.shape[:1]
    whole = restore(over_the_wire(reduced))
    for k, row in enumerate(rows):
        if isinstance(whole, PixelBounds):
            assert drawn(whole.lower[k], whole.upper[k]) == drawn(*bounds(row))
        else:
            assert same(whole[k], frame_of(row))


@pytest.mark.parametrize("dtype", [*NUMBERS, np.dtype(bool)], ids=str)
def test_no_spike_is_lost_wherever_it_is_in_its_step(dtype: np.dtype[Any]) -> None:
    width = 799
    n = 1_000_000 if dtype == np.float32 else 40_000
    edges = pixel_edges(n, width)
    frame = np.zeros(n, dtype)
    for place in (
        *range(edges[0], edges[1]),
        *range(edges[400], edges[401] + 1),
        *range(edges[width - 1], n),
    ):
        frame[place] = 1
        band = bounds(reduce_frame(frame, Reduction(width=width)))
        frame[place] = 0
        assert np.flatnonzero(band.upper).tolist() == [place * width // n]
        assert not band.lower.any()


def test_holes_are_where_a_pixel_has_no_value_and_nowhere_else() -> None:
    frame = np.arange(30, dtype=np.float32)
    frame[[0, 9, 10, 19, 29]] = np.nan  # the ends, and both sides of borders
    frame[20:29] = np.nan  # a whole pixel
    lower, upper = bounds(reduce_frame(frame, Reduction(width=3)))
    assert drawn(lower, upper) == [(1, 8), (11, 18), None]
    frame[[20, 25]] = -np.inf, np.inf
    lower, upper = bounds(reduce_frame(frame, Reduction(width=3)))
    assert drawn(lower, upper) == [(1, 8), (11, 18), (-np.inf, np.inf)]


@given(st.integers(1, 5000), st.data())
def test_every_point_is_in_exactly_one_pixel(points: int, data: st.DataObject) -> None:
    width = data.draw(st.integers(1, points))
    edges = pixel_edges(points, width)
    assert (edges[0], edges[-1], len(edges)) == (0, points, width + 1)
    assert set(np.diff(edges).tolist()) <= {points // width, -(-points // width)}
    pixels = np.repeat(np.arange(width), np.diff(edges))
    assert (pixels == np.arange(points) * width // points).all()


def test_edges_of_enormous_frames_do_not_overflow() -> None:
    edges = pixel_edges(2**46, MAX_WIDTH)
    assert (np.diff(edges) == 2**30).all()


@pytest.mark.parametrize(("points", "width"), [(10, 11), (10, 0), (0, 1), (10**6, MAX_WIDTH + 1)])
def test_pixels_without_points_have_no_edges(points: int, width: int) -> None:
    with pytest.raises(ValueError, match=f"{width} pixels of {points} points"):
        pixel_edges(points, width)


EXTREMES = [np.array([np.iinfo(dtype).min, np.iinfo(dtype).max] * 8, dtype) for dtype in INTEGERS]


@given(frames(INTEGERS, most_rows=3), WINDOWS, st.booleans())
@example(np.array([0x80000000, 0x7FFFFFFF, 0xFFFFFFFF, 0] * 4, np.uint32), None, False)
@example(np.array([-0x80000000, 0x7FFFFFFF, -1, 0] * 4, np.int32), None, False)
def test_integers_are_packed_exactly(
    frame: Array, window: tuple[int, int] | None, compress: bool
) -> None:
    reduced = reduce_frame(frame, Reduction(error=0, window=window, compress=compress))
    full = frame[..., slice(*window)] if window else frame
    assert same(frame_of(reduced), full)
    assert reduced.nbytes <= full.nbytes


@pytest.mark.parametrize("frame", EXTREMES, ids=lambda frame: str(frame.dtype))
@pytest.mark.parametrize("error", [0, 1, 2.9, 40, 1e300])
def test_ends_of_the_range_are_packed(frame: Array, error: float) -> None:
    reduced = reduce_frame(frame, Reduction(error=error))
    if error == 0:  # the difference is 1, modulo 2^bits
        assert (reduced.method, reduced.bits) == (ReductionMethod.PACK, 4)
    assert greatest_error(frame_of(reduced), frame) <= error


def greatest_error(one: Array, other: Array) -> Any:
    pairs = zip(one.ravel().tolist(), other.ravel().tolist(), strict=True)
    return max((abs(a - b) for a, b in pairs if a != b), default=0)


@given(frames(INTEGERS, most_rows=3), st.integers(0, 64).map(lambda bits: 2**bits - 1.0))
def test_packed_integers_are_within_the_error(frame: Array, error: float) -> None:
    reduced = reduce_frame(frame, Reduction(error=error))
    assert greatest_error(frame_of(reduced), frame) <= error
    assert reduced.nbytes <= frame.nbytes


@st.composite
def walks(draw: st.DrawFn) -> tuple[Array, float]:
    """Frames of neighbouring values, and an error of the order of their distances."""
    dtype = draw(st.sampled_from(FLOATS))
    limits = np.finfo(dtype)
    scale = 2.0 ** draw(
        st.integers(int(math.log2(limits.tiny)) - 12, int(math.log2(limits.max)) - 4)
    )
    steps = draw(st.lists(st.integers(-20, 20), min_size=2, max_size=60))
    offset = draw(st.sampled_from([0, 7, 1000, -(10**6)]))
    with np.errstate(over="ignore"):
        values = (np.cumsum(steps) + offset).astype(np.float64) * scale
    frame = np.clip(values, -float(limits.max), float(limits.max)).astype(dtype)
    return frame, min(scale * draw(st.floats(1e-3, 30)), sys.float_info.max)


@given(walks())
@example((np.array([65504, -65504] * 20, np.float16), 60000.0))
@example((np.array([1.7e308, -1.7e308] * 20), 1.7e308))
@example((np.array([6e-8, 1.2e-7] * 20, np.float16), 9e-8))
def test_packed_floating_values_are_within_the_error(walk: tuple[Array, float]) -> None:
    frame, error = walk
    reduced = reduce_frame(frame, Reduction(error=error))
    assert np.isfinite(frame_of(reduced)).all()
    assert greatest_error(frame_of(reduced), frame) <= error
    assert reduced.nbytes <= frame.nbytes


@given(frames(FLOATS), st.floats(0, 1.7e308))
def test_any_floating_frame_is_within_the_error_or_kept(frame: Array, error: float) -> None:
    reduced = reduce_frame(frame, Reduction(error=error))
    if reduced.method is ReductionMethod.PLAIN:
        assert same(frame_of(reduced), frame)
    assert greatest_error(frame_of(reduced), frame) <= error or not np.isfinite(frame).all()


@pytest.mark.parametrize(
    ("dtype", "bits", "ratio"),
    [("<i1", 4, 1.9), ("<u2", 4, 3.9), ("<i4", 4, 7.8), ("<f4", 8, 3.9), ("<f8", 8, 7.8)],
)
def test_errors_of_a_long_frame_do_not_add_up(dtype: str, bits: int, ratio: float) -> None:
    frame = (50 + 40 * np.sin(np.arange(20_000) / 50)).astype(dtype)
    error = 0 if bits == 4 else 0.01
    reduced = reduce_frame(frame, Reduction(width=8000, error=error))
    assert (reduced.method, reduced.bits) == (ReductionMethod.PACK, bits)
    assert frame.nbytes / reduced.nbytes > ratio
    wrong = np.abs(frame_of(reduced).astype(np.float64) - frame)
    assert wrong.max() <= error
    assert wrong[-1000:].max() <= error


def test_differences_of_a_waterfall_begin_anew_in_each_row() -> None:
    frame = np.array([[1000 * row + k % 3 for k in range(101)] for row in range(5)], np.int32)
    reduced = reduce_frame(frame, Reduction(error=0))
    assert reduced.bits == 4
    assert same(frame_of(reduced), frame)


@pytest.mark.parametrize(
    "frame",
    [
        np.arange(100, dtype=np.float32),  # no error is allowed
        np.array([0.0, np.nan] * 50),
        np.array([0.0, np.inf] * 50),
        np.array([-100, 100, 7, -3] * 25, np.int8),
        np.array([True, False] * 50),
        np.zeros(0, np.int32),
        np.zeros((3, 1), np.int32),
        np.zeros((0, 40), np.int32),
    ],
)
def test_a_frame_that_packing_makes_no_smaller_is_kept(frame: Array) -> None:
    reduced = reduce_frame(frame, Reduction(error=0))
    assert reduced.method is ReductionMethod.PLAIN
    assert np.shares_memory(reduced.arrays[0], frame) or frame.size == 0
    assert same(frame_of(reduced), frame)


@pytest.mark.parametrize("name", DTYPES)
def test_compression_is_without_loss_and_only_used_where_it_saves(name: str) -> None:
    random = np.random.default_rng(5)
    noise = np.frombuffer(random.bytes(128 * DTYPES[name]), np.uint8)
    noise = (noise & 1 if name == "|b1" else noise).view(name).reshape(2, 64)
    smooth = np.broadcast_to(np.arange(512) // 64 % 2, (2, 512)).astype(name)
    for frame, is_smaller in ((noise, name == "|b1"), (smooth, True)):
        reduced = reduce_frame(frame, Reduction(compress=True))
        assert reduced.compressed is is_smaller
        assert (reduced.nbytes < frame.nbytes) is is_smaller
        assert same(frame_of(reduced), frame)


def test_bounds_and_differences_are_compressed_too() -> None:
    frame = np.zeros((4, 6000), np.float32)
    frame[2, 3333] = 8.0
    band = reduce_frame(frame, Reduction(width=500, compress=True))
    assert (band.method, band.compressed) == (ReductionMethod.BAND, True)
    assert np.argwhere(bounds(band).upper).tolist() == [[2, 3333 * 500 // 6000]]
    pack = reduce_frame(frame, Reduction(width=5000, error=0.5, compress=True))
    assert (pack.method, pack.compressed) == (ReductionMethod.PACK, True)
    assert np.abs(frame_of(pack) - frame).max() <= 0.5


def test_what_is_outside_the_window_is_not_sent() -> None:
    frame = np.arange(20, dtype=np.int16)
    reduced = reduce_frame(frame, Reduction(window=(5, 9)))
    assert (reduced.window, reduced.points, reduced.nbytes) == ((5, 9), 20, 8)
    assert frame_of(reduced).tolist() == [5, 6, 7, 8]
    assert reduce_frame(frame, Reduction(window=(15, 99))).window == (15, 20)
    beyond = reduce_frame(frame, Reduction(window=(50, 99), width=3, error=1, compress=True))
    assert (beyond.window, frame_of(beyond).tolist()) == ((20, 20), [])


def test_shared_arrays_cannot_be_changed_by_one_of_their_readers() -> None:
    frame = np.arange(1000, dtype=np.int32)
    for reduction in (Reduction(width=10), Reduction(error=0), Reduction(compress=True)):
        reduced = reduce_frame(frame, reduction)
        assert not any(array.flags.writeable for array in reduced.arrays)


def test_complex_frames_have_a_window_but_no_bounds() -> None:
    frame = np.arange(12, dtype=np.complex64)
    assert same(frame_of(reduce_frame(frame, Reduction(window=(2, 4)))), frame[2:4])
    for reduction in (Reduction(width=2), Reduction(error=1)):
        with pytest.raises(ValueError, match=r"complex values \(<c8\) .* publish their magnitude"):
            reduce_frame(frame, reduction)


@pytest.mark.parametrize("frame", [np.array(["a"]), np.array([None]), np.array([1], "M8[s]")])
def test_frames_that_cannot_be_sent_are_refused(frame: Array) -> None:
    with pytest.raises(ValueError, match=r"cannot be sent; there are: .*<f4"):
        reduce_frame(frame, Reduction())


def test_a_single_number_is_no_frame() -> None:
    with pytest.raises(ValueError, match="points along an axis"):
        reduce_frame(np.array(1.0), Reduction())


def test_equal_settings_share_their_work() -> None:
    one = Reduction(width=800, window=(0, 4096), error=0, compress=True)
    others: list[Any] = [[0, 4096], (np.int64(0), np.int64(4096))]
    for window in others:
        other = Reduction(width=np.int64(800), window=window, error=-0.0, compress=True)  # type: ignore[arg-type]
        assert (one, hash(one)) == (other, hash(other))
    assert one != Reduction(width=800, window=(0, 4096), error=0.5, compress=True)
    assert one != Reduction(width=800, window=(0, 4096), error=None, compress=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("width", value) for value in (0, -1, MAX_WIDTH + 1, 800.0, True, "800", 10**400)),
        *(("window", value) for value in ((3, 3), (5, 2), (-1, 4), (0,), (0, 4.0), "04", 7)),
        *(("error", value) for value in (-1, math.nan, math.inf, True, "0", 1j, 10**400)),
        *(("compress", value) for value in (1, None, "yes")),
    ],
)
def test_a_wrong_setting_is_named(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"reduction: `{field}` is .*; not|`compress` is .*, not"):
        Reduction(**{field: value})


RANGE = reduce_frame(np.arange(1000, dtype=np.int32), Reduction(error=0))
SINE = reduce_frame(np.sin(np.arange(1000.0)), Reduction(width=100, compress=True))


@pytest.mark.parametrize("reduced", [RANGE, SINE, reduce_frame(np.arange(9), Reduction())])
@given(st.data())
def test_hostile_descriptions_are_refused_or_restored(
    reduced: ReducedFrame, data: st.DataObject
) -> None:
    described: Any = reduced.describe()
    values = st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from(["band", "pack", "plain", *DTYPES]),
        st.integers(-2, 2**80),
        st.sampled_from([0.5, 4, 8, 16, 32, 1000]),
        st.floats(),
        st.lists(st.sampled_from([0, 1, 100, 1000, 2**63, -1, None, 1.0]), max_size=3),
    )
    described |= data.draw(
        st.dictionaries(st.sampled_from(list(described)), values, min_size=1, max_size=3)
    )
    try:
        restored = restore(read_reduced(described, reduced.arrays))
    except ValueError as error:
        refusal = str(error)
    else:
        size = (
            sum(a.nbytes for a in restored)
            if isinstance(restored, PixelBounds)
            else restored.nbytes
        )
        assert size <= 1032 * reduced.nbytes * 8
        return
    assert refusal.startswith("a reduced frame: ")


@pytest.mark.parametrize("described", [None, [], "band", {}])
def test_what_is_no_description_is_refused(described: Any) -> None:
    with pytest.raises(ValueError, match="a reduced frame"):
        read_reduced(described, [])


@pytest.mark.parametrize("cut", [0, 1, 20, 200, -1])
def test_damaged_compressed_bytes_are_refused(cut: int) -> None:
    (stream,) = SINE.arrays
    with pytest.raises(ValueError, match=r"a reduced frame: .*compressed bytes"):
        restore(read_reduced(SINE.describe(), [stream[:cut].copy()]))
    if cut > 0:
        damaged = stream.copy()
        damaged[cut] ^= 0x55
        with pytest.raises(ValueError, match="compressed bytes are damaged"):
            restore(read_reduced(SINE.describe(), [damaged]))


def test_what_is_no_array_is_refused() -> None:
    with pytest.raises(ValueError, match="what came are none"):
        read_reduced(SINE.describe(), [{"frame": 5}])
