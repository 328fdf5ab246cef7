"""Channels by the numbers of requests: get, set and list agree for every kind."""

import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest
from support.histograms import DEFINITIONS

from histogrammer.analysis.statistics import flow_of
from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError
from histogrammer.spectra import KINDS
from histogrammer.spectra.channels import (
    Region,
    channel_pieces,
    get_channel,
    list_channels,
    set_channel,
)
from histogrammer.spectra.definition import Definition

EVERY = pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
ONE = KINDS["1"].define("one", [["a"]], [Axis(-10, 30, 8)])
TWO = KINDS["2"].define("two", [["a", "b"]], [Axis(-10, 30, 8), Axis(1, 4, 3)])

Cells = npt.NDArray[np.float64]


def numbers_of(definition: Definition) -> list[tuple[int, int | None]]:
    """All numbers of channels, flow included, x fastest."""
    y_numbers: list[int | None] = [None]
    if definition.y_axis is not None:
        y_numbers = list(range(-1, definition.y_axis.bins + 1))
    return [(x, y) for y in y_numbers for x in range(-1, definition.x_axis.bins + 1)]


def numbered(definition: Definition) -> Cells:
    """Cells 1, 2, ... in the order of storage."""
    return 1.0 + np.arange(np.prod(definition.shape), dtype=float).reshape(definition.shape)


@EVERY
def test_get_set_list_and_storage_agree_on_every_channel(definition: Definition) -> None:
    numbers = numbers_of(definition)
    cells = np.zeros(definition.shape)
    for count, (x, y) in enumerate(numbers, 1):
        set_channel(definition, cells, x, y, count)
    assert np.array_equal(cells, numbered(definition))
    assert [get_channel(definition, cells, x, y) for x, y in numbers] == list(
        range(1, len(numbers) + 1)
    )
    channels = list_channels(definition, cells, flow=True)
    assert len(channels) == len(numbers)
    listed = zip(channels.x_numbers.tolist(), channels.y_numbers.tolist(), strict=True)
    assert list(listed) == [(x, y or 0) for x, y in numbers]
    assert channels.values.tolist() == list(range(1, len(numbers) + 1))


@EVERY
def test_a_channel_lies_at_the_edges_of_its_number(definition: Definition) -> None:
    x_axis, y_axis = definition.x_axis, definition.y_axis
    channels = list_channels(definition, numbered(definition), flow=False)
    assert channels.x.tolist() == [x_axis.edge(int(number)) for number in channels.x_numbers]
    assert np.array_equal(x_axis.cells_of(channels.x), channels.x_numbers + 1)
    if y_axis is None:
        assert not channels.y.any()
    else:
        assert np.array_equal(y_axis.cells_of(channels.y), channels.y_numbers + 1)
    bins = x_axis.bins * (1 if y_axis is None else y_axis.bins)
    assert len(channels) == bins


def test_only_channels_that_are_not_zero_are_listed() -> None:
    cells = np.zeros(TWO.shape)
    assert len(list_channels(TWO, cells, flow=True)) == 0
    set_channel(TWO, cells, 4, 2, -0.5)
    channels = list_channels(TWO, cells, flow=True)
    assert (channels.x.tolist(), channels.y.tolist()) == ([10], [3])
    assert channels.values.tolist() == [-0.5]


def test_set_replaces_where_rustogramer_adds() -> None:
    cells = np.zeros(ONE.shape)
    set_channel(ONE, cells, 3, None, 7)
    set_channel(ONE, cells, 3, None, 5)
    assert get_channel(ONE, cells, 3) == 5


def test_y_means_nothing_in_one_dimension() -> None:
    cells = numbered(ONE)
    assert get_channel(ONE, cells, 5, 99) == get_channel(ONE, cells, 5)


@pytest.mark.parametrize("x", [-2, 9])
def test_numbers_beyond_the_flow_are_refused_in_one_dimension(x: int) -> None:
    cells = numbered(ONE)
    with pytest.raises(SpectrumError, match=r"^X index is out of range$"):
        get_channel(ONE, cells, x)
    with pytest.raises(SpectrumError, match=r"^X index is out of range$"):
        set_channel(ONE, cells, x, None, 1)
    assert np.array_equal(cells, numbered(ONE))


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        (9, 0, "Xbin: 9 is larger than the number of bins: 8"),
        (0, 4, "Ybin: 4 is larger than the number of bins: 3"),
        (-2, 0, "Bins are out of range"),
        (0, -2, "Bins are out of range"),
    ],
)
def test_numbers_beyond_the_flow_are_refused_in_two_dimensions(x: int, y: int, text: str) -> None:
    cells = numbered(TWO)
    with pytest.raises(SpectrumError, match=f"^{text}$"):
        get_channel(TWO, cells, x, y)
    with pytest.raises(SpectrumError, match=f"^{text}$"):
        set_channel(TWO, cells, x, y, 1)
    assert np.array_equal(cells, numbered(TWO))


