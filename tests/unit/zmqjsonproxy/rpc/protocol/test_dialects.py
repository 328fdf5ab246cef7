"""Both dialects byte by byte: what the reference prints, and whatever else may arrive."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmqjsonproxy.errors import (
    BadParametersError,
    BusyError,
    DeadlineError,
    NoSuchInterfaceError,
    NoSuchMethodError,
    OperationAbortedError,
    RefusedError,
    RemoteError,
    TooLargeError,
)
from zmqjsonproxy.rpc.protocol import jsonrpc, original
from zmqjsonproxy.rpc.protocol.dialect import (
    Malformed,
    MessageLimits,
    Request,
    read_failure,
    read_message,
)

LIMITS = MessageLimits(max_bytes=2000, max_depth=10, max_batch=5)


@pytest.mark.parametrize(
    ("line", "target", "args", "kwargs"),
    [
        (b'{"name": "bank", "proc": "set_param", "args": [], "kwargs": {"exposure": 0.5}}', "bank.set_param", [],
         {"exposure": 0.5}),
        (b'{"name": "bank", "proc": "set_mode",  "args": ["MODE1", null, true], "kwargs": {}}', "bank.set_mode",
         ["MODE1", None, True], {}),
        (b'{"name": "bank", "proc": "start",     "args": [[2014, 3, 4, 17, 20, 30, 0]], "kwargs": {}}', "bank.start",
         [[2014, 3, 4, 17, 20, 30, 0]], {}),
        (b'{"name": "bank.roach", "proc": "list_methods"}', "bank.roach.list_methods", [], {}),
    ],
)  # fmt: skip
def test_requests_of_the_original(
    line: bytes, target: str, args: list[Any], kwargs: dict[str, Any]
) -> None:
    request = read_message(line, LIMITS)
    assert isinstance(request, Request)
    assert (request.native, request.target, request.args, request.kwargs) == (
        False,
        target,
        args,
        kwargs,
    )


def test_a_call_to_an_original_server_has_exactly_its_four_keys() -> None:
    assert json.loads(original.request("bank", "set_mode", ["MODE1"], {"force": True})) == {
        "name": "bank",
        "proc": "set_mode",
        "args": ["MODE1"],
        "kwargs": {"force": True},
    }


def test_the_first_message_to_any_server_is_the_originals_with_one_more_key() -> None:
    hello = json.loads(original.hello("bank", "host:7"))
    assert hello.pop("dealer") == {"version": 1, "client": "host:7"}
    assert hello == {"name": "bank", "proc": "list_methods", "args": [], "kwargs": {}}


def test_replies_of_the_original() -> None:
    assert json.loads(original.reply((True, "x"))) == [True, "x"]
    assert json.loads(original.reply(None)) is None
    assert json.loads(original.interface_error("bar")) == ["Interface error", "'bar'"]
    entries = [f"line {n}\n" for n in range(15)]
    assert json.loads(original.failure("ValueError", "text", entries)) == {
        "EXCEPTION": ["ValueError", "text", entries[-10:]]
    }
    assert original.is_failure({"EXCEPTION": ["E", "t", []]})
    assert not original.is_failure({"EXCEPTION": "a status key of that name"})


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"proc": "f", "args": [], "kwargs": {}}, "'name'"),
        ({"name": "bank", "proc": "f", "kwargs": {}}, "'args'"),
        ({"name": "bank", "proc": "f", "args": []}, "'kwargs'"),
    ],
)
def test_a_key_that_is_missing_is_the_originals_keyerror(
    message: dict[str, Any], text: str
) -> None:
    bad = read_message(json.dumps(message).encode(), LIMITS)
    assert isinstance(bad, Malformed)
    assert json.loads(read_failure(bad)) == {"EXCEPTION": ["KeyError", text, []]}


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"", -32700, "no JSON"),
        (b"\xff\xfe", -32700, "no JSON"),
        (b'{"jsonrpc": "2.0", "method": "f", "id": 1', -32700, "no JSON"),
        (b"[]", -32600, "a request is an object"),
        (b"3", -32600, "got a number"),
        (b'{"args": []}', -32600, "these are there: args"),
        (b'{"jsonrpc": "1.0", "method": "f", "id": 1}', -32600, "a call has"),
        (b'{"jsonrpc": "2.0", "method": 5, "id": 1}', -32600, "a call has"),
        (b'{"jsonrpc": "2.0", "method": "f", "id": [1]}', -32600, "id: text or a number"),
        (
            b'{"jsonrpc": "2.0", "method": "f", "id": 1, "params": 5}',
            -32602,
            "params: an array or an object",
        ),
        (b"[" * 11 + b"]" * 11, -32004, "nested deeper than 10"),
        (b" " * 2001, -32004, "2001 bytes are over the limit of 2000"),
        (
            json.dumps([{"jsonrpc": "2.0", "method": "f", "id": 1}] * 6).encode(),
            -32004,
            "a batch of 6",
        ),
    ],
)
def test_what_is_no_request_is_answered_with_what_is_wrong(
    body: bytes, code: int, says: str
) -> None:
    bad = read_message(body, LIMITS)
    assert isinstance(bad, Malformed)
    assert bad.code == code
    assert says in bad.text
    assert json.loads(read_failure(bad))


@pytest.mark.parametrize("around", [b"%b", b"[%b]", b" [ %b,3]"])
def test_what_is_over_a_limit_is_answered_by_the_number_at_its_head(around: bytes) -> None:
    call = b'{"jsonrpc":"2.0","method":"bank.f","id":42,"params":%b}'
    for params in (b"[" * 11 + b"]" * 11, b'["' + b"x" * 2000 + b'"]'):
        bad = read_message(around % (call % params), LIMITS)
        assert isinstance(bad, Malformed)
        assert (bad.code, bad.id) == (-32004, 42)


def test_native_parameters_come_as_array_object_or_both() -> None:
    def read(**members: Any) -> Request:
        request = read_message(
            json.dumps({"jsonrpc": "2.0", "method": "bank.f", "id": 7, **members}).encode(), LIMITS
        )
        assert isinstance(request, Request)
        return request

    assert (read().args, read().kwargs) == ([], {})
    assert read(params=[1, 2]).args == [1, 2]
    assert read(params={"x": 1}).kwargs == {"x": 1}
    mixed = read(params={"args": [1], "kwargs": {"y": 2}}, dealer={"params": "mixed"})
    assert (mixed.args, mixed.kwargs) == ([1], {"y": 2})
    assert read(params={"args": [1], "kwargs": {"y": 2}}).kwargs == {
        "args": [1],
        "kwargs": {"y": 2},
    }
    assert read(dealer="whatever").extra is None
    assert not read().notification
    notification = read_message(b'{"jsonrpc": "2.0", "method": "bank.f"}', LIMITS)
    assert isinstance(notification, Request)
    assert notification.notification


def test_a_batch_is_read_one_by_one() -> None:
    call = {"jsonrpc": "2.0", "method": "a.b"}
    batch = read_message(json.dumps([{**call, "id": 1}, 5, call]).encode(), LIMITS)
    assert isinstance(batch, list)
    assert [type(item) for item in batch] == [Request, Malformed, Request]


@pytest.mark.parametrize("first", [((1,), {}), ((1,), {"b": 2}), ((), {"a": 1})])
def test_the_calls_of_our_batches_share_the_deadline_of_the_first(
    first: tuple[tuple[int, ...], dict[str, int]],
) -> None:
    calls = [("f", *first), ("g", (1,), {"b": 2}), ("h", (), {"c": 3}), ("i", (4,), {})]
    batch = read_message(jsonrpc.batch("bank", calls, 7, 3.5, None), LIMITS)
    assert isinstance(batch, list)
    requests = [each for each in batch if isinstance(each, Request)]
    assert [(r.target, tuple(r.args), r.kwargs) for r in requests] == [
        (f"bank.{m}", a, k) for m, a, k in calls
    ]
    assert [(r.id, (r.extra or {}).get("deadline_s")) for r in requests] == [
        (n, 3.5) for n in range(7, 11)
    ]


def test_the_results_to_a_batch_are_taken_together_if_all_are_there_and_in_order() -> None:
    results = [{"jsonrpc": "2.0", "id": n, "result": n * n} for n in range(7, 10)]
    failed = {"jsonrpc": "2.0", "id": 9, "error": {}}
    assert jsonrpc.results_in_order(results, 7, 3) == [49, 64, 81]
    part = results[:2]
    for other in (
        part,
        [*results, results[2]],
        results[::-1],
        [*part, failed],
        [*part, 5],
        failed,
        5,
    ):
        assert jsonrpc.results_in_order(other, 7, 3) is None


def test_what_others_say_in_the_first_call_of_a_batch_is_of_that_call() -> None:
    call = {"jsonrpc": "2.0", "method": "a.b", "id": 1}
    own = {"deadline_s": 1.0, "call_id": "x", "shared": True}
    for extra, shared in (({"deadline_s": 1.0}, None), (own, {"deadline_s": 1.0}), ("text", None)):
        batch = read_message(
            json.dumps([{**call, "dealer": extra}, call, 5, {**call, "dealer": {}}]).encode(),
            LIMITS,
        )
        assert isinstance(batch, list)
        assert [getattr(each, "extra", 0) for each in batch[1:]] == [shared, 0, {}]


def test_a_native_call_is_read_back_as_it_was_made() -> None:
    for args, kwargs in (([1, "a"], None), ([], {"x": 1}), ([2], {"y": None})):
        before, after = jsonrpc.request_around_id("bank.roach", "read_int", args, kwargs, 3.0)
        request = read_message(before + b"42" + after, LIMITS)
        assert isinstance(request, Request)
        assert (request.target, request.id, request.args, request.kwargs) == (
            "bank.roach.read_int",
            42,
            args,
            kwargs or {},
        )
        assert request.extra is not None
        assert request.extra["deadline_s"] == 3.0


@pytest.mark.parametrize(
    ("args", "kwargs", "short"),
    [
        ((), {}, True),
        ((2, None, "x"), {}, True),
        ((2, 2.5), {"b": [2**64 - 1]}, True),
        ((2**64,), {}, False),
        ((1.5, None), {}, True),
        ((math.inf, 5), {}, False),  # of these the standard module was asked
        ((), {"a": -(2**70)}, False),
    ],
)
def test_a_call_says_that_none_of_its_integers_is_long(
    args: tuple[Any, ...], kwargs: dict[str, Any], short: bool
) -> None:
    before, after = jsonrpc.request_around_id("bank", "add", args, kwargs, 3.0, True)
    body = before + b"7" + after
    assert body.endswith(jsonrpc.SHORT_END) == short
    request = read_message(body, MessageLimits())
    assert isinstance(request, Request)
    assert (tuple(request.args), request.kwargs) == (args, kwargs)


@pytest.mark.parametrize(
    ("code", "type_", "expected"),
    [
        (-32601, "NoSuchMethodError", NoSuchMethodError),
        (-32601, "NoSuchInterfaceError", NoSuchInterfaceError),
        (-32602, "BadParametersError", BadParametersError),
        (-32002, "BusyError", BusyError),
        (-32003, "DeadlineError", DeadlineError),
        (-32004, "TooLargeError", TooLargeError),
        (-32001, "RefusedError", RefusedError),
        (-32005, "OperationAbortedError", OperationAbortedError),
        (-32000, "ValueError", RemoteError),
        (-1, "Foreign", RemoteError),
        ("x", "Foreign", RemoteError),
    ],
)
def test_errors_arrive_as_their_classes(code: Any, type_: str, expected: type[Exception]) -> None:
    error = jsonrpc.error_from(
        {"code": code, "message": "m", "data": {"type": type_, "text": "why"}}, peer="tcp://a:1"
    )
    assert type(error) is expected
    assert "why" in str(error)


def test_an_application_error_carries_class_text_and_remote_traceback() -> None:
    described = jsonrpc.error_object(
        jsonrpc.Code.APPLICATION, "ValueError", "too hot", ["  File x\n"]
    )
    error = jsonrpc.error_from(described, peer="tcp://a:1")
    assert isinstance(error, RemoteError)
    assert (error.type, error.text, error.traceback, error.peer) == (
        "ValueError",
        "too hot",
        ["  File x\n"],
        "tcp://a:1",
    )
    assert error.args[0] == ["ValueError", "too hot", ["  File x\n"]]
    assert "  File x" in error.__notes__[0]


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise(body: bytes) -> None:
    message = read_message(body, LIMITS)
    if isinstance(message, Malformed):
        json.loads(read_failure(message))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=6,
)
KEYS = ("jsonrpc", "method", "params", "id", "dealer", "name", "proc", "args", "kwargs")


@given(
    st.dictionaries(
        st.sampled_from(KEYS), json_values | st.sampled_from(["2.0", "bank", "list_methods"])
    )
)
def test_no_object_with_our_keys_makes_the_reader_raise(message: dict[str, Any]) -> None:
    read = read_message(json.dumps(message).encode(), MessageLimits())
    if isinstance(read, Malformed):
        assert json.loads(read_failure(read))
    else:
        assert isinstance(read, Request)
        assert isinstance(read.args, list)
        assert isinstance(read.kwargs, dict)


@given(st.integers(), json_values)
def test_malformed_native_messages_keep_their_number(identity: int, params: Any) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": identity, "method": 5, "params": params}).encode()
    bad = read_message(body, MessageLimits())
    assert isinstance(bad, Malformed)
    assert json.loads(read_failure(bad))["id"] == identity


def test_a_batch_shares_what_all_its_calls_have() -> None:
    calls = [("one", [1], {}), ("two", [], {"a": 2}), ("three", [1], {"a": 2})]
    for arrays in (None, True):
        message = json.loads(jsonrpc.batch("bank", calls, 7, 60.0, arrays))
        assert [part["id"] for part in message] == [7, 8, 9]
        assert message[0]["dealer"]["shared"] is True
        assert "dealer" not in message[1]
        assert (message[2]["dealer"]["params"], message[2]["params"]["kwargs"]) == (
            "mixed",
            {"a": 2},
        )
    framed = jsonrpc.batch("bank", [("one", [b"raw"], {}), ("two", [2], {})], 1, 60.0, True)
    assert (len(framed.frames), [part["id"] for part in json.loads(bytes(framed))]) == (1, [1, 2])


def test_results_of_a_batch_are_taken_in_order_or_not_at_all() -> None:
    replies = [{"id": 5, "result": 1}, {"id": 6, "result": 2}]
    assert jsonrpc.results_in_order(replies, 5, 2) == [1, 2]
    for other in (
        [replies[0]],
        replies[::-1],
        [*replies, replies[0]],
        [{"id": 5}, replies[1]],
        None,
    ):
        assert jsonrpc.results_in_order(other, 5, 2) is None


def test_a_cancellation_is_a_notification() -> None:
    assert json.loads(jsonrpc.cancel(7)) == {
        "jsonrpc": "2.0",
        "method": "rpc.cancel",
        "params": {"id": 7},
    }
    assert json.loads(jsonrpc.cancel(7, True))["params"] == {"id": 7, "only_waiting": True}


@pytest.mark.parametrize(
    "value", [1, "text", None, [1, 2], {"a": "x" * 2000}, 10**30, [10**30] * 99]
)
@pytest.mark.parametrize("identity", [7, "text", 1.5, None])
@pytest.mark.parametrize("arrays", [None, True, False])
def test_a_reply_is_read_as_it_was_meant(value: Any, identity: Any, arrays: Any) -> None:
    assert jsonrpc.read_reply(jsonrpc.reply(identity, value, arrays)) == {
        "jsonrpc": "2.0",
        "id": identity,
        "result": value,
    } | ({"dealer": {"short": True}} if isinstance(value, dict) and arrays is not None else {})


def test_an_error_that_is_no_object_is_an_error_too() -> None:
    assert "an error that is no object: 7" in str(jsonrpc.error_from(7))
    assert isinstance(jsonrpc.error_from({"code": "x"}), RemoteError)


def test_what_is_refused_unread_keeps_its_number_where_that_is_found() -> None:
    small = MessageLimits(max_bytes=300, max_depth=3)

    def refused(body: bytes) -> Any:
        found = read_message(body, small)
        assert isinstance(found, Malformed)
        return json.loads(read_failure(found))

    long = b'{"jsonrpc":"2.0","method":"a.b","id":7,"params":["' + b"x" * 400 + b'"]}'
    assert refused(long)["id"] == 7
    assert refused(b'{"jsonrpc":"2.0","params":["' + b"x" * 400 + b'"],"id":7}')["id"] is None
    assert refused(b'{"name": "a", "proc": "b", "args": [[[[[[1]]]]]], "kwargs": {}}')["EXCEPTION"]
