"""The server on a real socket: both dialects, queries beside commands, operations, bounded
queues."""

from __future__ import annotations

import contextlib
import json
import math
import select
import threading
import time
from collections.abc import Iterator
from types import NoneType
from typing import Any

import pytest
import zmq
from support.original_client import OriginalClient
from support.player_run import poll
from support.rpc_bank import Bank, serving

from zmqjsonproxy import RefusedError, ServerSettings, ThreadHub, ZMQJSONProxyServer, command
from zmqjsonproxy.errors import CallTimeoutError, PeerLostError
from zmqjsonproxy.rpc.callresults import CallRequest


@pytest.fixture
def client(served: tuple[str, Bank]) -> Iterator[OriginalClient]:
    with OriginalClient(served[0]) as one:
        yield one


def test_original_client_gets_the_originals_replies(
    client: OriginalClient, served: tuple[str, Bank]
) -> None:
    methods = client.methods()
    assert methods["add"] == "Adds two values."
    assert methods["echo"] is None
    assert not {"unmarked", "_hidden"} & set(methods)
    assert client.ask("add", 2, 2) == 4
    assert client.ask("add", x=2, y=3) == 5
    assert client.ask("add", 3, y=3) == 6
    assert client.ask("write", 5) is None
    assert client.ask("refuse") == [False, "20 s is not within 0 to 10"]
    assert client.ask("again") == [False, "already set, use force"]
    kind, text, entries = client.ask("end", "value error")["EXCEPTION"]
    assert (kind, text) == ("ValueError", "as asked")
    assert 1 <= len(entries) <= 10
    assert entries[-1].endswith("\n")
    assert client.ask("nothing")["EXCEPTION"][:2] == ["KeyError", "'nothing'"]
    assert client.ask("add", 1)["EXCEPTION"][0] == "TypeError"
    with OriginalClient(served[0], "bar") as other:
        assert other.ask("list_methods") == ["Interface error", "'bar'"]
        assert other.ask("f")["EXCEPTION"][:2] == ["KeyError", "'bar'"]
    with OriginalClient(served[0], "bank.valon") as valon:
        assert valon.methods() == {"get_frequency": "MHz."}
        assert valon.ask("get_frequency", 1) == 1501.0
    with OriginalClient(served[0], "bank.roach") as roach:
        assert roach.methods() == {}


def test_both_dialects_on_one_socket(client: OriginalClient) -> None:
    assert client.rpc("bank.add", [2, 3]) == {"jsonrpc": "2.0", "id": 1, "result": 5}
    assert client.ask("add", 2, 3) == 5
    assert client.rpc("bank.add", {"x": 2, "y": 3})["result"] == 5
    mixed = client.rpc("bank.add", {"args": [2], "kwargs": {"y": 3}}, dealer={"params": "mixed"})
    assert mixed["result"] == 5
    assert client.rpc("bank.valon.get_frequency", [0])["result"] == 1500.0
    assert client.rpc("bank.again")["result"] == [True, "is set already"]


@pytest.mark.parametrize(
    ("method", "params", "code", "type_"),
    [
        ("bank.nothing", [], -32601, "NoSuchMethodError"),
        ("bar.add", [], -32601, "NoSuchInterfaceError"),
        ("add", [], -32601, "NoSuchInterfaceError"),
        ("bank.unmarked", [], -32601, "NoSuchMethodError"),
        ("bank._hidden", [], -32601, "NoSuchMethodError"),
        ("bank.__init__", [], -32601, "NoSuchMethodError"),
        ("bank.add", [1], -32602, None),
        ("bank.add", {"x": 1, "z": 2}, -32602, None),
        ("bank.end", ["value error"], -32000, "ValueError"),
        ("bank.end", ["exit"], -32000, "SystemExit"),
        ("bank.end", ["interrupt"], -32000, "KeyboardInterrupt"),
        ("bank.end", ["generator"], -32000, "GeneratorExit"),
        ("bank.end", ["memory"], -32000, "MemoryError"),
        ("bank.end", ["value"], -32603, None),
        ("bank.end", ["loop"], -32603, None),
        ("bank.refuse", [], -32001, "RefusedError"),
    ],
)
def test_errors_have_code_class_and_text_and_the_server_lives_on(
    client: OriginalClient, method: str, params: Any, code: int, type_: str | None
) -> None:
    error = client.rpc(method, params)["error"]
    assert error["code"] == code
    if type_ is not None:
        assert error["data"]["type"] == type_
    assert error["data"]["text"]
    assert client.ask("add", 2, 2) == 4


