"""Requests of spectra, with the texts of the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.rest_client import RestClient

from histogrammer.events.blocks import EventBlock


def fill(rest: RestClient, **columns: list[float]) -> None:
    """Fill from events."""
    names = list(rest.engine.parameters)
    rows = np.full((len(names), len(next(iter(columns.values())))), np.nan)
    for name, values in columns.items():
        rows[names.index(name)] = values
    block = EventBlock({name: row for row, name in enumerate(names)}, rows)
    rest.program.worker.ask(lambda engine: engine.fill(block))


def test_a_spectrum_is_listed_with_its_own_axes(rest: RestClient) -> None:
    rest.book("p", "gd", "{a b} {c d}", "0 10 5", "0 20 4")
    x, y = {"low": 0.0, "high": 10.0, "bins": 5}, {"low": 0.0, "high": 20.0, "bins": 4}
    assert rest.ok("spectrum/list") == [
        {
            "id": 0,
            "name": "p",
            "type": "gd",
            "parameters": ["a", "b", "c", "d"],
            "xparameters": ["a", "b"],
            "yparameters": ["c", "d"],
            "axes": [x, y],
            "xaxis": x,
            "yaxis": y,
            "chantype": "f64",
            "gate": None,
        }
    ]
    rest.book("s", "s", "a b c", "0 20 4")
    listed = rest.ok("spectrum/list", filter="s")[0]
    assert (listed["id"], listed["xaxis"], listed["yaxis"]) == (
        1,
        {"low": 0.0, "high": 3.0, "bins": 3},
        y,
    )
    assert rest.ok("spectrum/delete", name="p") == ""
    assert [one["name"] for one in rest.ok("spectrum/list")] == ["s"]
    assert rest("spectrum/list", filter="[")[1] == []


def test_the_axis_of_a_strip_chart_is_listed_where_it_is(rest: RestClient) -> None:
    rest.book("S", "S", "a b", "0 8 8")
    assert rest.ok("spectrum/list")[0]["xaxis"]["low"] == 0.0
    fill(rest, a=[20.0], b=[1.0])
    shown = rest.engine.spectra["S"].shown.x_axis
    assert rest.ok("spectrum/list")[0]["xaxis"] == {
        "low": shown.low,
        "high": shown.high,
        "bins": 8,
    }
    assert shown.low > 0


FAILURES: list[tuple[str, str, str, str, str | None]] = [
    (
        "1",
        "a b",
        "{0 1 2}",
        "Error processing 1d spectrum parameters",
        "Only allowed one parameter",
    ),
    ("1", "a", "{0 1}", "Invalid axis specification", None),
    ("1", "a", "{1 1 4}", "Invalid Axis specification", None),
    ("1", "a", "{0 1 0}", "Invalid Axis specification", None),
    ("1", "x", "{0 1 2}", "Failed to create 1d spectrum", "No such parameter: x"),
    (
        "2",
        "a",
        "{0 1 2} {0 1 2}",
        "Failed to process parameter list",
        "There must be exactly two parameters for a 2d spectrum",
    ),
    ("2", "a b", "{0 1 2}", "Failed to parse axes definitions", None),
    ("2", "a b", "{1 1 2} {0 1 2}", "Invalid X axis specification", None),
    ("2", "a b", "{0 1 2} {0 1 0}", "Invalid Y axis specification", None),
    ("2", "a x", "{0 1 2} {0 1 2}", "Failed to create 2d spectrum", "No such parameter: x"),
    ("g1", "a b", "x", "Failed to process axis definition", None),
    ("g1", "a b", "{1 1 2}", "Invalid axis specification", None),
    ("g1", "a x", "{0 1 2}", "Failed to make multi1d spectrum", "No such parameter: x"),
    ("g2", "a b", "{0 1 2}", "Failed to parse axes definitions", None),
    ("g2", "a b", "{1 1 2} {0 1 2}", "Invalid x axis specification", None),
    ("g2", "a b", "{0 1 2} {1 1 2}", "Invalid Y axis specification", None),
    ("g2", "a x", "{0 1 2} {0 1 2}", "Failed to create multi2d spectrum", "No such parameter: x"),
    ("gd", "a b c", "{0 1 2} {0 1 2}", "Failed to parse parameter list", None),
    (
        "gd",
        "{a} {x}",
        "{0 1 2} {0 1 2}",
        "Failed to create pgamma spectrum",
        "No such parameter: x",
    ),
    ("s", "a x", "{0 1 2}", "Failed to create spectrum", "No such parameter: x"),
    (
        "m2",
        "a b c",
        "{0 1 2} {0 1 2}",
        "Failed to create 2d sum spectrum",
        "Must have an even number of parameters",
    ),
    ("m2", "a x", "{0 1 2} {0 1 2}", "Failed to create 2d sum spectrum", "No such parameter: x"),
    ("1v", "a", "{0 1 2}", "Unsupported spectrum type", "Bad type was '1v'"),
]


@pytest.mark.parametrize(("kind", "parameters", "axes", "status", "detail"), FAILURES)
def test_a_spectrum_that_cannot_be_created_is_told_in_the_texts_of_the_reference(
    rest: RestClient, kind: str, parameters: str, axes: str, status: str, detail: str | None
) -> None:
    told = rest("spectrum/create", name="h", type=kind, parameters=parameters, axes=axes)
    assert told[0] == status
    assert told[1] == detail if detail else told[1]
    assert not rest.engine.spectra


def test_other_failures_have_the_texts_of_the_reference(rest: RestClient) -> None:
    rest.book("h", "1", "a", "0 1 2")
    again = {"name": "h", "type": "1", "parameters": "a", "axes": "{0 1 2}"}
    assert rest("spectrum/create", **again) == (
        "Failed to create 1d spectrum",
        "Spectrum h already exists",
    )
    assert rest("spectrum/delete", name="x") == ("Failed to delete x", "Spectrum x does not exist")
    status, detail = rest("spectrum/contents", name="x")
    assert status == "Failed to fetch info for x no such spectrum or ambiguous name"
    assert detail["channels"] == []
    assert rest("spectrum/zero", pattern="[")[0] == "Failed to clear spectra matching '['"
    assert rest.ok("spectrum/zero", pattern="no*") == ""
    assert rest("specstats", pattern="[")[1] == []


def test_contents_are_told_until_they_change(rest: RestClient) -> None:
    rest.book("h", "2", "a b", "0 4096 512", "0 1024 256")
    fill(rest, a=[128.0, 129.0, -1.0, 5000.0], b=[256.0, 257.0, 3.0, 2000.0])
    first = {
        "statistics": {"xunderflow": 1, "xoverflow": 1, "yunderflow": 0, "yoverflow": 1},
        "channels": [{"x": 128.0, "y": 256.0, "v": 2.0}],
    }
    for _ in range(2):  # of the second what was written is kept
        assert rest.ok("spectrum/contents", name="h") == first
    assert rest.ok("spectrum/contents", name="h", xlow=129)["channels"] == []
    assert rest.ok("spectrum/contents", name="h", xlow=128, yhigh=256) == first
    fill(rest, a=[128.0], b=[256.0])
    assert rest.ok("spectrum/contents", name="h")["channels"][0]["v"] == 3.0
    rest.ok("channel/set", spectrum="h", xchannel=0, ychannel=0, value=9)
    assert len(rest.ok("spectrum/contents", name="h")["channels"]) == 2
    rest.ok("spectrum/zero")
    assert rest.ok("spectrum/contents", name="h")["channels"] == []
    rest.ok("spectrum/delete", name="h")
    rest.book("h", "1", "a", "0 8 8")
    fill(rest, a=[3.0])
    assert rest.ok("spectrum/contents", name="h", ylow=0, yhigh=0)["channels"] == [
        {"x": 3.0, "y": 0.0, "v": 1.0}
    ]


def test_a_name_is_compared_letter_by_letter_before_it_is_a_pattern(rest: RestClient) -> None:
    for bin_, name in enumerate(("a*", "ab", "[x]", "x")):
        rest.book(name, "1", "a", "0 8 8")
        rest.ok("channel/set", spectrum=name, xchannel=bin_, value=1)
    for bin_, name in enumerate(("a*", "ab", "[x]", "x")):
        channels = rest.ok("spectrum/contents", name=name)["channels"]
        assert [one["x"] for one in channels] == [float(bin_)]
        assert rest.ok("integrate", spectrum=name)["counts"] == 1
        assert rest.ok("channel/get", spectrum=name, xchannel=bin_) == 1.0
    assert rest("integrate", spectrum="?*")[0] == (
        "?* either does not exist or is a pattern with more than one match"
    )


def test_channels_are_set_not_added_to(rest: RestClient) -> None:
    rest.book("h", "1", "a", "0 8 8")
    rest.book("p", "2", "a b", "0 8 8", "0 4 4")
    for value in (7, 5):
        assert rest.ok("channel/set", spectrum="h", xchannel=3, ychannel=0, value=value) == ""
    assert rest.ok("channel/get", spectrum="h", xchannel=3, ychannel=0) == 5.0
    rest.ok("channel/set", spectrum="p", xchannel=8, ychannel=-1, value=2)
    assert rest.ok("channel/get", spectrum="p", xchannel=8, ychannel=-1) == 2.0
    assert rest.ok("specstats") == [
        {"name": "h", "underflows": [0, 0], "overflows": [0, 0]},
        {"name": "p", "underflows": [0, 2], "overflows": [2, 0]},
    ]
    set_, get = "Unable to set channel: ", "Could not get channel: "
    for query, detail, status in [
        ({"spectrum": "x", "xchannel": 1}, "No such spectrum: x", "No such spectrum 'x'"),
        ({"spectrum": "h", "xchannel": 9}, *["X index is out of range"] * 2),
        (
            {"spectrum": "p", "xchannel": 1},
            "2d spectra need a y bin",
            "Must have  a ybin for a 2d spectrum",
        ),
        (
            {"spectrum": "p", "xchannel": 9, "ychannel": 0},
            *["Xbin: 9 is larger than the number of bins: 8"] * 2,
        ),
        (
            {"spectrum": "p", "xchannel": 0, "ychannel": 5},
            *["Ybin: 5 is larger than the number of bins: 4"] * 2,
        ),
        ({"spectrum": "p", "xchannel": -2, "ychannel": 0}, *["Bins are out of range"] * 2),
    ]:
        assert rest("channel/set", value=1, **query) == (set_, detail)
        assert rest("channel/get", **query) == (get + status, 0.0)


def test_projections_keep_the_axis_of_their_direction(rest: RestClient) -> None:
    rest.book("m", "m2", "a b c d", "0 8 8", "0 4 4")
    fill(rest, a=[1.0], b=[2.0], c=[5.0], d=[3.0])
    common = {"source": "m", "contour": "", "bind": "no"}
    assert rest.ok("project", newname="mx", direction="X", snapshot="Yes", **common) == ""
    assert rest.ok("project", newname="my", direction="y", snapshot=0, **common) == ""
    x, y = (rest.ok("spectrum/contents", name=name)["channels"] for name in ("mx", "my"))
    assert [one["x"] for one in x] == [1.0, 5.0]
    assert [one["x"] for one in y] == [2.0, 3.0]
    listed = {one["name"]: one for one in rest.ok("spectrum/list")}
    assert (listed["mx"]["parameters"], listed["my"]["parameters"]) == (["a", "c"], ["b", "d"])
    assert (listed["mx"]["gate"] is None, listed["my"]["gate"]) == (False, None)


@pytest.mark.parametrize(
    ("changed", "status", "detail"),
    [
        (
            {"snapshot": "maybe"},
            "Invalid value for 'snapshot'",
            "Must be in {yes, no, true, false} e.g.",
        ),
        ({"direction": "z"}, "Invalid projection direction", "Must be 'X' or 'Y'"),
        ({"source": "x"}, "Failed to create projection spectrum", "Spectrum x does not exist"),
        ({"newname": "m"}, "Failed to create projection spectrum", "Spectrum m already exists"),
        ({"contour": "x"}, "Failed to create projection spectrum", "There is no condition named x"),
        ({"contour": "t"}, "Failed to create projection spectrum", "t is not a contour"),
    ],
)
def test_a_projection_that_cannot_be_made_is_told(
    rest: RestClient, changed: dict[str, Any], status: str, detail: str
) -> None:
    rest.book("m", "2", "a b", "0 8 8", "0 4 4")
    rest.ok("gate/edit", name="t", type="T")
    query = {"source": "m", "newname": "n", "direction": "x", "snapshot": "no"}
    assert rest("project", **{**query, **changed}) == (status, detail)


def test_a_projection_is_bound_unless_it_is_not_wanted(rest: RestClient) -> None:
    rest.book("m", "2", "a b", "0 8 8", "0 8 262150")
    query = {"source": "m", "snapshot": "no"}
    rest.ok("project", newname="x", direction="x", **query)
    assert list(rest.engine.bindings) == ["x"]
    status, detail = rest("project", newname="y", direction="y", **query)
    assert (status, "storage" in detail) == ("Could not bind projected spectrum", True)
