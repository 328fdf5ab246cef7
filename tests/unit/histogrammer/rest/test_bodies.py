"""Large answers are the same JSON as objects make, and are kept until they change."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from histogrammer.analysis.statistics import flow_of
from histogrammer.axes import Axis
from histogrammer.rest.bodycache import BodyCache
from histogrammer.rest.protocol.answers import answer, contents
from histogrammer.rest.protocol.bodies import write_answer, write_contents
from histogrammer.spectra.channels import list_channels
from histogrammer.spectra.definition import Definition

COUNTS = (
    st.integers(0, 12).map(float)
    | st.sampled_from([2.0**31, 2.0**32 - 1, 2.0**53, 2.0**64, 1e300])
    | st.sampled_from([-1.0, 0.5, -1e-9])
)
AXES = st.builds(
    lambda low, width, bins: Axis(low, low + width, bins),
    st.floats(-1e6, 1e6),
    st.floats(1e-3, 1e6),
    st.integers(1, 4),
)


@given(x=AXES, y=st.none() | AXES, data=st.data())
@settings(max_examples=60)
def test_contents_are_the_json_of_their_objects(
    x: Axis, y: Axis | None, data: st.DataObject
) -> None:
    groups = (("a",),) if y is None else (("a",), ("b",))
    definition = Definition(
        name="h", kind="1" if y is None else "2", groups=groups, x_axis=x, y_axis=y
    )
    size = int(np.prod(definition.shape))
    counts = data.draw(st.lists(COUNTS, min_size=size, max_size=size))
    cells = np.array(counts).reshape(definition.shape)
    channels, flow = list_channels(definition, cells, flow=False), flow_of(cells)
    written = write_contents(definition, channels, flow)
    assert json.loads(written) == answer(contents(definition, channels, flow))


def test_edges_of_an_axis_of_very_many_bins_are_written() -> None:
    definition = Definition(name="h", kind="1", groups=(("a",),), x_axis=Axis(0, 7e5, 70_000))
    cells = np.zeros(definition.shape)
    cells[[1, 69_999]] = 5, 12345678901
    channels, flow = list_channels(definition, cells, flow=False), flow_of(cells)
    assert json.loads(write_contents(definition, channels, flow))["detail"]["channels"] == [
        {"x": 0.0, "y": 0.0, "v": 5.0},
        {"x": 699980.0, "y": 0.0, "v": 12345678901.0},
    ]


def test_integers_of_more_than_64_bits_are_written() -> None:
    assert json.loads(write_answer("OK", {"counts": 2**70}))["detail"]["counts"] == 2**70


def test_what_was_asked_for_last_is_kept_within_a_bound() -> None:
    cache = BodyCache(most_bytes=10)
    for key in "abc":
        cache.put(key, 1, bytearray(key * 4, "ascii"))
        cache.get("a", 1)
    assert [cache.get(key, 1) for key in "abc"] == [b"aaaa", None, b"cccc"]
    assert cache.get("a", 2) is None
    cache.put("a", 2, bytearray(b"new"))
    assert (cache.get("a", 1), cache.get("a", 2)) == (None, b"new")
    cache.put("large", 1, bytearray(11))
    assert cache.get("large", 1) is None
