"""Seats of people: who has one, how long control of somebody lasts who has gone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dashboard.acts import seats
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


def test_a_person_has_one_seat_and_idle_ones_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "MAX_SEATS", 2)

    async def run() -> None:
        made = Seats({"BANKA": "tcp://127.0.0.1:9"}, None, lambda _person: True)
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
