"""Many calls at once: futures, whose answers come in any order, and batches."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from functools import partial
from typing import Any

import numpy as np
import pytest
import zmq
from support.original_client import OriginalClient
from support.original_server import OriginalPlayer
from support.rpc_bank import Bank, serving
from support.threads import in_threads

from zmqjsonproxy import (
    AsyncProxyClient,
    BusyError,
    CallTimeoutError,
    NoSuchMethodError,
    PeerLostError,
    RemoteError,
    ServerSettings,
    ZMQJSONProxyClient,
)
from zmqjsonproxy.errors import TooLargeError
from zmqjsonproxy.rpc import hub
from zmqjsonproxy.rpc.protocol import dialect


def test_answers_are_matched_by_number_in_whatever_order_they_come(
    proxy: Any, served: tuple[str, Bank]
) -> None:
    bank = served[1]
    held = proxy.call_later("hold")
    sums = [proxy.add.later(n, y=n) for n in range(50)]
    assert [future.result() for future in reversed(sums)] == [2 * n for n in reversed(range(50))]
    assert bank.begun.wait(10)
    assert not held.done()
    with pytest.raises(TimeoutError, match="under way"):
        held.result(0.01)
    assert proxy.add(2, 3) == 5
    bank.go_on.set()
    assert held.result() == "held"
    assert held.done()
    assert held.exception() is None


def test_answers_that_have_come_with_the_awaited_one_are_taken_with_it(
    proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = proxy._hub._connections
    receive, asked = connections.next_message, []

    def next_message(flags: int = 0) -> object:
        asked.append(flags)
        while True:  # whatever is not there yet is waited for
            with contextlib.suppress(zmq.Again):
                return receive()

    monkeypatch.setattr(connections, "next_message", next_message)
    for limit in ("_TOGETHER_S", "LOOK_EVERY"):  # a busy computer reaches them in between
        monkeypatch.setattr(hub, limit, 60.0)
    first, *others = [proxy.call_later("add", n, n) for n in range(4)]
    assert first.result() == 0
    assert asked == [0, zmq.NOBLOCK, zmq.NOBLOCK, zmq.NOBLOCK]  # and no more: none is expected
    assert [future.result() for future in others] == [2, 4, 6]
    assert len(asked) == 4


def test_errors_wait_in_their_future(proxy: Any) -> None:
    wrong, good = proxy.call_later("end", "value error"), proxy.call_later("add", 2, 3)
    assert good.result() == 5
    assert isinstance(wrong.exception(), RemoteError)
    with pytest.raises(RemoteError, match="as asked"):
        wrong.result()
    with pytest.raises(NoSuchMethodError):
        proxy.call_later("nothing").result()


def test_a_future_runs_out_of_time_and_the_proxy_lives_on(
    proxy: Any, served: tuple[str, Bank]
) -> None:
    held = proxy.call_later("hold", _timeout=0.05)
    with pytest.raises(CallTimeoutError):
        held.result()
    served[1].go_on.set()
    assert proxy.add(2, 3) == 5


def test_a_call_that_is_too_large_is_refused_to_its_caller() -> None:
    with serving(ServerSettings(max_message_bytes=10_000)) as (url, _), zmq.Context() as context:
        with ZMQJSONProxyClient(context, "bank", url, 30.0) as proxy:
            large = proxy.call_later("echo", "x" * 20_000)
            with pytest.raises(TooLargeError, match="over the limit of 10000"):
                large.result()
            assert proxy.add(2, 3) == 5


def test_what_is_too_large_for_its_server_is_not_sent_and_the_error_says_what_to_do() -> None:
    with serving(ServerSettings(max_message_bytes=10_000)) as (url, _):
        with ZMQJSONProxyClient(None, "bank", url, 30.0) as proxy:
            named: Any = proxy
            assert named.add(2, 3) == 5
            connection = named._hub.generation(url)
            says = r"bank.echo: 5\d{4} bytes are over the limit of 10000 .*nothing was sent; make several calls"
            for value in (
                "x" * 50_000,
                np.zeros(50_000, "u1"),
                b"x" * 50_000,
            ):  # ZeroMQ would end the connection
                with pytest.raises(TooLargeError, match=says):
                    named.echo(value)
                with pytest.raises(TooLargeError, match=says):
                    named.call_later("echo", value).result()
            with named.batch() as batch:
                future = batch.echo("x" * 50_000)
            assert isinstance(future.exception(), TooLargeError)
            assert named.add(2, 3) == 5
            assert named._hub.generation(url) == connection


async def _too_large(url: str) -> None:
    async with AsyncProxyClient(None, "bank", url, 30.0) as proxy:
        with pytest.raises(TooLargeError, match="nothing was sent"):
            await proxy.echo("x" * 50_000)
        assert await proxy.add(2, 3) == 5


def test_what_is_too_large_is_not_sent_by_tasks_either() -> None:
    with serving(ServerSettings(max_message_bytes=10_000)) as (url, _):
        asyncio.run(_too_large(url))


def test_a_result_that_is_too_large_for_a_frame_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dialect, "MAX_FRAME_BYTES", 10_000)
    with serving() as (url, _), ZMQJSONProxyClient(None, "bank", url, 30.0) as proxy:
        named: Any = proxy
        says = r"bank.echo: 2\d{4} bytes are over the limit of 10000 .* a part of it"
        for value in ("x" * 20_000, np.zeros(20_000, "u1"), [b"x", b"x" * 20_000]):
            with pytest.raises(TooLargeError, match=says):
                named.echo(value)
        small = [np.zeros(6_000, "u1"), np.ones(6_000, "u1")]  # more frames than one do no harm
        assert len(named.echo(small)) == 2
        with OriginalClient(url) as old:
            assert old.ask("echo", "x" * 20_000)["EXCEPTION"][0] == "TooLargeError"
            assert old.ask("add", 2, 3) == 5


def test_what_is_over_a_limit_is_refused_at_once_and_not_left_to_the_time_out() -> None:
    nested: list[Any] = []
    for _ in range(20):
        nested = [nested]
    limits = ServerSettings(max_message_bytes=10_000, max_depth=10, max_batch=5)
    with serving(limits) as (url, _), ZMQJSONProxyClient(None, "bank", url, 60.0) as proxy:
        named: Any = proxy
        with pytest.raises(TooLargeError, match=r"nested deeper than 10 levels"):
            named.echo(nested)
        cases: dict[str, list[Any]] = {
            "bytes are over the limit of 10000": ["x" * 6_000, "y" * 6_000],
            "deeper than 10 levels": [nested, 1],
            "a batch of 6 calls is over the limit of 5": [1, 2, 3, 4, 5, 6],
        }
        for says, values in cases.items():
            with named.batch() as batch:
                futures = [batch.echo(value) for value in values]
            assert all(isinstance(future.exception(), TooLargeError) for future in futures)
            assert says in str(futures[-1].exception())
        with named.batch() as batch:  # as frames
            futures = [batch.echo(b"x" * 6_000), batch.echo(b"y" * 6_000)]
        assert [type(future.exception()) for future in futures] == [TooLargeError, TooLargeError]
        assert named.add(2, 3) == 5
        assert named._hub.peer(url).numbered == {}


def test_who_asks_too_often_pushes_nobodys_operations_out_of_the_table(
    proxy: Any, served: tuple[str, Bank]
) -> None:
    counted = proxy.begin("count", 3)
    assert counted.result(30) == 3
    held = proxy.call_later("hold")
    assert served[1].begun.wait(30)
    wanted = [proxy.call_later("count", 1) for _ in range(1200)]
    refused = Counter(repr(future.exception())[:200] for future in wanted[64:])
    assert [text.partition("(")[0] for text in refused] == ["BusyError"], refused
    assert proxy.operation(counted.id).result(30) == 3
    served[1].go_on.set()
    assert held.result() == "held"
    assert [future.result() for future in wanted[:64]] == [1] * 64


def test_futures_of_many_threads(proxy: Any) -> None:
    wrong: list[Any] = []

    def work(n: int) -> None:
        for _ in range(10):
            futures = [proxy.call_later("add", n, k) for k in range(20)]
            wrong.extend(k for k, future in enumerate(futures) if future.result() != n + k)

    in_threads(*(partial(work, n) for n in range(4)))
    assert wrong == []


def test_an_overfull_server_says_busy(proxy: Any, served: tuple[str, Bank]) -> None:
    held = [proxy.call_later("hold") for _ in range(70)]
    assert isinstance(held[-1].exception(), BusyError)
    served[1].go_on.set()
    assert held[0].result() == "held"


def test_a_future_of_a_closed_proxy_ends(served: tuple[str, Bank]) -> None:
    with zmq.Context() as context, ZMQJSONProxyClient(context, "bank", served[0], 10.0) as proxy:
        held = proxy.call_later("hold")
    with pytest.raises(PeerLostError):
        held.result()
    with pytest.raises(PeerLostError):
        proxy.call_later("hold").result()


def test_a_batch_has_a_value_or_error_for_each_call(proxy: Any) -> None:
    with proxy.batch() as batch:
        first = batch.add(2, 3)
        wrong = batch.end("value error")
        unknown = batch.call("nothing")
        array, written = batch.echo({"a": np.arange(3), "b": b"\xff"}), batch.write(value=1)
        with pytest.raises(RuntimeError, match="at the end"):
            first.result()
    assert first.result() == 5
    assert isinstance(wrong.exception(), RemoteError)
    assert isinstance(unknown.exception(), NoSuchMethodError)
    assert array.result()["a"].tolist() == [0, 1, 2]
    assert array.result()["b"] == b"\xff"
    assert written.result() is None
    assert written.done()


def test_a_batch_may_be_larger_than_a_message_takes_and_empty(proxy: Any) -> None:
    with proxy.batch() as batch:
        sums = [batch.add(n, 1) for n in range(1200)]
    assert [future.result() for future in sums] == [n + 1 for n in range(1200)]
    with proxy.batch():
        pass


def test_a_batch_is_one_message(proxy: Any, served: tuple[str, Bank]) -> None:
    served[1].go_on.set()
    with proxy.batch() as batch:
        held, added = batch.hold(), batch.add(2, 3)
    assert (held.result(), added.result()) == ("held", 5)


def test_a_late_answer_to_another_call_is_not_taken_for_that_to_a_batch(
    proxy: Any, served: tuple[str, Bank]
) -> None:
    with pytest.raises(CallTimeoutError):
        proxy.hold(_timeout=0.1)
    served[1].go_on.set()
    for n in range(20):
        with proxy.batch() as batch:
            sums = [batch.add(n, m) for m in range(3)]
        assert [future.result() for future in sums] == [n, n + 1, n + 2]


def test_threads_send_their_batches_over_one_connection(proxy: Any) -> None:
    wrong: list[Any] = []

    def work(n: int) -> None:
        for _ in range(30):
            with proxy.batch() as batch:
                sums = [batch.add(n, m) for m in range(40)]
            wrong.extend(m for m, future in enumerate(sums) if future.result() != n + m)

    in_threads(*(partial(work, 100 * n) for n in range(4)))
    assert wrong == []


def test_a_batch_whose_block_raises_is_not_sent(proxy: Any, served: tuple[str, Bank]) -> None:
    with pytest.raises(ZeroDivisionError):
        with proxy.batch() as batch:
            future = batch.write(1)
            _ = 1 / 0
    assert "not sent" in str(future.exception())
    assert served[1].written == []


def test_a_batch_runs_out_of_time(proxy: Any, served: tuple[str, Bank]) -> None:
    with proxy.batch(_timeout=0.2) as batch:
        held = batch.hold()
    assert isinstance(held.exception(), CallTimeoutError)
    served[1].go_on.set()
    assert proxy.add(2, 3) == 5


def test_a_server_of_the_original_gets_them_one_by_one() -> None:
    with OriginalPlayer(mode="MODE1") as player, zmq.Context() as context:
        with ZMQJSONProxyClient(context, "bank", player.url, 10.0) as proxy:
            futures = [proxy.call_later("get_mode") for _ in range(3)]
            with proxy.batch() as batch:
                mode, modes = batch.get_mode(), batch.list_modes()
            assert [future.result() for future in futures] == ["MODE1"] * 3
            assert mode.result() == "MODE1"
            assert modes.result() == proxy.list_modes()
