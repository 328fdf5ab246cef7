"""Ingredients that kinds of conditions refuse, in the texts that REST clients know."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from histogrammer.errors import ConditionError
from histogrammer.gates.condition import Given
from tests.support.gates import SPECTCL, made, two_dim

TRIANGLE = two_dim((0.0, 0.0), (10.0, 0.0), (10.0, 10.0))
MANY = replace(TRIANGLE, x_parameter=None, y_parameter=None, parameters=("a", "b"))
SLICE = Given(parameters=("a",), low=1.0, high=2.0)
MASK = Given(parameters=("a",), value=3)
MANDATORY = "is a mandatory query parameter for this condition type"
FINITE = "both must be finite numbers"

REFUSED = [
    ("-", Given(gates=("t", "t")), "Not conditions can have at most one dependent condition"),
    ("-", Given(), "gate is a required query parameter for not conditions"),
    ("*", Given(), "And conditions require the 'gate' query parameters"),
    ("+", Given(), "Or conditions require the 'gate' query parameters"),
    ("-", Given(gates=("x",)), "Dependent condition x was not found"),
    ("*", Given(gates=("t", "x")), "Dependent condition x was not found"),
    ("+", Given(gates=("x", "t")), "Dependent condition x was not found"),
    ("s", replace(SLICE, parameters=()), "The parameter query parameter is required for slice conditions"),
    ("s", replace(SLICE, parameters=("a", "b")), "Slices must have exactly one parameter"),
    ("s", replace(SLICE, low=None), "Both the low and high query parameters are requried for slice conditions"),
    ("s", replace(SLICE, high=None), "Both the low and high query parameters are requried for slice conditions"),
    ("s", replace(SLICE, parameters=("x",)), "Parameter x does not exist"),
    ("s", replace(SLICE, low=math.nan), f"Limits nan and 2: {FINITE}"),
    ("s", replace(SLICE, high=math.inf), f"Limits 1 and inf: {FINITE}"),
    ("gs", replace(SLICE, low=None), "Both low and high must be present to make a multi  slice (gs)"),
    ("gs", replace(SLICE, high=None), "Both low and high must be present to make a multi  slice (gs)"),
    ("gs", replace(SLICE, parameters=()), "Multi 1d (gs) conditions require parameters"),
    ("gs", replace(SLICE, parameters=("a", "x")), "Parameter: x does not exist"),
    *[
        (
            letters,
            replace(MANY, parameters=("a",) * 513),
            f"513 parameters for a multi parameter {kind}: up to 512 are possible, as all pairs of "
            "them are looked at",
        )
        for letters, kind in (("gc", "contour"), ("gb", "band"))
    ],
    ("gs", replace(SLICE, low=-math.inf), f"Limits -inf and 2: {FINITE}"),
    *[
        row
        for letters in ("b", "c")
        for row in (
            (letters, replace(TRIANGLE, x_parameter=None), f"xparameter {MANDATORY}"),
            (letters, replace(TRIANGLE, y_parameter=None), f"yparameter {MANDATORY}"),
            (letters, replace(TRIANGLE, x_coordinates=()), f"xcoord {MANDATORY}"),
            (letters, replace(TRIANGLE, y_coordinates=()), f"ycoord {MANDATORY}"),
            (letters, replace(TRIANGLE, x_parameter="x"), "Parameter x does not exist"),
            (letters, replace(TRIANGLE, y_parameter="y"), "Parameter y does not exist"),
            (
                letters,
                replace(TRIANGLE, x_coordinates=(1.0, 2.0)),
                "xcoord array has 2 entries but ycoord array has 3 -they must be the same length",
            ),
        )
    ],
    ("b", two_dim((0.0, 0.0)), "Too few points for  band"),
    ("c", two_dim((0.0, 0.0), (1.0, 1.0)), "Too few points for a contour"),
    ("gc", replace(MANY, parameters=()), "Parameters are required for a multi parameter contour"),
    ("gc", replace(MANY, x_coordinates=()), "xcoords are required for multi parameter contours"),
    ("gc", replace(MANY, y_coordinates=()), "ycoords are required for multi parameters contous"),
    ("gc", replace(MANY, x_coordinates=(1.0,)), "There must be the same number of x and y coordinates."),
    ("gc", replace(MANY, parameters=("a", "x")), "Parameter: x does not exist"),
    ("gc", replace(MANY, x_coordinates=(0.0, 1.0), y_coordinates=(0.0, 1.0)), "Unable to create multicontour"),
    ("gb", replace(MANY, parameters=()), "Parameters are required for a multi parameter band"),
    ("gb", replace(MANY, y_coordinates=()), "ycoords are required for multi parameters bands"),
    ("gb", replace(MANY, x_coordinates=(0.0,), y_coordinates=(0.0,)), "Too few points for  band"),
    ("em", replace(MASK, parameters=()), "Mask conditions must have exactly one parameter"),
    ("am", replace(MASK, parameters=("x",)), "Parameter x does not exist"),
    ("nm", replace(MASK, value=None), "The value query parameter is required for mask conditions"),
    ("em", replace(MASK, value=1 << 32), "Mask 4294967296: it must be a number of 32 bits without sign"),
    ("em", replace(MASK, value=-1), "Mask -1: it must be a number of 32 bits without sign"),
    ("c2band", Given(gates=("band",)), "A contour of two bands requires exactly two 'gate' parameters"),
    ("c2band", Given(gates=("band", "x")), "Dependent condition x was not found"),
    ("c2band", Given(gates=("band", "t")), "A contour of two bands can be made of bands (b) only"),
    ("c2band", Given(gates=("band", "turned")), "Bands band and turned must have the same x and y parameters"),
    ("vs*", Given(), "Unsupported condition type: vs*"),
    ("", Given(), "Unsupported condition type: "),
]  # fmt: skip


@pytest.mark.parametrize(("letters", "given", "detail"), REFUSED)
def test_ingredients_that_a_kind_does_not_take_are_refused(
    letters: str, given: Given, detail: str
) -> None:
    conditions = made(
        ("t", "T", Given()),
        ("band", "b", TRIANGLE),
        ("turned", "b", replace(TRIANGLE, x_parameter="b", y_parameter="a")),
        flavor=SPECTCL,
    )
    with pytest.raises(ConditionError) as refused:
        conditions.edit("g", letters, given)
    assert str(refused.value) == detail
    assert list(conditions) == ["t", "band", "turned"]
