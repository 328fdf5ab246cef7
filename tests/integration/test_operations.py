"""Long calls as their callers see them: on real sockets, with servers in processes of their own
that die and freeze."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.dealers import eventually, originals
from support.player_process import PlayerProcess
from support.rpc_bank import Bank, RpcServer, serving

import dealer
from zmqjsonproxy import (
    AsyncOperation,
    AsyncProxyClient,
    Operation,
    OperationAbortedError,
    OperationLostError,
    ProtocolError,
    RefusedError,
    RemoteError,
    ThreadHub,
    ZMQJSONProxyClient,
    operation,
)

ROOT = Path(__file__).resolve().parents[2]
LONG = 60.0
Make = Callable[..., Any]


@pytest.fixture
def player() -> Iterator[PlayerProcess]:
    with RpcServer() as process:
        yield process


@pytest.fixture
def proxy(player: PlayerProcess, make_proxy: Make) -> Any:
    """Of either kind; as they are written, attributes of those for asyncio tell what was heard
    last."""
    return make_proxy(player.url, time_out=20.0)


def test_one_is_begun_at_once_tells_how_far_it_is_and_has_one_end(proxy: Any) -> None:
    operation = proxy.set_mode.begin("M")
    eventually(lambda: operation.look().text == "programming")
    assert (operation.state, operation.fraction, operation.done()) == ("running", 0.25, False)
    assert operation.estimate is not None
    assert operation.started is not None
    assert f":{os.getpid()}" in operation.client
    with pytest.raises(
        TimeoutError, match=r"bank\.set_mode: no end within 0\.05 s; it is still running"
    ):
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
    with pytest.raises(
        ProtocolError, match=r"bank\.write at .* is no operation but a command; call it"
    ):
        proxy.write.begin(1)
    assert proxy.operations() == []
    with pytest.raises(RefusedError, match="no operation 'nonsense' is known here"):
        proxy.operation("nonsense")


def test_those_who_want_to_hear_of_it_do_and_of_the_end_once(proxy: Any) -> None:
    operation = proxy.set_mode.begin("M")
    heard: list[str] = []
    texts: set[str] = set()
    operation.on_progress(lambda which: texts.add(which.text))
    operation.on_progress(lambda which: [][0])  # one that raises keeps nothing from the others
    operation.on_done(lambda which: heard.append(which.state))
    eventually(
        lambda: proxy.operations(active=True) and "programming" in texts
    )  # a question lets a loop run
    operation.abort()
    eventually(lambda: not proxy.operations(active=True) and heard == ["aborted"])
    operation.on_done(lambda which: heard.append(which.state))  # it has ended
    eventually(lambda: not proxy.operations(active=True) and heard == ["aborted", "aborted"])


def test_another_client_finds_it_by_its_identity_and_aborts_it(
    player: PlayerProcess, proxy: Any
) -> None:
    operation = proxy.set_mode.begin("M")
    code = (
        "import sys; from zmqjsonproxy import ZMQJSONProxyClient\n"
        "with ZMQJSONProxyClient(None, 'bank', sys.argv[1]) as bank:\n"
        "    (found,) = bank.operations(active=True)\n"
        "    bank.operation(found.id).abort('the night is over')\n"
        "    print(found.id, found.method)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, player.url],
        capture_output=True,
        text=True,
        timeout=LONG,
        cwd=ROOT,
        check=False,
    )
    assert (done.returncode, done.stdout.split(), done.stderr) == (
        0,
        [operation.id, "bank.set_mode"],
        "",
    )
    with pytest.raises(OperationAbortedError, match="the night is over"):
        operation.result(LONG)


def test_the_bank_itself_ends_it_and_one_that_waits_ends_without_having_begun(proxy: Any) -> None:
    first, second, third = (proxy.set_mode.begin(mode) for mode in ("A", "B", "C"))
    eventually(lambda: first.look().text == "programming")
    second.abort("not now")  # while the first goes on
    assert second.wait(LONG)
    assert (second.state, second.started) == ("aborted", None)
    assert (first.look().state, third.look().state) == ("running", "queued")
    assert proxy.stop() == "stopped"
    assert first.wait(LONG)
    assert third.wait(LONG)
    assert "stop was called" in str(first.exception()) + str(third.exception())
    assert proxy.count.begin(2).result(LONG) == 2  # the command queue goes on


@pytest.mark.parametrize("ask", ["cancel", "abort"])
def test_a_slow_hook_of_an_abort_holds_up_nobody(ask: str) -> None:
    bank = Bank()
    with serving(bank=bank) as (url, _), ZMQJSONProxyClient(None, "bank", url, 30.0) as proxy:
        if ask == "cancel":
            held: Any = proxy.call_later("hooked")
            assert bank.begun.wait(10)
            assert held.cancel()
        else:
            begun = proxy.begin("accept", "slow hook")
            assert bank.begun.wait(10)
            begun.abort("enough")
        assert proxy.add(2, 3) == 5
        assert bank.heard == []
        bank.go_on.set()


def test_a_command_that_aborts_begins_when_the_hooks_have_run() -> None:
    bank = Bank()
    with serving(bank=bank) as (url, _), ZMQJSONProxyClient(None, "bank", url, 30.0) as proxy:
        begun = proxy.begin("accept", "slow hook")
        assert bank.begun.wait(10)
        stopping = proxy.call_later("stop")
        assert proxy.add(2, 3) == 5
        assert bank.stopped == 0
        bank.go_on.set()
        assert stopping.result() == "stopped"
        assert bank.heard == [True]
        with pytest.raises(OperationAbortedError, match="stop was called"):
            begun.result(10)


def test_one_that_was_killed_in_the_middle_is_lost_as_soon_as_another_serves(
    player: PlayerProcess, proxy: Any
) -> None:
    operation = proxy.set_mode.begin("M")
    heard: list[str] = []
    operation.on_done(lambda which: heard.append(which.state))
    eventually(lambda: operation.look().text == "programming")
    player.kill()
    eventually(lambda: operation.look().trouble is not None)
    assert operation.look().state == "running"  # so far nobody knows better
    with RpcServer(player.url):
        assert operation.wait(LONG)
        with pytest.raises(OperationLostError, match="another run of this server"):
            operation.result()
        assert (
            proxy.operation(operation.id).state == "lost"
        )  # for a client that was started again, too
        eventually(lambda: proxy.operation(operation.id).done() and heard == ["lost"])
        proxy.count.begin(1).wait(LONG)
        assert operation.state == "lost"


def test_one_whose_server_never_comes_back_is_lost_after_a_while(player: PlayerProcess) -> None:
    with ThreadHub() as hub, ZMQJSONProxyClient(None, "bank", player.url, 20.0, hub=hub) as proxy:
        begun = proxy.set_mode.begin("M")
        operation = Operation.find(hub, player.url, begun.id, 20.0, lost_after=1.0)
        player.kill()
        assert operation.wait(LONG)
        assert isinstance(operation.exception(), OperationLostError)
        assert "has not answered for" in str(operation.exception())


def test_one_whose_server_was_frozen_goes_on(player: PlayerProcess, proxy: Any) -> None:
    operation = proxy.set_mode.begin("M")
    eventually(lambda: operation.look().text == "programming")
    player.suspend()
    eventually(lambda: operation.look().trouble is not None)
    assert operation.look().state == "running"
    player.resume()
    eventually(lambda: operation.look().trouble is None)
    assert operation.look().state == "running"
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
        assert proxy.count.begin(0).wait(
            LONG
        )  # a thousand ended ones are kept, and the one just begun
        with pytest.raises(RefusedError, match="is known here"):
            proxy.operation(ended[0])


class Keeper(Bank):
    """Answers with what it goes on changing."""

    @operation
    def history(self) -> list[Any]:
        self.written.append("asked")
        return self.written


def test_of_a_result_a_copy_is_kept() -> None:
    with (
        serving(bank=Keeper()) as (url, bank),
        ZMQJSONProxyClient(None, "bank", url, 20.0) as proxy,
    ):
        begun = proxy.history.begin()
        assert begun.wait(LONG)
        bank.written.append("later")
        assert proxy.operation(begun.id).result() == ["asked"]


def test_a_dealer_begins_one_on_each_bank_and_finds_them_again(make_dealer: Make) -> None:
    with (
        RpcServer() as a,
        RpcServer() as b,
        dealer.Dealer({"BANKB": b.url, "BANKA": a.url}) as other,
    ):
        d = make_dealer(a.url, b.url)
        assert d.begin("count", 4).result(LONG) == {"BANKA": 4, "BANKB": 4}

        operations = d.begin("set_mode", "M")
        assert list(operations) == ["BANKA", "BANKB"]
        eventually(lambda: operations.look().fraction == 0.25)
        assert not operations.done()
        outcomes = operations.outcomes(0.05)
        assert {type(o.error) for o in outcomes.values()} == {TimeoutError}
        over: list[Any] = []
        operations.on_done(over.append)
        found = other.operation(operations.ids)
        found["BANKA"].abort("A alone")
        assert operations["BANKA"].wait(LONG)
        assert operations.look().states == {"BANKA": "aborted", "BANKB": "running"}
        assert [each.id for each in d.operations(active=True)["BANKB"]] == [operations.ids["BANKB"]]
        assert over == []
        b.kill()
        with RpcServer(b.url):
            with pytest.raises(dealer.PlayersError) as failed:
                operations.result(LONG)
            errors = {bank: type(o.error) for bank, o in failed.value.failed.items()}
            assert errors == {"BANKA": OperationAbortedError, "BANKB": OperationLostError}
            eventually(lambda: d.outcomes("rpc.ping") and len(over) == 1)


def test_all_are_aborted_at_once_and_those_that_cannot_be_asked_are_named(
    make_dealer: Make,
) -> None:
    with RpcServer() as a, RpcServer() as b:
        d = make_dealer(a.url, b.url)
        operations = d.begin("set_mode", "M")
        b.kill()
        with pytest.raises(
            dealer.PlayersError, match=r"abort of set_mode: 1 of 2 Banks failed\n  BANKB: "
        ) as failed:
            operations.abort("enough")
        assert list(failed.value.failed) == ["BANKB"]
        with pytest.raises(OperationAbortedError, match="enough"):
            operations["BANKA"].result(LONG)
        with pytest.raises(
            dealer.PlayersError, match="no operation 'nonsense' is known here"
        ) as unknown:
            d.operation({"BANKA": "nonsense", "BANKB": "nonsense"})
        assert list(unknown.value.failed) == ["BANKA", "BANKB"]
        d.close()
        with pytest.raises(dealer.ClosedError):
            d.begin("set_mode", "M")


def test_a_dealer_sends_nothing_if_one_bank_cannot_and_names_those_that_began_if_one_is_away(
    make_dealer: Make,
) -> None:
    (old,) = originals(1)
    with old, RpcServer() as a, RpcServer() as b:
        d = make_dealer(a.url, b.url, old.url)
        with pytest.raises(
            dealer.NotExportedError, match=r"nothing was sent: BANKC is a Player of the original"
        ):
            d.begin("set_mode", "M", _banks=["BANKA", "BANKC"])
        d.remove_active_player("BANKB", "BANKC")
        with pytest.raises(dealer.NotExportedError, match=r"BANKA has it as a query; call it"):
            d.begin("add", 1, 2)
        assert d.operations() == {"BANKA": []}
        d.begin("count", 1, _banks=["BANKA", "BANKB"]).wait(LONG)
        b.kill()
        with pytest.raises(dealer.PlayersError, match="begun, and going on: BANKA") as failed:
            d.begin("set_mode", "M", _banks=["BANKA", "BANKB"])
        going_on = d.operation({"BANKA": failed.value.outcomes["BANKA"].value.id})
        going_on.abort()
        assert going_on.wait(LONG)
        assert going_on.states == {"BANKA": "aborted"}


# tasks


def test_a_cancelled_wait_leaves_it_alone_and_a_coroutine_may_be_told(
    player: PlayerProcess,
) -> None:
    async def run() -> None:
        async with AsyncProxyClient(None, "bank", player.url) as proxy:
            operation = await proxy.set_mode.begin("M")
            told: asyncio.Future[str] = asyncio.get_running_loop().create_future()

            async def tell(which: AsyncOperation) -> None:
                known = [each.id for each in await proxy.operations()]
                told.set_result(f"{which.id in known} {which.state}")

            operation.on_done(tell)
            waiting = asyncio.create_task(operation.result())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await operation.wait()
            assert (await operation.look()).state in ("queued", "running")
            first, second = await asyncio.gather(operation.wait(0.01), proxy.begin("count", 3))
            assert first is False
            await operation.abort("enough")
            assert await operation.wait(LONG)
            async with asyncio.timeout(LONG):
                assert await told == "True aborted"
            assert await second.result(LONG) == 3

    asyncio.run(run())
