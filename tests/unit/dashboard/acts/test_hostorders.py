"""Orders to hosts: what becomes of them, and when they are refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dashboard.acts import hostorders
from dashboard.acts.act import Act
from dashboard.acts.hostorders import HostOrders, Order
from dealer.hosts import BankOnHost, Installation
from dealer.supervision import OrderOutcome

BANKS = [BankOnHost(name, "hpc1", "tcp://127.0.0.1:9") for name in ("BANKA", "BANKB", "BANKC")]


class Supervisors:
    """Stands for all supervisords."""

    def __init__(self) -> None:
        self.scans: list[str] = []
        self.given: list[tuple[str, int]] = []
        self.trouble: Exception | None = None

    def __call__(self, *_args: object) -> Supervisors:
        return self

    def scanning(self, _banks: Sequence[BankOnHost]) -> list[str]:
        return self.scans

    def order(
        self,
        word: str,
        banks: Sequence[BankOnHost],
        at_once: int,
        tell: Callable[[OrderOutcome], None],
    ) -> bool:
        self.given.append((word, at_once))
        if self.trouble is not None:
            raise self.trouble
        for bank, outcome in zip(banks, ("ready", "failed", "left alone"), strict=True):
            tell(OrderOutcome(bank.name, outcome, "x", 0.5))
        return False


def carried_out(order: Order, *, force: bool = False) -> tuple[Act, int]:
    """Give an order; the act, and how often it was shown meanwhile."""
    shown: list[Act] = []
    names = tuple(bank.name for bank in BANKS)
    act = Act(id="a1", by="root", time=1.0, verb="hosts", text=order, banks=names)

    async def give() -> None:
        orders = HostOrders(Installation({}, {}))
        try:
            seat: Any = None
            await orders.give(seat, act, order=order, banks=BANKS, force=force, show=shown.append)
        finally:
            orders.close()

    asyncio.run(give())
    return act, len(shown)


@pytest.fixture
def supervisors(monkeypatch: pytest.MonkeyPatch) -> Supervisors:
    made = Supervisors()
    monkeypatch.setattr(hostorders, "Supervision", made)
    return made


def states(act: Act) -> list[str]:
    return [str(act.outcomes[bank].state) for bank in act.banks]


def test_each_player_tells_how_it_fared_and_restarts_come_one_by_one(
    supervisors: Supervisors,
) -> None:
    act, shown = carried_out("restart")
    assert states(act) == ["done", "failed", "refused"]
    assert (shown, supervisors.given) == (3, [("restart", 1)])
    assert act.outcomes["BANKB"].text == "failed: x"


def test_nothing_is_stopped_while_a_scan_runs_unless_forced(supervisors: Supervisors) -> None:
    supervisors.scans = ["BANKB"]
    act, _ = carried_out("stop")
    assert states(act) == ["refused"] * 3
    assert "BANKB: a scan runs" in act.note
    assert "dealer hosts stop BANKA BANKB BANKC --force" in act.note
    assert supervisors.given == []
    carried_out("stop", force=True)
    carried_out("start")
    assert [word for word, _ in supervisors.given] == ["stop", "start"]


def test_what_cannot_be_ordered_is_told(supervisors: Supervisors) -> None:
    supervisors.trouble = OSError("nobody there")
    with pytest.raises(OSError, match="nobody there"):
        carried_out("start")
