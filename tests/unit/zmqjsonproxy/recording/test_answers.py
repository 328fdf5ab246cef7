"""Recorded answers, and the requests that they belong to."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zmqjsonproxy.recording.protocol.answers import RecordedAnswers
from zmqjsonproxy.recording.protocol.record import MessageDirection, Record
from zmqjsonproxy.rpc.protocol import original

BEGUN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def recorded(*messages: tuple[str, Any] | tuple[str, Any, int]) -> RecordedAnswers:
    """A recording of ("->", request) and ("<-", reply), a quarter of a second apart; the third is
    the client."""
    records = []
    for n, (arrow, message, *peer) in enumerate(messages):
        frames = message if isinstance(message, tuple) else (_bytes(message),)
        direction = MessageDirection.REQUEST if arrow == "->" else MessageDirection.REPLY
        records.append(
            Record(BEGUN + timedelta(seconds=n / 4), direction, peer[0] if peer else 1, frames)
        )
    return RecordedAnswers(records, "scan.jsonl")


def _bytes(message: Any) -> bytes:
    return message if isinstance(message, bytes) else json.dumps(message).encode()


def ask(answers: RecordedAnswers, message: Any) -> Any:
    answer = answers.answer((_bytes(message),), BEGUN)
    return None if answer is None else json.loads(answer.content[0])


def call(method: str, params: Any = None, id: Any = 1, **members: Any) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": id,
        "method": method,
        "params": params if params is not None else [],
        **members,
    }


def result(value: Any, id: Any = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "result": value}


def old(method: str, *args: Any, name: Any = "bank", **kwargs: Any) -> dict[str, Any]:
    return {"name": name, "proc": method, "args": list(args), "kwargs": kwargs}


def test_a_native_answer_carries_the_number_of_the_one_who_asks() -> None:
    answers = recorded(("->", call("bank.get_mode", id=7)), ("<-", result("MODE1", 7)))
    for number in (7, 1, "x", 2.5):
        assert ask(answers, call("bank.get_mode", id=number)) == result("MODE1", number)


def test_numbers_and_the_member_dealer_do_not_count_but_for_wait() -> None:
    answers = recorded(
        ("->", call("bank.prepare", dealer={"deadline_s": 3.0})),
        ("<-", result([True, "done"])),
        ("->", call("bank.prepare", dealer={"wait": "accepted"})),
        ("<-", result({"operation": "a1"})),
    )
    assert ask(answers, call("bank.prepare", dealer={"deadline_s": 60, "client": "x"}))[
        "result"
    ] == [True, "done"]
    assert ask(answers, call("bank.prepare"))["result"] == [True, "done"]
    assert ask(answers, call("bank.prepare", dealer={"wait": "accepted"}))["result"] == {
        "operation": "a1"
    }


def test_named_parameters_have_no_order_and_mixed_ones_are_what_they_mean() -> None:
    answers = recorded(
        ("->", call("bank.set_param", {"a": 1, "b": {"x": 1, "y": 2}})),
        ("<-", result("named")),
        (
            "->",
            call("bank.set_param", {"args": [1], "kwargs": {"b": 2}}, dealer={"params": "mixed"}),
        ),
        ("<-", result("mixed")),
    )
    assert (
        ask(answers, call("bank.set_param", {"b": {"y": 2, "x": 1}, "a": 1}))["result"] == "named"
    )
    mixed = call(
        "bank.set_param",
        {"kwargs": {"b": 2}, "args": [1]},
        dealer={"params": "mixed", "deadline_s": 1},
    )
    assert ask(answers, mixed)["result"] == "mixed"


def test_the_same_request_is_answered_in_order_and_the_last_answer_repeats() -> None:
    answers = recorded(
        ("->", call("bank.get_mode", id=1), 1),
        ("->", call("bank.get_mode", id=1), 2),
        ("<-", result("second", 1), 2),
        ("<-", result("first", 1), 1),
        ("->", call("bank.get_mode", id=2), 1),
        ("<-", result("third", 2), 1),
    )
    assert [ask(answers, call("bank.get_mode"))["result"] for _ in range(5)] == [
        "first",
        "second",
        "third",
        "third",
        "third",
    ]


def test_answers_that_came_out_of_order_are_found_by_number() -> None:
    answers = recorded(
        ("->", call("bank.slow", id=1)),
        ("->", call("bank.quick", id="1")),
        ("->", old("get_mode")),
        ("<-", result("quick", "1")),
        ("<-", "MODE1"),
        ("<-", result("slow", 1)),
    )
    assert ask(answers, call("bank.slow"))["result"] == "slow"
    assert ask(answers, call("bank.quick"))["result"] == "quick"
    assert ask(answers, old("get_mode")) == "MODE1"


def test_the_original_dialect_gets_its_recorded_bytes() -> None:
    strange = b'[true,  1e5, NaN, "\\u00b5"]'
    answers = recorded(("->", old("get_status", "A", k=1)), ("<-", (b"", strange)))
    answer = answers.answer((_bytes(old("get_status", "A", k=1)),), BEGUN)
    assert answer is not None
    assert (answer.content, answer.delay_s) == ((strange,), 0.25)


def test_dialects_are_kept_apart() -> None:
    answers = recorded(("->", old("get_mode")), ("<-", "MODE1"))
    message = ask(answers, call("bank.get_mode"))["error"]["message"]
    assert "bank.get_mode() is not in scan.jsonl" in message
    assert "a client of the original made the same call" in message


def test_a_hello_is_not_the_listing_of_the_original() -> None:
    ours = {"dealer": 1, "methods": [], "instance": "i", "name": "bank"}
    answers = recorded(
        ("->", (b"", original.hello("bank", "host:1"))),
        ("<-", ours),
        ("->", old("list_methods")),
        ("<-", [["a", None]]),
    )
    assert ask(answers, original.hello("bank", "host:2")) == ours
    assert ask(answers, old("list_methods")) == [["a", None]]


def test_a_recording_of_old_clients_answers_a_hello_as_an_old_server() -> None:
    answers = recorded(("->", old("list_methods")), ("<-", [["get_mode", None]]))
    assert ask(answers, original.hello("bank", "host:1")) == [["get_mode", None]]
    assert ask(answers, original.hello("bar", "host:1")) == [
        "Interface error",
        "nobody asked for 'bar' in scan.jsonl; there are: bank",
    ]


def test_an_object_nobody_asked_for_is_none_of_a_native_server() -> None:
    answers = recorded(("->", original.hello("bank", "h:1")), ("<-", {"dealer": 1, "methods": []}))
    error = ask(answers, original.hello("bar", "h:1"))["error"]
    assert error["data"]["type"] == "NoSuchInterfaceError"
    assert error["data"]["text"] == "nobody asked for 'bar' in scan.jsonl; there are: bank"


def test_a_batch_is_its_calls() -> None:
    batch = [
        call("bank.a", id=1),
        call("bank.b", id=2),
        {"jsonrpc": "2.0", "method": "bank.note"},
        5,
    ]
    invalid = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no object"}}
    answers = recorded(("->", batch), ("<-", [result("b", 2), result("a", 1), invalid]))
    assert (answers.requests, answers.unanswered) == (3, 0)
    assert ask(answers, call("bank.b", id=9)) == result("b", 9)
    assert ask(answers, [call("bank.a", id=3), call("bank.c", id=4)])[0] == result("a", 3)
    assert ask(answers, batch)[2] == invalid
    assert ask(answers, [{"jsonrpc": "2.0", "method": "bank.a"}]) is None


def test_what_was_not_answered_is_not_answered() -> None:
    answers = recorded(("->", call("bank.die")), ("->", old("get_mode"), 2), ("<-", "MODE1", 2))
    assert (answers.requests, answers.unanswered) == (2, 1)
    assert answers.answer((_bytes(call("bank.die")),), BEGUN) is None
    assert ask(answers, old("get_mode")) == "MODE1"


def test_a_notification_gets_no_answer() -> None:
    notification = {"jsonrpc": "2.0", "method": "bank.set_status", "params": {"A": 1}}
    answers = recorded(("->", notification), ("->", old("get_mode")), ("<-", "MODE1"))
    assert answers.answer((_bytes(notification),), BEGUN) is None
    assert answers.answer((_bytes({**notification, "method": "bank.unknown"}),), BEGUN) is None
    assert ask(answers, old("get_mode")) == "MODE1"


def test_malformed_requests_are_the_same_if_their_bytes_are() -> None:
    trouble = {"EXCEPTION": ["ProtocolError", "no JSON", []]}
    answers = recorded(("->", b"{no JSON"), ("<-", trouble))
    assert ask(answers, b"{no JSON") == trouble
    assert ask(answers, b"{other")["EXCEPTION"][:2] == [
        "NotRecordedError",
        "scan.jsonl has no request of these bytes: {other",
    ]


def test_arrays_behind_the_body_count_and_come_back() -> None:
    request, reply = _bytes(call("bank.put")), _bytes(result("ok"))
    answers = recorded(("->", (request, b"\x01\xff")), ("<-", (reply, b"\xfe")))
    answer = answers.answer((request, b"\x01\xff"), BEGUN)
    assert answer is not None
    assert answer.content[1:] == (b"\xfe",)
    assert ask(answers, request)["error"]["data"]["type"] == "NotRecordedError"


def framed(key: str, headers: int) -> dict[str, Any]:
    """Companions of frames: the name of placeholders, a new one for each message, and a header for
    each frame."""
    return {"frames": {"key": key, "headers": [{"dtype": "|b1", "shape": [1]}] * headers}}


def test_the_names_of_placeholders_do_not_count_and_frames_are_announced_as_recorded() -> None:
    asked = call("bank.put", {"a": {"k1": 0}}, dealer=framed("k1", 1))
    replied = {**result({"k2": 0}), "dealer": framed("k2", 1)}
    answers = recorded(
        ("->", (b" " + _bytes(asked), b"\1")), ("<-", (b" " + _bytes(replied), b"\xff"))
    )
    again = call("bank.put", {"a": {"k3": 0}}, id=5, dealer=framed("k3", 1))
    answer = answers.answer((b" " + _bytes(again), b"\1"), BEGUN)
    assert answer is not None
    assert answer.content[0][:1] == b" "
    assert json.loads(answer.content[0]) == {**replied, "id": 5}
    assert answer.content[1:] == (b"\xff",)
    for other in (b"\2", b"\1\1"):
        other_answer = answers.answer((b" " + _bytes(again), other), BEGUN)
        assert other_answer is not None
        assert b"NotRecordedError" in other_answer.content[0]


def test_frames_of_a_batch_follow_each_other() -> None:
    batch = [call(f"bank.{name}", [{"k": 0}], id=name, dealer=framed("k", 1)) for name in "ab"]
    replies = [{**result({"k": 0}, name), "dealer": framed("k", 1)} for name in "ba"]
    answers = recorded(
        ("->", (b" " + _bytes(batch), b"1", b"2")), ("<-", (b" " + _bytes(replies), b"B", b"A"))
    )
    single = answers.answer((b" " + _bytes(batch[1]), b"2"), BEGUN)
    assert single is not None
    assert single.content[1:] == (b"B",)
    answer = answers.answer((b" " + _bytes(batch), b"1", b"2"), BEGUN)
    assert answer is not None
    assert answer.content[0][:2] == b" ["
    assert answer.content[1:] == (b"A", b"B")


def test_a_reply_to_what_came_before_the_recording_is_left_out() -> None:
    answers = recorded(
        ("<-", result("stray", 1)), ("<-", b"no JSON"), ("->", old("a")), ("<-", "A")
    )
    assert ask(answers, old("a")) == "A"


@pytest.mark.parametrize("native", [True, False])
def test_what_was_not_recorded_is_told_with_what_was(native: bool) -> None:
    def request(*args: Any) -> Any:
        return call("bank.set_mode", list(args)) if native else old("set_mode", *args)

    modes = [f"MODE{n}" for n in range(7)]
    messages = [
        m for mode in modes for m in (("->", request(mode)), ("<-", result(1) if native else 1))
    ]
    reply = ask(recorded(*messages), request("MODE9"))
    type_, text = (
        (reply["error"]["data"][k] for k in ("type", "text")) if native else reply["EXCEPTION"][:2]
    )
    assert type_ == "NotRecordedError"
    assert text == (
        'bank.set_mode("MODE9") is not in scan.jsonl; it has bank.set_mode with: ("MODE0"), ("MODE1"), ("MODE2"), '
        '("MODE3"), ("MODE4"), and 2 more'
    )
    other = ask(recorded(*messages), call("bank.stop") if native else old("stop"))
    text = other["error"]["data"]["text"] if native else other["EXCEPTION"][1]
    assert text == "bank.stop() is not in scan.jsonl; it has calls of: bank.set_mode"


def test_times_are_moved_to_now_on_demand() -> None:
    messages = [
        ("->", call("bank.earliest_start")),
        ("<-", result([True, [2026, 11, 21, 9, 30, 59, 0]])),
        ("->", call("bank.arm", [[2026, 11, 21, 9, 30, 59, 0]])),
        ("<-", result([True, "armed"])),
        ("->", call("rpc.ping")),
        ("<-", result({"instance": "i", "time": 1000.5})),
        ("->", old("get_status")),
        ("<-", {"T": [2026, 12, 31, 23, 59, 59]}),
    ]
    records = [
        Record(
            BEGUN,
            MessageDirection.REQUEST if arrow == "->" else MessageDirection.REPLY,
            1,
            (_bytes(message),),
        )
        for arrow, message in messages
    ]
    now = BEGUN + timedelta(days=1, seconds=0.25)

    def moved(message: Any) -> Any:
        answer = RecordedAnswers(records, moves_times=True).answer((_bytes(message),), now)
        assert answer is not None
        return json.loads(answer.content[0])

    assert moved(call("bank.earliest_start", id=4)) == result(
        [True, [2026, 11, 22, 9, 31, 0, 0]], 4
    )
    assert moved(call("bank.arm", [[2031, 1, 1, 0, 0, 0, 0]]))["result"] == [True, "armed"]
    assert moved(call("rpc.ping"))["result"] == {"instance": "i", "time": 1000.5 + 86400.25}
    assert moved(old("get_status")) == {"T": [2027, 1, 2, 0, 0, 0]}
    assert "error" in moved(call("bank.arm", [[2031, 13, 1, 0, 0, 0, 0]]))
    assert "error" in ask(RecordedAnswers(records), call("bank.arm", [[2031, 1, 1, 0, 0, 0, 0]]))


def test_answers_name_the_start_that_was_asked_for_whatever_was_recorded() -> None:
    then, now, other = "3d321b3f314bd974", "9f86d081884c7d65", "ffffffffffffffff"
    time = [2026, 11, 21, 9, 31, 0, 0]
    records = [
        Record(BEGUN, direction, 1, (_bytes(message),))
        for direction, message in (
            (MessageDirection.REQUEST, call("bank.arm", [time, then])),
            (MessageDirection.REPLY, result([True, f"armed {then}"])),
            (MessageDirection.REQUEST, call("bank.scan_reports")),
            (MessageDirection.REPLY, result([{"start_id": then}, {"start_id": other}])),
        )
    ]
    answers = RecordedAnswers(records, moves_times=True)
    assert ask(answers, call("bank.arm", [time, now]))["result"] == [
        True,
        f"armed {then}",
    ]  # in a text it stays
    assert ask(answers, call("bank.scan_reports"))["result"] == [
        {"start_id": now},
        {"start_id": other},
    ]
