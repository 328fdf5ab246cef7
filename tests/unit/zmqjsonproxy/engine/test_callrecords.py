"""Records of calls: what is shown of arguments, and what the engine tells when."""

from __future__ import annotations

import json
import queue
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zmqjsonproxy import RefusedError
from zmqjsonproxy.caller import Caller
from zmqjsonproxy.engine import CallEngine, CommandQueues
from zmqjsonproxy.engine.callrecords import (
    HIDDEN,
    CallOutcome,
    CallRecord,
    shown_arguments,
)
from zmqjsonproxy.interface import Interface, command, current_operation, operation, query
from zmqjsonproxy.protocol.operations import OperationTable
from zmqjsonproxy.protocol.request import Request
from zmqjsonproxy.rpc import replyencoding

WITHIN = 30.0


class Thing:
    @query
    def ask(self) -> int:
        return 1

    @command
    def set(self, *values: Any, **more: Any) -> None:
        if "refused" in values:
            raise RefusedError("not now")

    @command(secret=("word",))
    def open(self, place: str, word: str, *rest: str) -> None:
        raise ValueError(f"{word} opens nothing")

    @operation
    def scan(self, length: float) -> str:
        if length < 0:
            current_operation().abort("enough")
            current_operation().check()
        return "done"

    @operation(secret=("key",))
    def unlock(self, key: str) -> None: ...


METHODS = Interface.of("thing", Thing()).methods
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=10) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


def shown(method: str, *args: Any, **kwargs: Any) -> tuple[Any, Any, bool]:
    request = Request(f"thing.{method}", list(args), kwargs, native=True)
    return shown_arguments(METHODS[method], request)


@settings(max_examples=25)
@given(args=st.lists(JSON, max_size=10), kwargs=st.dictionaries(st.text(), JSON, max_size=5))
def test_what_is_shown_is_short_json_whatever_is_given(args: list[Any], kwargs: Any) -> None:
    found = shown("set", *args, **kwargs)
    assert len(json.dumps(found, ensure_ascii=False)) < 8000
    json.loads(json.dumps(found))


def test_many_long_arguments_are_shown_in_bounds() -> None:
    args = [{f"{at} {'k' * 500}": ["v" * 500] * 100} for at in range(1000)]
    assert len(json.dumps(shown("set", *args, **dict.fromkeys("abc", args)))) < 6000


def test_short_arguments_are_shown_as_they_are() -> None:
    given_args = [1, -2.5, True, None, "MODE1", [1, [2]], {"a": {"b": 1}}]
    assert shown("set", *given_args, gain=3) == (given_args, {"gain": 3}, False)


def test_large_arguments_are_told_by_their_size() -> None:
    args, kwargs, _ = shown(
        "set", np.zeros((2, 3), "float32"), b"x" * 99, 2**100, "y" * 5000, data=list(range(1000))
    )
    assert args[:3] == ["array (2, 3) float32", "99 bytes", "101 bits"]
    assert len(args[3]) < 300
    assert kwargs["data"][-1].endswith(" more")
    assert len(kwargs["data"]) < 50


@pytest.mark.parametrize(
    ("args", "kwargs", "wanted"),
    [
        (["door", "swordfish"], {}, (["door", HIDDEN], {}, True)),
        ([], {"place": "door", "word": "swordfish"}, ([], {"place": "door", "word": HIDDEN}, True)),
        (["door"], {"word": "swordfish"}, (["door"], {"word": HIDDEN}, True)),
        (
            [{"api_token": "swordfish"}, "swordfish"],
            {},
            ([{"api_token": HIDDEN}, HIDDEN], {}, True),
        ),
    ],
)
def test_secrets_are_not_shown(args: list[Any], kwargs: Any, wanted: Any) -> None:
    assert shown("open", *args, **kwargs) == wanted


@pytest.mark.parametrize(
    "name", ["password", "token", "api_key", "Client-Secret", "db_passwd", "apiToken"]
)
def test_names_that_say_so_are_secret_without_a_mark(name: str) -> None:
    assert shown("set", {"deep": [{name: "swordfish"}]}, **{name: "swordfish"}) == (
        [{"deep": [{name: HIDDEN}]}],
        {name: HIDDEN},
        True,
    )


def test_an_error_that_repeats_a_secret_is_not_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    request = Request("thing.open", ["gate", "swordfish"], {}, native=True, id=1)
    with caplog.at_level("DEBUG"):
        reply = replyencoding.call(METHODS["open"], request)
    assert b"swordfish opens nothing" in reply, "its caller knows it"
    assert "thing.open raised ValueError" in caplog.text
    assert "swordfish" not in caplog.text


class Told:
    """An engine, and what it tells."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str, str]] = []
        self.records: list[CallRecord] = []
        self.engine = CallEngine(
            name="desk",
            replies=replyencoding,
            queues=CommandQueues(1, "desk"),
            operations=OperationTable("here"),
        )
        self.engine.on_command = self._take
        self.engine.expose("thing", Thing())

    def _take(self, record: CallRecord) -> None:
        self.records.append(record)
        self.told.append((record.target, record.outcome.value, record.error, record.text))

    def call(self, method: str, *args: Any, **extra: Any) -> None:
        answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        request = Request(f"thing.{method}", list(args), {}, native=True, id=1, extra=extra)
        found = self.engine.methods[f"thing.{method}"]
        caller = Caller("anna@hpc1:1", key="anna")
        reply = self.engine.hand_over(found, request, answers.put, caller, b"me")
        if reply is None:
            answers.get(timeout=WITHIN)
        self.engine.queues.end(WITHIN)


@pytest.mark.parametrize(
    ("method", "args", "wanted"),
    [
        ("set", [1], [("running", "", ""), ("done", "", "")]),
        ("set", ["refused"], [("running", "", ""), ("refused", "RefusedError", "not now")]),
        ("open", ["door", "swordfish"], [("running", "", ""), ("failed", "ValueError", "")]),
        ("scan", [1.0], [("running", "", ""), ("done", "", "")]),
        ("scan", [-1.0], [("running", "", ""), ("aborted", "OperationAbortedError", "enough")]),
        ("ask", [], []),
    ],
)
def test_commands_and_operations_are_told_at_begin_and_end(
    method: str, args: list[Any], wanted: list[Any]
) -> None:
    told = Told()
    seen: list[str] = []
    told.engine.on_command = lambda record: (seen.append(record.outcome.value), told._take(record))
    told.call(method, *args, call_id="c1")
    assert [outcome for _, outcome, *_ in told.told] == [outcome for outcome, *_ in wanted]
    if wanted:
        begun, end = told.records
        assert begun is end
        assert told.told[-1][1:] == wanted[-1]
        assert (end.caller.name, end.caller.key, end.call_id) == ("anna@hpc1:1", "anna", "c1")
        assert end.duration_s is not None
        assert bool(end.operation) is (method == "scan")


def test_a_call_that_comes_too_late_is_told_once_as_not_begun() -> None:
    told = Told()
    told.call("set", 1, deadline_s=-1.0)
    (record,) = told.records
    assert (record.outcome, record.error, record.duration_s) == (
        CallOutcome.NOT_BEGUN,
        "DeadlineError",
        None,
    )


def test_an_engine_that_nobody_listens_to_tells_nothing() -> None:
    told = Told()
    told.engine.on_command = None
    told.call("set", 1)
    assert told.records == []
