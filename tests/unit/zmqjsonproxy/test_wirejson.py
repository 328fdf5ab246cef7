"""JSON that means what the standard module means, on the fast path and on the slow one."""

from __future__ import annotations

import base64
import json
import math
from datetime import UTC, datetime
from enum import Enum
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmqjsonproxy import wirejson

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(2**70), 2**70) | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=20,
)


def same(a: Any, b: Any) -> bool:
    """Equal, with NaN equal to NaN, and numbers of the same type."""
    if isinstance(a, float) and isinstance(b, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and a == b


@given(values)
def test_what_is_encoded_means_the_same_to_the_standard_module(value: Any) -> None:
    assert same(json.loads(wirejson.dumps(value)), value)


@given(values)
def test_what_the_standard_module_encodes_means_the_same_here(value: Any) -> None:
    assert same(wirejson.loads(json.dumps(value).encode()), value)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_decoding_agrees_with_the_standard_module_on_anything(data: bytes) -> None:
    try:
        expected = json.loads(data.decode("utf-8"))
    except ValueError:
        with pytest.raises(ValueError):
            wirejson.loads(data)
    else:
        assert same(wirejson.loads(data), expected)


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, 2), [1, 2]),
        (b"\x00\xff", base64.b64encode(b"\x00\xff").decode()),
        (np.float32(0.5), 0.5),
        (np.arange(3), [0, 1, 2]),
        (np.array([[1.0, np.inf]]), [[1.0, math.inf]]),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
        (Colour.RED, "red"),
        (PurePosixPath("a/b"), "a/b"),
        ({1: "one"}, {"1": "one"}),
        (2**64, 2**64),
        (-(2**63), -(2**63)),
    ],
)
def test_what_json_does_not_know_has_a_documented_form(value: Any, expected: Any) -> None:
    assert json.loads(wirejson.dumps(value)) == expected


def test_what_cannot_travel_is_named() -> None:
    with pytest.raises(TypeError, match=r"builtins\.object cannot travel as JSON"):
        wirejson.dumps({"a": object()})
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises((ValueError, RecursionError)):
        wirejson.dumps(loop)


@pytest.mark.parametrize(
    ("data", "limit", "deep"),
    [
        (b"[[]]", 2, False),
        (b"[[[]]]", 2, True),
        (b'["[[[[", {"a": "}}}"}]', 2, False),
        (b'["\\"[[[", []]', 2, False),
        (b'{"a":' * 101, 100, True),
        (b'"[[[[', 1, False),
    ],
)
def test_depth_counts_brackets_outside_of_text_only(data: bytes, limit: int, deep: bool) -> None:
    assert wirejson.too_deep(data, limit) is deep


def test_depth_of_a_text_without_end_is_found_in_linear_time() -> None:
    assert wirejson.too_deep(b"{}" * 101 + b'"' + b'\\"' * 1_000_000, 1) is False  # each quote as a beginning: hours
    assert wirejson.too_deep(b'["' + b"\\" * 1_000_001, 1) is False


@given(values, st.integers(0, 8))
def test_depth_is_that_of_the_decoded_value(value: Any, limit: int) -> None:
    def depth(v: Any) -> int:
        children = v.values() if isinstance(v, dict) else v if isinstance(v, list) else None
        return 0 if children is None else 1 + max(map(depth, children), default=0)

    assert wirejson.too_deep(wirejson.dumps(value), limit) is (depth(value) > limit)
