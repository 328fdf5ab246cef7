"""Operations that are refused when they arrive or wait beside their command queue, and the names of
callers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from support.dealers import eventually
from support.original_client import OriginalClient
from support.rpc_bank import Bank, serving

from zmqjsonproxy import RefusedError, ZMQJSONProxyClient, command, current_operation, operation
from zmqjsonproxy.caller import Caller, current_caller
from zmqjsonproxy.handle import OperationHandle


class Telescope(Bank):
    """Observes one thing at a time, and says who asked for it."""

    def __init__(self) -> None:
        super().__init__()
        self.owner: tuple[OperationHandle, Caller] | None = None
        self.callers: list[Caller] = []

    def _admit(self, handle: OperationHandle, when: float = 0.0) -> None:
        if self.owner is not None and not self.owner[0].record.state.is_final:
            raise RefusedError(f"held by {self.owner[1]}")
        self.owner = handle, current_caller()

    @operation(answers_when_accepted=True, refusal_pair=True, admit=_admit)
    def observe(self, when: float = 0.0) -> list[Any]:
        handle = current_operation()
        handle.accept([True, "accepted"])
        handle.leave_queue()
        handle.wait(30)
        return [True, "begun"]

    @command
    def who(self) -> str:
        self.callers.append(current_caller())
        return current_caller().name


@pytest.fixture
def served() -> Iterator[tuple[str, Telescope]]:
    telescope = Telescope()
    with serving(bank=telescope) as (url, _bank):
        yield url, telescope


def test_an_operation_is_refused_when_it_arrives_while_a_command_holds_the_queue(
    served: tuple[str, Telescope],
) -> None:
    url, telescope = served
    with (
        ZMQJSONProxyClient(None, "bank", url, 20) as one,
        ZMQJSONProxyClient(None, "bank", url, 20) as other,
    ):
        held = one.hold.later()
        assert telescope.begun.wait(20)
        first = one.observe.later()
        eventually(lambda: telescope.owner is not None)
        with pytest.raises(RefusedError, match=rf"held by .*@.*:{os.getpid()}"):
            other.observe()
        telescope.go_on.set()
        held.result(20)
        assert first.result(20) == [True, "accepted"]
        other.stop()
        eventually(lambda: telescope.owner is not None and telescope.owner[0].record.state.is_final)
        other.observe()
        other.stop()


def test_wrong_arguments_of_an_admitted_operation_are_told_with_its_signature(
    served: tuple[str, Telescope],
) -> None:
    with ZMQJSONProxyClient(None, "bank", served[0], 20) as proxy:
        with pytest.raises(Exception, match=r"the signature is observe\(when: "):
            proxy.observe(1, 2, 3)
        assert proxy.operations() == []


def test_commands_run_beside_an_operation_that_left_its_queue_and_aborts_reach_it(
    served: tuple[str, Telescope],
) -> None:
    with ZMQJSONProxyClient(None, "bank", served[0], 20) as proxy:
        waiting = proxy.observe.begin()
        eventually(lambda: waiting.look().state == "running")
        assert all(proxy.who() for _ in range(3))
        assert waiting.look().state == "running"
        proxy.stop()
        eventually(lambda: waiting.look().state == "aborted")


def test_a_full_queue_forgets_who_was_admitted(served: tuple[str, Telescope]) -> None:
    url, telescope = served
    with ZMQJSONProxyClient(None, "bank", url, 20) as proxy:
        waiting = [proxy.hold.later()]
        assert telescope.begun.wait(20)
        waiting += [proxy.who.later() for _ in range(64)]
        with pytest.raises(Exception, match="64 calls of this client are waiting already"):
            proxy.observe()
        assert telescope.owner is not None
        assert telescope.owner[0].record.state.is_final
        telescope.go_on.set()
        for each in waiting:
            each.result(20)


def test_commands_know_who_calls_in_both_dialects(served: tuple[str, Telescope]) -> None:
    url, telescope = served
    with ZMQJSONProxyClient(None, "bank", url, 20) as proxy:
        assert proxy.who().endswith(f":{os.getpid()}")
    with OriginalClient(url) as old:
        assert old.ask("who") == "a client of the original"
    assert [caller.native for caller in telescope.callers] == [True, False]
