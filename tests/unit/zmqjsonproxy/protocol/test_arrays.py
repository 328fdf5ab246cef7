"""Arrays and bytes as frames: what goes in comes out, and hostile headers are refused."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as npst

from zmqjsonproxy import ndarray
from zmqjsonproxy.protocol.arrays import ArrayHeader, Framed, join, read_header
from zmqjsonproxy.rpc.protocol import jsonrpc, lonearray
from zmqjsonproxy.rpc.protocol.dialect import (
    Malformed,
    MessageLimits,
    Request,
    read_message,
    write_reply,
)

DTYPES = st.one_of(
    npst.boolean_dtypes(),
    npst.integer_dtypes(),
    npst.unsigned_integer_dtypes(),
    npst.floating_dtypes(sizes=(16, 32, 64)),
    npst.complex_number_dtypes(sizes=(64, 128)),
)
ARRAYS = npst.arrays(DTYPES, npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
VALUES = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(), st.binary(), ARRAYS, ARRAYS.map(np.transpose)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=8,
)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return (
            isinstance(other, np.ndarray)
            and one.dtype.newbyteorder("<") == other.dtype
            and one.shape == other.shape
            and one.astype(other.dtype).tobytes() == other.tobytes()
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and bool(one == other)


def over_the_wire(body: bytes) -> bytes:
    return (
        Framed(bytes(body), [bytearray(frame) for frame in body.frames])
        if isinstance(body, Framed)
        else body
    )


def loads(body: bytes) -> Any:
    return ndarray.loads(body) if isinstance(body, Framed) else json.loads(body)


@given(VALUES)
def test_a_result_arrives_as_it_was_returned(value: Any) -> None:
    request = Request("bank.echo", [], {}, True, 7, extra={"arrays": True})
    body = over_the_wire(write_reply(request, value))
    assert (body[:1] == b" ") is isinstance(body, Framed)
    assert same(value, loads(body)["result"])


@given(VALUES, st.booleans())
def test_arguments_arrive_as_they_were_given(value: Any, named: bool) -> None:
    kwargs = {"other": value} if named else {}
    before, after = jsonrpc.request_around_id("bank", "echo", [value], kwargs, 1.0, True)
    body = before + b"7" + after
    request = read_message(
        over_the_wire(Framed(body, after.frames) if isinstance(after, Framed) else body),
        MessageLimits(),
    )
    assert isinstance(request, Request)
    assert same([value], request.args)
    assert same(kwargs, request.kwargs)


def test_the_parts_of_a_batch_keep_their_own_frames() -> None:
    replies = [
        jsonrpc.reply(n, value, True)
        for n, value in enumerate([np.arange(3), 5, [b"\xff", np.ones(2)]])
    ]
    first, second, third = loads(over_the_wire(join(replies)))
    assert same(np.arange(3), first["result"])
    assert second["result"] == 5
    assert same([b"\xff", np.ones(2)], third["result"])


def test_who_takes_no_arrays_gets_lists_and_who_takes_nothing_gets_text_for_bytes() -> None:
    value = {"array": np.arange(3.0), "bytes": b"\xff"}
    assert loads(jsonrpc.reply(1, value, False))["result"] == {
        "array": [0.0, 1.0, 2.0],
        "bytes": b"\xff",
    }
    assert json.loads(jsonrpc.reply(1, value))["result"] == {
        "array": [0.0, 1.0, 2.0],
        "bytes": "/w==",
    }


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.array([None, 1]), np.array([True, "x"], dtype=object)]
)
def test_what_is_no_number_travels_as_a_list(array: Any) -> None:
    assert loads(jsonrpc.reply(1, array, True))["result"] == array.tolist()


MASKED = np.ma.masked_array([1.0, 999.0, 3.0, 4.0], mask=[0, 1, 0, 0])


class WithUnit(np.ndarray):
    """Stand-in of astropy's Quantity."""

    unit = "K"


MORE_THAN_NUMBERS = {
    "masked": (MASKED, "filled"),
    "masked counts": (np.ma.masked_array(np.arange(3, dtype="u1"), mask=[0, 1, 0]), "filled"),
    "a masked view": (MASKED[::2], "filled"),
    "nothing masked": (np.ma.masked_array([1.0]), "filled"),
    "one masked number": (np.ma.masked, "filled"),
    "masked text": (np.ma.masked_array(["a", "b"], mask=[0, 1]), "filled"),
    "with a unit": (np.ones(2).view(WithUnit), "x.value"),
    "any other class": (np.ones(2).view(type("Own", (np.ndarray,), {})), "asarray"),
    "long doubles": (np.ones(2, np.longdouble), "astype"),
    "a long double": (np.longdouble("0.1"), "astype"),
    "a complex number": (1 + 2j, "x.real"),
    "a complex number of numpy": (np.complex64(1j), "x.real"),
}