def test_names_with_an_underscore_cannot_be_called_in_the_original_dialect(
    client: OriginalClient,
) -> None:
    for name in ("_hidden", "__init__", "__class__", "unmarked"):
        assert client.ask(name)["EXCEPTION"][0] == "KeyError"


def test_nan_infinities_and_big_integers_survive(client: OriginalClient) -> None:
    for numbers in (client.ask("numbers"), client.rpc("bank.numbers")["result"]):
        assert math.isnan(numbers[0])
        assert numbers[1:] == [math.inf, -math.inf, 2**64, -(2**70)]
    assert client.ask("echo", [2**80, math.inf]) == [2**80, math.inf]


def test_a_notification_is_carried_out_and_not_answered(served: tuple[str, Bank]) -> None:
    url, bank = served
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(url)
        socket.send_multipart([b"", b'{"jsonrpc": "2.0", "method": "bank.write", "params": [7]}'])
        socket.send_multipart([b"", b'{"jsonrpc": "2.0", "method": "bank.nothing"}'])
        socket.send_multipart([b"", b'{"jsonrpc": "2.0", "method": "bank.hold", "id": 9}'])
        assert bank.begun.wait(10)
        assert bank.written == [7]
        bank.go_on.set()
        assert json.loads(socket.recv_multipart()[1]) == {
            "jsonrpc": "2.0",
            "id": 9,
            "result": "held",
        }


def test_a_batch_is_answered_as_a_batch(client: OriginalClient) -> None:
    def call(method: str, **members: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "method": method, **members}

    batch = [
        call("bank.add", id=1, params=[1, 2]),
        call("bank.write", params=[3]),
        5,
        call("bank.nothing", id="x"),
        call("bank.sleep", id=2, params=[0.0]),
    ]
    answers = client.raw(json.dumps(batch).encode())
    found = {
        answer["id"]: answer.get("result", answer.get("error", {}).get("code"))
        for answer in answers
    }
    assert found == {1: 3, None: -32600, "x": -32601, 2: "slept"}


def test_status_is_answered_while_a_command_runs(served: tuple[str, Bank]) -> None:
    url, bank = served
    answers: list[Any] = []
    with OriginalClient(url) as busy, OriginalClient(url) as other:
        thread = threading.Thread(target=lambda: answers.append(busy.ask("hold")))
        thread.start()
        assert bank.begun.wait(10)
        assert len(other.ask("status")) == 200
        assert other.rpc("bank.add", [1, 1])["result"] == 2
        assert not answers
        bank.go_on.set()
        thread.join(10)
    assert answers == ["held"]


def test_a_query_that_turns_out_slow_no_longer_holds_up_the_others() -> None:
    class Slow(Bank):
        pass

    bank = Slow()
    with serving(ServerSettings(slow_query_s=0.0), bank) as (url, _), OriginalClient(url) as client:
        assert client.ask("status") == client.ask("status")  # the second one comes from a worker


@pytest.mark.parametrize("dialect", ["original", "native"])
def test_stop_reaches_a_bank_in_the_middle_of_set_mode(
    served: tuple[str, Bank], dialect: str
) -> None:
    url, bank = served
    answers: list[Any] = []
    with OriginalClient(url) as busy, OriginalClient(url) as other:

        def change() -> None:
            answers.append(
                busy.ask("set_mode", "M")
                if dialect == "original"
                else busy.rpc("bank.set_mode", ["M"])
            )

        thread = threading.Thread(target=change)
        thread.start()
        assert bank.begun.wait(10)
        assert other.ask("stop") == "stopped"
        thread.join(10)
    if dialect == "original":
        assert answers[0][0] is False
    else:
        assert answers[0]["error"]["code"] == -32005


def begun(client: OriginalClient, bank: Bank, method: str, argument: str) -> dict[str, Any]:
    """Begin an operation; what its acceptance says."""
    accepted = client.rpc(f"bank.{method}", [argument], dealer={"wait": "accepted"})["result"]
    assert accepted["state"] in ("queued", "running")
    assert bank.begun.wait(10)
    return dict(accepted)


