"""Updates as bytes, for each kind of peer, and what is made of a stranger's."""

from __future__ import annotations

import json
import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from zmqjsonproxy.channels.protocol.limits import NO_LIMITS, Limits
from zmqjsonproxy.channels.protocol.notices import (
    Opened,
    Told,
    encode,
    encode_frame,
    is_number,
    join_updates,
    read_frames,
    read_newest,
    read_opened,
    read_told,
    read_updates,
    write_newest,
    write_opened,
    write_update,
)
from zmqjsonproxy.protocol.arrays import Framed
from zmqjsonproxy.rpc.protocol import jsonrpc

ARRAY = np.arange(6, dtype="<i2").reshape(2, 3)
KNOWN = [
    (
        1.5,
        b'{"dealer":{"short":true},"jsonrpc":"2.0","method":"rpc.update","params":[7,3,1000,1.5]}',
    ),
    (
        math.nan,
        b'{"dealer":{"short":true},"jsonrpc":"2.0","method":"rpc.update","params":[7,3,1000,NaN]}',
    ),
    (
        2**64,
        b'{"jsonrpc":"2.0","method":"rpc.update","params":[7,3,1000,18446744073709551616]}',
    ),
]


@pytest.mark.parametrize(("value", "body"), KNOWN)
def test_a_value_has_known_bytes(value: object, body: bytes) -> None:
    part = write_update(7, 3, 1000, encode(value))
    assert part.is_update
    assert part.size == len(part.body)
    assert join_updates([part]) == body


def test_updates_are_joined() -> None:
    parts = [write_update(7, n, 1000, encode(n * 1.5)) for n in (1, 2)]
    assert list(read_updates(json.loads(join_updates(parts))["params"])) == [
        (7, 1, 1000, 1.5),
        (7, 2, 1000, 3.0),
    ]


def test_numbers_are_joined_with_others_in_their_order() -> None:
    text = write_update(8, 1, 1000, encode("a"))
    numbers = [(7, 1, 1000, 1.5), (7, 2, 1001, -(2**63)), (7, 3, 1002, 2**63 - 1)]
    joined = join_updates([numbers[0], text, *numbers[1:], text])
    assert joined == (
        b'{"dealer":{"short":true},"jsonrpc":"2.0","method":"rpc.update","params":[7,1,1000,1.5,'
        b'8,1,1000,"a",7,2,1001,-9223372036854775808,7,3,1002,9223372036854775807,8,1,1000,"a"]}'
    )
    read = list(read_updates(jsonrpc.read_reply(joined)["params"]))
    assert read == [numbers[0], (8, 1, 1000, "a"), *numbers[1:], (8, 1, 1000, "a")]


@given(st.floats() | st.integers() | st.booleans() | st.none())
def test_what_is_a_number_comes_through_with_its_type(value: object) -> None:
    kinds: dict[type, bool] = {float: value not in (math.inf, -math.inf) and value == value}
    kinds[int] = type(value) is int and -(2**63) <= value < 2**63
    assert is_number(value) is kinds.get(type(value), False)
    if not is_number(value):
        return
    joined = join_updates([(7, 1, 1000, value), (7, 2, 1000, 1)])
    assert list(read_updates(jsonrpc.read_reply(joined)["params"])) == [
        (7, 1, 1000, value),
        (7, 2, 1000, 1),
    ]
    assert type(jsonrpc.read_reply(joined)["params"][3]) is type(value)


def test_newest_counts_and_new_properties_have_known_bytes() -> None:
    newest = b'{"jsonrpc":"2.0","method":"rpc.newest","params":[1,5,2,9]}'
    assert write_newest([(1, 5), (2, 9)]).body == newest
    assert write_newest([]).body == b'{"jsonrpc":"2.0","method":"rpc.newest","params":[]}'
    opened = (
        b'{"jsonrpc":"2.0","method":"rpc.opened","params":["bank",4,"a.b","result",{"rate":2.0}]}'
    )
    assert write_opened("bank", 4, "a.b", "result", Limits(rate=2.0).describe()).body == opened


def test_an_array_is_a_frame_for_who_takes_it_a_list_for_others() -> None:
    encoded = encode({"data": ARRAY, "raw": b"\0\xff"})
    part = write_update(1, 2, 3, encoded)
    framed = part.body
    assert not part.is_update
    assert part.size == len(framed) + ARRAY.nbytes + 2
    assert isinstance(framed, Framed)
    assert framed[:1] == b" "
    assert [bytes(frame) for frame in framed.frames] == [ARRAY.tobytes(), b"\0\xff"]
    assert encoded.for_peer(True) is encoded
    only_bytes = encoded.for_peer(False)
    assert [bytes(frame) for frame in only_bytes.frames] == [b"\0\xff"]
    assert only_bytes.value() == {"data": ARRAY.tolist(), "raw": b"\0\xff"}
    only_json = encoded.for_peer(None)
    assert not only_json.frames
    assert json.loads(only_json.body) == {"data": ARRAY.tolist(), "raw": "AP8="}


