"""Operations of several Banks, begun and waited for by a Dealer whose servers are fakes."""

from __future__ import annotations

from typing import Any

import pytest
from support.fake_hub import FakeDealer, FakeServer

from dealer import AsyncOperations, NotExportedError, Operations, PlayersError
from zmqjsonproxy.errors import OperationAbortedError, PeerLostError, RefusedError
from zmqjsonproxy.hubs import run

ABORTED = {"code": -32005, "message": "enough", "data": {"type": "OperationAbortedError"}}
LOST = PeerLostError("tcp://b:1", "bank.set_mode", "connection lost")


def told(state: str, **more: Any) -> dict[str, Any]:
    return {"id": "1", "method": "bank.set_mode", "state": state, **more}


def bank(*news: Any, **answers: Any) -> FakeServer:
    """A Bank whose operation has these news, one at each look; the last stays."""
    left = list(news) or [told("done", value=[True, "set"], fraction=1.0)]

    def look(_identity: str) -> Any:
        return left.pop(0) if len(left) > 1 else left[0]

    known = {
        "set_mode": {"operation": "1"},
        "stop": 3,
        "rpc.operation": look,
        "rpc.operations": lambda _active: [told("running")],
        "rpc.abort": lambda _identity, _reason: told("aborted", error=ABORTED),
    }
    return FakeServer({**known, **answers}, kinds={"set_mode": "operation"})


def test_it_is_begun_on_each_watched_and_has_a_value_in_the_end() -> None:
    running = told("running", fraction=0.25, estimate=8.0, text="loading")
    slower = told("running", fraction=0.1, estimate=9.0)
    with FakeDealer(A=bank(*[running] * 5, told("done", value=[True, "x"])), B=bank(slower)) as d:
        begun = d.begin("set_mode", "MODE1", force=True)
        assert isinstance(begun, Operations)
        assert (d.hub.args, d.hub.kwargs) == (("MODE1",), {"force": True})
        assert (list(begun), len(begun), begun.ids) == (["A", "B"], 2, {"A": "1", "B": "1"})
        assert begun.states == {"A": "running", "B": "running"}
        assert (begun.fraction, begun.estimate, begun.done()) == (0.1, 9.0, False)
        assert "loading" in begun._repr_html_()
        assert "A: <bank.set_mode 1: running" in repr(begun)
        outcomes = begun.outcomes(0.0)
        assert outcomes["A"].value == (True, "x")
        assert isinstance(outcomes["B"].error, TimeoutError)
        with pytest.raises(PlayersError, match="set_mode: 1 of 2 Banks failed"):
            begun.result(0.0)
    with FakeDealer(A=bank(told("queued"), told("queued"), told("done", value=1)), B=bank()) as d:
        begun = d.begin("set_mode", "MODE1")
        assert begun.fraction is None
        assert begun.estimate is None
        assert begun.look().result() == {"A": 1, "B": (True, "set")}
        assert begun.fraction == 1.0


def test_pauses_between_looks_grow_to_a_third_of_a_second() -> None:
    with FakeDealer(A=bank(*[told("running")] * 20, told("done", value=1))) as d:
        assert d.begin("set_mode").wait()
        assert d.hub.paused[:3] == pytest.approx([0.02, 0.03, 0.045])
        assert d.hub.paused[-1] == 0.3


def test_all_are_aborted_and_those_that_cannot_be_asked_are_named() -> None:
    with FakeDealer(A=bank(), B=bank(told("running"))) as d:
        begun = d.begin("set_mode", "MODE1")
        d.hub.servers["tcp://B:1"].answers["rpc.abort"] = LOST
        with pytest.raises(PlayersError, match="abort of set_mode: 1 of 2") as caught:
            begun.abort("enough")
        assert list(caught.value.failed) == ["B"]
        assert d.hub.args == ("1", "enough")
        assert isinstance(begun["A"].exception(), OperationAbortedError)
        d.hub.servers["tcp://B:1"].answers["rpc.abort"] = told("aborted", error=ABORTED)
        begun.abort()
        assert begun.done()


def test_nothing_is_begun_where_it_cannot_be() -> None:
    old = bank()
    old.native = False
    with FakeDealer(A=bank(), B=old) as d:
        with pytest.raises(NotExportedError, match="B is a Player of the original"):
            d.begin("set_mode", "M")
        with pytest.raises(NotExportedError, match="A has it as a command; call it"):
            d.begin("stop", _banks=["A"])
        with pytest.raises(NotExportedError, match="no such method"):
            d.begin("sweep")
        assert d.asked() == []


def test_where_it_was_not_begun_is_said_with_what_goes_on() -> None:
    with FakeDealer(A=bank(), B=bank(set_mode=LOST)) as d:
        with pytest.raises(PlayersError, match="begun, and going on: A 1") as caught:
            d.begin("set_mode", "M")
        assert caught.value.outcomes["A"].value.id == "1"
        d.remove_active_player("A")
        with pytest.raises(PlayersError, match="begin set_mode: 1 of 1") as caught:
            d.begin("set_mode", "M")
        assert "going on" not in str(caught.value)
        d.hub.servers["tcp://B:1"].answers["set_mode"] = "what?"
        with pytest.raises(PlayersError, match="is no operation; it answered 'what"):
            d.begin("set_mode", "M")


def test_operations_are_found_again_by_their_identities() -> None:
    with FakeDealer(A=bank(), B=bank()) as d:
        found = d.operation({"B": "1"})
        assert isinstance(found, Operations)
        assert found.result() == {"B": (True, "set")}
        assert {bank: [o.method for o in each] for bank, each in d.operations().items()} == {
            "A": ["bank.set_mode"],
            "B": ["bank.set_mode"],
        }
        refused = RefusedError("no operation 'x' is known here")
        d.hub.servers["tcp://A:1"].answers["rpc.operation"] = lambda _identity: refused
        d.hub.servers["tcp://A:1"].answers["rpc.operations"] = refused
        with pytest.raises(PlayersError, match="'x' is known here") as caught:
            d.operation({"A": "x", "B": "1"})
        assert list(caught.value.failed) == ["A"]
        with pytest.raises(PlayersError, match="operations: 1 of 2 Banks failed"):
            d.operations(active=True)


def test_those_who_want_to_hear_of_the_end_of_all_do_once() -> None:
    with FakeDealer(A=bank(), B=bank()) as d:
        begun = d.begin("set_mode", "M")
        begun.wait()
        heard: list[Any] = []
        begun.on_done(heard.append)
        begun.on_progress(lambda bank, operation: heard.append((bank, operation)))
        assert heard == [begun, ("A", begun["A"]), ("B", begun["B"])]


def test_the_same_is_awaited_by_tasks() -> None:
    with FakeDealer(A=bank(told("running"), told("done", value=3))) as d:
        begun = d.begin("set_mode", "M")
        awaited = AsyncOperations(begun._hub, "set_mode", {"A": begun["A"]})  # type: ignore[dict-item]
        assert run(awaited.look()) is awaited
        assert run(awaited.wait()) is True
        assert run(awaited.result()) == {"A": 3}
        assert repr(AsyncOperations(begun._hub, "set_mode", {})) == "{}"
