"""Objects of channels: the same letters by numba and by numpy, and the channels that are listed."""

from __future__ import annotations

import json
from unittest import mock

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histogrammer.axes import Axis
from histogrammer.rest.protocol import channelobjects
from histogrammer.rest.protocol.channelobjects import channel_objects
from histogrammer.spectra import KINDS
from histogrammer.spectra.channels import Region, list_channels
from histogrammer.spectra.definition import Definition

ONE = KINDS["1"].define("one", [["a"]], [Axis(-1.1, 3.3, 9)])
TWO = KINDS["2"].define("two", [["a", "b"]], [Axis(-10, 30, 8), Axis(0.1, 4, 3)])
BOTH = st.sampled_from([ONE, TWO])
DIGITS = st.integers(0, 16)
LIMITS = st.none() | st.sampled_from([-20.0, -10.0, 0.1, 1.4, 2.7, 5.0, 30.0, 99.0, float("nan")])


def by_both(
    definition: Definition, cells: npt.NDArray[np.float64], region: Region, most: int
) -> bytes:
    """Return the objects, which are the same by numba and by numpy."""
    compiled = b"".join(map(bytes, channel_objects(definition, cells, region, most)))
    with mock.patch.object(channelobjects, "_write", channelobjects._write.fallback):
        plain = b"".join(map(bytes, channel_objects(definition, cells, region, most)))
    assert compiled == plain
    return compiled


def triples(objects: bytes) -> list[tuple[float, float, float]]:
    listed = json.loads(b"[" + objects + b"0]")[:-1]
    return [(one["x"], one["y"], one["v"]) for one in listed]


@given(
    definition=BOTH,
    digits=DIGITS,
    seed=st.integers(0, 2**32 - 1),
    limits=st.tuples(LIMITS, LIMITS, LIMITS, LIMITS),
    most=st.sampled_from([1, 9, 1000]),
)
@settings(max_examples=80)
def test_objects_are_the_channels_of_a_region_with_counts_of_any_length(
    definition: Definition,
    digits: int,
    seed: int,
    limits: tuple[float | None, float | None, float | None, float | None],
    most: int,
) -> None:
    random = np.random.default_rng(seed)
    lengths = random.integers(0, digits + 1, definition.shape)
    cells = np.floor(random.uniform(0, 1, definition.shape) * 10.0**lengths)
    cells = np.minimum(cells, 2.0**53 - 1)
    region = Region(x_low=limits[0], x_high=limits[1], y_low=limits[2], y_high=limits[3])
    channels = list_channels(definition, cells, region, flow=False)
    expected = list(zip(channels.x, channels.y, channels.values, strict=True))
    assert triples(by_both(definition, cells, region, most)) == expected


@pytest.mark.parametrize("count", [0.5, -1.0, 2.0**53, 2.0**53 + 2, 1e300, 7.0])
def test_counts_that_are_no_integers_or_too_large_are_written_in_full(count: float) -> None:
    cells = np.zeros(TWO.shape)
    cells[2, 3:5] = count, 12.0
    y = 0.1 + (4 - 0.1) / 3
    assert triples(by_both(TWO, cells, Region(), 1000)) == [(0.0, y, count), (5.0, y, 12.0)]


@pytest.mark.parametrize("number", [10**n + d for n in range(16) for d in (-1, 0, 1)])
def test_powers_of_ten_and_their_neighbours_have_their_digits(number: int) -> None:
    cells = np.zeros(ONE.shape)
    cells[[1, 2]] = number, 1
    last = b'0.0,"v":%b1.0},' % (b" " * (len(str(number)) - 1))
    objects = by_both(ONE, cells, Region(), 1000)
    assert objects.endswith(last)
    assert b'"v":%d.0},' % number in objects or number == 0
