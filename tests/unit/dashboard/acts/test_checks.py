"""Checks before anything is sent."""

from __future__ import annotations

import math

import pytest

from dashboard.acts.checks import NothingSentError, call_text, check_heard, has_secret, methods_of
from dashboard.acts.planning import refusals
from dashboard.bankstate import WatchedBank
from dashboard.protocol.liveness import LOST_S, STALE_S
from dashboard.protocol.topics import KeyTopic, LineTopic
from zmqjsonproxy import InterfaceDescription, MethodDescription
from zmqjsonproxy.parameters import MethodParameter, Passing


def bank(name: str, silence: float = 0.0) -> WatchedBank:
    """Return a Bank that was not heard for so long, s."""
    topics = KeyTopic("o"), KeyTopic("v"), KeyTopic("p"), LineTopic("l")
    made = WatchedBank(name, "tcp://127.0.0.1:9", "hpc1", topics, 0.0)
    made.liveness.hear(0.0)
    made.liveness.tick(0.1, 0.0)
    for now in (min(silence, STALE_S), silence):
        made.liveness.tick(now, now)
    stop = MethodDescription("stop", "Stop.", "command", ())
    made.interface.take({"bank": InterfaceDescription(True, {"stop": stop})}, {})
    return made


STATES = {
    "LIVE": bank("LIVE"),
    "STALE": bank("STALE", STALE_S + 0.5),
    "LOST": bank("LOST", LOST_S + 0.5),
}


def test_commands_go_to_banks_that_are_heard_and_stops_to_those_that_are_late() -> None:
    check_heard(STATES, ["LIVE"], "prepare")
    check_heard(STATES, ["LIVE", "STALE"], "stop", is_urgent=True)
    with pytest.raises(NothingSentError, match=r"STALE is stale .*; LOST is lost"):
        check_heard(STATES, ["LIVE", "STALE", "LOST"], "prepare")
    with pytest.raises(NothingSentError, match="LOST is lost"):
        check_heard(STATES, ["LOST"], "stop", is_urgent=True)


def test_all_banks_that_lack_a_method_are_named() -> None:
    assert methods_of(STATES, ["LIVE"], "bank", "stop")["LIVE"].kind == "command"
    with pytest.raises(NothingSentError, match="LIVE has no such method; LOST has no such method"):
        methods_of(STATES, ["LIVE", "LOST"], "bank.jobs", "stop")


def test_a_call_in_words_has_nothing_secret_and_is_bounded() -> None:
    parameters = tuple(
        MethodParameter(name=name, passing=Passing.EITHER) for name in ("level", "password")
    )
    described = MethodDescription("x", None, "command", parameters)
    assert call_text("x", [1.5, "hunter2"], {}, described) == "x(1.5, ...)"
    told = call_text("x", [], {"api_token": "t", "text": "it's", "none": None})
    assert told == 'x(api_token=..., text="it\'s", none=null)'
    assert len(call_text("x", ["y" * 10_000], {})) < 400
    told = call_text("x", [{"user": "ann", "password": "hunter2"}], {"all": [{"apiKey": "k"}]})
    assert told == 'x({"user":"ann","password":"..."}, all=[{"apiKey":"..."}])'


def test_what_a_bank_calls_secret_is_shown_to_nobody() -> None:
    pin = MethodParameter(name="pin", passing=Passing.EITHER, secret=True)
    described = MethodDescription("open", None, "command", (pin,))
    assert call_text("open", ["1234"], {}, described) == "open(...)"
    assert call_text("open", [], {"pin": "1234"}, described) == "open(pin=...)"
    assert has_secret(["1234"], {}, described)
    assert has_secret([], {"pin": "1234"}, described)
    assert has_secret([], {"door": [{"password": "hunter2"}]}, described)
    assert not has_secret([], {"door": [{"number": 5}], "level": math.inf}, described)


def test_what_control_and_silence_would_refuse_is_known_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = bank("HELD")
    monkeypatch.setattr(
        WatchedBank, "control", {"owner": "ben@h:1", "number": 7, "until": 1e9, "reason": "run"}
    )
    states = {"HELD": held, "LOST": STATES["LOST"]}
    found = refusals(states, ["HELD", "LOST"], {})
    assert "ben@h:1" in found["HELD"]
    assert "run" in found["HELD"]
    assert found["LOST"].startswith("it is lost")
    assert "HELD" not in refusals(states, ["HELD"], {"HELD": 7})
    assert "HELD" in refusals(states, ["HELD"], {"HELD": 6})
    monkeypatch.setattr(WatchedBank, "control", {"owner": None, "number": None, "required": True})
    assert "commands need" in refusals(states, ["HELD"], {})["HELD"]
    monkeypatch.setattr(WatchedBank, "control", {"owner": None, "number": None})
    assert refusals(states, ["HELD"], {}) == {}
