"""Strip charts: times within the axis, beyond it and before it, and jumps of every size."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.histograms import FAR, axes, strip_chart

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError
from histogrammer.spectra import KINDS
from histogrammer.spectra.definition import Definition
from histogrammer.spectra.stripchart import FARTHEST, add_at_times, moved_axis

AXIS = Axis(100, 108, 8)


def chart(axis: Axis = AXIS) -> Definition:
    return KINDS["S"].define("s", [["time", "value"]], [axis])


def added(
    points: list[tuple[float, float]], axis: Axis = AXIS
) -> tuple[list[float], int, tuple[float, float]]:
    """Bins after some (time, value), bins moved, and limits of the axis then."""
    cells = np.zeros(axis.cells)
    times, values = (np.array(column, float) for column in zip(*points, strict=True))
    moved = add_at_times(cells, 0, axis.low, axis.width, times, values)
    assert cells[0] == cells[-1] == 0
    after = moved_axis(axis, moved)
    return cells[1:-1].tolist(), moved, (after.low, after.high)


def test_values_are_added_to_the_channels_of_their_times() -> None:
    bins, moved, limits = added([(100, 0.5), (107.5, -2), (100.9, 0.25)])
    assert bins == [0.75, 0, 0, 0, 0, 0, 0, -2]
    assert (moved, limits) == (0, (100, 108))


FULL = [(100.0 + number, 1.0 + number) for number in range(8)]


@pytest.mark.parametrize(
    ("time", "expected", "limits"),
    [
        (108, [3, 4, 5, 6, 7, 8, 99, 0], (102, 110)),  # a quarter
        (109.5, [3, 4, 5, 6, 7, 8, 0, 99], (102, 110)),
        (110, [5, 6, 7, 8, 0, 0, 99, 0], (104, 112)),
        (115, [0, 0, 0, 0, 0, 0, 0, 99], (108, 116)),  # a whole length
        (114, [0, 0, 0, 0, 0, 0, 99, 0], (108, 116)),
        (113, [7, 8, 0, 0, 0, 0, 0, 99], (106, 114)),
        (180, [0, 0, 0, 0, 0, 0, 99, 0], (174, 182)),  # ten lengths
    ],
)
def test_a_time_beyond_the_axis_moves_it_by_quarters(
    time: float, expected: list[float], limits: tuple[float, float]
) -> None:
    bins, _, found = added([*FULL, (time, 99)])
    assert (bins, found) == (expected, limits)


@pytest.mark.parametrize("time", [99.5, 98, 92, 20])
def test_a_time_before_the_axis_clears_and_begins_there(time: float) -> None:
    bins, _, limits = added([*FULL, (time, 99)])
    assert bins == [99, 0, 0, 0, 0, 0, 0, 0]
    assert limits == (math.floor(time), math.floor(time) + 8)


def test_the_axis_goes_on_from_where_it_has_moved() -> None:
    cells, moved = np.zeros(AXIS.cells), 0
    for time in (100.0, 109.0, 111.0):
        times, values = np.array([time]), np.array([1.0])
        moved = add_at_times(cells, moved, AXIS.low, AXIS.width, times, values)
    assert moved == 4
    assert cells[1:-1].tolist() == [0, 0, 0, 0, 0, 1, 0, 1]


@pytest.mark.parametrize("far", [*FAR, 100.0 + FARTHEST, 100.0 - FARTHEST])
def test_times_and_values_that_are_none_add_nothing_and_move_nothing(far: float) -> None:
    assert added([(101, 1), (far, 5), (102, 2)]) == added([(101, 1), (102, 2)])
    if not math.isfinite(far):
        assert added([(101, 1), (500, far), (102, 2)]) == added([(101, 1), (102, 2)])


def test_the_farthest_times_are_told_apart() -> None:
    bins, _, limits = added([(100.0 + FARTHEST - 1, 3), (100.0 + FARTHEST - 2, 4)])
    assert sum(bins) == 7
    assert max(bins) == 4
    assert limits[1] - limits[0] == 8
    assert added([(100.0 - FARTHEST + 1, 3)])[0][0] == 3


@settings(max_examples=60)
@given(
    axes(),
    st.lists(st.tuples(st.integers(-400, 1600), st.sampled_from([0.5, 1.0, -2.25, math.nan]))),
)
def test_charts_are_those_of_the_second_method(axis: Axis, points: list[tuple[int, float]]) -> None:
    events = [{"time": quarters / 4, "value": value} for quarters, value in points]
    cells = np.zeros(axis.cells)
    times = np.array([event["time"] for event in events])
    values = np.array([event["value"] for event in events])
    moved = add_at_times(cells, 0, axis.low, axis.width, times, values)
    expected, first = strip_chart(chart(axis), events)
    assert moved == first
    assert np.array_equal(cells, expected)


def test_bins_too_narrow_for_their_times_are_refused() -> None:
    chart(Axis(1.7e9, 1.7e9 + 1, 1000))
    with pytest.raises(SpectrumError, match=r"too narrow for times near 1e\+16"):
        chart(Axis(1e16, 1e16 + 2, 100))