@pytest.mark.parametrize("letters", ["2", "g2", "gd", "m2", "s", "gs"])
def test_two_dimensions_need_both_numbers(letters: str) -> None:
    definition = DEFINITIONS[letters]
    cells = numbered(definition)
    with pytest.raises(SpectrumError, match=r"^Must have  a ybin for a 2d spectrum$"):
        get_channel(definition, cells, 0)
    with pytest.raises(SpectrumError, match=r"^2d spectra need a y bin$"):
        set_channel(definition, cells, 0, None, 1)


def test_a_region_holds_both_of_its_ends() -> None:
    channels = list_channels(ONE, numbered(ONE), Region(x_low=-5, x_high=10), flow=False)
    assert channels.x.tolist() == [-5, 0, 5, 10]
    channels = list_channels(TWO, numbered(TWO), Region(x_high=-5, y_low=2), flow=False)
    assert list(zip(channels.x, channels.y, strict=True)) == [(-10, 2), (-5, 2), (-10, 3), (-5, 3)]


def test_flow_in_one_dimension_is_listed_whatever_the_region() -> None:
    region = Region(x_low=0, x_high=4, y_low=0, y_high=0)
    channels = list_channels(ONE, numbered(ONE), region, flow=True)
    assert channels.x.tolist() == [-10, 0, 30]
    assert channels.x_numbers.tolist() == [-1, 2, 8]


def test_flow_in_two_dimensions_is_listed_where_its_edges_are_in_the_region() -> None:
    cells = numbered(TWO)
    all_of_it = list_channels(TWO, cells, Region(), flow=True)
    assert len(all_of_it) == cells.size
    channels = list_channels(TWO, cells, Region(x_high=-10, y_low=4), flow=True)
    assert channels.x_numbers.tolist() == [-1, 0]
    assert channels.y_numbers.tolist() == [3, 3]


def test_summaries_have_two_dimensions_where_rustogramer_lists_one_row() -> None:
    definition = DEFINITIONS["s"]
    channels = list_channels(definition, numbered(definition), Region(), flow=False)
    assert set(channels.y.tolist()) == {-3, 4, 11}


@EVERY
def test_flow_of_every_kind_counts_the_axes_that_it_has(definition: Definition) -> None:
    flow = flow_of(np.ones(definition.shape))
    x_cells = 1 if definition.y_axis is None else definition.y_axis.cells
    y_cells = 0 if definition.y_axis is None else definition.x_axis.cells
    assert flow.underflows == flow.overflows == (x_cells, y_cells)


def test_a_list_of_few_channels_of_a_large_spectrum_takes_little_memory() -> None:
    definition = KINDS["1"].define("h", [["a"]], [Axis(-1, 1, 1 << 22)])
    cells = np.zeros(definition.shape)
    cells[[0, 1 << 21, -1]] = 5.0
    tracemalloc.start()
    try:
        channels = list_channels(definition, cells, flow=True)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert channels.x.tolist() == [-1.0, -(2.0**-21), 1.0]
    assert peak < 100_000


@EVERY
@pytest.mark.parametrize("most", [1, 7, 1000])
@pytest.mark.parametrize("flow", [True, False])
def test_pieces_are_the_channels_one_after_the_other(
    definition: Definition, most: int, flow: bool
) -> None:
    cells, region = numbered(definition), Region(x_low=0.0)
    channels = list_channels(definition, cells, region, flow=flow)
    pieces = list(channel_pieces(definition, cells, region, flow=flow, most=most))
    assert all(len(piece) <= max(most, cells[0].size) for piece in pieces)
    for name in ("x_numbers", "y_numbers", "x", "y", "values"):
        joined = np.concatenate([getattr(piece, name) for piece in pieces])
        assert joined.tolist() == getattr(channels, name).tolist()
