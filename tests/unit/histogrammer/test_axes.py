"""Bins of axes against exact fractions, and at their edges."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.histograms import VALUES, axes, exact_cell

from histogrammer.axes import MAX_BINS, Axis
from histogrammer.errors import AxisError


def test_the_worked_example_of_an_axis_holds() -> None:
    axis = Axis(-10, 30, 8)
    assert axis.width == 5
    assert axis.cells == 10
    values = [-10.1, -10, -5.0001, -5, 29.999, 30]
    assert axis.cells_of(values).tolist() == [0, 1, 1, 2, 8, 9]
    assert [axis.edge(number) for number in (0, 1, 8)] == [-10, -5, 30]


def test_whole_numbers_land_in_their_own_bins_of_every_axis_up_to_4096() -> None:
    numbers = np.arange(-1, 4097)
    cells = np.arange(4098)
    for bins in range(1, 4097):
        found = Axis(0, bins, bins).cells_of(numbers[: bins + 2])
        assert np.array_equal(found, cells[: bins + 2]), bins


@pytest.mark.parametrize("width", [0.5, 1, 3, 7, 49, 103])
@pytest.mark.parametrize("low", [-1000, -49, -0.5, 0, 0.5, 17, 1 << 40])
def test_multiples_of_the_width_land_in_their_own_bins(low: float, width: float) -> None:
    for bins in (1, 2, 29, 57, 100, 4096):
        axis = Axis(low, low + width * bins, bins)
        numbers = np.arange(bins + 1)
        assert np.array_equal(axis.cells_of(low + width * numbers), numbers + 1)
        assert np.array_equal(axis.cells_of(low + width * numbers - width / 8), numbers)


@pytest.mark.parametrize("axis", [Axis(0, 10, 100), Axis(0, 1e-300, 100)])
def test_a_region_may_end_where_no_number_holds_the_bin(axis: Axis) -> None:
    assert axis.between(-1.7e308, 1.7e308) == (0, 99)
    for low, high in ((1e307, 1e308), (-1e308, -1e307)):
        with pytest.raises(AxisError, match="beside the axis"):
            axis.between(low, high)


@given(axes(4096), st.lists(VALUES, min_size=1))
def test_cells_are_those_of_exact_fractions(axis: Axis, values: list[float]) -> None:
    assert axis.cells_of(values).tolist() == [exact_cell(axis, value) for value in values]


@given(
    st.floats(-1e6, 1e6),
    st.floats(1e-3, 1e6),
    st.integers(1, 5000),
    st.floats(-0.5, 1.5),
)
def test_any_value_away_from_an_edge_is_in_the_exact_cell(
    low: float, span: float, bins: int, place: float
) -> None:
    axis = Axis(low, low + span, bins)
    value = low + place * span
    exact = (Fraction(value) - Fraction(low)) / (Fraction(axis.high) - Fraction(low)) * bins
    rounding = (abs(low) + span) / axis.width * 1e-15
    assume(abs(exact - round(exact)) > rounding)
    assert axis.cell(value) == exact_cell(axis, value)


@given(axes(), st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -1e300]), st.integers(0, 2))
def test_a_value_that_is_far_or_none_changes_no_other(axis: Axis, far: float, place: int) -> None:
    values = [axis.low, axis.low, axis.low]
    values[place] = far
    expected = [1, 1, 1]
    expected[place] = 0 if far < 0 else axis.bins + 1
    assert axis.cells_of(values).tolist() == expected
    assert axis.cell(far) == expected[place]


@given(axes(4096))
def test_limits_belong_to_the_first_bin_and_to_overflow(axis: Axis) -> None:
    below, under = math.nextafter(axis.low, -math.inf), math.nextafter(axis.high, -math.inf)
    assert axis.cells_of([below, axis.low, under, axis.high]).tolist() == [
        *(0, 1),
        *(axis.bins, axis.bins + 1),
    ]


@given(axes(4096))
def test_coordinates_are_lower_edges_from_the_first_bin_to_the_last(axis: Axis) -> None:
    coordinates = axis.coordinates()
    assert coordinates.shape == (axis.cells,)
    assert coordinates[0] == coordinates[1] == axis.edge(0) == axis.low
    assert coordinates[axis.bins] == axis.edge(axis.bins - 1) == axis.high - axis.width
    assert coordinates[-1] == axis.edge(axis.bins) == axis.high


def test_a_quotient_that_is_rounded_up_stays_in_the_last_bin() -> None:
    axis, value = Axis(0, 1, 3), math.nextafter(1, 0)
    assert math.floor(value / axis.width) == 3
    assert axis.cell(value) == 3


@pytest.mark.parametrize("edge", [0.0, 0.1, 100.0])
def test_single_precision_values_beside_an_edge_stay_on_their_side(edge: float) -> None:
    axis = Axis(edge, edge + 3, 3)
    below = np.nextafter(np.float32(edge), np.float32(-1000))
    above = np.nextafter(np.float32(edge), np.float32(1000))
    assert axis.cells_of(np.array([below, above], np.float32)).tolist() == [0, 1]


def test_limits_in_the_wrong_order_change_places() -> None:
    assert Axis(5, -5, 10) == Axis(-5, 5, 10)


@pytest.mark.parametrize(
    ("low", "high", "bins", "text"),
    [
        (1, 1, 10, "limits must differ"),
        (0, 1, 0, "1 to"),
        (0, 1, -3, "1 to"),
        (0, 1, MAX_BINS + 1, "1 to"),
        (0, math.inf, 10, "finite"),
        (math.nan, 1, 10, "finite"),
        (-1.7e308, 1.7e308, 10, "width"),
        (0, 5e-324, 10, "width"),
    ],
)
def test_an_axis_that_cannot_be_is_refused(low: float, high: float, bins: int, text: str) -> None:
    with pytest.raises(AxisError, match=text):
        Axis(low, high, bins)
