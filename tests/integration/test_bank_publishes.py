"""Properties that a Player publishes of every kind of Bank, without code of the kind."""

from __future__ import annotations

import logging

import pytest
from support.toy_bank import ToyBank

from dealer import Dealer
from player.testing import HostedBank
from zmqjsonproxy import current_operation, operation, query
from zmqjsonproxy.errors import RefusedError

log = logging.getLogger("tests.complaints")


class Sweeper(ToyBank):
    """Sweeps, and says so."""

    @operation
    def sweep(self, fails: bool = False) -> str:
        """Sweep in two steps."""
        for step in range(2):
            current_operation().progress(step / 2, f"step {step}")
        if fails:
            raise RefusedError("the sweeper is stuck")
        return "swept"

    @query
    def complain(self, text: str) -> None:
        """Log."""
        log.warning("complaint: %s", text)


def test_every_change_of_an_operation_comes_once_and_in_order() -> None:
    with HostedBank(Sweeper) as hosted, Dealer(hosted.players) as d:
        d.add_active_player("BANKA")
        with d.subscribe(["operations", "subscribers"]) as sub:
            assert sub.wait_for(lambda u: u.name == "subscribers", 30).value == 1
            hosted.proxy.sweep()
            with pytest.raises(RefusedError, match="stuck"):
                hosted.proxy.sweep(True)
            told = [sub.wait_for(lambda u: u.name == "operations", 30) for _ in range(10)]
    assert [(u.value["state"], u.value["fraction"], u.value["text"]) for u in told] == [
        ("queued", None, ""),
        ("running", None, ""),
        ("running", 0.0, "step 0"),
        ("running", 0.5, "step 1"),
        ("done", 1.0, "step 1"),
        ("queued", None, ""),
        ("running", None, ""),
        ("running", 0.0, "step 0"),
        ("running", 0.5, "step 1"),
        ("failed", 0.5, "step 1"),
    ]
    assert {u.value["method"] for u in told} == {"bank.sweep"}
    assert [u.value["id"] for u in told] == [told[0].value["id"]] * 5 + [told[9].value["id"]] * 5
    assert "stuck" in told[9].value["error"]["message"]
    assert [u.number for u in told] == list(range(1, 11))
    assert not any(u.lost for u in told)


def test_the_log_is_published_and_a_flood_of_it_is_counted() -> None:
    with HostedBank(Sweeper) as hosted:
        with hosted.proxy.subscribe(["log", "subscribers"]) as sub:
            sub.wait_for(lambda u: u.name == "subscribers", 30)
            for number in range(200):
                hosted.proxy.complain(f"{number}")
            first = sub.wait_for(lambda u: u.name == "log", 30).value
            left_out = sub.wait_for(lambda u: u.name == "log" and "left_out" in u.value, 30).value
        assert (first["level"], first["logger"]) == ("warning", "tests.complaints")
        assert first["text"] == "complaint: 0"
        assert first["time"] > 0
        assert "records were left out" in left_out["text"]
        assert left_out["left_out"] > 0


def test_every_bank_tells_what_it_publishes() -> None:
    with HostedBank(ToyBank) as hosted:
        kinds = {each["name"]: each["kind"] for each in hosted.proxy.list_properties()}
        results = dict.fromkeys(("subscribers", "host_load", "control", "alarms"), "result")
        assert kinds == {"log": "message", "operations": "message", **results}
        values = hosted.proxy.get_properties()
        assert values.keys() == results.keys()
        assert values["subscribers"] == 0
