"""Whoever asks for too much is refused or waits; the others are served meanwhile."""

from __future__ import annotations

import gc
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import psutil
import pytest
import zmq
from support.dealers import eventually
from support.original_client import OriginalClient
from support.rpc_bank import Bank, RpcServer, serving

from zmqjsonproxy import ServerSettings, ZMQJSONProxyClient, command, query
from zmqjsonproxy.engine.builtinmethods import BuiltinMethods
from zmqjsonproxy.engine.calls import ServedCall
from zmqjsonproxy.engine.commandqueues import CommandQueues
from zmqjsonproxy.interface import Interface
from zmqjsonproxy.protocol.operations import OperationTable
from zmqjsonproxy.rpc.hub import HubSettings

LARGE = 4_000_000
"""Bytes; the largest JSON of a request has 4 MiB."""
HEAD = b'{"jsonrpc":"2.0","method":"bank.echo","id":1,"params":['
DEEP, OBJECTS = b"[" * 90 + b"]" * 90, b'{"a":' * 90 + b"1" + b"}" * 90


def list_of(piece: bytes, last: bytes = b"1") -> bytes:
    """So many pieces with commas between that they are a large request."""
    return piece * (LARGE // len(piece)) + last


TOO_MANY = {
    "an array of empty arrays": b"[" + list_of(b"[],") + b"]",
    "deep groups": HEAD + list_of(DEEP + b",") + b"]}",
    "deep groups of objects": HEAD + list_of(OBJECTS + b",") + b"]}",
    "texts": HEAD + list_of(b'"",') + b"]}",
    "texts that end with a backslash": HEAD + list_of(b'"\\\\",') + b"]}",
    "numbers": HEAD + list_of(b"1,") + b"]}",
    "NaN": HEAD + list_of(b"NaN,") + b"]}",
    "escapes": HEAD + b'"' + list_of(b'\\"') + b'"]}',
    "names": HEAD + b"{" + b",".join(b'"K%d":1' % n for n in range(700_000)) + b"}]}",
    "brackets": b"[" * LARGE,
    "more bytes than are decoded": HEAD + b'"' + b"x" * 15_000_000 + b'"]}',
}


class Crowded(Bank):
    """A Bank that says who calls, and where."""

    @query
    def wait(self) -> str:
        """Wait until the test says so; the name of the thread."""
        self.begun.set()
        self.go_on.wait(30)
        return threading.current_thread().name

    @query
    def linger(self) -> str:
        """Take as long as makes a batch long."""
        threading.Event().wait(0.01)
        return threading.current_thread().name

    @command
    def note(self, value: Any) -> None:
        """Keep a value in the order of the calls."""
        self.written.append(value)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(bank=Crowded()) as (url, _):
        yield url


@pytest.mark.parametrize("attack", TOO_MANY)
def test_what_would_take_long_to_decode_is_refused_before(url: str, attack: str) -> None:
    with OriginalClient(url) as hostile, OriginalClient(url) as honest:
        assert "TooLargeError" in json.dumps(hostile.raw(TOO_MANY[attack]))
        assert honest.ask("add", 2, 3) == 5


@pytest.mark.parametrize(
    "values",
    [
        [1.5] * 250_000,
        ["x"] * 90_000,
        [[]] * 90_000,
        "x" * LARGE,
        ',[{"' * 250_000,
        {f"K{n}": n for n in range(90_000)},
    ],
    ids=["numbers", "texts", "arrays", "a text", "a text of JSON", "an object"],
)
def test_what_is_large_and_soon_decoded_is_taken(url: str, values: Any) -> None:
    with OriginalClient(url) as client:
        assert client.rpc("bank.echo", [values])["result"] == values


@pytest.mark.parametrize("params", [[], {}])
def test_the_rest_of_a_batch_that_takes_long_holds_up_nobody(params: Any) -> None:
    bank = Crowded()
    calls = [
        {"jsonrpc": "2.0", "method": f"bank.{name}", "params": params, "id": n}
        for n, name in enumerate(["linger"] * 20 + ["wait"] * 3)
    ]
    with (
        serving(ServerSettings(slow_query_s=0.1), bank) as (url, _),
        OriginalClient(url) as long,
        OriginalClient(url) as honest,
        ThreadPoolExecutor(1) as pool,
    ):
        answer = pool.submit(long.raw, json.dumps(calls).encode())
        assert bank.begun.wait(30)
        assert honest.ask("add", 2, 3) == 5
        assert not answer.done()
        bank.go_on.set()
        threads = {reply["id"]: reply["result"] for reply in answer.result(30)}
        assert sorted(threads) == list(range(23))
        assert threads[0] != threads[22]


def test_a_batch_that_asks_for_large_answers_again_and_again_is_answered(url: str) -> None:
    calls = [
        {"jsonrpc": "2.0", "method": "rpc.discover", "params": [], "id": n} for n in range(1000)
    ]
    with OriginalClient(url) as hostile, OriginalClient(url) as honest:
        replies = hostile.raw(json.dumps(calls).encode())
        assert sorted(reply["id"] for reply in replies) == list(range(1000))
        assert honest.ask("add", 2, 3) == 5


@contextmanager
def deaf_client(url: str) -> Iterator[zmq.Socket[bytes]]:
    """A connection whose replies nobody takes before the test does; what it sends waits in the
    server's hands."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as deaf:
        deaf.setsockopt(zmq.LINGER, 0)
        deaf.setsockopt(zmq.RCVHWM, 1)
        deaf.setsockopt(zmq.RCVBUF, 4096)
        deaf.setsockopt(zmq.RCVTIMEO, 30_000)
        deaf.setsockopt(zmq.SNDTIMEO, 30_000)
        deaf.connect(url)
        yield deaf


def request(number: int, method: str, *params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "method": method, "id": number, "params": params}).encode()


def test_a_client_that_takes_its_replies_late_gets_all_of_them(url: str) -> None:
    with deaf_client(url) as late, OriginalClient(url) as honest:
        for n in range(2000):
            late.send(request(n, "bank.status"))
        late.send(request(2000, "bank.add", 1, 2))
        assert honest.ask("add", 2, 3) == 5
        assert sorted(json.loads(late.recv())["id"] for _ in range(2001)) == list(range(2001))


def test_a_client_that_does_not_take_its_replies_is_told_so_and_served_again_when_it_has(
    url: str,
) -> None:
    with (
        serving(ServerSettings(max_waiting_bytes=8_000_000), Crowded()) as (url, bank),
        deaf_client(url) as late,
    ):
        for n in range(60):
            late.send(request(n, "bank.echo", "x" * 1_000_000))
        for n in range(60, 80):
            late.send(request(n, "bank.write", n))
        with OriginalClient(url) as honest:
            assert honest.ask("add", 2, 3) == 5
        replies = [json.loads(late.recv()) for _ in range(80)]
        busy = [reply["id"] for reply in replies if "error" in reply]
        assert {reply["error"]["data"]["type"] for reply in replies if "error" in reply} == {
            "BusyError"
        }
        assert set(bank.written).isdisjoint(busy)
        assert set(range(60)) & set(busy)
        late.send(request(80, "bank.add", 1, 2))
        assert json.loads(late.recv())["result"] == 3


def test_what_nobody_takes_costs_the_server_a_bounded_amount_of_memory() -> None:
    with (
        RpcServer() as server,
        deaf_client(server.url) as deaf,
        OriginalClient(server.url) as honest,
    ):
        body = request(1, "bank.echo", "x" * 1_000_000)
        honest.raw(body)
        process = psutil.Process(server.process.pid)
        before = process.memory_info().rss
        for _ in range(150):
            deaf.send(body)
            assert honest.ask("add", 2, 3) == 5
        assert process.memory_info().rss - before < 100 * 2**20


def test_a_flood_of_small_requests_stands_still_where_it_would_fill_the_memory() -> None:
    body, sent = request(1, "bank.add", 2, 3) + b" " * 1000, 0
    with serving(bank=Crowded()) as (url, bank), zmq.Context() as context:
        with context.socket(zmq.DEALER) as flood, OriginalClient(url) as honest:
            flood.linger, flood.rcvhwm, flood.sndtimeo = 0, 0, 3000
            flood.connect(url)
            flood.send(request(2, "bank.wait"))
            assert bank.begun.wait(60)
            with pytest.raises(zmq.Again):
                while sent < 100_000:
                    flood.send(body)
                    sent += 1
            bank.go_on.set()
            flood.rcvtimeo = 60_000
            for _ in range(1 + sent):
                flood.recv()
            assert honest.ask("add", 2, 3) == 5


def test_connections_go_on_after_large_requests_however_many_came_before() -> None:
    with serving(bank=Crowded()) as (url, _), ExitStack() as stack:
        clients = [stack.enter_context(deaf_client(url)) for _ in range(9)]
        for before, client in enumerate(clients):
            for n in range(before):
                client.send(request(n, "bank.add", n, 1))
                client.recv()
        for _ in range(3):
            clients[0].send(request(1, "bank.echo", "x" * 2_000_000))
            clients[0].recv()
            for client in clients:
                for n in range(10):
                    client.send(request(n, "bank.add", n, 1))
                assert [json.loads(client.recv())["id"] for _ in range(10)] == list(range(10))


def test_workers_leave_any_number_of_replies_to_a_server_that_was_sent_a_large_request() -> None:
    bank = Crowded()
    with serving(bank=bank) as (url, _), OriginalClient(url) as client, deaf_client(url) as large:
        large.send(request(1, "bank.echo", "x" * 2_000_000))
        large.recv()
        client.socket.send(request(1, "bank.wait"))
        assert bank.begun.wait(30)
        server = bank.server
        assert server is not None
        wakes = threading.Thread(target=lambda: [server._wake() for _ in range(1000)], daemon=True)
        wakes.start()
        wakes.join(30)
        assert not wakes.is_alive()
        bank.go_on.set()
        client.socket.recv()


def test_the_replies_to_a_batch_have_a_bound_together() -> None:
    limits = ServerSettings(max_batch_reply_bytes=100_000)
    with serving(limits, Crowded()) as (url, bank), OriginalClient(url) as client:
        calls = [
            json.loads(request(n, "bank.discover" if n == 3 else "bank.status")) for n in range(40)
        ]
        calls += [json.loads(request(n, "bank.write", n)) for n in range(40, 50)]
        replies = {reply["id"]: reply for reply in client.raw(json.dumps(calls).encode())}
        assert sorted(replies) == list(range(50))
        said = [
            reply["error"]["message"]
            for n, reply in replies.items()
            if n < 40 and n != 3 and "error" in reply
        ]
        assert said
        assert all("TooLargeError" in text and "max_batch_reply_bytes" in text for text in said)
        assert len(json.dumps(list(replies.values()))) < 200_000
        assert sorted(bank.written) == list(range(40, 50))


def test_one_who_fills_the_queue_holds_up_three_others_by_one_call_each() -> None:
    bank = Crowded()
    with serving(bank=bank) as (url, _), ExitStack() as stack:
        flooder, *others = [stack.enter_context(deaf_client(url)) for _ in range(4)]
        flooder.send(request(0, "bank.hold"))
        assert bank.begun.wait(30)
        for n in range(1, 200):
            flooder.send(request(n, "bank.note", ["flooder", n]))
        busy = [
            json.loads(flooder.recv()) for _ in range(200 - 1 - 64)
        ]  # the command queue took 64 of them, no more
        assert {reply["error"]["data"]["type"] for reply in busy} == {"BusyError"}
        for name, other in zip("abc", others, strict=True):
            for n in range(2):
                other.send(request(n, "bank.note", [name, n]))
        eventually(lambda: bank.waiting() == 64 + 6)
        bank.go_on.set()
        for other in others:
            assert [json.loads(other.recv())["result"] for _ in range(2)] == [None, None]
        for _ in range(65):
            flooder.recv()
    names = [name for name, _ in bank.written[:8]]
    assert (names[0], names[4]) == ("flooder", "flooder")
    assert names[1:4] == names[5:] == [*dict.fromkeys(names[1:4])]
    assert sorted(bank.written[1:4] + bank.written[5:8]) == [
        [name, n] for name in "abc" for n in range(2)
    ]
    assert bank.written[8:] == [["flooder", n] for n in range(3, 65)]


def test_the_document_of_what_is_exposed_is_made_once_for_each_exposure() -> None:
    interfaces = {"bank": Interface.of("bank", Bank())}
    own = BuiltinMethods(
        "title", interfaces, CommandQueues(1, "command queues"), OperationTable("instance")
    )
    document = own.discover()
    assert own.discover() is document
    interfaces["bank"] = Interface.of("bank", Crowded())
    assert {method["name"] for method in own.discover()["methods"]} > {
        method["name"] for method in document["methods"]
    }


def test_a_call_that_has_been_answered_is_let_go_at_once() -> None:
    with serving(bank=Crowded()) as (url, _), OriginalClient(url) as client:
        gc.collect()
        gc.disable()  # it goes by the number of objects, and finds large arguments late
        try:
            for _ in range(3):
                client.rpc("bank.note", ["x"])
                client.rpc("bank.note", ["x", "one too many"])
            eventually(lambda: not any(isinstance(each, ServedCall) for each in gc.get_objects()))
        finally:
            gc.enable()


def test_a_client_with_many_calls_under_way_is_not_lost_while_a_query_takes_long() -> None:
    with (
        serving(bank=Crowded()) as (url, bank),
        ZMQJSONProxyClient(None, "bank", url, 120) as proxy,
    ):
        assert proxy.add(2, 3) == 5
        futures = [proxy.call_later("wait"), *(proxy.call_later("add", n, 1) for n in range(3000))]
        assert bank.begun.wait(60)
        end = time.monotonic() + 3 * HubSettings().heartbeat_timeout
        eventually(lambda: time.monotonic() > end or any(future.done() for future in futures))
        bank.go_on.set()
        assert [future.result() for future in futures[1:]] == [n + 1 for n in range(3000)]


def test_large_requests_of_one_client_hold_up_nobody_and_what_is_too_much_is_refused() -> None:
    settings = ServerSettings(max_unread_bytes=2 * LARGE)
    with serving(settings, Crowded()) as (url, bank), zmq.Context() as context:
        with context.socket(zmq.DEALER) as flooder, OriginalClient(url) as honest:
            flooder.linger, flooder.rcvtimeo = 0, 120_000
            flooder.connect(url)
            held = b'{"jsonrpc":"2.0","id":0,"method":"bank.wait","params":[]}'
            flooder.send(held)
            assert bank.begun.wait(60)
            for n in range(1, 9):
                body = b'{"jsonrpc":"2.0","method":"bank.note","id":%d,"params":["' % n
                flooder.send(body + b"x" * (LARGE - 200) + b'"]}')
            poller = zmq.Poller()
            poller.register(flooder, zmq.POLLIN)
            assert not poller.poll(500)  # all of it has arrived
            bank.go_on.set()
            answers = {each["id"]: each for each in (json.loads(flooder.recv()) for _ in range(9))}
            busy = [n for n, each in answers.items() if "error" in each]
            assert answers.keys() == set(range(9))
            assert busy, "nothing was refused"
            assert all("max_unread_bytes" in answers[n]["error"]["message"] for n in busy)
            assert len(bank.written) == 8 - len(busy)
            assert honest.ask("add", 2, 3) == 5


class Gated(Bank):
    """A Bank that holds the socket's thread at gates, and says in which order it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = {name: threading.Event() for name in ("first", "second")}
        self.opened = {name: threading.Event() for name in self.reached}
        self.asked: list[str] = []

    @query
    def gate(self, name: str) -> None:
        """Wait until the test opens a gate."""
        self.reached[name].set()
        self.opened[name].wait(60)

    @query
    def ask(self, who: str) -> None:
        """Keep who asks."""
        self.asked.append(who)


def test_a_query_that_comes_in_the_midst_of_a_flood_is_answered_after_a_few_of_it() -> None:
    bank = Gated()
    with serving(ServerSettings(slow_query_s=600), bank), ExitStack() as stack:
        assert bank.server is not None
        inner = f"inproc://zmqjsonproxy-{bank.server.instance}"  # what is sent is there at once
        flooder, honest = (
            stack.enter_context(bank.server._context.socket(zmq.DEALER)) for _ in range(2)
        )
        for client in (flooder, honest):
            client.linger, client.rcvtimeo = 0, 60_000
            client.connect(inner)
        honest.send(request(0, "bank.ask", "honest"))
        honest.recv()
        flooder.send(request(0, "bank.gate", "first"))
        assert bank.reached["first"].wait(60)
        for n in range(1, 501):
            flooder.send(request(n, "bank.ask", "flooder"))
            if n == 250:
                flooder.send(request(1000, "bank.gate", "second"))
        bank.opened["first"].set()
        assert bank.reached["second"].wait(60)
        honest.send(request(1, "bank.ask", "honest"))
        bank.opened["second"].set()
        assert json.loads(honest.recv())["id"] == 1
        answered = [json.loads(flooder.recv())["id"] for _ in range(502)]
    assert answered == [0, *range(1, 251), 1000, *range(251, 501)]
    after = bank.asked[251:]
    assert after.index("honest") <= 4, "a look after each third, and each client's turn"
