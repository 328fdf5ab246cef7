"""Kernels and their fallback: the cells of `Axis.cells_of`, and those of exact fractions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histogrammer import fallback, kernels
from histogrammer.axes import Axis
from histogrammer.contents import Contents, Counts
from histogrammer.events.blocks import EventBlock
from histogrammer.fallback import Kernel, Numbers, Values
from histogrammer.fillplan import Columns

Dtype: TypeAlias = type[np.float32] | type[np.float64]

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
WAYS = pytest.mark.parametrize("fill_ones", [kernels.fill_ones.loaded(), fallback.fill_ones])
SPECIAL = {np.nan: -1, np.inf: -1, -np.inf: 0, 1e300: -1, -1e300: 0, 10.0: -1, 3.5: 4}
"""Value -> cell on an axis of 10 bins from 0 to 10; -1 is overflow."""


def filled(
    function: Kernel,
    axis: Axis,
    values: Values,
    rows: Sequence[int] = (0,),
    events: Numbers | None = None,
) -> Counts:
    columns = Columns.of(EventBlock({}, values))
    number, chosen = (-1, np.zeros(0, np.int32)) if events is None else (0, events)
    fills = np.array([(row, 0, number) for row in rows])
    contents, table = Contents.zeros((axis.cells,)), kernels.axis_table((axis, 1))
    ends = np.array([0, len(chosen)])
    function(
        columns.values,
        columns.bits,
        columns.absent,
        chosen,
        ends,
        fills,
        table,
        contents.recent,
        contents.padded,
    )
    contents.is_settled = False
    return contents.cells


def counted(axis: Axis, values: npt.NDArray[np.float64]) -> Counts:
    return np.bincount(axis.cells_of(values), minlength=axis.cells).astype(np.float64)


@DTYPES
def test_whole_number_k_lands_in_bin_k_of_every_axis_of_whole_numbers(dtype: Dtype) -> None:
    values = np.arange(-1, 4098, dtype=dtype)[np.newaxis]
    fill_ones = kernels.fill_ones.loaded()
    for bins in range(1, 4097):
        cells = filled(fill_ones, Axis(0, bins, bins), values[:, : bins + 2].copy())
        assert (cells == 1).all() or cells.tolist() == [1, *[1] * bins, 1]


@DTYPES
@WAYS
@pytest.mark.parametrize("low", [0, -10.5, 7])
@pytest.mark.parametrize("width", [0.5, 3, 7, 49, 103])
def test_multiples_of_the_width_begin_their_bins(
    width: float, low: float, fill_ones: Kernel, dtype: Dtype
) -> None:
    bins = 1000
    axis = Axis(low, low + bins * width, bins)
    edges = low + width * np.arange(-1, bins + 1)
    below = edges + width / 2
    assert (filled(fill_ones, axis, edges.astype(dtype)[np.newaxis]) == 1).all()
    assert (filled(fill_ones, axis, below.astype(dtype)[np.newaxis]) == 1).all()


@DTYPES
@WAYS
@settings(max_examples=20)
@given(data=st.data())
def test_cells_are_those_of_the_axis_to_the_last_bit(
    fill_ones: Kernel, dtype: Dtype, data: st.DataObject
) -> None:
    limits = st.floats(-1e6, 1e6, width=32)
    low, high = data.draw(st.tuples(limits, limits).filter(lambda pair: pair[0] != pair[1]))
    axis = Axis(low, high, data.draw(st.integers(1, 300)))
    edges = np.array([axis.edge(k) for k in range(axis.bins + 1)]).astype(dtype)
    values = np.concatenate(
        [edges, np.nextafter(edges, dtype(np.inf)), np.nextafter(edges, dtype(-np.inf))]
    )
    expected = counted(axis, values.astype(np.float64))
    assert filled(fill_ones, axis, values[np.newaxis]).tolist() == expected.tolist()


@DTYPES
@pytest.mark.parametrize("exponent", [-1060, -101, -100, -3, 0, 4, 100, 101, 900])
@pytest.mark.parametrize("first", [0, -5, 3])
@pytest.mark.parametrize("bins", [1, 7, 300])
def test_bins_of_a_power_of_two_are_those_of_the_axis_to_the_last_bit(
    bins: int, first: int, exponent: int, dtype: Dtype
) -> None:
    width = 2.0**exponent
    axis = Axis(first * width, (first + bins) * width, bins)
    with np.errstate(over="ignore", under="ignore"):
        edges = (np.arange(-1, bins + 2) + first) * width
        values = np.concatenate([edges, edges + width / 3, [0.0, -0.0]]).astype(dtype)
        values = np.concatenate(
            [values, np.nextafter(values, dtype(np.inf)), np.nextafter(values, dtype(-np.inf))]
        )
    expected = counted(axis, values.astype(np.float64))
    found = filled(kernels.fill_ones.loaded(), axis, values[np.newaxis])
    assert found.tolist() == expected.tolist()


@DTYPES
def test_limits_and_bins_that_float32_does_not_hold_are_heeded(dtype: Dtype) -> None:
    fill_ones = kernels.fill_ones.loaded()
    for axis in (Axis(0, 1 + 2.0**-52, 1), Axis(0, 3 + 2.0**-51, 3), Axis(0, 1 << 23, 1 << 23)):
        values = np.array([0.0, 0.5, 1.0, 2.9999998, 3.0, (1 << 23) - 1, 1 << 23], dtype)
        expected = counted(axis, values.astype(np.float64))
        assert (filled(fill_ones, axis, values[np.newaxis]) == expected).all()


@DTYPES
@pytest.mark.parametrize("events", [None, np.arange(2048 + 3, dtype=np.int32)])
@pytest.mark.parametrize("special", SPECIAL)
def test_special_values_go_to_their_cells_from_each_place_of_a_piece(
    special: float, events: Numbers | None, dtype: Dtype
) -> None:
    values = np.full((2048, 2048 + 3), 5.5, dtype)
    with np.errstate(over="ignore"):  # 1e300 is infinite in float32
        np.fill_diagonal(values, special)
    cells = filled(kernels.fill_ones.loaded(), Axis(0, 10, 10), values, range(2048), events)
    expected = np.zeros(12)
    expected[6] = values.size - 2048
    expected[SPECIAL[special]] += 2048
    assert cells.tolist() == expected.tolist()


@WAYS
@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_special_value_leaves_the_others_alone(
    special: float, place: int, fill_ones: Kernel
) -> None:
    values = np.full((1, 5), 5.5)
    values[0, place] = special
    expected = np.zeros(12)
    expected[6] = 4
    expected[SPECIAL[special]] += 1
    assert filled(fill_ones, Axis(0, 10, 10), values).tolist() == expected.tolist()


@DTYPES
@WAYS
def test_absent_values_and_events_that_are_not_listed_do_not_count_and_nan_does(
    fill_ones: Kernel, dtype: Dtype
) -> None:
    events: list[dict[str, float]] = [{"a": 1}, {}, {"a": np.nan}, {"a": 2}] * 1000
    values = EventBlock.of(events, dtype).values
    listed = kernels.numbers_of(np.arange(len(events)) % 4 != 3)
    cells = filled(fill_ones, Axis(0, 4, 4), values, events=listed)
    assert cells.tolist() == [0, 0, 1000, 0, 0, 1000]


@DTYPES
@pytest.mark.parametrize("fill_bits", [kernels.fill_bits.loaded(), fallback.fill_bits])
def test_only_numbers_of_32_bits_without_sign_have_bits(fill_bits: Kernel, dtype: Dtype) -> None:
    none = [-1.0, -100.0, -(2.0**31), 2.0**32, 2.0**33 + 2**10, np.inf, -np.inf, np.nan]
    values = np.array([[*none, -0.5, 0.0, 5.75, 2.0**31]], dtype)
    assert filled(fill_bits, Axis(0, 4, 4), values).tolist() == [0, 1, 0, 1, 0, 1]


def test_counts_do_not_stop_at_2_to_the_24() -> None:
    values = np.full((1, 2**24 + 3), 0.5, np.float32)
    assert filled(kernels.fill_ones.loaded(), Axis(0, 1, 1), values).tolist() == [0, 2**24 + 3, 0]
