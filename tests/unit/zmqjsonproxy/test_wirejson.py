"""JSON that means what the standard module means, on the fast path and on the slow one."""

from __future__ import annotations

import base64
import json
import math
import tracemalloc
from datetime import UTC, datetime
from enum import Enum
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.jsonvalues import plain
from zmqjsonproxy import wirejson

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4)
    ),
    max_leaves=20,
)


def same(a: Any, b: Any) -> bool:
    """Equal, with NaN equal to NaN, and numbers of the same type."""
    if isinstance(a, float) and isinstance(b, float):
        return (math.isnan(a) and math.isnan(b)) or (
            a == b and math.copysign(1, a) == math.copysign(1, b)
        )
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


class Raises:
    """A value of anybody's, as arrays with units that have no list."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def tolist(self) -> Any:
        raise self.error


class Untold(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    "around", [lambda x: x, lambda x: [x, None], lambda x: {"x": x, "big": 2**70}]
)
@pytest.mark.parametrize(
    "error", [NotImplementedError("no list"), AttributeError("no list"), Untold(), MemoryError()]
)
def test_whatever_a_value_raises_is_told_as_a_type_error(error: Exception, around: Any) -> None:
    with pytest.raises(TypeError, match=type(error).__name__):
        wirejson.dumps(around(Raises(error)))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(2)])
def test_an_interrupt_within_a_value_is_not_swallowed(error: BaseException) -> None:
    with pytest.raises(type(error)):
        wirejson.dumps([Raises(error)])


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


def bits(numbers: Any) -> bytes:
    return np.asarray(numbers, "<f8").tobytes()


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=40))
def test_finite_arrays_are_read_bit_for_bit_as_they_were(numbers: list[float]) -> None:
    array = np.array(numbers, "<f8")
    for data in (wirejson.dumps(array), wirejson.dumps({"result": [array]})):
        read = json.loads(data)
        assert bits(read["result"][0] if isinstance(read, dict) else read) == array.tobytes()
        again = wirejson.loads(data)
        assert bits(again["result"][0] if isinstance(again, dict) else again) == array.tobytes()


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=60))
def test_any_pattern_of_bits_is_read_as_the_standard_module_writes_it(patterns: list[int]) -> None:
    array = np.array(patterns, "<u8").view("<f8")
    assert same(json.loads(wirejson.dumps(array)), json.loads(json.dumps(array.tolist())))
    assert same(wirejson.loads(wirejson.dumps(array)), json.loads(json.dumps(array.tolist())))


ARRAYS = [
    np.array([1.0, np.nan]), np.array([np.inf, -np.inf]),
    np.array([1e16, 1e-5, 5e-324, -0.0, 1e22, 1e-7]), np.array(3.5),
    np.zeros(0), np.zeros((2, 0)), np.zeros((0, 2)), np.arange(6.0).reshape(2, 3), np.arange(6.0)[::2],
    np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array([0.1, 1 / 3], "<f4"), np.array([[0.1]], "<f2"),
    np.array([np.nan, 0.1], "<f4"), np.array([0.1], ">f8"), np.array([2**63, 2**64 - 1], "<u8"), np.array([-(2**63)]),
    np.arange(3, dtype="|i1"), np.array([True, False]),
    np.array([[1.0, 2.0]]).view(np.recarray), np.array(["a"]), np.float64(0.1), np.float64(np.nan), np.float32(0.1),
    np.bool_(True), np.uint64(2**64 - 1), np.array([1, 2], "datetime64[s]"),
]  # fmt: skip


@pytest.mark.parametrize("value", ARRAYS, ids=repr)
def test_arrays_and_scalars_are_read_as_their_lists(value: Any) -> None:
    expected = json.loads(json.dumps(value.tolist(), default=plain))
    for data in (wirejson.dumps(value), wirejson.dumps([value])[1:-1]):
        assert same(json.loads(data), expected)


def test_only_what_the_fast_encoder_wrote_is_called_short() -> None:
    assert wirejson.dumps_short({"a": [1, 2.5, "x"]})[1]
    for value in (
        2**64,
        [-(2**70)],
        math.nan,
        [None, math.inf],
        {1: None},
        [None, [{"a": -math.inf}]],
    ):
        data, short = wirejson.dumps_short(value)
        assert not short
        assert same(wirejson.loads(data), json.loads(json.dumps(value)))


@pytest.mark.parametrize(
    "value",
    [None, ("a", None, 5), {"a": None, "b": "null"}, [None, 1.5, [2.5, {"c": (None, 1e300)}]]],
)
def test_none_where_no_float_is_lost_needs_no_second_encoding(value: Any) -> None:
    data, short = wirejson.dumps_short(value)
    assert short
    assert json.loads(data) == json.loads(json.dumps(value))


LONG = [
    "-9999999999999999999",
    "9999999999999999999",
    "18446744073709551616",
    "-9223372036854775809",
    "0.00012345678901234567",
    "0.00000000000000000000000000000000000000001234567890123456789",
    "[1.5,123456789012345678901234]",
    '{"a":-1234567890123456789}',
    "12345678901234567890123.5",
    "12345678901234567890e3",
    '"12345678901234567890123"',
    "[0.12345678901234567890,12345678901234567890]",
]


@pytest.mark.parametrize("text", LONG)
def test_long_numbers_are_read_as_the_standard_module_reads_them(text: str) -> None:
    for data in (text, f"[{'0.001234567890123456,' * 500}{text}]"):
        assert same(wirejson.loads(data.encode()), json.loads(data))


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
    assert (
        wirejson.too_deep(b"{}" * 101 + b'"' + b'\\"' * 1_000_000, 1) is False
    )  # each quote as a beginning: hours
    assert wirejson.too_deep(b'["' + b"\\" * 1_000_001, 1) is False


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"[1,2,3,4,5]", ""),
        (b"[1,2,3,4,5,6]", "more than 5"),
        (b'["a",["b"]]', ""),
        (b'["a",["b"],{}]', "more than 4"),
        (b'{"a":1,"b":2}', ""),
        (b'{"a":1,"b":2,"c":3,"d":4}', "more than 4"),
        (rb'["[[[[[[,,,,,,\"]', ""),
        (rb'["\\", "\\", "\\", "\\"]', "more than"),
        (rb'["\"\"\"\"\"\""]', "more than 5"),
    ],
)
def test_parts_and_values_are_counted_outside_of_texts(data: bytes, says: str) -> None:
    text = wirejson.too_many(data, 5, 4)
    assert text.startswith(says)
    assert bool(text) is bool(says)


def test_what_decoded_json_takes_is_counted_outside_of_texts() -> None:
    assert wirejson.decoded_size(b'"[[[[{,,,,,,,\\"[[["') == 50
    for value in (
        [[]] * 10_000,
        [1e9] * 10_000,
        ["text"] * 10_000,
        {f"KEY{n}": n for n in range(10_000)},
    ):
        data = wirejson.dumps(value)
        tracemalloc.start()
        decoded = wirejson.loads(data)
        taken = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert decoded == value
        assert taken / 2 < len(data) + wirejson.decoded_size(data) < taken * 3


@given(values)
def test_no_more_is_counted_than_there_is(value: Any) -> None:
    def parts(v: Any) -> int:
        children = [*v, *v.values()] if isinstance(v, dict) else v if isinstance(v, list) else []
        return isinstance(v, (dict, list, str)) + sum(map(parts, children))

    data = wirejson.dumps(value)
    assert wirejson.too_many(data, len(data), parts(value)) == ""
    if parts(value):
        assert "max_parts" in wirejson.too_many(data, len(data), parts(value) - 1)


@given(values, st.integers(0, 8))
def test_depth_is_that_of_the_decoded_value(value: Any, limit: int) -> None:
    def depth(v: Any) -> int:
        children = v.values() if isinstance(v, dict) else v if isinstance(v, list) else None
        return 0 if children is None else 1 + max(map(depth, children), default=0)

    assert wirejson.too_deep(wirejson.dumps(value), limit) is (depth(value) > limit)


@pytest.mark.parametrize("none", [None, (None, 1)])
def test_what_another_thread_changes_while_it_is_encoded_loses_no_nan(
    monkeypatch: pytest.MonkeyPatch, none: object
) -> None:
    """The thread is played by the encoder, which changes the value as soon as it is encoded."""
    orjson = pytest.importorskip("orjson")
    encode, value = orjson.dumps, {"a": math.nan, "b": 5.0, "c": none}

    def encode_and_change(*args: Any) -> bytes:
        data: bytes = encode(*args)
        value.update(a=1.0, b=None)  # as many are None as there were `null`s
        return data

    monkeypatch.setattr(orjson, "dumps", encode_and_change)
    dumps, _, _ = wirejson._guarded()
    assert json.loads(dumps(value)) == json.loads(json.dumps({"a": 1.0, "b": None, "c": none}))