def test_no_peer_without_arrays_gets_complex_numbers() -> None:
    encoded = encode(np.array([1 + 2j]))
    for arrays in (False, None):
        with pytest.raises(TypeError, match="complex"):
            encoded.for_peer(arrays)


def test_an_array_may_be_changed_at_once_and_is_read_only_when_it_arrives() -> None:
    mine = np.zeros(1000)
    encoded = encode(mine)
    mine[:] = 1.0
    came = encoded.value()
    assert not came.any()
    with pytest.raises(ValueError, match="read-only"):
        came[0] = 1.0


@pytest.mark.parametrize("value", [{1, 2}, object(), 1j, {"a": {3}}])
def test_what_cannot_travel_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        encode(value)


def test_the_same_value_is_known_again_whatever_holds_it() -> None:
    fixed = np.arange(3.0)
    fixed.flags.writeable = False
    assert encode(np.arange(3.0)).is_same(encode(fixed))
    assert encode(fixed).is_same(encode(fixed.copy()))
    assert not encode(fixed).is_same(encode(np.arange(3.0) + 1))
    assert not encode(fixed).is_same(encode(np.arange(3)))
    assert encode(math.nan).is_same(encode(math.nan))
    assert not encode(1).is_same(encode(1.0))
    assert not encode([fixed]).is_same(encode([1]))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(plain, st.integers(1, 2**40), st.integers(1, 2**40))
def test_values_come_through(value: object, stream: int, count: int) -> None:
    encoded = encode(value)
    assert encoded.value() == value
    part = write_update(stream, count, 17, encoded)
    message = jsonrpc.read_reply(join_updates([part]))
    assert list(read_updates(message["params"])) == [(stream, count, 17, value)]


strange = plain | st.floats() | st.lists(st.integers(-3, 2**70) | st.text(), max_size=7)


@given(strange, st.lists(strange, max_size=7))
def test_whatever_a_stranger_sends_is_read_or_left(one: object, several: list[object]) -> None:
    for params in (one, several, [1, 2, 3, one], [1, one, 3, 4], [one, 2, 3, 4]):
        for update in read_updates(params):
            assert {type(number) for number in update[:3]} == {int}
        for pair in read_newest(params):
            assert {type(number) for number in pair} == {int}
        told = read_told(params)
        assert told is None or 0 <= told.newest < 2**63
        opened = read_opened(params)
        assert opened is None or isinstance(opened.limits, Limits)


BAD = [[1], [True, 1, 1, 0], [[], 1, 1, 0], [1, "2", 1, 0], [1, 2.0, 1, 0], [1, -1, 1, 0]]


@pytest.mark.parametrize("params", [*BAD, None, {}, "text", [1, 2, 2**63, 0], [1, math.nan, 1, 0]])
def test_an_update_with_what_is_no_number_is_none(params: object) -> None:
    assert list(read_updates(params)) == []


def test_streams_are_read_as_they_are_told() -> None:
    assert read_told([4, "a", "result", 2]) == Told(4, "a", "result", 2)
    assert read_told([4, "a", "pipe", 2, 99, [1]]) == Told(4, "a", "pipe", 2, True, 99, [1])
    for said in (
        [4, 5, "result", 2],
        [4, "a", None, 2],
        [4, "a", "result", 2, 99],
        ["4", "a", "b", 2],
    ):
        assert read_told(said) is None
    told = Told(4, "a", "result", 0)
    assert read_opened(["bank", 4, "a", "result", {}]) == Opened("bank", told, NO_LIMITS)
    for said in (
        ["bank", 4, "a", "result", []],
        [[], 4, "a", "result", {}],
        ["bank", "4", "a", "b", {}],
    ):
        assert read_opened(said) is None


def test_newest_counts_that_are_none_are_left_out() -> None:
    assert read_newest([1, 2, 3, "4", [], 5, 6, -1, True, 7, 8]) == [(1, 2)]
    assert read_newest({"a": 1}) == []


@pytest.mark.parametrize("array", [ARRAY, np.zeros(3, "<f4"), np.zeros((2, 0)), np.array([1 + 2j])])
def test_a_frame_is_read_as_any_message_and_faster(array: np.ndarray) -> None:
    encoded = encode_frame(array, 1.0, 0.5)
    assert encoded.value()["data"].tolist() == array.tolist()
    body = join_updates([write_update(7, 3, 1000, encoded)])
    assert body == (
        b' {"jsonrpc":"2.0","method":"rpc.update","params":[7,3,1000,'
        b'{"data":{"frame":0},"x_start":1.0,"x_delta":0.5}],"dealer":{"frames":{"key":"frame",'
        b'"headers":[{"dtype":"%b","shape":[%b],"order":"C"}]}}}'
        % (array.dtype.str.encode(), ",".join(map(str, array.shape)).encode())
    )
    read, message = read_frames(body), jsonrpc.read_reply(body)
    assert read is not None
    for (*numbers, value), other in zip([read["params"]], [message["params"]], strict=True):
        assert numbers == other[:3] == [7, 3, 1000]
        assert value["data"].dtype == other[3]["data"].dtype == array.dtype
        assert np.array_equal(value.pop("data"), other[3].pop("data"))
        assert value == other[3] == {"x_start": 1.0, "x_delta": 0.5}


