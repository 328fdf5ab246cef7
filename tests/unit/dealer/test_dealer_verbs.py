"""Verbs: what they ask of whom, and what they make of the answers; servers are fakes that answer at
once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from support.fake_hub import FakeDealer, FakeServer

from dealer import (
    AsyncDealer,
    ClosedError,
    Dealer,
    NoActivePlayersError,
    NoSuchPlayerError,
    NotExportedError,
    PlayersError,
)
from dealer.verbs import Verbs
from zmqjsonproxy.errors import PeerLostError, RefusedError

LOST = PeerLostError("tcp://b:1", "bank", "connection refused")
REFUSED = RefusedError("no")

VERBS: list[tuple[str, Callable[[Dealer], Any], tuple[Any, ...], dict[str, Any], float]] = [
    ("set_mode", lambda d: d.set_mode("MODE1"), ("MODE1", None, False), {}, 120.0),
    (
        "set_mode",
        lambda d: d.set_mode("MODE1", False, force=True),  # type: ignore[arg-type]  # as old scripts
        ("MODE1", None, True),
        {},
        120.0,
    ),
    ("set_param", lambda d: d.set_param(exposure=1), (), {"exposure": 1}, 180.0),
    ("get_param", lambda d: d.get_param("exposure"), ("exposure",), {}, 180.0),
    ("prepare", lambda d: d.prepare(), (), {}, 180.0),
    ("stop", lambda d: d.stop(), (), {}, 180.0),
    ("monitor", lambda d: d.monitor(), (), {}, 180.0),
    ("scan_status", lambda d: d.scan_status(), (), {}, 180.0),
    ("set_status", lambda d: d.set_status(OBSERVER="me"), (), {"OBSERVER": "me"}, 180.0),
    ("get_status", lambda d: d.get_status(), (None,), {}, 180.0),
    ("get_status", lambda d: d.get_status(("A", "B")), (["A", "B"],), {}, 180.0),
    ("set_scan_number", lambda d: d.set_scan_number(7), (7,), {}, 180.0),
    ("increment_scan_number", lambda d: d.increment_scan_number(), (), {}, 180.0),
    ("clear_switching_states", lambda d: d.clear_switching_states(), (), {}, 180.0),
    (
        "add_switching_state",
        lambda d: d.add_switching_state(0.1, cal=True),
        (0.1, False, True, False),
        {},
        180.0,
    ),
    (
        "set_gbt_ss",
        lambda d: d.set_gbt_ss(1.0, [(0.0, 0, 1, 0.002)]),
        (1.0, [[0.0, 0, 1, 0.002]]),
        {},
        180.0,
    ),
    ("sweep", lambda d: d.sweep(1, 2, steps=3), (1, 2), {"steps": 3}, 180.0),
    ("sweep", lambda d: d.remote.sweep(1, _timeout=2), (1,), {}, 2.0),
]


@pytest.mark.parametrize(("method", "verb", "args", "kwargs", "timeout"), VERBS)
def test_every_active_bank_is_asked_once_with_what_the_method_takes(
    method: str, verb: Callable[[Dealer], Any], args: Any, kwargs: Any, timeout: float
) -> None:
    with FakeDealer(A=FakeServer({method: 3}), B=FakeServer({method: 4})) as d:
        found = verb(d)
        assert found == (None if method == "set_scan_number" else {"A": 3, "B": 4})
        assert d.asked() == [(method, "A B")]
        assert (tuple(d.hub.args), dict(d.hub.kwargs), d.hub.timeout) == (args, kwargs, timeout)


def test_banks_that_agree_have_one_mode_and_others_are_told_apart() -> None:
    with FakeDealer(A=FakeServer({"get_mode": "M"}), B=FakeServer({"get_mode": "M"})) as d:
        assert d.get_mode() == (True, "M")
    with FakeDealer(A=FakeServer({"get_mode": "M"}), B=FakeServer({"get_mode": None})) as d:
        assert d.get_mode() == (False, {"A": "M", "B": None})


def test_modes_are_those_that_all_have_and_help_comes_from_the_first() -> None:
    a = FakeServer({"list_modes": ["M1", "M2", "M3"], "help_param": "seconds"})
    with FakeDealer(A=a, B=FakeServer({"list_modes": ["M3", "M1"], "help_param": "?"})) as d:
        assert d.list_modes() == ["M1", "M3"]
        d.asked()
        assert d.help_param("exposure") == "seconds"
        assert d.asked() == [("help_param", "A")]


def test_players_of_the_original_get_parameters_one_at_a_time() -> None:
    def old(**kvpairs: Any) -> Any:
        return REFUSED if "wrong" in kvpairs else True

    with FakeDealer(
        A=FakeServer({"set_param": {"a": True, "b": True}}),
        B=FakeServer({"set_param": old}, native=False),
    ) as d:
        both = {"a": True, "b": True}
        assert d.set_param(a=1, b=2) == {"A": both, "B": both}
        assert d.asked() == [("set_param", "A"), ("set_param", "B"), ("set_param", "B")]
        with pytest.raises(PlayersError, match="set_param: 1 of 2 Banks failed"):
            d.set_param(a=1, wrong=2)
        assert d.set_param(a=1) == {"A": both, "B": True}
        d.remove_active_player("A")
        assert d.set_param(a=1, b=2) == {"B": both}


def test_outcomes_raise_nothing_and_values_name_all_that_failed() -> None:
    with FakeDealer(A=FakeServer({"prepare": 1}), B=FakeServer({"prepare": REFUSED})) as d:
        found = d.outcomes("prepare")
        assert (found["A"].value, found["B"].error) == (1, REFUSED)
        with pytest.raises(PlayersError) as caught:
            d.prepare()
        assert list(caught.value.failed) == ["B"]
        assert d.outcomes("prepare", _banks=["A"], _timeout=3)["A"].ok
        assert d.hub.timeout == 3.0
        with pytest.raises(NoSuchPlayerError, match="X, Y"):
            d.outcomes("prepare", _banks=["X", "A", "Y"])
        with pytest.raises(ValueError, match="_timeout is a number"):
            d.outcomes("prepare", _timeout="3")  # type: ignore[arg-type]


def test_nothing_is_sent_if_a_bank_lacks_the_method() -> None:
    with FakeDealer(A=FakeServer({"sweep": 1, "prepare": 1}), B=FakeServer({"swoop": 1})) as d:
        for use in (lambda: d.sweep(), lambda: d.prepare()):
            with pytest.raises(NotExportedError, match="nothing was sent: B has no such method"):
                use()
        with pytest.raises(NotExportedError, match="did you mean sweep"):
            d.swep  # noqa: B018
        assert d.asked() == []
        with pytest.raises(AttributeError, match=r"^_private$"):
            d._private  # noqa: B018
        with pytest.raises(AttributeError, match=r"^_private$"):
            d.remote._private  # noqa: B018


def test_a_player_that_was_started_again_is_asked_again_what_it_has() -> None:
    server = FakeServer({"stop": 1})
    with FakeDealer(A=server) as d:
        d.stop()
        assert [method for method, _ in d.hub.asked] == ["hello", "stop"]
        d.stop()
        assert [method for method, _ in d.hub.asked][2:] == ["stop"]
        server.generation, server.answers["sweep"] = 2, 5
        assert d.stop() == {"A": 1}
        assert [method for method, _ in d.hub.asked][3:] == ["hello", "stop"]
        assert d.sweep() == {"A": 5}
        assert d.sweep.__doc__ == "sweep of a fake."
        assert {"sweep", "stop", "A"} <= set(dir(d))


def test_a_bank_that_is_away_lacks_nothing_and_its_call_says_so() -> None:
    with FakeDealer(A=FakeServer({"sweep": 1}), B=FakeServer(lost=LOST)) as d:
        with pytest.raises(PlayersError, match="B: PeerLostError"):
            d.sweep()
        assert "sweep" in dir(d)
        d.remove_active_player("A")
        assert d.sweep.__name__ == "sweep"  # nobody can be asked: the call will tell
        assert "sweep" not in dir(d)


def test_without_active_players_nothing_is_asked() -> None:
    with FakeDealer(A=FakeServer()) as d:
        d.remove_active_player("A")
        for use in (d.stop, d.wait_for_scan, lambda: d.outcomes("stop"), d.scan_reports):
            with pytest.raises(NoActivePlayersError):
                use()
        with pytest.raises(NotExportedError, match="no Player is active"):
            d.sweep  # noqa: B018
        assert d.asked() == []


def test_a_closed_dealer_asks_nobody() -> None:
    d = FakeDealer(A=FakeServer({"stop": 1}))
    d.close()
    for use in (d.stop, d.sweep, lambda: d.begin("stop"), lambda: d.operation({"A": "1"})):
        with pytest.raises(ClosedError, match="this Dealer was closed"):
            use()
    assert d.hub.asked == []


def test_banks_are_attributes_and_keys_and_settings_are_settings() -> None:
    with FakeDealer(A=FakeServer(), B=FakeServer()) as d:
        assert d.A is d["A"] is d.players["A"]
        assert (list(d), "A" in d, "C" in d) == (["A", "B"], True, False)
        assert d._ipython_key_completions_() == ["A", "B"]
        with pytest.raises(NoSuchPlayerError):
            d["C"]
        d.timeout = 5
        with pytest.raises(ValueError, match="a number of seconds"):
            d.timeout = "5"
        assert d.timeout == 5.0
        for name, instead in (("stop", r"d\.stop\(\.\.\.\)"), ("exposure", "set_param")):
            with pytest.raises(AttributeError, match=instead):
                setattr(d, name, 3)
        with pytest.raises(TypeError, match="names of Players are text"):
            d.add_active_player(["A"])  # type: ignore[arg-type]
        assert repr(d) == "<FakeDealer, active: A, B; available: A, B>"
        assert repr(d.remote) == f"<the methods of the Banks of {d!r}>"
        with pytest.raises(TypeError, match=r"FakeDealer\(\{'A'"):
            d.__reduce_ex__(2)


def test_keywords_of_a_verb_are_those_of_the_banks() -> None:
    server = FakeServer({"set_param": 1}, takes={"set_param": ["exposure", "scan_length"]})
    with FakeDealer(A=server) as d:
        assert d._keywords_of("set_param") == ["exposure", "scan_length"]


# both Dealers


@pytest.mark.parametrize(
    "name",
    [name for name, _ in inspect.getmembers(Verbs, inspect.iscoroutinefunction) if name[0] != "_"],
)
def test_a_dealer_has_each_verb_as_a_method_that_waits(name: str) -> None:
    verb, method = getattr(AsyncDealer, name), getattr(Dealer, name)
    assert inspect.iscoroutinefunction(verb)
    assert not inspect.iscoroutinefunction(method)
    assert inspect.isfunction(method)
    assert (method.__name__, method.__doc__) == (name, verb.__doc__)
    assert inspect.signature(method) == inspect.signature(verb)


def test_a_signature_is_that_of_the_verb_and_says_what_comes_back() -> None:
    assert str(inspect.signature(Dealer.set_mode)).replace("'", "") == (
        "(self, mode: str, bandwidth: float | None = None, force: bool = False)"
        " -> dict[str, RemoteValue]"
    )
    assert str(inspect.signature(Dealer.begin)).endswith("-> 'Operations'")
