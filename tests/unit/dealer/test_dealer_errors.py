"""Texts of errors, and what they carry."""

from __future__ import annotations

import traceback

import pytest

from dealer import errors
from dealer.outcome import Outcome
from zmqjsonproxy.errors import PeerLostError, RefusedError, RemoteError

TRACE = ['  File "bank.py", line 5, in prepare\n    boom()\n']
OUTCOMES = {
    "BANKA": Outcome("BANKA", (True, "fine")),
    "BANKB": Outcome("BANKB", None, RefusedError("exposure: 99 s is too long")),
    "BANKC": Outcome(
        "BANKC", None, RemoteError("ZeroDivisionError", "by zero", TRACE, peer="tcp://c:1")
    ),
    "BANKD": Outcome(
        "BANKD", None, PeerLostError("tcp://d:1", "bank.prepare", "connection refused")
    ),
    "BANKE": Outcome(
        "BANKE", None, RemoteError("ZeroDivisionError", "by zero", TRACE, peer="tcp://e:1")
    ),
}


def test_one_error_names_all_that_failed_and_carries_all_outcomes() -> None:
    error = errors.PlayersError("prepare", OUTCOMES)
    assert str(error) == (
        "prepare: 4 of 5 Banks failed\n"
        "  BANKB: RefusedError: exposure: 99 s is too long\n"
        "  BANKC: ZeroDivisionError: by zero\n"
        "  BANKD: PeerLostError: bank.prepare: no server at tcp://d:1: connection refused\n"
        "  BANKE: ZeroDivisionError: by zero"
    )
    assert error.outcomes == OUTCOMES
    assert list(error.failed) == ["BANKB", "BANKC", "BANKD", "BANKE"]
    assert error.action == "prepare"


def test_a_remote_traceback_is_shown_once_for_all_banks_that_sent_it() -> None:
    shown = "".join(traceback.format_exception(errors.PlayersError("prepare", OUTCOMES)))
    assert shown.count("boom()") == 1
    assert "remote traceback of BANKC, BANKE:" in shown


def test_a_start_error_is_a_players_error() -> None:
    error = errors.StartError(
        "arm failed, so no Bank starts", OUTCOMES, "BANKA could not be taken back"
    )
    assert isinstance(error, errors.PlayersError)
    assert str(error).startswith("start: arm failed, so no Bank starts: 4 of 5 Banks failed\n")
    assert str(error).endswith("\n  BANKA could not be taken back")


def test_a_start_error_may_be_about_no_bank_in_particular() -> None:
    error = errors.StartError("12:00:00 is too early")
    assert str(error) == "start: 12:00:00 is too early"
    assert error.failed == error.outcomes == {}


def test_unknown_players_are_all_named_without_the_quotes_of_a_key_error() -> None:
    error = errors.NoSuchPlayerError(["BANKX", "BANKY"], ["BANKA", "BANKB"])
    assert str(error) == "no such Player: BANKX, BANKY; available are: BANKA, BANKB"
    assert isinstance(error, KeyError)
    assert str(errors.NoSuchPlayerError(["X"], [])).endswith("available are: none")


def test_banks_that_lack_a_method_are_all_named() -> None:
    lacking = {"BANKB": "has no such method", "BANKC": "has no such method"}
    error = errors.NotExportedError("set_mod", lacking, ["set_mode"])
    assert str(error) == (
        "set_mod: nothing was sent: BANKB has no such method; BANKC has no such method; did you mean set_mode?"
    )
    assert isinstance(error, AttributeError)
    assert str(errors.NotExportedError("x", {})) == "x: nothing was sent: no Player is active"


def test_nobody_to_ask_is_said_with_who_could_be() -> None:
    assert str(errors.NoActivePlayersError("stop", ["BANKB"])) == (
        "stop: no Player is active; add_active_player takes any of: BANKB"
    )


def test_all_of_them_are_dealer_errors() -> None:
    for error in (
        errors.ClosedError("stop"),
        errors.ConfigurationError("f", ["x"]),
        errors.NoActivePlayersError("a", []),
    ):
        assert isinstance(error, errors.DealerError)


def test_an_outcome_is_a_value_or_an_error() -> None:
    assert OUTCOMES["BANKA"].ok
    assert OUTCOMES["BANKA"].result() == (True, "fine")
    assert not OUTCOMES["BANKB"].ok
    with pytest.raises(RefusedError, match="99 s"):
        OUTCOMES["BANKB"].result()
