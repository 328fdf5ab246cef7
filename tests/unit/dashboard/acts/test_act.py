"""One act: what answers of Banks, and ends of operations, make of it."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.acts.act import Act, ActOutcome, OutcomeState
from dealer.outcome import Outcome
from zmqjsonproxy.errors import (
    AccessError,
    CallTimeoutError,
    NotInControlError,
    OutcomeUnknownError,
    PeerLostError,
    RefusedError,
    RemoteError,
)


def act_at(*banks: str, **more: Any) -> Act:
    return Act(id="a1", by="ann", time=1.0, verb="call", text="x()", banks=banks, **more)


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (RefusedError("no"), "refused"),
        (NotInControlError("ben has it"), "refused"),
        (AccessError("role"), "refused"),
        (RemoteError("ValueError", "bad"), "failed"),
        (PeerLostError("tcp://h:1", "x", "gone"), "failed"),
        (PeerLostError("tcp://h:1", "x", "gone", call_id="r-1"), "unknown"),
        (CallTimeoutError("tcp://h:1", "x", 1.0, call_id="r-1"), "unknown"),
        (OutcomeUnknownError("?"), "unknown"),
    ],
)
def test_an_error_says_whether_anything_may_have_been_done(error: Exception, state: str) -> None:
    outcome = ActOutcome.of(Outcome("BANKA", None, error))
    assert outcome.state == state
    assert outcome.call_id == getattr(error, "call_id", "")
    assert outcome.text


def test_what_a_bank_says_of_secret_arguments_is_not_shown() -> None:
    act = act_at("A", "B", "C", has_secret=True)
    errors = (
        RefusedError("1234 is wrong"),
        RemoteError("ValueError", "no 1234"),
        AccessError("role"),
    )
    act.take({bank: Outcome(bank, None, each) for bank, each in zip("ABC", errors, strict=True)})
    assert "1234" not in str(act.describe())
    assert act.outcomes["A"].text.startswith("RefusedError: its text is not shown")
    assert "role" in act.outcomes["C"].text


def test_an_act_has_ended_when_all_outcomes_are_known() -> None:
    act = act_at("BANKA", "BANKB")
    act.take({"BANKA": Outcome("BANKA", [True, "good"])})
    assert act.is_open
    act.take({"BANKB": Outcome("BANKB", None, RefusedError("no"))})
    assert not act.is_open
    act.ended = 2.0
    assert act.state is OutcomeState.PARTLY
    assert (act.outcomes["BANKA"].text, act.values) == ("good", {"BANKA": [True, "good"]})


def test_what_nobody_did_at_all_banks_is_done_nowhere() -> None:
    act = act_at("BANKA", "BANKB")
    act.fail(
        {"BANKA": Outcome("BANKA", True), "BANKB": Outcome("BANKB", None, RefusedError("no"))},
        "not",
    )
    act.ended = 2.0
    assert act.state is OutcomeState.FAILED
    assert [act.outcomes[bank].text for bank in act.banks] == ["not", "RefusedError: no"]


def test_a_dashboard_that_ends_does_not_know_what_became_of_what_goes_on() -> None:
    act = act_at("BANKA")
    act.give_up("the dashboard ended")
    assert act.outcomes["BANKA"].describe()["state"] == "unknown"