@pytest.mark.parametrize(
    "around", [lambda x: x, lambda x: [x, None], lambda x: {"x": [x], "big": 2**70}]
)
@pytest.mark.parametrize("arrays", [True, False, None])
@pytest.mark.parametrize(
    ("value", "advice"), MORE_THAN_NUMBERS.values(), ids=MORE_THAN_NUMBERS.keys()
)
def test_what_is_more_than_its_numbers_is_refused_in_both_directions(
    value: Any, advice: str, arrays: Any, around: Any
) -> None:
    with pytest.raises(TypeError, match=f"send .*{advice}"):
        jsonrpc.request_around_id("bank", "echo", [around(value)], {}, 1.0, arrays)
    with pytest.raises(TypeError, match=f"send .*{advice}"):
        jsonrpc.request_around_id("bank", "echo", [], {"x": around(value)}, 1.0, arrays)
    extra = {} if arrays is None else {"arrays": arrays}
    for native in (True, False):
        with pytest.raises(TypeError, match=f"send .*{advice}"):
            write_reply(Request("bank.echo", [], {}, native, 7, extra=extra), around(value))
    with pytest.raises(TypeError, match=f"send .*{advice}"):
        ndarray.settled([around(value)])


@pytest.mark.parametrize("kind", [np.memmap, np.matrix, np.recarray])
def test_arrays_of_numpys_own_classes_travel_as_arrays(kind: type[np.ndarray[Any, Any]]) -> None:
    array = np.arange(4.0).reshape(2, 2).view(kind)
    assert same(np.asarray(array), loads(over_the_wire(jsonrpc.reply(1, array, True)))["result"])
    assert json.loads(jsonrpc.reply(1, array))["result"] == [[0.0, 1.0], [2.0, 3.0]]


def test_complex_arrays_travel_to_those_who_take_them_and_to_no_others() -> None:
    array = np.array([1 + 2j])
    assert same(array, loads(over_the_wire(jsonrpc.reply(1, array, True)))["result"])
    for arrays in (False, None):
        with pytest.raises(TypeError, match="complex"):
            jsonrpc.reply(1, array, arrays)


@given(VALUES)
def test_a_settled_value_means_the_same(value: Any) -> None:
    assert same([value], ndarray.settled([value]))


def test_a_settled_value_is_as_it_was_when_it_was_given() -> None:
    array, numbers = np.arange(3), [1, 2**70]
    settled = ndarray.settled([array, numbers, np.float32(0.5), (1, 2)])
    array[0] = 7
    numbers.append(3)
    assert same(settled[0], np.arange(3))
    assert settled[1:] == [[1, 2**70], 0.5, [1, 2]]


def test_the_other_byte_order_and_steps_arrive_in_order() -> None:
    array = np.arange(24, dtype=">i4").reshape(4, 6)[::2, ::-3]
    assert same(array, loads(over_the_wire(jsonrpc.reply(1, array, True)))["result"])


def test_an_array_that_stands_there_twice_travels_once_beside_a_null() -> None:
    array = np.arange(3)
    body = jsonrpc.reply(1, [array, None, array], True)
    assert isinstance(body, Framed)
    assert len(body.frames) == 1
    assert same([array, None, array], loads(over_the_wire(body))["result"])


def test_an_array_that_arrives_may_be_changed() -> None:
    array = loads(over_the_wire(jsonrpc.reply(1, np.zeros(3), True)))["result"]
    array += 1
    assert array.sum() == 3


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (None, "object"),
        ({"dtype": "|O", "shape": [1]}, "dtype"),
        ({"dtype": "<f8,<f8", "shape": [1]}, "dtype"),
        ({"dtype": ["<f8"], "shape": [1]}, "dtype"),
        ({"dtype": "<f16", "shape": [1]}, "dtype"),
        ({"dtype": "<f8", "shape": [1], "order": "K"}, "order"),
        ({"dtype": "<f8", "shape": [1], "order": ["C"]}, "order"),
        ({"dtype": "<f8", "shape": 1}, "shape"),
        ({"dtype": "<f8", "shape": [-1]}, "shape"),
        ({"dtype": "<f8", "shape": [True]}, "shape"),
        ({"dtype": "<f8", "shape": [1.0]}, "shape"),
        ({"dtype": "<f8", "shape": [2]}, "16 bytes, its frame 8"),
        ({"dtype": "<f8", "shape": [0, 2**62]}, "too many"),
        ({"dtype": "<f8", "shape": [1] * 33}, "dimensions"),
        ({"dtype": "bytes", "shape": [2, 4]}, "one number"),
    ],
)
def test_a_hostile_header_is_refused(header: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        read_header(header, 8)


def test_a_good_header_is_read() -> None:
    assert read_header({"dtype": "<f4", "shape": [2, 1], "order": "F"}, 8) == ArrayHeader(
        "<f4", (2, 1), "F"
    )


def request(frames: Any, params: Any = None) -> bytes:
    return json.dumps(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "bank.echo",
            "params": params or [{"k": 0}],
            "dealer": {"frames": frames},
        }
    ).encode()


