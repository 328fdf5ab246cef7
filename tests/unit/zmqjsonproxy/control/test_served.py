"""The object `control`: what is kept and told of it, and in which order."""

from __future__ import annotations

import pytest

from groundwork.values import JsonObject
from zmqjsonproxy.caller import Caller, calling
from zmqjsonproxy.control.protocol.lease import Lease
from zmqjsonproxy.control.served import ServedControl
from zmqjsonproxy.errors import NotInControlError, RefusedError
from zmqjsonproxy.interface import Interface
from zmqjsonproxy.rights import Role


class Kept:
    """Control that notes what it does, by a clock that is turned."""

    def __init__(self) -> None:
        self.now = 100.0
        self.done: list[str] = []
        self.control = ServedControl(
            Lease("BANKA"), now=lambda: self.now, wall=lambda: 0.0, keep=self.keep, tell=self.tell
        )

    def keep(self, lease: Lease, is_other: bool) -> None:
        self.done.append(f"keep {lease.number}{' other' if is_other else ''}")

    def tell(self, told: JsonObject) -> None:
        self.done.append(f"tell {told['owner']}")

    def take(self, owner: str = "ann@hpc1:1", **more: float) -> str:
        with calling(Caller(owner, key="ann")):
            told = self.control.take("run", **more)
        return f"{told['number']}:{told['token']}"


def test_each_change_is_kept_before_it_is_told_and_renewals_are_told_to_nobody() -> None:
    kept = Kept()
    proof = kept.take()
    with calling(Caller("ann@hpc1:1", key="ann").with_control(proof)):
        kept.now += 4.0
        kept.control.renew()
        kept.control.release()
    assert kept.done == [
        "keep 1 other",
        "tell ann@hpc1:1",
        "keep 1",
        "keep 1 other",
        "tell None",
    ]


def test_an_end_by_time_is_kept_and_told_once() -> None:
    kept = Kept()
    kept.take(seconds=10.0)
    kept.now += 10.0
    for _ in range(3):
        kept.control.tick()
    assert kept.done[2:] == ["keep 1 other", "tell None"]


def test_a_late_renewal_ends_the_lease_for_all() -> None:
    kept = Kept()
    proof = kept.take(seconds=10.0)
    kept.now += 10.0
    with (
        calling(Caller("ann@hpc1:1", key="ann").with_control(proof)),
        pytest.raises(NotInControlError),
    ):
        kept.control.renew()
    assert kept.done[2:] == ["keep 1 other", "tell None"]


def test_no_answer_and_no_text_but_that_to_take_has_the_token() -> None:
    kept = Kept()
    token = kept.take().partition(":")[2]
    assert token not in str(kept.control.state())
    assert token not in repr(Caller("ann").with_control(f"1:{token}"))
    assert kept.control.state()["key"] == "ann"


def test_endpoints_ask_for_clients_that_can_prove_nothing() -> None:
    kept = Kept()
    kept.control.check()
    kept.take()
    with pytest.raises(NotInControlError, match="ann@hpc1:1"):
        kept.control.check()


def test_breaking_is_for_admins_and_all_is_beside_the_gate() -> None:
    methods = Interface.of("control", Kept().control).methods
    assert {name for name, each in methods.items() if each.mark.needs is Role.ADMIN} == {
        "break_lease"
    }
    assert not any(each.mark.needs_control for each in methods.values() if each.mark.journaled)


def test_what_makes_no_sense_is_refused_and_changes_nothing() -> None:
    kept = Kept()
    with calling(Caller("ann")), pytest.raises(RefusedError):
        kept.control.take("")
    assert kept.done == []
