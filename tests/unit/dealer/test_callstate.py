"""States of calls: of which Banks, asked of whom, and what their answers mean."""

from __future__ import annotations

from typing import Any

import pytest
from support.fake_hub import FakeDealer, FakeServer

from dealer.callstate import identities
from dealer.errors import PlayersError
from dealer.outcome import Outcome
from zmqjsonproxy.errors import CallTimeoutError, PeerLostError, RefusedError, RemoteError

URLS = {"BANKA": "tcp://a:1", "BANKB": "tcp://b:1"}
LATE = CallTimeoutError("tcp://b:1", "bank.set_mode", 3.0, call_id="run-7")
LOST = PeerLostError("tcp://a:1", "bank.set_mode", "connection lost", call_id="run-8")


def entry(outcome: str, **more: Any) -> dict[str, Any]:
    return {
        "time": 1_800_000_000.0,
        "method": "bank.set_mode",
        "outcome": outcome,
        "error": "",
        "text": "",
        **more,
    }


def asked(told: dict[str, Any], in_journal: Any = None) -> Any:
    """Return the state of a call of which a Player and its journal say this."""
    server = FakeServer({"rpc.outcome": told, "rpc.find": in_journal})
    return FakeDealer(BANKA=server).outcome_of("run-7")["BANKA"]


UNKNOWN = {"state": "unknown", "text": "no such call"}
FAILED = {"state": "failed", "error": {"code": -32001, "data": {"type": "R", "text": "no"}}}


def test_errors_tell_of_which_banks_and_calls_they_are() -> None:
    failed = PlayersError(
        "set_mode",
        {"BANKA": Outcome("BANKA", None, LOST), "BANKB": Outcome("BANKB", None, LATE)},
    )
    assert identities(failed, URLS) == {"BANKA": "run-8", "BANKB": "run-7"}
    assert identities(LATE, URLS) == {"BANKB": "run-7"}
    assert identities("run-7", URLS) is None
    for other in (RefusedError("no"), KeyError("x"), PeerLostError("tcp://a:1", "m", "refused")):
        with pytest.raises(ValueError, match="no call that was sent"):
            identities(other, URLS)


def test_the_player_knows_and_its_journal_is_not_asked() -> None:
    assert asked({"state": "running"}, RefusedError("never asked")).state == "running"
    done = asked({"state": "done", "value": 5})
    assert (done.state, done.value) == ("done", 5)
    assert isinstance(asked(FAILED).error, RefusedError)


@pytest.mark.parametrize(
    ("in_journal", "state"),
    [
        (entry("done"), "done"),
        (entry("failed", error="ValueError", text="too hot"), "failed"),
        (entry("refused", error="RefusedError", text="no"), "failed"),
        (entry("not begun"), "failed"),
        (entry("unknown"), "unknown"),
        (entry("running"), "unknown"),
        (None, "unknown"),
        (RefusedError("keeps no journal"), "unknown"),
        (RemoteError("NoSuchInterfaceError", "journal"), "unknown"),
    ],
)
def test_a_journal_tells_of_a_former_run(in_journal: Any, state: str) -> None:
    found = asked(UNKNOWN, in_journal)
    assert found.state == state
    if state == "failed":
        assert found.error is not None
    if isinstance(in_journal, dict):
        assert "2027-01-15 08:00:00 UTC" in found.text


def test_a_player_that_cannot_be_asked_is_an_error_that_names_it() -> None:
    with pytest.raises(PlayersError, match="outcome_of: 1 of 1"):
        asked(LOST)  # type: ignore[arg-type]  # what the fake answers
