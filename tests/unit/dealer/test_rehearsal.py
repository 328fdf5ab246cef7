"""A model in the place of a Player: what is answered when, in virtual time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from dealer.rehearsal import ModelPlayer
from dealer.virtualtime import VirtualClock
from zmqjsonproxy import command, current_operation, operation


class Slow:
    """Waits in each call; its own model."""

    @command
    def turn(self) -> str:
        current_operation().wait(2.0)
        return "turned"

    @operation
    def sweep(self) -> str:
        current_operation().wait(3.0)
        return "swept"

    @operation(answers_when_accepted=True)
    def run(self) -> str:
        current_operation().wait(1.0)
        current_operation().accept("running")
        current_operation().wait(10.0)
        return "run"

    def objects(self) -> Mapping[str, object | None]:
        return {"bank": self}

    def catch_up(self) -> None: ...

    def take_waited(self) -> float:
        return 0.0

    def next_change(self) -> float | None:
        return None

    def tell(
        self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any], value: Any
    ) -> tuple[str, list[str]]:
        return method, []


@pytest.mark.parametrize(
    ("method", "value", "seconds", "goes_on"),
    [
        ("turn", "turned", 2.0, False),
        ("sweep", "swept", 3.0, True),
        ("run", "running", 1.0, True),
    ],
)
def test_a_call_takes_as_long_as_it_waits_until_it_is_answered(
    method: str, value: str, seconds: float, goes_on: bool
) -> None:
    player = ModelPlayer("BANKA", "tcp://a:1", Slow(), VirtualClock(time.time()))
    result = player.call("bank", method, (), {}, 60.0).result
    assert (result.value, result.delay_s) == (value, seconds)
    assert (player.next_end() is not None) == goes_on


def test_an_operation_that_is_begun_is_answered_at_once() -> None:
    player = ModelPlayer("BANKA", "tcp://a:1", Slow(), VirtualClock(time.time()))
    begun = player.begin("bank", "sweep", (), {}).result
    state = player.call("rpc", "operation", (begun.value["operation"],), {}, 60.0).result.value
    assert state["state"] == "running"
    assert player.begin("bank", "turn", (), {}).result.error is not None
