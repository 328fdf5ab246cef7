"""Both clients, blocking and asyncio, which do the same; and what only a task can do: be
cancelled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from support.dealers import eventually
from support.native_player import NativePlayer
from support.original_server import OriginalPlayer
from support.player_run import free_port
from support.rpc_bank import Bank, RpcServer, serving

from dealer import PlayersError
from zmqjsonproxy import (
    AsyncHub,
    AsyncProxyClient,
    BadParametersError,
    CallTimeoutError,
    NoSuchInterfaceError,
    NoSuchMethodError,
    OperationLostError,
    PeerLostError,
    ProtocolError,
    ProxyError,
    RefusedError,
    RemoteError,
    command,
    operation,
    query,
)
from zmqjsonproxy.rpc.hub import CallRequest

Make = Callable[..., Any]


def until_found(call: Callable[[], Any], within: float = 10.0) -> Any:
    """Call until a server is there."""
    end = time.monotonic() + within
    while True:
        with suppress(PeerLostError, CallTimeoutError, AttributeError):
            return call()
        assert time.monotonic() < end
        time.sleep(0.02)


def test_methods_take_arguments_and_answer(make_proxy: Make, served: tuple[str, Bank]) -> None:
    proxy = make_proxy(served[0])
    assert proxy.url == served[0]
    assert proxy.add(2, 3) == proxy.add(x=2, y=3) == proxy.add(2, y=3) == 5
    assert proxy.numbers()[3:] == [2**64, -(2**70)]
    assert len(proxy.status()) == 200
    assert [proxy.add(n, 1) for n in range(200)] == list(range(1, 201))
    assert make_proxy(served[0], "bank.valon").get_frequency(1) == 1501.0


OWN_NAMES = {
    "method": "median",
    "name": "x",
    "timeout": 1.5,
    "url": "u",
    "args": 1,
    "kwargs": 2,
    "calls": 3,
}


@pytest.mark.parametrize("way", ["call", "later", "call_later", "begin", "batch", "batch.call"])
def test_parameters_may_have_the_names_that_ours_have(
    make_proxy: Make, served: tuple[str, Bank], way: str
) -> None:
    proxy = make_proxy(served[0])
    assert proxy.add(2, 3) == 5
    expected = list(OWN_NAMES.values())
    itself = {"self": "a", "cls": "b"}
    match way:
        case "call":
            found = [proxy.average(**OWN_NAMES), proxy.of_itself(**itself)]
        case "later":
            found = [
                proxy.average.later(**OWN_NAMES).result(),
                proxy.of_itself.later(**itself).result(),
            ]
        case "call_later":
            answers = (
                proxy.call_later("average", **OWN_NAMES),
                proxy.call_later("of_itself", **itself),
            )
            found = [answer.result() for answer in answers]
        case "begin":
            found = [proxy.calibrate.begin(**OWN_NAMES).result(10), proxy.of_itself(**itself)]
        case _:
            with proxy.batch() as b:
                if way == "batch":
                    answers = b.average(**OWN_NAMES), b.of_itself(**itself)
                else:
                    answers = b.call("average", **OWN_NAMES), b.call("of_itself", **itself)
            found = [answer.result() for answer in answers]
    assert found == [expected, ["a", "b"]]


def test_so_they_may_in_verbs_of_a_dealer(make_dealer: Make, served: tuple[str, Bank]) -> None:
    dealer, expected = make_dealer(served[0]), list(OWN_NAMES.values())
    assert dealer.average(**OWN_NAMES) == {"BANKA": expected}
    assert dealer.outcomes("of_itself", self="a", cls="b")["BANKA"].value == ["a", "b"]
    assert dealer.begin("calibrate", **OWN_NAMES).result(10) == {"BANKA": expected}


class Camera(Bank):
    """A Bank whose methods have the names of those of proxies and Dealers."""

    @command
    def close(self) -> str:
        return "the shutter is closed"

    @query
    def url(self) -> str:
        return "where the pictures are"

    @operation
    def begin(self) -> str:
        return "begun"

    @command
    def remote(self, on: bool) -> bool:
        return on

    @command
    def outcomes(self) -> str:
        return "pictures"


def test_methods_that_are_hidden_are_reached_as_remote_ones(
    make_proxy: Make, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(bank=Camera()) as (url, _):
        proxy = make_proxy(url)
        assert proxy.add(2, 3) == 5
        remote = proxy.remote
        assert [remote.close(), remote.url(), remote.begin(), remote.remote(True)] == [
            "the shutter is closed",
            "where the pictures are",
            "begun",
            True,
        ]
        assert remote.add(2, 3) == 5
        assert remote.close.later().result() == "the shutter is closed"
        assert remote.begin.begin().result(10) == "begun"
        with pytest.raises(AttributeError, match=r"has no method clos; .* did you mean close"):
            remote.clos()
        assert (
            make_proxy(url).remote.close() == "the shutter is closed"
        )  # of one that has not asked yet
    assert "begin, close, remote, url of bank are attributes of proxies" in caplog.text
    with pytest.raises(PeerLostError):
        remote.close()


def test_verbs_that_a_dealer_has_itself_are_reached_as_remote_ones(make_dealer: Make) -> None:
    with serving(bank=Camera()) as (url, _):
        d = make_dealer(url)
        assert d.remote.close() == {"BANKA": "the shutter is closed"}
        assert d.remote.outcomes() == {"BANKA": "pictures"}
        assert d.add(2, 3) == {"BANKA": 5}


def test_what_is_assigned_is_refused_with_what_to_write(
    make_proxy: Make, make_dealer: Make
) -> None:
    with NativePlayer() as player:
        d, proxy = make_dealer(player), make_proxy(player.url)
        assert proxy.get_mode() is None
        d, proxy = getattr(d, "_what", d), getattr(proxy, "_what", proxy)
        with pytest.raises(
            AttributeError, match=r"d\.exposure = .* no Bank; write d\.set_param\(exposure=\.\.\.\)"
        ):
            d.exposure = 3
        with pytest.raises(
            AttributeError, match=r"write set_mode is a verb: d\.set_mode\(\.\.\.\)"
        ):
            d.set_mode = "MODE1"
        with pytest.raises(
            AttributeError, match=r"exposure = .* reach nobody; write set_param\(exposure=\.\.\.\)"
        ):
            proxy.exposure = 3
        for name in ("set_mode", "url", "close"):
            with pytest.raises(
                AttributeError, match=rf"{name} is a method, to be called: {name}\(\.\.\.\)"
            ):
                setattr(proxy, name, 3)
        d.timeout = 5.0
        assert d.timeout == 5.0


def test_errors_are_the_same(make_proxy: Make, served: tuple[str, Bank]) -> None:
    proxy = make_proxy(served[0])
    with pytest.raises(RemoteError) as failed:
        proxy.end("value error")
    assert failed.value.type == "ValueError"
    assert failed.value.traceback
    with pytest.raises(RefusedError, match="20 s is not within"):
        proxy.refuse()
    with pytest.raises(BadParametersError):
        proxy.add(1)
    with pytest.raises(AttributeError, match="has no method unmarked; it has: "):
        proxy.unmarked()
    with pytest.raises(ProxyError, match="cannot travel"):
        proxy.echo(object())
    with pytest.raises(NoSuchInterfaceError):
        make_proxy().describe(served[0], "nothing")


def test_time_outs(make_proxy: Make, served: tuple[str, Bank]) -> None:
    url, bank = served
    proxy = make_proxy(url)
    proxy.set_request_reply_timeout(timedelta(seconds=40))
    assert proxy.get_request_reply_timeout() == 40.0
    with pytest.raises(ValueError, match="not -1 s"):
        proxy.set_request_reply_timeout(-1)
    begun = time.monotonic()
    with pytest.raises(CallTimeoutError):
        proxy.hold(_timeout=0.1)
    assert 0.09 < time.monotonic() - begun < 30
    assert proxy.add(2, 3) == 5  # beside it
    bank.go_on.set()
    assert proxy.sleep(0) == "slept"  # its late answer is dropped
    bank.go_on.clear()
    with pytest.raises(CallTimeoutError):
        proxy.hold(_timeout=0.01)
    bank.go_on.set()
    with pytest.raises(CallTimeoutError):
        proxy.sleep(0, _timeout=-1)  # what is left of a time that is over
    for wrong in (float("nan"), "5", timedelta(seconds=5)):
        with pytest.raises(ValueError, match="_timeout is a number of seconds"):
            proxy.add(2, 3, _timeout=wrong)


def test_nobody_there(make_proxy: Make) -> None:
    proxy = make_proxy(f"tcp://127.0.0.1:{free_port()}")
    for _ in range(3):
        begun = time.monotonic()
        with pytest.raises(PeerLostError, match=r"bank\.add: no server at .*: connection refused"):
            proxy.add(2, 3)
        assert time.monotonic() - begun < 30
    with pytest.raises(PeerLostError):
        make_proxy().call("no address", "bank", "add")


def test_a_call_to_nobody_says_so_in_every_way_and_whatever_was_known_before(
    make_proxy: Make,
) -> None:
    def told(proxy: Any) -> list[str]:
        def batched() -> Any:
            with proxy.batch() as b:
                added = b.add(2, 3)
            return added.result()

        ways: list[Callable[[], Any]] = [
            lambda: proxy.add(2, 3),
            lambda: proxy.add.later(2, 3).result(),
            lambda: proxy.call_later("add", 2, 3).result(),
            batched,
            lambda: proxy.begin("set_mode", "MODE1"),
            lambda: proxy.set_mode.begin("MODE1"),
            lambda: proxy.operations(),
        ]
        found = []
        for way in ways:
            with pytest.raises(PeerLostError) as lost:
                way()
            found.append(f"{type(lost.value).__name__} {lost.value.method}")
        return found

    with RpcServer() as server:
        known = make_proxy(server.url)
        assert known.add(2, 3) == 5
        operation = known.begin("set_mode", "MODE1")
    never = make_proxy(server.url)
    add = "PeerLostError bank.add"
    expected = [add, add, add, add, "PeerLostError bank.set_mode", "PeerLostError bank.set_mode"]
    assert told(never) == told(known) == [*expected, "PeerLostError rpc.operations"]
    with pytest.raises(
        OperationLostError, match=r"nothing is heard of it within 0\.2 s: .*connection refused"
    ):
        operation.result(0.2)


def test_a_verb_that_nobody_was_asked_for_yet_says_who_is_away(make_dealer: Make) -> None:
    url = f"tcp://127.0.0.1:{free_port()}"
    d = make_dealer(url, url.replace("127.0.0.1", "localhost"))
    for verb in (lambda: d.get_mode(), lambda: d.a_verb_of_its_own(1)):
        with pytest.raises(PlayersError, match="2 of 2 Banks failed") as failed:
            verb()
        assert [type(outcome.error) for outcome in failed.value.failed.values()] == [
            PeerLostError
        ] * 2


def test_a_dead_server_is_reported_at_once_and_found_again(make_proxy: Make) -> None:
    with RpcServer() as first:
        proxy = make_proxy(first.url)
        assert proxy.add(2, 3) == 5
        with ThreadPoolExecutor(1) as pool:
            killed = pool.submit(lambda: (time.sleep(0.2), first.kill(), time.monotonic())[2])
            with pytest.raises(PeerLostError):
                proxy.hold()
            assert time.monotonic() - killed.result() < 30  # a hang: the call may take 60 s
    with pytest.raises(PeerLostError):
        proxy.add(2, 3)
    with RpcServer(first.url, "more"):
        assert until_found(lambda: proxy.add(2, 3)) == 5
        assert proxy.more() == "more"
    with RpcServer(first.url):
        with pytest.raises(NoSuchMethodError, match="bank has no method more"):
            until_found(proxy.more)
        with pytest.raises(
            AttributeError, match="has no method more"
        ):  # it has looked what there is
            proxy.more()


def test_a_frozen_server_is_reported(make_proxy: Make) -> None:
    with RpcServer() as server:
        proxy = make_proxy(server.url)
        assert proxy.add(2, 3) == 5
        server.suspend()
        begun = time.monotonic()
        with pytest.raises(PeerLostError):
            proxy.add(2, 3)
        assert time.monotonic() - begun < 30
        server.resume()
        assert until_found(lambda: proxy.add(2, 3)) == 5


def test_many_servers_at_once(make_proxy: Make, served: tuple[str, Bank]) -> None:
    url, hub = served[0], make_proxy()
    gone = f"tcp://127.0.0.1:{free_port()}"
    with OriginalPlayer(mode="MODE1") as old:
        results = hub.describe_many([url, gone, old.url], "bank", 2.0)
        assert [r.error is None for r in results] == [True, False, True]
        assert [hub.is_native(u) for u in (url, gone, old.url)] == [True, None, False]
        assert "add" in results[0].value.methods
        assert hub.generation(url) == hub.peer(url).generation == 1
        calls = [CallRequest(url, "bank", "add", (n, 1)) for n in range(100)]
        calls += [
            CallRequest(old.url, "bank", "get_mode"),
            CallRequest(gone, "bank", "get_mode"),
        ] * 2
        results = hub.call_many(calls, 5.0)
        assert [r.value for r in results[:100]] == list(range(1, 101))
        assert [r.value for r in results[100:]] == ["MODE1", None] * 2
        assert isinstance(results[-1].error, PeerLostError)
        modes = hub.call_each([old.url, url], "bank", "get_mode", timeout=5.0)
        assert modes[0].value == "MODE1"
        assert isinstance(modes[1].error, RemoteError)
        assert hub.call_many([]) == []


def test_calls_are_begun_now_and_answered_later(make_proxy: Make, served: tuple[str, Bank]) -> None:
    proxy = make_proxy(served[0])
    first = proxy.call_later("add", 1, 2)  # with the connection still to be made
    later = [proxy.call_later("add", n, y=1) for n in range(300)]
    assert [future.result() for future in reversed(later)] == list(range(300, 0, -1))
    assert first.result() == 3
    assert first.done()
    assert first.exception() is None
    assert proxy.add.later(2, 3).result() == 5
    failed = proxy.call_later("end", "value error")
    assert isinstance(failed.exception(), RemoteError)
    with pytest.raises(RemoteError, match="as asked"):
        failed.result()
    with pytest.raises(CallTimeoutError):
        proxy.call_later("hold", _timeout=0.1).result()
    assert isinstance(proxy.call_later("nothing").exception(), ProxyError)
    with pytest.raises(ProxyError, match="cannot travel"):
        proxy.call_later("echo", object()).result()
    called: list[Any] = []
    future = proxy.call_later("add", 2, 3)
    future.add_done_callback(called.append)
    assert future.result() == 5
    assert [f.result() for f in called] == [5]


def test_many_calls_in_one_message(make_proxy: Make, served: tuple[str, Bank]) -> None:
    proxy = make_proxy(served[0])
    for _ in range(2):  # the connection is made by the first
        with proxy.batch() as b:
            sums = [b.add(n, y=1) for n in range(1200)]
            wrong, refused = b.call("add", 1), b.refuse()
        assert [each.result() for each in sums] == list(range(1, 1201))
        assert isinstance(wrong.exception(), BadParametersError)
        with pytest.raises(RefusedError):
            refused.result()
    with pytest.raises(ZeroDivisionError), proxy.batch() as b:
        unsent = b.write(1)
        _ = 1 / 0
    assert isinstance(unsent.exception(), RuntimeError)
    assert served[1].written == []
    with OriginalPlayer(mode="MODE1") as old:
        with make_proxy(old.url).batch() as b:
            modes = [b.get_mode() for _ in range(5)]
        assert [mode.result() for mode in modes] == ["MODE1"] * 5
        assert old.is_alive


def test_a_cancelled_call_is_not_begun_and_an_operation_ends(
    make_proxy: Make, served: tuple[str, Bank]
) -> None:
    url, bank = served
    proxy = make_proxy(url)
    assert proxy.add(2, 3) == 5
    held = proxy.call_later("hold")
    assert bank.begun.wait(10)
    waits = [proxy.call_later("write", n) for n in range(5)]
    assert proxy.add(2, 3) == 5  # behind them on the wire
    assert [waits[n].cancel() for n in (0, 2, 4)] == [True] * 3
    assert not waits[0].cancel()
    assert proxy.add(2, 3) == 5
    bank.go_on.set()
    assert held.result() == "held"
    assert [waits[n].result() for n in (1, 3)] == [None] * 2
    assert bank.written == [1, 3]

    bank.begun.clear()
    mode = proxy.call_later("set_mode", "MODE1", _timeout=60.0)
    assert bank.begun.wait(10)
    hub = make_proxy()
    assert len(hub.call(url, "rpc", "operations", (True,))) == 1
    assert mode.cancel()
    eventually(lambda: not hub.call(url, "rpc", "operations", (True,)))
    assert hub.call(url, "rpc", "operations")[-1]["state"] == "aborted"
    assert proxy.sleep(0) == "slept"


def test_servers_of_the_original(make_proxy: Make) -> None:
    with OriginalPlayer(mode="MODE1") as old:
        proxy = make_proxy(old.url)
        assert [proxy.get_mode() for _ in range(50)] == ["MODE1"] * 50
        with pytest.raises(RemoteError):
            proxy.get_mode(1, 2, 3)
        assert old.is_alive
        old.suspend()
        with pytest.raises(CallTimeoutError):
            proxy.get_mode(_timeout=0.2)
        old.resume()
        assert until_found(proxy.list_modes) != "MODE1"  # not the answer to the last call
        old.kill()
        with pytest.raises(PeerLostError):
            proxy.get_mode()


@pytest.mark.parametrize("python2", [True, False])
def test_what_a_server_of_the_original_has_not_is_told_in_words(
    make_proxy: Make, python2: bool
) -> None:
    with OriginalPlayer(mode="MODE1", python2=python2) as old:
        proxy, hub = make_proxy(old.url), make_proxy()
        assert proxy.get_mode() == "MODE1"
        for ask in (
            lambda: proxy.operations(),
            lambda: proxy.operation("x-1"),
            lambda: proxy.begin("set_mode", "MODE1"),
            lambda: proxy.set_mode.begin("MODE1"),
            lambda: make_proxy(old.url).operations(),  # of one that has not asked yet
        ):
            with pytest.raises(ProtocolError, match="is of the original and has no operations"):
                ask()
        with pytest.raises(ProtocolError, match=r"is of the original and knows no rpc\.ping"):
            hub.call(old.url, "rpc", "ping")
        with pytest.raises(
            NoSuchInterfaceError,
            match=r"KeyError: u?'bar': the Player has no interface of this name",
        ):
            make_proxy(old.url, "bar").cat()
        with pytest.raises(NoSuchInterfaceError, match="no such interface"):
            hub.describe(old.url, "bar")
        with pytest.raises(
            NoSuchMethodError, match=r"KeyError: u?'nothing': bank has no method of this name"
        ):
            hub.call(old.url, "bank", "nothing")
        assert proxy.get_mode() == "MODE1"


def test_what_is_closed_says_so(make_proxy: Make, served: tuple[str, Bank]) -> None:
    hub = make_proxy()
    assert hub.call(served[0], "bank", "add", (2, 3)) == 5
    hub.close()
    with pytest.raises(PeerLostError, match="closed"):
        hub.call(served[0], "bank", "add", (2, 3))
    hub.close()


# tasks


@contextmanager
def _old_player() -> Iterator[OriginalPlayer]:
    with OriginalPlayer(mode="MODE1") as old:
        yield old


def test_a_cancelled_call_leaves_the_hub_usable_and_its_answer_is_dropped(
    served: tuple[str, Bank],
) -> None:
    url, bank = served

    async def run() -> None:
        async with AsyncProxyClient(None, "bank", url) as proxy:
            held = asyncio.create_task(proxy.hold())
            await asyncio.to_thread(bank.begun.wait, 10)
            held.cancel()
            with pytest.raises(asyncio.CancelledError):
                await held
            bank.go_on.set()
            assert await proxy.sleep(0) == "slept"
            assert not proxy._hub.peer(url).numbered
            bank.go_on.clear()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await proxy.hold()
            bank.go_on.set()
            assert await proxy.add(2, 3) == 5
            bank.begun.clear()
            mode = asyncio.create_task(proxy.set_mode("MODE1"))
            await asyncio.to_thread(bank.begun.wait, 10)
            mode.cancel()
            with pytest.raises(asyncio.CancelledError):
                await mode
            assert (
                await proxy.sleep(0, _timeout=20.0) == "slept"
            )  # the operation of 30 s was asked to end

    asyncio.run(run())


def test_a_call_begun_later_may_be_cancelled_before_the_connection_is_made(
    served: tuple[str, Bank],
) -> None:
    url, bank = served

    async def run() -> None:
        async with AsyncHub() as hub:
            future = hub.begin(url, "bank", "write", (1,))
            assert future.cancel()
            assert await hub.call(url, "bank", "sleep", (0,)) == "slept"
            assert not hub.peer(url).numbered
        assert bank.written == []
        closed = hub.begin(url, "bank", "write", (1,))
        with pytest.raises(PeerLostError, match="closed"):
            await closed

    asyncio.run(run())


def test_a_cancelled_call_to_an_old_server_is_not_answered_in_place_of_the_next() -> None:
    async def run(old: OriginalPlayer) -> None:
        async with AsyncProxyClient(None, "bank", old.url) as proxy:
            assert await proxy.get_mode() == "MODE1"
            old.suspend()
            asked = asyncio.create_task(proxy.get_mode())
            await asyncio.sleep(0.05)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            old.resume()
            assert isinstance(await proxy.list_modes(), list)

    with _old_player() as old:
        asyncio.run(run(old))


def test_tasks_call_beside_one_another_and_other_tasks_have_their_turn(
    served: tuple[str, Bank],
) -> None:
    url, bank = served

    async def run() -> None:
        turns = 0

        async def idle() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with AsyncProxyClient(None, "bank", url) as proxy:
            held, other = asyncio.create_task(proxy.hold()), asyncio.create_task(idle())
            assert await asyncio.gather(*(proxy.add(n, 1) for n in range(500))) == list(
                range(1, 501)
            )
            before = turns
            begun = time.monotonic()
            while time.monotonic() - begun < 0.1:
                await proxy.add(2, 1)
            assert turns - before >= 10
            bank.go_on.set()
            assert await held == "held"
            other.cancel()

    asyncio.run(run())


def test_closing_ends_the_calls_of_all_tasks_and_another_loop_is_refused(
    served: tuple[str, Bank],
) -> None:
    url, bank = served

    async def run() -> None:
        hub = AsyncHub()
        held = [asyncio.create_task(hub.call(url, "bank", "hold")) for _ in range(3)]
        await asyncio.to_thread(bank.begun.wait, 10)

        async def elsewhere() -> None:
            with pytest.raises(RuntimeError, match="another event loop"):
                await hub.call(url, "bank", "add", (2, 3))

        await asyncio.to_thread(asyncio.run, elsewhere())
        await hub.close()
        ended = await asyncio.gather(*held, return_exceptions=True)
        assert [type(e) for e in ended] == [PeerLostError] * 3

    asyncio.run(run())


def test_known_methods_have_documentation_and_signature(served: tuple[str, Bank]) -> None:
    async def run() -> None:
        async with AsyncProxyClient(None, "bank", served[0]) as proxy:
            while proxy.add.__doc__ is None:  # on a busy machine the hello takes longer than it has
                assert await proxy.add(1, 1) == 2
            assert proxy.add.__doc__.startswith("Adds two values.")
            assert "add" in dir(proxy)

    asyncio.run(run())