GOOD = {"dtype": "<f8", "shape": [1]}


@pytest.mark.parametrize(
    "body",
    [
        request([]),
        request({"key": 1, "headers": [GOOD]}),
        request({"key": "k", "headers": GOOD}),
        request({"key": "k", "headers": [GOOD, GOOD]}),
        request({"key": "k", "headers": [{"dtype": "<f8", "shape": [2]}]}),
        request({"key": "k", "headers": [GOOD]}, [{"k": 1}]),
        request({"key": "k", "headers": [GOOD]}, [{"k": -1}]),
        request({"key": "k", "headers": [GOOD]}, [{"k": True}]),
        request({"key": "k", "headers": [GOOD]}, [{"k": None}]),
    ],
)
def test_a_message_that_does_not_fit_its_frames_is_answered(body: bytes) -> None:
    bad = read_message(Framed(body, [bytes(8)]), MessageLimits())
    assert isinstance(bad, Malformed)
    assert bad.native


def test_frames_count_towards_the_size_of_a_message() -> None:
    bad = read_message(
        Framed(request({"key": "k", "headers": [GOOD]}), [bytes(2000)]),
        MessageLimits(max_bytes=1000),
    )
    assert isinstance(bad, Malformed)
    assert bad.type == "TooLargeError"


def test_without_numpy_an_array_that_comes_all_the_same_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ndarray, "is_available", lambda: False)
    bad = read_message(
        Framed(request({"key": "k", "headers": [GOOD]}), [bytes(8)]), MessageLimits()
    )
    assert isinstance(bad, Malformed)
    assert "send it as a list" in bad.text


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.integers(0, 3), max_size=4),
    st.sampled_from(["<f4", "|b1", "<c16"]),
)
def test_a_lone_array_is_read_as_any_other_reply(number: int, shape: list[int], dtype: str) -> None:
    array = np.zeros(shape, dtype)
    body = over_the_wire(jsonrpc.reply(number, array, True))
    assert isinstance(body, Framed)
    short, full = lonearray.read(body), ndarray.loads(body)
    assert short is not None
    assert (short["id"], full["id"]) == (number, number)
    assert same(array, short["result"])
    assert same(array, full["result"])


@pytest.mark.parametrize(
    "body",
    [
        b' {"jsonrpc":"2.0","id":"1","result":{"k":0},"dealer":{"frames":{"key":"k","headers":[GOOD]}}}',
        b' {"jsonrpc":"2.0","id":1,"result":{"k":0},"id":2,"dealer":{"frames":{"key":"k","headers":[GOOD]}}}',
        b' {"jsonrpc":"2.0","id":1,"result":[{"k":0}],"dealer":{"frames":{"key":"k","headers":[GOOD]}}}',
        b' {"jsonrpc":"2.0","id":1,"result":{"k":1},"dealer":{"frames":{"key":"k","headers":[GOOD]}}}',
        b' {"jsonrpc":"2.0","id":1,"result":{"k":0},"error":{},"dealer":{"frames":{"key":"k","headers":[GOOD]}}}',
        b' {"jsonrpc":"2.0","id":1,"result":{"k":0},"dealer":{"frames":{"key":"k","headers":[GOOD,GOOD]}}}',
        b' {"jsonrpc":"2.0","id":1,"result":{"k":0}}',
        b' {"jsonrpc":"2.0","id":1,"result":{"k":0',
        b' {"id":1,"result":{"k":0},"dealer":{"frames":{"key":"k","headers":[GOOD]}}}',
        b" [5]",
    ],
)
def test_what_is_not_quite_a_lone_array_is_read_in_full(body: bytes) -> None:
    whole = body.replace(b"GOOD", json.dumps(GOOD).encode())
    assert lonearray.read(Framed(whole, [bytes(8)])) is None
