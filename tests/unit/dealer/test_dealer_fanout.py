"""From what servers answered to outcomes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import pytest

from dealer.fanout import fan_out, similar_names
from zmqjsonproxy.errors import PeerLostError, RefusedError
from zmqjsonproxy.rpc.hub import CallResult, ThreadHub

URLS = {"BANKB": "tcp://b:1", "BANKA": "tcp://a:1"}


class FakeHub:
    """Answers every call with the next of the given results."""

    is_native = peer = None

    def __init__(self, *results: CallResult) -> None:
        self.results = results
        self.asked: list[Any] = []

    def call_each(
        self,
        urls: Iterable[str],
        object_name: str,
        method: str,
        args: Any,
        kwargs: Any,
        timeout: float,
    ) -> list[CallResult]:
        self.asked = [list(urls), object_name, method, args, kwargs, timeout]
        return list(self.results)


def outcome_of(method: str, value: Any) -> Any:
    hub = FakeHub(CallResult(value, None, 0.25))
    return fan_out(cast(ThreadHub, hub), {"BANKA": "tcp://a:1"}, method, (), {}, 5.0)["BANKA"]


def test_every_bank_is_asked_in_order_with_the_same_arguments() -> None:
    lost = PeerLostError("tcp://b:1", "bank.add", "connection refused")
    hub = FakeHub(CallResult(None, lost, 0.1), CallResult(7, None, 0.2))
    outcomes = fan_out(cast(ThreadHub, hub), URLS, "add", (3,), {"b": 4}, 5.0)
    assert list(outcomes) == ["BANKB", "BANKA"]
    assert (outcomes["BANKB"].error, outcomes["BANKB"].value) == (lost, None)
    assert (outcomes["BANKA"].error, outcomes["BANKA"].value, outcomes["BANKA"].delay_s) == (
        None,
        7,
        0.2,
    )
    assert hub.asked == [["tcp://b:1", "tcp://a:1"], "bank", "add", (3,), {"b": 4}, 5.0]


@pytest.mark.parametrize(
    ("method", "object_name", "name"),
    [
        ("get_mode", "bank", "get_mode"),
        ("rpc.ping", "rpc", "ping"),
        ("bank.valon.get_ref", "bank.valon", "get_ref"),
    ],
)
def test_a_dotted_name_is_that_of_another_object(method: str, object_name: str, name: str) -> None:
    hub = FakeHub(CallResult())
    fan_out(cast(ThreadHub, hub), {"BANKA": "tcp://a:1"}, method, (), {}, 5.0)
    assert hub.asked[1:3] == [object_name, name]


SHAPES = [
    ("set_mode", [True, "new mode set"], (True, "new mode set")),
    ("start", [True, "started"], (True, "started")),
    ("add_switching_state", [True, 3], (True, 3)),
    (
        "scan_status",
        [False, "NETSTAT=waiting", "DISKSTAT=waiting"],
        (False, "NETSTAT=waiting", "DISKSTAT=waiting"),
    ),
    ("earliest_start", [True, [2014, 3, 4, 12, 0, 0, 0]], (True, [2014, 3, 4, 12, 0, 0, 0])),
    ("set_param", True, True),
    ("prepare", None, None),
    ("get_mode", "MODE1", "MODE1"),
    ("get_status", {"SCAN": 1}, {"SCAN": 1}),
    ("my_own", [True, "a list it stays"], [True, "a list it stays"]),
    ("my_own", [False, "and is no refusal"], [False, "and is no refusal"]),
]


@pytest.mark.parametrize(("method", "sent", "value"), SHAPES)
def test_successes_have_the_originals_shapes(method: str, sent: Any, value: Any) -> None:
    outcome = outcome_of(method, sent)
    assert outcome.ok
    assert outcome.value == value
    assert type(outcome.value) is type(value)
    assert outcome.delay_s == 0.25


@pytest.mark.parametrize(
    "method", ["set_mode", "start", "stop", "earliest_start", "scan_status", "monitor", "set_param"]
)
def test_a_refusal_of_the_original_is_an_error(method: str) -> None:
    outcome = outcome_of(method, [False, "No scan running!"])
    assert isinstance(outcome.error, RefusedError)
    assert outcome.error.text == "No scan running!"
    assert outcome.value is None


def test_misspelt_names_are_guessed() -> None:
    assert similar_names("set_mod", ["get_mode", "set_mode", "stop"])[0] == "set_mode"
    assert similar_names("frobnicate", ["get_mode", "set_mode", "stop"]) == []
