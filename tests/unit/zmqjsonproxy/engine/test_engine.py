"""The call engine and the messages above it: known requests in, replies out, without a socket."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from zmqjsonproxy import RefusedError, ServerSettings, command, current_operation, operation, query
from zmqjsonproxy.caller import current_caller
from zmqjsonproxy.engine import CallEngine, CommandQueues
from zmqjsonproxy.errors import AlreadyDoneError
from zmqjsonproxy.protocol.operations import OperationTable
from zmqjsonproxy.rpc import replyencoding
from zmqjsonproxy.rpc.dispatch import Dispatcher
from zmqjsonproxy.waiting import WouldWaitError, may_wait, not_waiting

WITHIN = 30.0
CALL = {"jsonrpc": "2.0", "id": 1, "params": []}


class Thing:
    """Has one method for each thing that can become of a call."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.callers: list[str] = []

    @query
    def add(self, a: Any, b: Any) -> Any:
        return a + b

    @query
    def power(self, exponent: int) -> Any:
        return 10**exponent

    @query
    def big(self, size: int) -> str:
        return "x" * size

    @query
    def locked(self) -> str:
        if not may_wait():
            raise WouldWaitError
        return threading.current_thread().name

    @query
    def linger(self) -> None:
        self.begun.set()
        assert self.go_on.wait(WITHIN)

    @query
    def unserializable(self) -> Any:
        return object()

    @command
    def hold(self) -> str:
        self.callers.append(current_caller().name)
        self.begun.set()
        assert self.go_on.wait(WITHIN)
        return "held"

    @command
    def refuse(self) -> None:
        raise RefusedError("not today", original=[False, "no"])

    @command(urgent=True)
    def stop(self) -> str:
        return "stopped"

    @operation
    def wait(self) -> str:
        self.begun.set()
        current_operation().wait(WITHIN)
        return "waited"

    @operation
    def finish(self, value: Any = "done") -> Any:
        if value == "again":
            raise AlreadyDoneError("it is so", value="so it is")
        return object() if value == "object" else value

    @operation(answers_when_accepted=True)
    def run(self, answer: Any = "running") -> str:
        current_operation().accept(object() if answer == "object" else answer)
        self.begun.set()
        current_operation().wait(WITHIN)
        return "ran"

    def _admit(self, _handle: Any, number: int) -> None:
        if number < 0:
            raise RefusedError("a negative number")

    @operation(admit=_admit)
    def admitted(self, number: int) -> int:
        return number


class Desk:
    """A dispatcher, and the replies that it sends to one client."""

    def __init__(self, **settings: Any) -> None:
        self.full: set[bytes] = set()
        self.thing, self.replies = Thing(), queue.SimpleQueue[Any]()
        self.hellos: list[bytes] = []
        limits = ServerSettings(**settings)
        self.engine = CallEngine(
            name="desk",
            replies=replyencoding,
            slow_query_s=limits.slow_query_s,
            fast_again_after=limits.fast_again_after,
            queues=CommandQueues(limits.max_queued_calls, "desk"),
            operations=OperationTable("here"),
            is_full=self.full.__contains__,
        )
        self.engine.expose("thing", self.thing)
        self._dispatcher = Dispatcher(
            self.engine, limits, self._take, self._take, self.hellos.append
        )

    def _take(self, _envelope: Any, reply: bytes) -> None:
        self.replies.put(json.loads(bytes(reply)))

    def send(self, message: Any, client: bytes = b"me") -> None:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        with not_waiting():
            self._dispatcher.serve([client, body])

    def call(self, method: str, *params: Any, id: int = 1, **extra: Any) -> None:
        message = {**CALL, "method": f"thing.{method}", "params": params, "id": id}
        self.send({**message, "dealer": extra} if extra else message)

    def reply(self) -> Any:
        return self.replies.get(timeout=WITHIN)

    def ask(self, method: str, *params: Any, **extra: Any) -> Any:
        self.call(method, *params, **extra)
        return self.reply()

    def hold(self) -> None:
        """Have the command queue busy, until `thing.go_on`."""
        self.call("hold", id=99)
        assert self.thing.begun.wait(WITHIN)

    def end_hold(self) -> None:
        self.thing.go_on.set()
        assert self.reply()["result"] == "held"

    def own(self, method: str, *params: Any) -> Any:
        self.send({**CALL, "method": f"rpc.{method}", "params": params})
        return self.reply()


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.thing.go_on.set()
    desk.engine.queues.end(WITHIN)