def test_an_operation_has_identity_progress_and_one_final_state(served: tuple[str, Bank]) -> None:
    url, bank = served
    with OriginalClient(url) as client:
        accepted = begun(client, bank, "set_mode", "M")
        state = client.rpc("rpc.operation", {"id": accepted["operation"]})["result"]
        assert (state["state"], state["fraction"], state["text"]) == (
            "running",
            0.25,
            "programming",
        )
        client.rpc("rpc.abort", {"id": accepted["operation"]})
        end = time.monotonic() + 10
        while (state := client.rpc("rpc.operation", {"id": accepted["operation"]})["result"])[
            "state"
        ] == "running":
            assert time.monotonic() < end
        assert (state["state"], state["error"]["code"]) == ("aborted", -32005)
        done = client.rpc("bank.count", [5], dealer={"wait": "accepted"})["result"]["operation"]
        while (state := client.rpc("rpc.operation", {"id": done})["result"])["state"] not in (
            "done",
            "failed",
        ):
            assert time.monotonic() < end
        assert (state["state"], state["value"], state["fraction"]) == ("done", 5, 1.0)
        assert (
            "no operation 'nix'"
            in client.rpc("rpc.operation", {"id": "nix"})["error"]["data"]["text"]
        )


def test_start_answers_when_it_is_accepted_in_both_dialects(served: tuple[str, Bank]) -> None:
    url, bank = served
    with OriginalClient(url) as client:
        for ask in (lambda: client.ask("start"), lambda: client.rpc("bank.start")["result"]):
            assert ask() == [True, "accepted"]
            assert bank.begun.wait(10)
            assert client.ask("stop") == "stopped"


def test_what_is_accepted_with_but_cannot_travel_is_an_error_at_once(
    served: tuple[str, Bank],
) -> None:
    url, bank = served
    with OriginalClient(url) as client:
        for ask in (
            lambda: client.ask("accept", "value")["EXCEPTION"][1],
            lambda: client.rpc("bank.accept", ["value"])["error"]["data"]["text"],
        ):
            assert ask() == (
                "bank.accept returned what JSON cannot hold: a value of type builtins.object cannot travel as JSON"
            )
            assert client.ask("stop") == "stopped"
            assert bank.begun.wait(10)


def test_a_hook_that_raises_holds_up_neither_stop_nor_the_abort(served: tuple[str, Bank]) -> None:
    url, bank = served
    with OriginalClient(url) as client:
        answer = begun(client, bank, "accept", "hook")
        assert client.ask("stop") == "stopped"
        state = poll(lambda: _ended(client, answer["operation"]), "the operation has ended")
        text = state["error"]["data"]["text"]
        assert (state["state"], text) == ("aborted", "stop was called by a client of the original")


def _ended(client: OriginalClient, operation: str) -> Any:
    state = client.rpc("rpc.operation", [operation])["result"]
    return None if state["state"] in ("queued", "running") else state


def test_operations_that_found_no_place_are_not_kept() -> None:
    with serving(ServerSettings(max_queued_calls=1)) as (url, bank), zmq.Context() as context:
        with OriginalClient(url) as client, context.socket(zmq.DEALER) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            socket.connect(url)
            socket.send_multipart([b"", b'{"jsonrpc": "2.0", "method": "bank.hold", "id": 0}'])
            assert bank.begun.wait(10)
            first = client.rpc("bank.count", [3], dealer={"wait": "accepted"})["result"][
                "operation"
            ]
            assert client.rpc("rpc.operation", [first])["result"]["state"] == "queued"
            for _ in range(120):  # more than are kept
                assert (
                    client.rpc("bank.count", [3], dealer={"wait": "accepted"})["error"]["code"]
                    == -32002
                )
            bank.go_on.set()
            assert poll(lambda: _ended(client, first), "counted")["value"] == 3


def test_clients_are_not_asked_for_heartbeats_that_old_ones_do_not_answer(
    served: tuple[str, Bank],
) -> None:
    """libzmq below 4.2 would be cut off in the middle of a long call."""
    with zmq.Context() as context, ZMQJSONProxyServer(context, "tcp://127.0.0.1:*") as server:
        assert server._router.get(zmq.HEARTBEAT_IVL) == 0
        assert server._router.get(zmq.TCP_KEEPALIVE) == 1


def test_a_watchdog_that_raises_anything_barks_again(caplog: pytest.LogCaptureFixture) -> None:
    barks: list[None] = []
    again = threading.Event()

    def bark() -> None:
        barks.append(None)
        if len(barks) > 2:
            again.set()
        raise SystemExit("not from here")

    with zmq.Context() as context:
        settings = ServerSettings(watchdog_every=0.01)
        with ZMQJSONProxyServer(context, "tcp://127.0.0.1:*", settings) as server:
            thread = threading.Thread(target=server.run_loop, args=(bark,))
            thread.start()
            assert again.wait(10)
            server.quit_loop()
            thread.join(10)
    assert "the watchdog raised" in caplog.text


