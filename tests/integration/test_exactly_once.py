"""Commands over lines that are cut: carried out once, answered all the same, and looked up."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from support.original_client import OriginalClient
from support.rpc_bank import Bank, serving

from dealer import PlayersError
from player.ports import port_of
from player.testing.wire import Wire
from zmqjsonproxy.errors import CallTimeoutError, PeerLostError

Make = Callable[..., Any]


def later(call: Callable[..., Any], *args: Any) -> tuple[threading.Thread, list[Any]]:
    """Make a call in a thread; it, and what comes of the call."""
    came: list[Any] = []

    def make() -> None:
        try:
            came.append(call(*args))
        except BaseException as error:
            came.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    return thread, came


def test_a_command_whose_line_is_cut_is_answered_over_the_next_and_was_done_once(
    served: tuple[str, Bank], make_proxy: Make
) -> None:
    url, bank = served
    with Wire(port_of(url)) as wire:
        proxy = make_proxy(wire.url)
        proxy.write("first")
        thread, came = later(proxy.hold)
        assert bank.begun.wait(30)
        wire.cut()
        threading.Timer(0.1, bank.go_on.set).start()
        thread.join(60)
        assert came == ["held"]
    assert bank.written == ["first"]


def test_a_command_that_was_done_before_the_cut_is_not_done_again(
    served: tuple[str, Bank], make_proxy: Make
) -> None:
    url, bank = served
    with Wire(port_of(url)) as wire:
        proxy = make_proxy(wire.url)
        assert proxy.add(1, 2) == 3

        class Cutting(list[Any]):
            def append(self, value: Any) -> None:
                super().append(value)
                wire.cut()  # before the answer can have come

        bank.written = Cutting()
        proxy.write("once")
        assert bank.written == ["once"]


def test_a_line_that_stays_cut_is_told_of_with_the_identity_of_the_call(
    served: tuple[str, Bank], make_dealer: Make
) -> None:
    url, bank = served
    with Wire(port_of(url)) as wire:
        d = make_dealer(wire.url)
        d.add(1, 2)
        thread, came = later(d["BANKA"].hold)
        assert bank.begun.wait(30)
        wire.down()
        thread.join(60)
        (error,) = came
        assert isinstance(error, PeerLostError)
        wire.up()
        wait_for(lambda: d.outcome_of(error)["BANKA"], "running")
        bank.go_on.set()
        found = wait_for(lambda: d.outcome_of(error.call_id)["BANKA"], "done")
        assert found.value == "held"


def wait_for(look: Callable[[], Any], state: str) -> Any:
    """Look until a state is there; after a cut there are pauses between connections."""
    found: Any = None
    for _ in range(3000):
        try:
            found = look()
        except PlayersError as away:
            found = away
        if getattr(found, "state", "") == state:
            return found
        threading.Event().wait(0.01)
    raise AssertionError(found)


def test_what_became_of_a_call_that_timed_out_can_be_asked(
    served: tuple[str, Bank], make_dealer: Make
) -> None:
    url, bank = served
    d = make_dealer(url)
    d["BANKA"].set_request_reply_timeout(0.2)
    d.add(1, 2)
    with pytest.raises(CallTimeoutError) as late:
        d["BANKA"].hold()
    assert d.outcome_of(late.value)["BANKA"].state == "running"
    bank.go_on.set()
    assert wait_for(lambda: d.outcome_of(late.value)["BANKA"], "done").value == "held"
    unknown = d.outcome_of("never-7")["BANKA"]
    assert unknown.state == "unknown"
    assert "never-7" in unknown.text


def test_a_call_that_failed_and_an_operation_are_looked_up_with_what_came_of_them(
    served: tuple[str, Bank], make_dealer: Make
) -> None:
    d = make_dealer(served[0])
    with OriginalClient(served[0]) as raw:
        extra = {"dealer": {"call_id": "mine"}}
        assert raw.rpc("bank.end", ["value error"], **extra)["error"]["data"]["text"] == "as asked"
        assert raw.rpc("bank.count", [3], dealer={"call_id": "another"})["result"] == 3
    failed, counted = d.outcome_of("mine")["BANKA"], d.outcome_of("another")["BANKA"]
    assert failed.state == "failed"
    assert "as asked" in str(failed.error)
    assert (counted.state, counted.value) == ("done", 3)


def test_fifty_at_once_with_one_identity_are_one_call() -> None:
    with serving() as (url, bank), ExitStack() as stack:
        clients = [stack.enter_context(OriginalClient(url)) for _ in range(50)]
        call = {"jsonrpc": "2.0", "method": "bank.hold", "dealer": {"call_id": "mine"}}
        for number, client in enumerate(clients):
            client.socket.send(json.dumps({**call, "id": number}).encode())
        assert bank.begun.wait(30)
        with OriginalClient(url) as other:  # behind all of those, in the thread of the socket
            other.ask("add", 1, 2)
        bank.go_on.set()
        answers = [json.loads(client.socket.recv()) for client in clients]
        assert [(each["id"], each["result"]) for each in answers] == [
            (number, "held") for number in range(50)
        ]
        assert (
            clients[0]
            .rpc("bank.write", [1], id=51, dealer={"call_id": "mine"})["error"]["data"]["text"]
            .startswith("call mine came with other arguments than before: bank.write(1)")
        )
        assert bank.written == []


def test_a_call_of_a_former_run_is_unknown_and_not_done() -> None:
    with serving() as (url, bank), OriginalClient(url) as raw:
        again = {"call_id": "mine", "instance": "a former run"}
        error = raw.rpc("bank.write", [1], dealer=again)["error"]
        assert error["data"]["type"] == "OutcomeUnknownError"
        assert bank.written == []
