"""Seats of people: who has one, how long control of somebody lasts who has gone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dashboard.acts import seats
from dashboard.acts.act import Act, ActOutcome, OutcomeState
from dashboard.acts.seats import PresentRenewal, Seats
from player.endpoints.http.protocol.sessions import Person
from zmqjsonproxy.rights import Role


class Controls:
    """Stands for the control that a seat has.

    Attributes:
        signs: Signs of life that were given.
        let_go_at: How many there were when it was given back.
    """

    def __init__(self) -> None:
        self.signs, self.changed = 0, asyncio.Event()
        self.let_go_at = -1

    async def sign(self) -> bool:
        self.signs += 1
        self.changed.set()
        return True

    async def let_go(self) -> None:
        self.let_go_at = self.signs
        self.changed.set()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "RENEW_EVERY_S", 0.002)
    monkeypatch.setattr(seats, "ABSENT_S", 0.01)


def test_control_is_renewed_while_somebody_is_there_and_given_back_after() -> None:
    async def run() -> Controls:
        controls, there = Controls(), True
        made: Any = controls
        renewal = PresentRenewal(made, lambda: there)
        renewal.begin(controls.sign)
        renewal.begin(controls.sign)
        async with asyncio.timeout(60):
            while controls.signs < 10:
                controls.changed.clear()
                await controls.changed.wait()
            assert controls.let_go_at == -1
            there = False
            while controls.let_go_at < 0:
                controls.changed.clear()
                await controls.changed.wait()
        renewal.end()
        return controls

    controls = asyncio.run(run())
    assert controls.let_go_at >= 10
    assert controls.signs == controls.let_go_at


def person(key: str) -> Person:
    return Person(key=key, role=Role.OPERATE, token=f"token of {key}")


def act_of(verb: str, bank: str, state: OutcomeState) -> Act:
    outcomes = {bank: ActOutcome(state)}
    return Act(id="1", by="ann", time=0.0, verb=verb, text=verb, banks=(bank,), outcomes=outcomes)


def test_a_person_has_one_seat_and_idle_ones_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "MAX_SEATS", 2)

    async def run() -> None:
        made = Seats({"BANKA": "tcp://127.0.0.1:9"}, None, lambda _person: True, lambda _bank: None)
        try:
            ann, ben = made.of(person("ann")), made.of(person("ben"))
            assert made.of(person("ann")) is ann
            assert made.of(person("eve")) not in (ann, ben)
            assert made.of(person("ann")) is ann  # ben's was used longest ago
            assert made.of(person("ben")) is not ben
            assert made.holds(person("nobody")) == {}
        finally:
            await made.close()

    asyncio.run(run())


def test_control_that_has_ended_goes_with_no_call_any_more() -> None:
    told: dict[str, Any] = {"number": None, "last_number": 6}

    async def run() -> None:
        made = Seats({"BANKA": "tcp://127.0.0.1:9"}, None, lambda _person: True, lambda _bank: told)
        try:
            seat = made.of(person("ann"))
            seat.controls.hold("BANKA", "credential")
            seat.numbers["BANKA"] = 7
            assert made.holds(person("ann")) == {"BANKA": 7}  # what was published is of before
            told.update(number=7, last_number=7)
            assert made.of(person("ann")).holds == {"BANKA": 7}
            told.update(number=None)
            going_on = asyncio.get_running_loop().create_task(asyncio.sleep(0))
            for kept, act in (
                (True, act_of("start", "BANKA", OutcomeState.WAITING)),
                (False, act_of("call", "BANKA", OutcomeState.WAITING)),
                (False, act_of("start", "BANKA", OutcomeState.RUNNING)),
                (False, act_of("start", "BANKB", OutcomeState.WAITING)),
            ):
                seat.controls.hold("BANKA", "credential")
                seat.acts[going_on] = act
                assert (made.of(person("ann")).holds == {"BANKA": 7}) == kept, act
            seat.acts.clear()
            assert seat.is_idle
        finally:
            await made.close()

    asyncio.run(run())