def test_a_batch_has_a_limit_and_strange_entries_are_answered_each(client: OriginalClient) -> None:
    answers = client.raw(b'[{}, {"method": "bank.add"}, 1, "x", [[]]]')
    assert [a["error"]["code"] for a in answers] == [-32600] * 5
    assert client.raw(b"[" + b",".join([b"{}"] * 1001) + b"]")["error"]["code"] == -32004


def test_a_full_queue_answers_busy_and_nothing_is_lost() -> None:
    with serving(ServerSettings(max_queued_calls=3)) as (url, bank), zmq.Context() as context:
        with context.socket(zmq.DEALER) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            socket.setsockopt(zmq.RCVTIMEO, 10_000)
            socket.connect(url)
            hold = {"jsonrpc": "2.0", "method": "bank.hold", "id": 0}
            socket.send_multipart([b"", json.dumps(hold).encode()])
            assert bank.begun.wait(10)
            for number in range(1, 9):
                call = {"jsonrpc": "2.0", "method": "bank.write", "id": number, "params": [number]}
                socket.send_multipart([b"", json.dumps(call).encode()])
            refused = [json.loads(socket.recv_multipart()[1]) for _ in range(5)]
            assert [r["error"]["code"] for r in refused] == [-32002] * 5
            assert sorted(r["id"] for r in refused) == [4, 5, 6, 7, 8]
            bank.go_on.set()
            answered = [json.loads(socket.recv_multipart()[1])["id"] for _ in range(4)]
            assert answered == [0, 1, 2, 3]
            assert bank.written == [1, 2, 3]


def test_work_that_nobody_waits_for_any_more_is_not_begun(served: tuple[str, Bank]) -> None:
    url, bank = served
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVTIMEO, 10_000)
        socket.connect(url)
        socket.send_multipart([b"", b'{"jsonrpc": "2.0", "method": "bank.hold", "id": 1}'])
        assert bank.begun.wait(10)
        late = {
            "jsonrpc": "2.0",
            "method": "bank.write",
            "id": 2,
            "params": [1],
            "dealer": {"deadline_s": 0.0},
        }
        socket.send_multipart([b"", json.dumps(late).encode()])
        with OriginalClient(url) as other:
            assert other.ask("add", 1, 1) == 2  # so the late one has arrived
        bank.go_on.set()
        answers = {a["id"]: a for a in (json.loads(socket.recv_multipart()[1]) for _ in range(2))}
        assert answers[2]["error"]["code"] == -32003
        assert bank.written == []


def test_the_server_describes_itself(client: OriginalClient) -> None:
    ping = client.rpc("rpc.ping")["result"]
    assert abs(ping["time"] - time.time()) < 5
    document = client.rpc("rpc.discover")["result"]
    assert document["openrpc"].startswith("1.")
    names = {method["name"] for method in document["methods"]}
    assert {"bank.add", "bank.valon.get_frequency"} <= names


def test_native_hello_tells_everything_and_an_unknown_interface_names_those_there_are(
    served: tuple[str, Bank],
) -> None:
    with ThreadHub() as hub:
        description = hub.describe(served[0], "bank")
        assert description.native
        assert description.methods["add"].doc == "Adds two values."
        assert "_hidden" not in description.methods
        with pytest.raises(Exception, match=r"bank.*bank\.valon"):
            hub.describe(served[0], "bar")


def test_two_servers_of_one_context_and_the_watchdog_in_its_own_thread() -> None:
    ticked = threading.Event()
    with zmq.Context() as context:
        with ZMQJSONProxyServer(
            context, "tcp://127.0.0.1:*", ServerSettings(watchdog_every=0.05)
        ) as one:
            with ZMQJSONProxyServer(context, "tcp://127.0.0.1:*") as two:
                bank = Bank()
                one.expose("bank", bank)
                two.expose("bank", Bank())
                loops = [(one.run_loop, (ticked.set,)), (two.run_loop, ())]
                threads = [
                    threading.Thread(target=loop, args=arguments) for loop, arguments in loops
                ]
                for thread in threads:
                    thread.start()
                with OriginalClient(one.url) as a, OriginalClient(two.url) as b:
                    thread = threading.Thread(target=lambda: a.ask("hold"))
                    thread.start()
                    assert bank.begun.wait(10)
                    ticked.clear()
                    assert ticked.wait(10)  # beside the command
                    assert b.ask("add", 1, 2) == 3
                    bank.go_on.set()
                    thread.join(10)
                one.quit_loop()
                two.quit_loop()
                for thread in threads:
                    thread.join(10)
                    assert not thread.is_alive()


