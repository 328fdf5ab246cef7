"""Requests of parameters, with the texts of the reference."""

from __future__ import annotations

from typing import Any

import pytest
from support.rest_client import RestClient


def test_a_parameter_is_created_edited_and_listed(rest: RestClient) -> None:
    assert rest.ok("parameter/create", name="e", low=0, high=4095, bins=2048, units="keV") == ""
    assert rest.ok("parameter/edit", name="e", description="energy") == ""
    assert rest.ok("parameter/promote", name="a", low=-1, high=1) == ""
    assert rest.ok("rawparameter/new", name="raw", number=7, resolution=12) == ""
    e = {
        "name": "e",
        "id": 5,
        "bins": 2048,
        "low": 0.0,
        "hi": 4095.0,
        "units": "keV",
        "description": "energy",
    }
    assert rest.ok("parameter/list", filter="e") == [e]
    assert rest.ok("rawparameter/list", id=5) == rest.ok("rawparameter/list", pattern="e") == [e]
    assert [one["name"] for one in rest.ok("parameter/list")] == ["a", "b", "c", "d", "e", "raw"]
    assert rest.ok("parameter/list", filter="a")[0]["hi"] == 1.0


def test_what_is_always_the_same_is_so(rest: RestClient) -> None:
    assert rest.ok("parameter/version") == "2.0"
    assert rest.ok("parameter/check", name="a") == 0
    assert rest.ok("parameter/uncheck", name="nosuch") is None
    assert rest.ok("parameter/listnew") == []
    assert rest.ok("rawparameter/list", pattern="no*") == []


LIMITS = "Either low and high must be provided or neither"


@pytest.mark.parametrize(
    ("request_", "query", "status", "detail"),
    [
        ("parameter/create", {"name": "e", "low": 1}, "invalid request", LIMITS),
        ("parameter/edit", {"name": "a", "high": 1}, "invalid request", LIMITS),
        (
            "parameter/create",
            {"name": "a"},
            "'treeparameter -create' failed: ",
            "Parameter a already exists",
        ),
        (
            "rawparameter/new",
            {"name": "a"},
            "'treeparameter -create' failed: ",
            "Parameter a already exists",
        ),
        (
            "parameter/promote",
            {"name": "x"},
            "Could not modify metadata",
            "Parameter x does not exist",
        ),
        ("parameter/check", {"name": "x"}, "No such parameter x", None),
        (
            "rawparameter/list",
            {"pattern": "*", "id": 1},
            "Only id or pattern can be supplied, not both",
            [],
        ),
        ("rawparameter/list", {}, "One of name or id must be supplied neither were", []),
        ("rawparameter/list", {"id": 99}, "No parameter with id 99 exists", []),
        (
            "parameter/list",
            {"filter": "[a"},
            "Failed to list parameters matching [a: pattern [a: the [ at position 0 is not closed",
            [],
        ),
    ],
)
def test_failures_have_the_texts_of_the_reference(
    rest: RestClient, request_: str, query: dict[str, Any], status: str, detail: object
) -> None:
    assert rest(request_, **query) == (status, detail)
