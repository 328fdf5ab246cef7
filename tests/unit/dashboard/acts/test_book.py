"""The book of acts: who sees which, and what makes room."""

from __future__ import annotations

import asyncio

import pytest

from dashboard.acts.act import Act, OutcomeState
from dashboard.acts.book import (
    DONE_KEPT_S,
    MAX_OF_PERSON,
    MAX_RUNNING,
    ActBook,
    TooManyActsError,
)
from dashboard.protocol.topics import KeyTopic
from dealer.outcome import Outcome
from zmqjsonproxy.errors import RefusedError


class Desk:
    def __init__(self) -> None:
        self.now, self.topic = 100.0, KeyTopic("acts")
        self.book = ActBook(self.topic, lambda: self.now)

    def begin(self, by: str = "ann") -> Act:
        return self.book.begin(by, "call", "x()", ["BANKA"])

    def end(self, act: Act, error: Exception | None = None) -> None:
        act.take({"BANKA": Outcome("BANKA", None, error)})
        self.book.show(act)


def test_acts_that_are_done_are_forgotten_and_others_stay_until_dismissed() -> None:
    desk = Desk()
    done, failed = desk.begin(), desk.begin()
    desk.end(done)
    desk.end(failed, RefusedError("no"))
    assert desk.topic.values[failed.id]["state"] == "failed"
    desk.now += DONE_KEPT_S + 1
    desk.book.forget_old()
    assert desk.topic.values.keys() == {failed.id}
    desk.book.dismiss("ben", [failed.id])
    assert desk.book.of("ann") == [failed]
    desk.book.dismiss("ann", [failed.id, "nosuch"])
    assert not desk.topic.values


def test_what_goes_on_is_bounded_and_never_dismissed() -> None:
    desk = Desk()
    acts = [desk.begin() for _ in range(MAX_RUNNING)]
    with pytest.raises(TooManyActsError):
        desk.begin()
    desk.begin("ben")
    desk.book.dismiss("ann", [acts[0].id])
    assert desk.book.find("ann", acts[0].id) is acts[0]
    assert desk.book.find("ben", acts[0].id) is None


def test_of_too_many_acts_the_oldest_that_have_ended_make_room() -> None:
    desk = Desk()
    going_on = desk.begin()
    for _ in range(MAX_OF_PERSON + 10):
        desk.end(desk.begin(), RefusedError("no"))
    kept = desk.book.of("ann")
    assert len(kept) <= MAX_OF_PERSON
    assert kept[0] is going_on
    assert len(desk.topic.values) == len(kept)


def test_who_waits_hears_of_the_end() -> None:
    async def wait() -> bool:
        desk = Desk()
        act = desk.begin()
        await desk.book.wait(act, 0.0)
        waiting = asyncio.create_task(desk.book.wait(act, 30.0))
        await asyncio.sleep(0)
        desk.end(act)
        await waiting
        return act.state is OutcomeState.DONE

    assert asyncio.run(wait())