def error_of(reply: Any) -> tuple[int, str, str]:
    return reply["error"]["code"], reply["error"]["data"]["type"], reply["error"]["data"]["text"]


def test_queries_are_answered_at_once_and_commands_later(desk: Desk) -> None:
    assert desk.ask("add", 2, 3) == {"jsonrpc": "2.0", "id": 1, "result": 5}
    desk.hold()
    assert desk.ask("add", 1, 1)["result"] == 2
    assert desk.replies.empty()
    desk.end_hold()


def test_the_original_dialect_has_its_shapes(desk: Desk) -> None:
    def ask(proc: str, *args: Any, **more: Any) -> Any:
        desk.send({"name": "thing", "proc": proc, "args": args, "kwargs": {}, **more})
        return desk.reply()

    assert ask("add", 2, 3) == 5
    assert ask("refuse") == [False, "no"]
    assert ask("nothing")["EXCEPTION"][:2] == ["KeyError", "'nothing'"]
    assert ask("list_methods")[0][0] == "add"
    hello = ask("list_methods", dealer={"client": "me@here:1"})
    assert (hello["instance"], desk.hellos) == ("here", [b"me"])
    desk.hold()
    desk.end_hold()
    assert desk.thing.callers == ["me@here:1"]
    desk.send({"name": "rpc", "proc": "ping", "args": [], "kwargs": {}})
    assert "EXCEPTION" in desk.reply()


def test_what_cannot_travel_or_is_unknown_is_an_error(desk: Desk) -> None:
    assert error_of(desk.ask("unserializable"))[0] == -32603
    assert error_of(desk.ask("nothing"))[:2] == (-32601, "NoSuchMethodError")
    assert error_of(desk.ask("add", 1))[0] == -32602
    assert error_of(desk.ask("finish", "object"))[0] == -32603
    desk.send({"jsonrpc": "2.0", "method": "thing.nothing"})  # a notification
    desk.send({"jsonrpc": "2.0", "method": "thing.add", "params": [1, 2]})
    desk.send(b"{")
    assert "no JSON" in str(desk.reply())
    assert desk.replies.empty()


def test_a_query_that_would_wait_or_is_slow_runs_beside() -> None:
    desk = Desk(slow_query_s=0.0, fast_again_after=2)
    assert "slow" in desk.ask("locked")["result"]
    assert desk.ask("add", 1, 2)["result"] == 3
    assert "thing.add" not in desk.engine.quick
    desk.engine.slow_query_s = WITHIN
    assert [desk.ask("add", 1, 2)["result"] for _ in range(3)] == [3, 3, 3]
    assert "thing.add" in desk.engine.quick
    desk.engine.queues.end(WITHIN)


def test_each_client_has_a_bound_and_others_have_their_turn() -> None:
    desk = Desk(max_queued_calls=1)
    desk.hold()
    desk.call("hold", id=1)
    code, type_, text = error_of(desk.ask("hold", id=2))
    assert (code, type_) == (-32002, "BusyError")
    assert "1 calls of this client are waiting already" in text
    assert error_of(desk.ask("wait", id=3))[1] == "BusyError"
    assert desk.own("operations")["result"] == []  # nor does it push others out
    desk.end_hold()
    assert desk.reply()["id"] == 1
    desk.engine.queues.end(WITHIN)


