"""Large answers are the same JSON as objects make, and are kept until they change."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from histogrammer.analysis.statistics import flow_of
from histogrammer.axes import Axis
from histogrammer.contents import Counts
from histogrammer.rest.bodycache import BodyCache
from histogrammer.rest.protocol.answers import ChannelObject, ContentsObject, sums
from histogrammer.rest.protocol.bodies import contents_pieces, write_answer
from histogrammer.spectra.channels import Region, list_channels
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


def written(
    definition: Definition, cells: Counts, most: int = 100, region: Region | None = None
) -> Any:
    """Return the detail of an answer that is written in pieces of so many cells."""
    pieces = contents_pieces(definition, cells, flow_of(cells), region, most=most)
    told = json.loads(b"".join(pieces))
    assert told.keys() == {"status", "detail"}
    assert told["status"] == "OK"
    return told["detail"]


@given(x=AXES, y=st.none() | AXES, most=st.sampled_from([1, 8, 1000]), data=st.data())
@settings(max_examples=60)
def test_contents_are_the_json_of_their_objects(
    x: Axis, y: Axis | None, most: int, data: st.DataObject
) -> None:
    groups = (("a",),) if y is None else (("a",), ("b",))
    definition = Definition(
        name="h", kind="1" if y is None else "2", groups=groups, x_axis=x, y_axis=y
    )
    size = int(np.prod(definition.shape))
    counts = data.draw(st.lists(COUNTS, min_size=size, max_size=size))
    cells = np.array(counts).reshape(definition.shape)
    channels = list_channels(definition, cells, flow=False)
    triples = zip(channels.x, channels.y, channels.values, strict=True)
    listed = [ChannelObject(x=x, y=y, v=v) for x, y, v in triples]
    told = ContentsObject(statistics=sums(definition, flow_of(cells)), channels=listed)
    assert written(definition, cells, most) == told


def test_contents_are_bins_by_their_lower_edges() -> None:
    x, y = Axis(0, 4096, 512), Axis(0, 1024, 256)
    definition = Definition(name="h", kind="2", groups=(("a",), ("b",)), x_axis=x, y_axis=y)
    cells = np.zeros(definition.shape)
    cells[1 + 16, 1 + 16] = 17
    cells[1 + 16, 1 + 17] = 3
    cells[0, 5] = 9
    assert written(definition, cells) == {
        "statistics": {"xunderflow": 0, "xoverflow": 0, "yunderflow": 9, "yoverflow": 0},
        "channels": [{"x": 128.0, "y": 64.0, "v": 17.0}, {"x": 136.0, "y": 64.0, "v": 3.0}],
    }


def test_contents_of_one_dimension_have_no_sums_along_y() -> None:
    definition = Definition(name="h", kind="1", groups=(("a",),), x_axis=Axis(-10, 30, 8))
    made = written(definition, np.arange(1.0, 11.0))
    assert made["statistics"] == {
        "xunderflow": 1,
        "xoverflow": 10,
        "yunderflow": None,
        "yoverflow": None,
    }
    assert made["channels"][0] == {"x": -10.0, "y": 0.0, "v": 2.0}
    assert len(made["channels"]) == 8


def test_edges_of_an_axis_of_very_many_bins_are_written() -> None:
    definition = Definition(name="h", kind="1", groups=(("a",),), x_axis=Axis(0, 7e5, 70_000))
    cells = np.zeros(definition.shape)
    cells[[1, 69_999]] = 5, 12345678901
    assert written(definition, cells)["channels"] == [
        {"x": 0.0, "y": 0.0, "v": 5.0},
        {"x": 699980.0, "y": 0.0, "v": 12345678901.0},
    ]


def test_integers_of_more_than_64_bits_are_written() -> None:
    assert json.loads(write_answer("OK", {"counts": 2**70}))["detail"]["counts"] == 2**70


def test_what_was_asked_for_last_is_kept_within_a_bound() -> None:
    cache = BodyCache(most_bytes=10)
    for key in "abc":
        cache.put(key, 1, key.encode() * 4)
        cache.get("a", 1)
    assert [cache.get(key, 1) for key in "abc"] == [b"aaaa", None, b"cccc"]
    assert cache.get("a", 2) is None
    cache.put("a", 2, b"new")
    assert (cache.get("a", 1), cache.get("a", 2)) == (None, b"new")
    cache.put("large", 1, bytes(11))
    assert cache.get("large", 1) is None
