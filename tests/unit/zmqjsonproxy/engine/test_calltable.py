"""Calls that come again: answered as before, refused, or unknown, and carried out once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zmqjsonproxy.engine.calltable import MAX_WAITING, CallTable, KnownCall, TableLimits
from zmqjsonproxy.errors import OutcomeUnknownError, RefusedError
from zmqjsonproxy.interface import Interface, command
from zmqjsonproxy.protocol.request import Request


class Noise:
    """A Bank."""

    @command
    def set_period(self, period: float, password: str = "") -> None:
        """Set."""


METHOD = Interface.of("bank", Noise()).methods["set_period"]
Table = CallTable[str]


def table(**limits: int) -> Table:
    return CallTable(
        "this run",
        lambda reply: (reply, len(reply)),
        lambda reply, request: f"{request.id}: {reply}",
        lambda reply: {"result": reply},
        TableLimits(**limits),
    )


def request(number: int = 7, *args: Any, run: str = "run", **extra: Any) -> Request:
    return Request("bank.set_period", list(args), {}, True, number, False, {"run": run, **extra})


def begin(
    known: Table, call: Request, key: str = "", answer: Callable[[str], None] = lambda _: None
) -> tuple[KnownCall[str], bool]:
    found = known.begin(METHOD, call, key, 100, answer)
    assert found is not None
    return found


def test_one_that_comes_again_gets_the_first_answer() -> None:
    known = table()
    first, is_new = begin(known, request(7, 2.0))
    assert is_new
    known.finish(first, "set")
    again, is_new = begin(known, request(7, 2.0, instance="this run"))
    assert not is_new
    assert known.reply(again, request(7)) == "7: set"


def test_many_at_once_are_carried_out_once_and_all_are_answered() -> None:
    known, answers = table(), list[str]()
    first, _ = begin(known, request(1, call_id="mine"))
    for number in range(2, 51):
        again, is_new = begin(known, request(number, call_id="mine"), answer=answers.append)
        assert not is_new
        assert known.reply(again, request(number)) is None
    known.finish(first, "set")
    assert answers == [f"{number}: set" for number in range(2, 51)]


@pytest.mark.parametrize("args", [(3.0,), (2,), ([2.0],), ()])
def test_other_arguments_are_refused_and_both_are_shown(args: tuple[Any, ...]) -> None:
    known = table()
    begin(known, request(7, 2.0))
    with pytest.raises(RefusedError) as refused:
        begin(known, request(7, *args))
    assert "set_period(2.0)" in refused.value.text
    assert f"set_period({', '.join(map(repr, args))})" in refused.value.text


def test_a_secret_is_shown_to_nobody() -> None:
    known = table()
    begin(known, request(7, 2.0, "my password"))
    with pytest.raises(RefusedError) as refused:
        begin(known, request(7, 2.0, "another one"))
    assert "my password" not in refused.value.text
    assert "another one" not in refused.value.text


def test_arrays_are_compared_by_their_values() -> None:
    known = table()
    begin(known, request(7, np.arange(5000)))
    assert not begin(known, request(7, np.arange(5000)))[1]
    with pytest.raises(RefusedError):
        begin(known, request(7, np.arange(5000) + (np.arange(5000) == 2500)))


def test_one_that_was_sent_to_a_former_run_is_unknown_and_not_carried_out() -> None:
    known = table()
    with pytest.raises(OutcomeUnknownError, match="another run"):
        begin(known, request(7, 2.0, instance="a former run"))
    assert begin(known, request(7, 2.0, instance="this run"))[1], "it never came here"


def test_clients_whose_calls_are_unknown_take_no_room() -> None:
    known = table(clients=2)
    first, _ = begin(known, request(1, run="honest"))
    known.finish(first, "set")
    for number in range(20):
        with pytest.raises(OutcomeUnknownError):
            begin(known, request(1, run=f"other{number}", instance="a former run"))
    begin(known, request(1, run="new"))
    assert known.tell("", "honest-1") == {"state": "done", "value": "set"}
    begin(known, request(1, run="newer"))
    assert known.tell("", "honest-1") is None


def test_one_of_which_nothing_was_done_may_come_again() -> None:
    known, answers = table(), list[str]()
    first, _ = begin(known, request(7))
    begin(known, request(7), answer=answers.append)
    known.forget(first, "busy")
    assert answers == ["7: busy"]
    assert begin(known, request(7))[1]


def test_keys_do_not_share_identities() -> None:
    known = table()
    first, _ = begin(known, request(7), key="ann")
    known.finish(first, "of ann")
    assert begin(known, request(7), key="ben")[1]
    assert known.tell("ann", "run-7") == {"state": "done", "value": "of ann"}
    assert known.tell("ben", "run-7") == {"state": "running"}
    assert known.tell("", "run-7") is None


def test_what_was_forgotten_is_not_done_again_also_after_ten_thousand_others() -> None:
    known = table(of_a_client=100)
    for number in range(10_000):
        known.finish(begin(known, request(number))[0], "set")
    with pytest.raises(OutcomeUnknownError, match="too old"):
        begin(known, request(3))
    assert not begin(known, request(9_990))[1]


def test_a_client_that_was_forgotten_has_no_call_carried_out_that_was_sent_before() -> None:
    known = table(clients=10)
    for number in range(30):
        known.finish(begin(known, request(7, run=f"run{number}"))[0], "set")
    with pytest.raises(OutcomeUnknownError):
        begin(known, request(7, run="run3", instance="this run"))
    assert begin(known, request(7, run="new"))[1]


def test_a_client_whose_call_goes_on_is_not_forgotten() -> None:
    known = table(clients=10)
    first, _ = begin(known, request(7, run="slow"))
    for number in range(30):
        known.finish(begin(known, request(7, run=f"run{number}"))[0], "set")
    known.finish(first, "at last")
    assert not begin(known, request(7, run="slow"))[1]


def test_a_reply_that_is_too_large_is_not_kept_and_the_call_not_repeated() -> None:
    known = table(reply_bytes=10)
    first, _ = begin(known, request(7))
    known.finish(first, "x" * 11)
    again, is_new = begin(known, request(7))
    assert not is_new
    with pytest.raises(OutcomeUnknownError, match="was carried out"):
        known.reply(again, request(7))


def test_runs_of_which_nothing_is_carried_out_take_no_memory() -> None:
    known = table(clients=10)
    for number in range(100):
        with pytest.raises(OutcomeUnknownError):
            begin(known, request(7, run=f"run{number}", instance="a former run"))
    assert known._clients == {}


def test_one_that_comes_again_and_again_while_it_runs_waits_within_bounds() -> None:
    known, answers = table(), list[str]()
    first, _ = begin(known, request(7, "x" * 1000))
    for _ in range(MAX_WAITING):
        begin(known, request(7, "x" * 1000), answer=answers.append)
    with pytest.raises(OutcomeUnknownError, match="runs, and came 100 times"):
        begin(known, request(7, "x" * 1000))
    assert all(call.args == [] for call, _ in first.waiting)
    known.finish(first, "set")
    assert answers == ["7: set"] * MAX_WAITING


def test_many_calls_without_a_result_to_speak_of_are_forgotten_within_the_bytes() -> None:
    known = table(bytes=100_000)
    for number in range(1000):
        known.finish(begin(known, request(7, run=f"run{number}"))[0], "")
    assert sum(len(client.calls) for client in known._clients.values()) < 100


@pytest.mark.parametrize(
    "call",
    [
        Request("bank.set_period", [], {}, True, 7, False, {}),
        Request("bank.set_period", [], {}, True, 7, False, None),
        Request("bank.set_period", [], {}, True, None, True, {"run": "run"}),
        Request("bank.set_period", [], {}, False, None, False, {"call_id": "mine"}),
        request(call_id="x" * 201),
        request(call_id=7),
    ],
)
def test_what_has_no_identity_is_carried_out_whenever_it_comes(call: Request) -> None:
    assert table().begin(METHOD, call, "", 100, lambda _: None) is None


@given(
    st.lists(
        st.tuples(st.sampled_from(["begin", "end", "undo"]), st.integers(0, 5), st.integers(0, 2)),
        max_size=60,
    )
)
@settings(max_examples=40, deadline=None)
def test_no_call_is_carried_out_twice_and_memory_stays_within_bounds(
    steps: list[tuple[str, int, int]],
) -> None:
    known = table(of_a_client=3, clients=2, bytes=4000, reply_bytes=20)
    going: dict[tuple[int, int], KnownCall[str]] = {}
    done: set[tuple[int, int]] = set()
    for step, number, client in steps:
        who = number, client
        if step == "begin":
            try:
                call, is_new = begin(known, request(number, run=f"c{client}", instance="this run"))
            except OutcomeUnknownError:
                continue
            assert not (is_new and (who in done or who in going))
            if is_new:
                going[who] = call
        elif who in going and step == "end":
            known.finish(going.pop(who), "x" * (7 * number))
            done.add(who)
        elif who in going:
            known.forget(going.pop(who), "busy")
        assert 0 <= known._bytes <= 4000
        assert known._bytes == sum(client.size for client in known._clients.values())
