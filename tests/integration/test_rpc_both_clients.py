"""Both clients, blocking and asyncio, which do the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.dealers import eventually
from support.native_player import NativePlayer
from support.original_server import OriginalPlayer
from support.player_run import free_port
from support.rpc_bank import Bank, serving

from zmqjsonproxy import (
    BadParametersError,
    CallTimeoutError,
    NoSuchInterfaceError,
    PeerLostError,
    ProxyError,
    RefusedError,
    RemoteError,
    command,
    operation,
    query,
)
from zmqjsonproxy.rpc.hub import CallRequest

Make = Callable[..., Any]


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


def test_what_is_closed_says_so(make_proxy: Make, served: tuple[str, Bank]) -> None:
    hub = make_proxy()
    assert hub.call(served[0], "bank", "add", (2, 3)) == 5
    hub.close()
    with pytest.raises(PeerLostError, match="closed"):
        hub.call(served[0], "bank", "add", (2, 3))
    hub.close()


# tasks
