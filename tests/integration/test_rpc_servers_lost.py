"""Servers that are slow, dead, frozen or of the original, as both clients, blocking and asyncio, tell of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from support.original_server import OriginalPlayer
from support.player_run import free_port
from support.rpc_bank import Bank, RpcServer

from dealer import PlayersError
from zmqjsonproxy import (
    CallTimeoutError,
    NoSuchInterfaceError,
    NoSuchMethodError,
    OperationLostError,
    PeerLostError,
    ProtocolError,
    RemoteError,
)

Make = Callable[..., Any]


def until_found(call: Callable[[], Any], within: float = 10.0) -> Any:
    """Call until a server is there."""
    end = time.monotonic() + within
    while True:
        with suppress(PeerLostError, CallTimeoutError, AttributeError):
            return call()
        assert time.monotonic() < end
        time.sleep(0.02)


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
