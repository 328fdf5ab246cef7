"""Values of properties as a line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealer.shownvalues import age_text, shown

FRAME = {"x_start": 0.0, "x_delta": 1.0}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (3.5, "3.5"),
        (None, "null"),
        (float("nan"), "NaN"),
        ("a b\n", r"a b\n"),
        ("x" * 300, "x" * 200 + "..."),
        ({"volts": 0.5, "why": "hot"}, '{"volts": 0.5, "why": "hot"}'),
        (list(range(10)), "[0, 1, 2, 3, 4, 5, 6, 7, ... 2 more]"),
        ([[[[1]]]], "[[[[...]]]]"),
        (b"\x00\xff", "2 bytes"),
        (np.float32(1.5), "1.5"),
        (np.array([[1, 5], [-2, 0]], "<i2"), "int16[2, 2] -2 .. 5"),
        (np.array(["a", "b"]), "<U1[2]"),
        (np.zeros((0, 3)), "float64[0, 3]"),
        ({"data": np.array([1.0, np.nan, -0.5]), **FRAME}, "float64[3] -0.5 .. 1"),
        ({"data": [1.0, 2.0], **FRAME}, "2 points"),
        (
            {
                "lower": np.array([[0.0, -3.0]]),
                "upper": np.array([[9.0, 1.0]]),
                "points": 4096,
                **FRAME,
            },
            "float64[1, 4096] -3 .. 9",
        ),
    ],
)
def test_a_value_is_shown_in_a_line(value: Any, line: str) -> None:
    assert shown(value) == line


@given(JSON)
def test_whatever_comes_is_a_short_printable_line(value: Any) -> None:
    line = shown(value)
    assert line.isprintable()
    assert len(line) < 400_000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0.0 s"), (0.26, "0.3 s"), (59, "59 s"), (119, "119 s"), (120, "2 min"), (9000, "2 h")],
)
def test_an_age_has_a_unit(seconds: float, text: str) -> None:
    assert age_text(seconds) == text


def test_days_are_days() -> None:
    assert age_text(10 * 86400) == "10 d"
