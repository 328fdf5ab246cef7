"""Values as browsers read them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.endpoints.http.protocol.texts import SAFE_INTEGER, shown, value_text, write_json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (SAFE_INTEGER, "9007199254740991"),
        (SAFE_INTEGER + 1, '"9007199254740992"'),
        (2**53 + 1, '"9007199254740993"'),
        (-(2**63), '"-9223372036854775808"'),
        (float("nan"), '"NaN"'),
        (float("inf"), '"Infinity"'),
        (float("-inf"), '"-Infinity"'),
        (1 + 2j, "[1.0,2.0]"),
        (b"\x00\xff", '{"base64":"AP8="}'),
        ({1: [1.5, (2,)]}, '{"1":[1.5,[2]]}'),
        ("\ud800<\u202e", '"\\ud800<\\u202e"'),
        (np.array([[1, 2]]), "[[1,2]]"),
        (np.array([2**63], np.uint64), '["9223372036854775808"]'),
        (np.array([np.nan]), '["NaN"]'),
        (np.zeros(5, "<f4"), '{"dtype":"<f4","shape":[5],"left_out":true}'),
        (object, "\"<class 'object'>\""),
    ],
)
def test_values_are_json_that_javascript_does_not_alter(value: Any, text: str) -> None:
    assert write_json(value, numbers_most=4) == text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(json_values)
def test_all_that_travels_is_strict_ascii_json(value: Any) -> None:
    text = write_json(value)
    text.encode("ascii")

    def no_constant(name: str) -> None:
        raise AssertionError(name)

    def is_safe(digits: str) -> int:
        assert abs(int(digits)) <= SAFE_INTEGER
        return int(digits)

    json.loads(text, parse_constant=no_constant, parse_int=is_safe)


@given(st.text())
def test_what_is_shown_hides_nothing(text: str) -> None:
    assert all(
        c.isprintable() or c in "\n\t" or ord(c) in (0xA0,) or c.isspace() for c in shown(text)
    )


def test_control_and_direction_marks_are_written_out() -> None:
    assert shown("a\x00b\u202ec\x1b[m\n") == "a\\u{0000}b\\u{202e}c\\u{001b}[m\n"
    assert len(shown("x" * 10_000)) < 2100


def test_a_cell_has_what_a_value_is() -> None:
    assert value_text(None) == ""
    assert value_text("a\x00") == "a\\u{0000}"
    assert value_text(2**53 + 1) == "9007199254740993"
    assert value_text(True) == "true"
    assert value_text([1, 2]) == "[1,2]"
    assert len(value_text(list(range(1000)))) < 300
