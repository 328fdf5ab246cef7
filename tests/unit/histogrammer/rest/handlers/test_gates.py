"""Requests of gates and folds, with the texts of the reference."""

from __future__ import annotations

from typing import Any

import pytest
from support.rest_client import RestClient

TRIANGLE: dict[str, Any] = {"xcoord": [0, 4, 0], "ycoord": [0, 0, 4]}


def test_a_gate_is_made_replaced_listed_and_deleted(rest: RestClient) -> None:
    cut = {"name": "cut", "type": "s", "parameter": "a", "low": 310, "high": 355}
    assert rest.ok("gate/edit", **cut) == "Created"
    assert rest.ok("gate/edit", **{**cut, "high": 400}) == "Replaced"
    assert rest.ok("gate/list") == [
        {
            "name": "cut",
            "type": "s",
            "gates": [],
            "parameters": ["a"],
            "points": [{"x": 310.0, "y": 0.0}, {"x": 400.0, "y": 0.0}],
            "low": 310.0,
            "high": 400.0,
        }
    ]
    assert rest.ok("gate/edit", name="or", type="+", gate=["cut"]) == "Created"
    assert rest.ok("gate/delete", name="cut") == ""
    assert [(one["name"], one["gates"]) for one in rest.ok("gate/list")] == [("or", ["-deleted-"])]


@pytest.mark.parametrize("given", ["255", "0xff", "0XFF"])
def test_a_mask_is_decimal_or_hexadecimal(rest: RestClient, given: str) -> None:
    rest.ok("gate/edit", name="m", type="em", parameter="a", value=given)
    condition: Any = rest.engine.conditions["m"]
    assert condition.value == 255


GATE_FAILURES: list[tuple[dict[str, Any], str]] = [
    (
        {"type": "-", "gate": ["t", "t"]},
        "Not conditions can have at most one dependent condition",
    ),
    ({"type": "-"}, "gate is a required query parameter for not conditions"),
    ({"type": "*"}, "And conditions require the 'gate' query parameters"),
    ({"type": "+"}, "Or conditions require the 'gate' query parameters"),
    (
        {"type": "s", "low": 0, "high": 1},
        "The parameter query parameter is required for slice conditions",
    ),
    (
        {"type": "s", "parameter": ["a", "b"], "low": 0, "high": 1},
        "Slices must have exactly one parameter",
    ),
    (
        {"type": "s", "parameter": "a", "low": 0},
        "Both the low and high query parameters are requried for slice conditions",
    ),
    ({"type": "s", "parameter": "x", "low": 0, "high": 1}, "Parameter x does not exist"),
    (
        {"type": "c", "yparameter": "b", **TRIANGLE},
        "xparameter is a mandatory query parameter for this condition type",
    ),
    (
        {"type": "b", "xparameter": "a", "yparameter": "b", "xcoord": [1]},
        "ycoord is a mandatory query parameter for this condition type",
    ),
    (
        {"type": "c", "xparameter": "a", "yparameter": "b", "xcoord": [1], "ycoord": [1, 2]},
        "xcoord array has 1 entries but ycoord array has 2 -they must be the same length",
    ),
    (
        {"type": "b", "xparameter": "a", "yparameter": "b", "xcoord": [1], "ycoord": [1]},
        "Too few points for  band",
    ),
    (
        {"type": "c", "xparameter": "a", "yparameter": "b", "xcoord": [1, 2], "ycoord": [1, 2]},
        "Too few points for a contour",
    ),
    (
        {"type": "gs", "parameter": "a", "low": 1},
        "Both low and high must be present to make a multi  slice (gs)",
    ),
    ({"type": "gs", "low": 1, "high": 2}, "Multi 1d (gs) conditions require parameters"),
    ({"type": "gs", "parameter": "x", "low": 1, "high": 2}, "Parameter: x does not exist"),
    ({"type": "gc", **TRIANGLE}, "Parameters are required for a multi parameter contour"),
    (
        {"type": "gc", "parameter": "a", "ycoord": [1]},
        "xcoords are required for multi parameter contours",
    ),
    (
        {"type": "gc", "parameter": "a", "xcoord": [1]},
        "ycoords are required for multi parameters contous",
    ),
    (
        {"type": "gc", "parameter": "a", "xcoord": [1, 2], "ycoord": [1]},
        "There must be the same number of x and y coordinates.",
    ),
    (
        {"type": "gc", "parameter": "a", "xcoord": [1], "ycoord": [1]},
        "Unable to create multicontour",
    ),
    ({"type": "Q"}, "Unsupported condition type: Q"),
]