def test_many_servers_in_one_thread_answer_queries_and_commands() -> None:
    with zmq.Context() as context, contextlib.ExitStack() as ended:
        servers = {}
        waiting = select.epoll()
        for _ in range(3):
            server = ended.enter_context(ZMQJSONProxyServer(context, "tcp://127.0.0.1:*"))
            server.expose("bank", Bank())
            servers[server.fileno()] = server
            waiting.register(server.fileno(), select.EPOLLIN)
        asked = threading.Event()

        def serve() -> None:
            while not asked.is_set():
                for number, _ in waiting.poll(0.05):
                    servers[number].serve_waiting()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with ThreadHub() as hub:
                urls = [server.url for server in servers.values()]
                for _ in range(20):
                    assert [
                        r.value for r in hub.call_each(urls, "bank", "add", (1, 2), timeout=10)
                    ] == [3, 3, 3]
                several = [CallRequest(urls[0], "bank", "add", (n, 1)) for n in range(50)]
                assert [r.value for r in hub.call_many(several, timeout=10)] == list(range(1, 51))
                assert [
                    r.error for r in hub.call_each(urls, "bank", "write", (5,), timeout=10)
                ] == [None] * 3
        finally:
            asked.set()
            thread.join(10)
            waiting.close()


class Unlike:
    """Answers as the others, refuses, or holds until the test ends, whatever `add` is to be
    here."""

    def __init__(self, kind: str, ended: threading.Event) -> None:
        self._kind, self._ended = kind, ended

    @command
    def add(self, x: int, y: int) -> int:
        if self._kind == "refuses":
            raise RefusedError("not here")
        if self._kind == "holds":
            self._ended.wait(30)
        return x + y


def test_one_call_to_many_servers_has_a_value_or_an_error_for_each_in_its_place() -> None:
    kinds = ["answers", "refuses", "answers", "holds", "answers"]
    ended = threading.Event()
    with zmq.Context() as context, contextlib.ExitStack() as closed:
        urls = []
        for kind in kinds:
            server = ZMQJSONProxyServer(context, "tcp://127.0.0.1:*")
            server.expose("bank", Unlike(kind, ended))
            thread = threading.Thread(target=server.run_loop)
            thread.start()
            closed.callback(thread.join, 10)
            closed.callback(server.quit_loop)
            urls.append(server.url)
        closed.callback(ended.set)
        with ThreadHub() as hub:
            for _ in range(2):  # first over connections to be made, then over those that are there
                results = hub.call_each(
                    [*urls, "tcp://127.0.0.1:1"], "bank", "add", (2, 3), timeout=1.0
                )
                assert [r.value for r in results] == [5, None, 5, None, 5, None]
                errors = [type(r.error) for r in results]
                assert errors == [
                    NoneType,
                    RefusedError,
                    NoneType,
                    CallTimeoutError,
                    NoneType,
                    PeerLostError,
                ]
            answering = [url for url, kind in zip(urls, kinds, strict=True) if kind == "answers"]
            for _ in range(3):
                assert [
                    r.value for r in hub.call_each(answering * 2, "bank", "add", (2, 3), timeout=10)
                ] == [5] * 6
            late = hub.begin(answering[0], "bank", "add", (1, 1), timeout=10)
            assert [
                r.value for r in hub.call_each(answering, "bank", "add", (2, 3), timeout=10)
            ] == [5] * 3
            assert late.result() == 2


def test_an_address_that_is_taken_is_an_error_at_once(served: tuple[str, Bank]) -> None:
    with zmq.Context() as context, pytest.raises(zmq.ZMQError):
        ZMQJSONProxyServer(context, served[0])


def test_a_server_that_waits_for_nothing_is_not_held_by_a_frame_too_many() -> None:
    with zmq.Context() as context, ZMQJSONProxyServer(context, "tcp://127.0.0.1:*") as server:
        server.expose("bank", Bank())
        with context.socket(zmq.DEALER) as peer:
            peer.linger = 0
            peer.connect(server.url)
            hello = {
                "name": "bank",
                "proc": "list_methods",
                "args": [],
                "kwargs": {},
                "dealer": {"client": "x"},
            }
            call = {"jsonrpc": "2.0", "method": "bank.add", "params": [2, 3], "id": 1}
            for frames in ([json.dumps(hello).encode()], [json.dumps(call).encode(), b"too many"]):
                peer.send_multipart(frames)
                while not peer.poll(0):
                    select.select([server.fileno()], [], [], 1)
                    server.serve_waiting()
                answer = json.loads(peer.recv())
            assert answer["result"] == 5
            server.serve_waiting()  # returns