def test_a_call_is_not_begun_when_its_time_is_over_or_nobody_takes_its_reply(desk: Desk) -> None:
    desk.hold()
    desk.call("refuse", id=2, deadline_s=-1.0)
    desk.call("finish", id=3, deadline_s=-1)
    desk.call("finish", id=4, deadline_s=10**400)
    desk.end_hold()
    told = {reply["id"]: reply for reply in (desk.reply() for _ in range(3))}
    assert [error_of(told[n])[1] for n in (2, 3)] == ["DeadlineError"] * 2
    assert told[4]["result"] == "done"
    desk.thing.begun.clear()
    desk.thing.go_on.clear()
    desk.hold()
    desk.call("refuse", id=5)
    desk.full.add(b"me")
    assert error_of(desk.ask("refuse", id=6))[1:] == ("BusyError", replyencoding.TOO_FULL)
    desk.thing.go_on.set()
    told = {reply["id"]: reply for reply in (desk.reply() for _ in range(2))}
    assert error_of(told[5])[1:] == ("BusyError", replyencoding.TOO_FULL)


def test_operations_keep_their_record(desk: Desk) -> None:
    assert desk.ask("finish", 5)["result"] == 5
    assert desk.ask("finish", "again")["result"] == "so it is"
    begun = desk.ask("finish", 6, wait="accepted")["result"]
    assert begun["state"] in ("queued", "running", "done")
    desk.send({"jsonrpc": "2.0", "method": "thing.finish", "params": []})
    assert desk.ask("finish", 7)["result"] == 7  # after those before it
    records = desk.own("operations")["result"]
    assert [record["state"] for record in records] == ["done"] * 5
    found = desk.own("operation", begun["id"] if "id" in begun else begun["operation"])["result"]
    assert (found["value"], found["method"]) == (6, "thing.finish")
    assert desk.own("operation", "elsewhere-1")["result"]["state"] == "lost"
    assert error_of(desk.own("operation", "here-99"))[1] == "RefusedError"
    assert len(desk.own("operations", True)["result"]) == 0


def test_a_server_tells_who_it_is_and_what_it_offers(desk: Desk) -> None:
    assert desk.own("ping")["result"]["instance"] == "here"
    documents = [desk.own("discover")["result"] for _ in range(2)]
    assert documents[0] == documents[1]
    assert "thing.add" in [method["name"] for method in documents[0]["methods"]]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (7, "got a number"),
        ([], "got an array"),
        (["x"], "a request is an object, not text"),
        ({"jsonrpc": "2.0", "id": [1], "method": "a.b"}, "id: text or a number, not an array"),
        ({"jsonrpc": "2.0", "id": "x" * 300, "method": "a.b"}, "id: a text of at most 200"),
        ({"jsonrpc": "1.0", "id": 1, "method": "a.b"}, "a call has"),
        (
            {"jsonrpc": "2.0", "id": 1, "method": "a.b", "params": 7},
            "params: an array or an object",
        ),
        (
            {**CALL, "method": "a.b", "params": {"args": 1}, "dealer": {"params": "mixed"}},
            "mixed params: `args` is an array",
        ),
        ({"x": 1}, "a request has the keys name, proc, args and kwargs; these are there: x"),
        ({"name": "thing", "proc": "add"}, "'args'"),
        ({"proc": "list_methods"}, "'name'"),
        ({"name": "thing", "proc": "add", "args": 1, "kwargs": {}}, "args is an array"),
        ([{**CALL, "method": "a.b"}] * 1001, "a batch of 1001 calls is over the limit of 1000"),
    ],
)
def test_what_is_no_request_is_told_what_one_is(desk: Desk, message: Any, text: str) -> None:
    desk.send(message)
    assert text in str(desk.reply())


def test_an_abort_ends_what_runs_and_what_waits(desk: Desk) -> None:
    running = desk.ask("wait", wait="accepted")["result"]["operation"]
    assert desk.thing.begun.wait(WITHIN)
    desk.call("wait", id=2)
    assert desk.ask("stop", id=3)["id"] in (2, 3)
    told = desk.reply()
    assert told["id"] in (2, 3)
    desk.own("abort", running)
    assert desk.own("operation", running)["result"]["state"] in ("aborted", "running")
    assert desk.own("abort", "elsewhere-1")["result"]["state"] == "lost"


def test_an_operation_that_accepts_is_answered_and_goes_on(desk: Desk) -> None:
    assert desk.ask("run")["result"] == "running"
    assert desk.thing.begun.wait(WITHIN)
    assert desk.own("operations", True)["result"][0]["state"] == "running"
    desk.ask("stop")
    assert error_of(desk.ask("run", "object"))[0] == -32603
    desk.ask("stop")