@pytest.mark.parametrize(("query", "detail"), GATE_FAILURES)
def test_a_gate_that_cannot_be_made_is_told_in_the_texts_of_the_reference(
    rest: RestClient, query: dict[str, Any], detail: str
) -> None:
    rest.ok("gate/edit", name="t", type="T")
    assert rest("gate/edit", name="g", **query) == ("Could not create/edit condition g", detail)
    assert "g" not in rest.engine.conditions


def test_a_component_that_is_not_there_is_named(rest: RestClient) -> None:
    status, detail = rest("gate/edit", name="g", type="*", gate=["nosuch"])
    assert (status, "nosuch" in detail) == ("Could not create/edit condition g", True)


def test_other_failures_have_the_texts_of_the_reference(rest: RestClient) -> None:
    status, detail = rest("gate/delete", name="x")
    assert (status, detail) == ("Failed to delete condition x", "No such condition x")
    status, detail = rest("gate/list", pattern="[")
    assert (status.startswith("Failed to list conditions matching"), detail) == (True, [])


def test_gates_are_applied_and_taken_away_from_all_spectra_that_there_are(rest: RestClient) -> None:
    rest.ok("gate/edit", name="t", type="T")
    rest.book("h", "1", "a", "0 8 8")
    assert rest("apply/apply", gate="t", spectrum=["h", "x"]) == (
        "Failed to apply t to some spectra",
        [["x", "Spectrum x does not exist"]],
    )
    assert rest("apply/apply", gate="u", spectrum="h") == (
        "Failed to apply u to some spectra",
        [["h", "No such gate u"]],
    )
    assert rest.ok("apply/apply", gate="u") == rest.ok("ungate") == []
    assert rest.ok("apply/list") == [{"spectrum": "h", "gate": "t"}]
    assert rest.ok("apply/list", pattern="x*") == []
    assert rest.ok("spectrum/list")[0]["gate"] == "t"
    assert rest("ungate", name=["x", "h"]) == (
        "Unable to ungate at least one spectrum",
        [["x", "Spectrum x does not exist"]],
    )
    assert rest.ok("apply/list") == [{"spectrum": "h", "gate": None}]
    assert rest.ok("spectrum/list")[0]["gate"] is None


def test_gamma_spectra_are_folded(rest: RestClient) -> None:
    rest.ok("gate/edit", name="t", type="T")
    rest.ok("gate/edit", name="gs", type="gs", parameter=["a", "b"], low=1, high=2)
    rest.book("h", "1", "a", "0 8 8")
    rest.book("g", "g1", "a b c", "0 8 8")
    rest.book("g2", "g1", "a b c", "0 8 8")
    failed = "Could not fold spectrum"
    assert rest("fold/apply", gate="t", spectrum="g") == (failed, "t cannot be used as a fold")
    status, detail = rest("fold/apply", gate="x", spectrum="g")
    assert (status, "There is no condition named x" in detail) == (failed, True)
    status, detail = rest("fold/apply", gate="gs", spectrum="h")
    assert "Spectra of this type cannot have folds applied" in detail
    assert rest("fold/apply", gate="gs", spectrum="x") == (failed, "no such spectrum x")
    rest.ok("fold/apply", gate="gs", spectrum=["g", "g2"])
    listed = [{"spectrum": "g", "gate": "gs"}, {"spectrum": "g2", "gate": "gs"}]
    assert rest.ok("fold/list") == listed
    assert rest.ok("fold/list", pattern="g") == listed[:1]
    assert rest.ok("fold/remove", spectrum="g") == ""
    assert rest("fold/remove", spectrum="x") == ("Failed to remove fold", "no such spectrum x")
    assert rest.ok("fold/list") == listed[1:]