@given(
    st.lists(
        st.tuples(st.sampled_from(["<f4", "<i2", "|u1"]), st.integers(0, 5), st.floats(-1, 1)),
        min_size=1,
        max_size=8,
    ),
    st.booleans(),
)
def test_small_frames_that_go_together_are_read_as_any_message(
    frames: list[tuple[str, int, float]], packs: bool
) -> None:
    arrays = [np.arange(size).astype(dtype) for dtype, size, _ in frames]
    parts = [
        write_update(n, 3, 1000, encode_frame(array, frame[2], 0.5), packs)
        for n, (array, frame) in enumerate(zip(arrays, frames, strict=True))
    ]
    assert all(part.is_update and part.frame is not None for part in parts)
    body = join_updates(parts)
    assert isinstance(body, Framed)
    assert len(body.frames) == (1 if packs else len(frames))
    for message in (read_frames(body), jsonrpc.read_reply(body)):
        assert message is not None
        read = list(read_updates(message["params"]))
        assert [number for number, _, _, _ in read] == list(range(len(frames)))
        for (*_, value), array, (_, _, x_start) in zip(read, arrays, frames, strict=True):
            assert value["x_start"] == x_start
            assert value["data"].dtype == array.dtype
            assert value["data"].tolist() == array.tolist()


def test_packed_frames_have_known_bytes_and_memory_of_their_own() -> None:
    arrays = [np.array([1, 2], "<i2"), np.array([3.0], "<f4")]
    parts = [
        write_update(7, n, 9, encode_frame(a, 0.0, 1.0), True) for n, a in enumerate(arrays, 1)
    ]
    body = join_updates(parts)
    assert isinstance(body, Framed)
    assert body == (
        b' {"jsonrpc":"2.0","method":"rpc.update","params":'
        b'[7,1,9,{"data":{"frame":0},"x_start":0.0,"x_delta":1.0},'
        b'7,2,9,{"data":{"frame":1},"x_start":0.0,"x_delta":1.0}],'
        b'"dealer":{"frames":{"key":"frame","headers":[{"dtype":"<i2","shape":[2],"order":"C"},'
        b'{"dtype":"<f4","shape":[1],"order":"C"}],"packed":true}}}'
    )
    assert list(body.frames) == [b"\1\0\2\0\0\0\x40\x40"]
    assert read_frames(join_updates(parts[:1])) is not None
    for message in (read_frames(body), jsonrpc.read_reply(body)):
        assert message is not None
        read = [value["data"] for value in message["params"][3::4]]
        assert [array.tolist() for array in read] == [[1, 2], [3.0]]
        assert not any(np.shares_memory(array, np.frombuffer(body.frames[0])) for array in read)
    for frame in (body.frames[0][:-1], body.frames[0] + b"\0"):
        wrong = Framed(body, [frame])
        assert read_frames(wrong) is None
        with pytest.raises(ValueError, match="8 bytes are described"):
            jsonrpc.read_reply(wrong)


def test_a_large_frame_goes_alone() -> None:
    array = np.zeros(2**15, np.uint8)
    part = write_update(7, 3, 1000, encode_frame(array, 1.0, 0.5))
    assert not part.is_update
    read = read_frames(part.body)
    assert read is not None
    assert read["params"][3]["data"].nbytes == array.nbytes


def test_what_is_no_frame_is_left_to_others() -> None:
    for value in ({"data": ARRAY, "more": ARRAY}, [ARRAY], {"data": ARRAY}):
        part = write_update(7, 3, 1000, encode(value))
        assert not part.is_update
        assert read_frames(part.body) is None
    assert read_frames(join_updates([write_update(7, 3, 1000, encode([1.0]))])) is None
    good = join_updates([write_update(7, n, 1000, encode_frame(ARRAY, 1.0, 0.5)) for n in (1, 2)])
    assert isinstance(good, Framed)
    assert read_frames(good) is not None
    for body in (
        good.replace(b"<i2", b"<i4"),
        good.replace(b'"frame":0', b'"frame":1'),
        good.replace(b"7,2,1000,", b""),
        good[:-1],
    ):
        assert read_frames(Framed(body, good.frames)) is None
    assert read_frames(Framed(good, good.frames[:1])) is None
