"""Long calls as their callers see them: on real sockets, with servers in processes of their own that die and freeze."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.dealers import eventually, originals
from support.player_process import PlayerProcess
from support.rpc_bank import Bank, serving

import dealer
from zmqjsonproxy import (
    Hub,
    Operation,
    OperationAbortedError,
    OperationLostError,
    ProtocolError,
    RefusedError,
    RemoteError,
    ZMQJSONProxyClient,
    operation,
)

ROOT = Path(__file__).resolve().parents[2]
LONG = 60.0


@pytest.fixture
def player() -> Iterator[PlayerProcess]:
    with PlayerProcess("support.rpc_bank", []) as process:
        yield process


@pytest.fixture
def proxy(player: PlayerProcess) -> Iterator[Any]:
    with ZMQJSONProxyClient(None, "bank", player.url, 20.0) as client:
        yield client


def test_one_is_begun_at_once_tells_how_far_it_is_and_has_one_end(proxy: Any) -> None:
    operation = proxy.set_mode.begin("M")
    eventually(lambda: operation.text == "programming")
    assert (operation.state, operation.fraction, operation.done()) == ("running", 0.25, False)
    assert operation.estimate is not None
    assert operation.started is not None
    assert f":{os.getpid()}" in operation.client
    with pytest.raises(TimeoutError, match=r"bank\.set_mode: no end within 0\.05 s; it is still running"):
        operation.result(0.05)
    operation.abort("enough")
    with pytest.raises(OperationAbortedError, match="enough"):
        operation.result(LONG)
    ended = operation.ended
    assert (operation.state, ended >= operation.started) == ("aborted", True)
    operation.abort("again")  # has no effect
    assert (operation.state, operation.ended) == ("aborted", ended)

    counted = proxy.begin("count", 7)
    assert counted.result(LONG) == 7
    assert (counted.state, counted.fraction, counted.estimate) == ("done", 1.0, None)


def test_what_a_call_would_have_raised_its_operation_raises(proxy: Any) -> None:
    with pytest.raises(RemoteError, match="TypeError"):
        proxy.count.begin("many").result(LONG)


def test_only_operations_can_be_begun_and_nothing_is_done_instead(proxy: Any) -> None:
    with pytest.raises(ProtocolError, match=r"bank\.write at .* is no operation but a command; call it"):
        proxy.write.begin(1)
    assert proxy.operations() == []
    with pytest.raises(RefusedError, match="no operation 'nonsense' is known here"):
        proxy.operation("nonsense")


def test_those_who_want_to_hear_of_it_do_and_of_the_end_once(proxy: Any) -> None:
    operation = proxy.set_mode.begin("M")
    heard: list[str] = []
    over = threading.Event()

    def ended(which: Operation) -> None:
        heard.append(which.state)
        over.set()

    texts: set[str] = set()
    operation.on_progress(lambda which: texts.add(which.text))
    operation.on_progress(lambda which: [][0])  # one that raises keeps nothing from the others
    operation.on_done(ended)
    eventually(lambda: "programming" in texts)
    operation.abort()
    assert over.wait(LONG)
    operation.on_done(ended)  # at once
    assert heard == ["aborted", "aborted"]


def test_another_client_finds_it_by_its_identity_and_aborts_it(player: PlayerProcess, proxy: Any) -> None:
    operation = proxy.set_mode.begin("M")
    code = (
        "import sys; from zmqjsonproxy import ZMQJSONProxyClient\n"
        "with ZMQJSONProxyClient(None, 'bank', sys.argv[1]) as bank:\n"
        "    (found,) = bank.operations(active=True)\n"
        "    bank.operation(found.id).abort('the night is over')\n"
        "    print(found.id, found.method)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, player.url], capture_output=True, text=True, timeout=LONG, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [operation.id, "bank.set_mode"], "")
    with pytest.raises(OperationAbortedError, match="the night is over"):
        operation.result(LONG)


def test_the_bank_itself_ends_it_and_one_that_waits_ends_without_having_begun(proxy: Any) -> None:
    first, second, third = (proxy.set_mode.begin(mode) for mode in ("A", "B", "C"))
    eventually(lambda: first.text == "programming")
    second.abort("not now")  # while the first goes on
    assert second.wait(LONG)
    assert (second.state, second.started, first.state, third.state) == ("aborted", None, "running", "queued")
    assert proxy.stop() == "stopped"
    assert first.wait(LONG)
    assert third.wait(LONG)
    assert "stop was called" in str(first.exception()) + str(third.exception())
    assert proxy.count.begin(2).result(LONG) == 2  # the lane goes on


def test_one_that_was_killed_in_the_middle_is_lost_as_soon_as_another_serves(
    player: PlayerProcess, proxy: Any
) -> None:
    operation = proxy.set_mode.begin("M")
    heard: list[str] = []
    operation.on_done(lambda which: heard.append(which.state))
    eventually(lambda: operation.text == "programming")
    player.kill()
    eventually(lambda: operation.trouble is not None)
    assert operation.state == "running"  # so far nobody knows better
    with PlayerProcess("support.rpc_bank", [player.url]):
        assert operation.wait(LONG)
        with pytest.raises(OperationLostError, match="another run of this server"):
            operation.result()
        assert proxy.operation(operation.id).state == "lost"  # for a client that was started again, too
        eventually(lambda: heard == ["lost"])
        proxy.count.begin(1).wait(LONG)
        assert operation.state == "lost"


def test_one_whose_server_never_comes_back_is_lost_after_a_while(player: PlayerProcess) -> None:
    with Hub() as hub, ZMQJSONProxyClient(None, "bank", player.url, 20.0, hub=hub) as proxy:
        begun = proxy.set_mode.begin("M")
        operation = Operation.find(hub, player.url, begun.id, 20.0, lost_after=1.0)
        player.kill()
        assert operation.wait(LONG)
        assert isinstance(operation.exception(), OperationLostError)
        assert "has not answered for" in str(operation.exception())


def test_one_whose_server_was_frozen_goes_on(player: PlayerProcess, proxy: Any) -> None:
    operation = proxy.set_mode.begin("M")
    eventually(lambda: operation.text == "programming")
    player.suspend()
    eventually(lambda: operation.trouble is not None)
    assert operation.state == "running"
    player.resume()
    eventually(lambda: operation.trouble is None)
    assert operation.state == "running"
    operation.abort("after all")
    with pytest.raises(OperationAbortedError, match="after all"):
        operation.result(LONG)


def test_a_thousand_are_all_remembered_and_each_has_its_own_end() -> None:
    with serving() as (url, _), ZMQJSONProxyClient(None, "bank", url, 20.0) as proxy:
        ended = []
        for n in range(1000):
            operation = proxy.count.begin(n % 3)
            assert operation.result(LONG) == n % 3
            ended.append(operation.id)
        listed = proxy._hub.call(url, "rpc", "operations", (False, 5000), None, LONG)
        assert [each["id"] for each in listed] == ended
        assert {each["state"] for each in listed} == {"done"}
        assert proxy.operation(ended[0]).result() == 0
        proxy.count.begin(0).wait(LONG)
        assert proxy.count.begin(0).wait(LONG)  # a thousand ended ones are kept, and the one just begun
        with pytest.raises(RefusedError, match="is known here"):
            proxy.operation(ended[0])


class Keeper(Bank):
    """Answers with what it goes on changing."""

    @operation
    def history(self) -> list[Any]:
        self.written.append("asked")
        return self.written


def test_of_a_result_a_copy_is_kept() -> None:
    with serving(bank=Keeper()) as (url, bank), ZMQJSONProxyClient(None, "bank", url, 20.0) as proxy:
        begun = proxy.history.begin()
        assert begun.wait(LONG)
        bank.written.append("later")
        assert proxy.operation(begun.id).result() == ["asked"]


def test_a_dealer_begins_one_on_each_bank_and_finds_them_again() -> None:
    with (
        PlayerProcess("support.rpc_bank", []) as a, PlayerProcess("support.rpc_bank", []) as b,
        dealer.Dealer({"BANKA": a.url, "BANKB": b.url}) as d, dealer.Dealer({"BANKB": b.url, "BANKA": a.url}) as other,
    ):  # fmt: skip
        d.add_active_player("BANKB")
        assert d.begin("count", 4).result(LONG) == {"BANKA": 4, "BANKB": 4}

        operations = d.begin("set_mode", "M")
        assert list(operations) == ["BANKA", "BANKB"]
        eventually(lambda: operations.fraction == 0.25)
        assert not operations.done()
        outcomes = operations.outcomes(0.05)
        assert {type(o.error) for o in outcomes.values()} == {TimeoutError}
        over = threading.Event()
        operations.on_done(lambda _: over.set())
        found = other.operation(operations.ids)
        found["BANKA"].abort("A alone")
        assert operations["BANKA"].wait(LONG)
        assert operations.states == {"BANKA": "aborted", "BANKB": "running"}
        assert not over.is_set()
        b.kill()
        with PlayerProcess("support.rpc_bank", [b.url]):
            with pytest.raises(dealer.PlayersError) as failed:
                operations.result(LONG)
            errors = {bank: type(o.error) for bank, o in failed.value.failed.items()}
            assert errors == {"BANKA": OperationAbortedError, "BANKB": OperationLostError}
            assert over.wait(LONG)


def test_a_dealer_sends_nothing_if_one_bank_cannot_and_names_those_that_began_if_one_is_away() -> None:
    (old,) = originals(1)
    with old, PlayerProcess("support.rpc_bank", []) as a, PlayerProcess("support.rpc_bank", []) as b:
        with dealer.Dealer({"BANKA": a.url, "BANKB": b.url, "BANKC": old.url}) as d:
            with pytest.raises(dealer.NotExportedError, match=r"nothing was sent: BANKC is a Player of the original"):
                d.begin("set_mode", "M", _banks=["BANKA", "BANKC"])
            with pytest.raises(dealer.NotExportedError, match=r"BANKA has it as a query; call it"):
                d.begin("add", 1, 2)
            assert d.operations() == {"BANKA": []}
            d.begin("count", 1, _banks=["BANKA", "BANKB"]).wait(LONG)
            b.kill()
            with pytest.raises(dealer.PlayersError, match="begun, and going on: BANKA") as failed:
                d.begin("set_mode", "M", _banks=["BANKA", "BANKB"])
            going_on = failed.value.outcomes["BANKA"].value
            going_on.abort()
            assert going_on.wait(LONG)
            assert going_on.state == "aborted"