def test_an_operation_is_admitted_or_refused_when_it_comes(desk: Desk) -> None:
    desk.hold()
    assert error_of(desk.ask("admitted", -1))[2] == "a negative number"
    assert error_of(desk.ask("admitted"))[0] == -32602
    desk.send({"jsonrpc": "2.0", "method": "thing.admitted", "params": [-1]})
    assert desk.own("operations")["result"] == []
    desk.call("admitted", 4, id=5)
    desk.end_hold()
    assert desk.reply()["result"] == 4


def test_calls_are_cancelled_by_their_number(desk: Desk) -> None:
    def cancel(*params: Any, **named: Any) -> Any:
        desk.send({**CALL, "id": "c", "method": "rpc.cancel", "params": params or named})
        replies = [desk.reply()]
        while replies[-1]["id"] != "c":
            replies.append(desk.reply())
        return replies[-1].get("result"), replies[:-1]

    desk.hold()
    desk.call("refuse", id=2)
    told, (answer,) = cancel(2)
    assert (told, error_of(answer)[1]) == ("not begun", "CallCancelledError")
    assert cancel(2) == ("unknown", [])
    assert cancel(99) == ("running", [])
    desk.call("wait", id=3)
    told, (answer,) = cancel(id=3)
    assert (told, answer["error"]["code"]) == ("aborting", -32005)
    desk.call("wait", id=4)
    told, (answer,) = cancel(id=4, only_waiting=True)
    assert (told, answer["error"]["code"]) == ("not begun", -32005)
    begun = desk.ask("wait", id=5, wait="accepted")
    assert begun["result"]["state"] == "queued"
    assert cancel(5) == ("unknown", [])
    assert cancel(id=5, only_waiting=True) == ("not begun", [])
    for wrong in ({"id": None}, {"id": 1, "more": 2}, {"id": 1, "only_waiting": 1}):
        assert cancel(**wrong)[0] is None
    desk.send({"jsonrpc": "2.0", "method": "rpc.cancel", "params": [99]})  # a notification
    desk.end_hold()


def test_a_call_that_is_answered_is_known_no_longer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancelled_at_once(_envelope: Any, reply: bytes) -> None:  # in the worker, in the middle
        told.append(desk.engine.cancel(b"me", 1))
        told.append(desk.engine.cancel(b"me", 1, True))
        desk.replies.put(json.loads(reply))

    told: list[str] = []
    monkeypatch.setattr(desk._dispatcher, "_post", cancelled_at_once)
    assert desk.ask("finish")["result"] == "done"
    assert told == ["unknown", "unknown"]


def test_a_batch_is_answered_as_one(desk: Desk) -> None:
    def message(number: Any, method: str, *params: Any) -> dict[str, Any]:
        return {**CALL, "id": number, "method": f"thing.{method}", "params": params}

    desk.send([message(1, "add", 1, 2), message(2, "add", 2, 2)])
    assert [reply["result"] for reply in desk.reply()] == [3, 4]
    desk.send([message(1, "power", 5000), message(2, "add", 2, 2)])
    failed, right = desk.reply()
    assert (error_of(failed)[0], right["result"]) == (-32603, 4)
    desk.send(
        [
            message(1, "add", [1], [2]),
            message(2, "add", 1),
            message("three", "add", 1, 2),
            message(4, "refuse"),
            message(5, "locked"),
            {"jsonrpc": "2.0", "method": "thing.add", "params": [1, 2]},
            {"jsonrpc": "2.0", "method": "thing.refuse", "params": []},
            {**CALL, "id": 6, "method": "thing.add", "params": {"a": 1, "b": 2}},
            7,
        ]
    )
    told = {reply["id"]: reply for reply in desk.reply()}
    assert set(told) == {1, 2, "three", 4, 5, 6, None}
    assert (told[1]["result"], told["three"]["result"], told[6]["result"]) == ([1, 2], 3, 3)
    desk.send([{"jsonrpc": "2.0", "method": "thing.add", "params": [1, 2]}])
    assert desk.replies.empty()


