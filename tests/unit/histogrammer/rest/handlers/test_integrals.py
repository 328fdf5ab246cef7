"""The request `integrate`, with the texts of the reference."""

from __future__ import annotations

from typing import Any

import pytest
from support.rest_client import RestClient

AOI = "Could not create integration AOI: "


@pytest.fixture
def booked(rest: RestClient) -> RestClient:
    rest.book("h", "1", "a", "0 8 8")
    rest.book("p", "2", "a b", "0 8 8", "0 8 8")
    for x, value in ((1, 1), (3, 3), (6, 4)):
        rest.ok("channel/set", spectrum="h", xchannel=x, value=value)
        rest.ok("channel/set", spectrum="p", xchannel=x, ychannel=2, value=value)
    rest.ok("gate/edit", name="s", type="s", parameter="a", low=1, high=3)
    square = {"xcoord": [0, 4, 4, 0], "ycoord": [0, 0, 4, 4]}
    rest.ok("gate/edit", name="c", type="c", xparameter="a", yparameter="b", **square)
    return rest


def test_the_whole_spectrum_or_a_region_is_integrated(booked: RestClient) -> None:
    whole = booked.ok("integrate", spectrum="h")
    assert (whole["counts"], whole["centroid"]) == (8, [(1 + 9 + 24) / 8, 0.0])
    limits = booked.ok("integrate", spectrum="h", low=1, high=3)
    assert (limits["counts"], limits["centroid"]) == (4, [2.5, 0.0])
    assert limits["fwhm"][0] == pytest.approx(2.354820045 * (3 / 4) ** 0.5)
    assert booked.ok("integrate", spectrum="h", gate="s") == limits
    assert booked.ok("integrate", spectrum="h", gate="") == whole
    inside = booked.ok("integrate", spectrum="p", gate="c")
    assert (inside["counts"], inside["centroid"]) == (4, [2.5, 2.0])
    square = {"xcoords": [0, 4, 4, 0], "ycoords": [0, 0, 4, 4]}  # as the Python client calls them
    assert booked.ok("integrate", spectrum="p", **square) == inside
    nothing = {"centroid": [0.0, 0.0], "fwhm": [0.0, 0.0], "counts": 0}
    assert booked.ok("integrate", spectrum="h", low=4, high=5) == nothing


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (
            {"spectrum": "x"},
            "x either does not exist or is a pattern with more than one match",
        ),
        (
            {"spectrum": "h", "gate": "s", "low": 1},
            AOI + "1d spectra can only have either a gate name or limits",
        ),
        (
            {"spectrum": "h", "gate": "c"},
            AOI + "c is not a Cut and must be for 1-d integrations",
        ),
        (
            {"spectrum": "h", "gate": "x"},
            AOI + "x either is a non-existent condition or is pattern that has more than one match",
        ),
        ({"spectrum": "h", "low": 1}, AOI + "If using limits both low and high must be provided"),
        (
            {"spectrum": "p", "gate": "c", "xcoord": [1]},
            AOI + "For a 2d spectrum only the gate _OR_ the AOI coordinates are allowed, not both",
        ),
        (
            {"spectrum": "p", "gate": "x"},
            AOI + "x either is a nonexistent condition or is a non-unique pattern",
        ),
        (
            {"spectrum": "p", "gate": "s"},
            AOI + "Failed to construct a contour from s : s is not a contour",
        ),
        (
            {"spectrum": "p", "xcoord": [1, 2], "ycoord": [1]},
            AOI + "The X and Y coordinate arrays must be the same length",
        ),
        (
            {"spectrum": "p", "xcoord": [1, 2]},
            AOI + "If providing AOI coordinates but xcoord and ycoord must be supplied",
        ),
        ({"spectrum": "p", "xcoord": [1], "ycoord": [1]}, AOI + "Too few points for a contour"),
    ],
)
def test_a_region_that_cannot_be_is_told(
    booked: RestClient, query: dict[str, Any], status: str
) -> None:
    empty = {"centroid": [0.0], "fwhm": [0.0], "counts": 0}
    assert booked("integrate", **query) == (status, empty)


def test_a_width_beyond_all_numbers_is_told(rest: RestClient) -> None:
    rest.book("h", "1", "a", "0 1.79e308 100")
    for x in (0, 99):  # the deviation is half of what is between, the width 2.35 times as much
        rest.ok("channel/set", spectrum="h", xchannel=x, value=2**60)
    assert "larger than a number" in rest("integrate", spectrum="h")[0]
    rest.ok("channel/set", spectrum="h", xchannel=99, value=0)
    assert rest.ok("integrate", spectrum="h")["fwhm"] == [0.0, 0.0]