def test_a_batch_that_answers_much_goes_on_beside_and_is_bounded() -> None:
    desk = Desk(max_batch_reply_bytes=30_000)
    calls = [{**CALL, "id": n, "method": "thing.big", "params": [20_000]} for n in range(4)]
    calls.append({"jsonrpc": "2.0", "method": "thing.big", "params": [1]})
    desk.send(calls)
    told = {reply["id"]: reply for reply in desk.reply()}
    assert [len(told[n]["result"]) for n in (0, 1)] == [20_000] * 2
    assert ["nothing was done" in error_of(told[n])[2] for n in (2, 3)] == [True, True]
    desk.send(
        [{**CALL, "id": n, "method": "thing.finish", "params": ["y" * 20_000]} for n in (1, 2)]
    )
    told = {reply["id"]: reply for reply in desk.reply()}
    assert "it was carried out: its reply has 20" in error_of(told[2])[2]
    desk.engine.queues.named("batches").end()
    desk.send(calls)
    told = {reply["id"]: reply for reply in desk.reply()}
    busy = ("BusyError", f"batches: {desk.engine.queues.full}; nothing was done")
    assert error_of(told[3])[1:] == busy
    desk.engine.queues.end(WITHIN)


def test_a_batch_of_queries_that_are_slow_or_would_wait_is_one_job() -> None:
    desk = Desk(max_queued_calls=2)
    for method, params in (("add", [1, 2]), ("locked", [])):
        desk.engine.set_aside("thing.add", 1.0)
        desk.send(
            [{**CALL, "id": n, "method": f"thing.{method}", "params": params} for n in range(20)]
        )
        assert ["result" in reply for reply in desk.reply()] == [True] * 20
    desk.engine.queues.end(WITHIN)


def test_slow_queries_of_batches_take_turns_and_have_their_deadlines() -> None:
    desk = Desk()
    desk.engine.set_aside("thing.linger", 1.0)
    linger = {**CALL, "method": "thing.linger", "params": []}
    desk.send([{**linger, "id": n} for n in range(100)], b"many")
    desk.send([{**linger, "id": n} for n in range(50)], b"many")
    desk.send([{**linger, "id": n} for n in range(2)], b"few")
    desk.thing.go_on.set()
    assert len(desk.reply()) == 2  # of those who came later, and asked for less
    assert [len(desk.reply()), len(desk.reply())] == [100, 50]  # of one client in their order
    desk.thing.go_on.clear()
    desk.thing.begun.clear()
    desk.engine.set_aside("thing.linger", 1.0)
    limits = [WITHIN, *[1e-9] * 19]
    desk.send([{**linger, "id": n, "dealer": {"deadline_s": limits[n]}} for n in range(20)])
    assert desk.thing.begun.wait(WITHIN)
    desk.thing.go_on.set()
    told = desk.reply()
    assert "result" in told[0]
    assert error_of(told[-1])[1] == "DeadlineError"
    desk.engine.queues.end(WITHIN)


def test_an_object_is_exposed_anew_in_the_place_of_the_one_before(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    class Other:
        @query
        def close(self) -> int:
            return 1

    desk.engine.expose("thing", Other())
    assert error_of(desk.ask("add", 1, 2))[1] == "NoSuchMethodError"
    assert desk.ask("close")["result"] == 1
    assert "close of thing is an attribute of proxies" in caplog.text
    for name in ("", "rpc"):
        with pytest.raises(ValueError, match="an interface needs a name"):
            desk.engine.expose(name, Other())


def test_a_call_of_which_nothing_can_be_said_is_answered_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_args: Any) -> Any:
        raise MemoryError("no more")

    monkeypatch.setattr(desk.engine, "carry_out_beside", no_memory)
    code, type_, text = error_of(desk.ask("refuse"))
    assert (code, type_) == (-32603, "MemoryError")
    assert "may have been carried out in part" in text
    monkeypatch.setattr(threading.Thread, "start", no_memory)
    monkeypatch.setattr(
        desk.engine.queues.named("thing urgent"),
        "put",
        lambda _job: exec("raise RuntimeError('no thread')"),
    )
    assert "no thread; nothing was done" in error_of(desk.ask("stop"))[2]
