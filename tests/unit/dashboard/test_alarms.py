"""Alarms of the array: those of Players, and their absence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.full_disk import room_for

from dashboard.alarms import ABSENCES, ArrayAlarms
from dashboard.bankstate import WatchedBank
from dashboard.protocol.topics import KeyTopic, LineTopic
from dashboard.store import Store
from player.alarms.book import AlarmRefusedError
from player.alarms.served import KEEP_AGAIN_S, MAX_PUBLISHED

UTC = 1_800_000_000.0
GONE_KEY = "BANKA no answer"


class Watched:
    """An array of one Bank, whose time a test turns."""

    def __init__(self, store: Store | None = None) -> None:
        self.now = 100.0
        self.topic, self.values = KeyTopic("alarms"), KeyTopic("values:BANKA")
        topics = KeyTopic("overview"), self.values, KeyTopic("operations"), LineTopic("log")
        self.bank = WatchedBank("BANKA", "tcp://hpc1:6667", "hpc1", topics, self.wall)
        self.alarms = ArrayAlarms(
            [self.bank], self.topic, store, lambda: self.now, lambda: self.wall
        )

    @property
    def wall(self) -> float:
        return UTC + self.now

    def look(self, seconds: float, *, heard: bool) -> dict[str, Any]:
        for _ in range(int(seconds)):
            self.now += 1
            if heard:
                self.bank.liveness.hear(self.now)
            self.bank.liveness.tick(self.now, self.wall)
            self.alarms.look()
        return self.topic.values

    def publish(self, *alarms: dict[str, Any]) -> None:
        self.values.put("alarms", [{"active": list(alarms), "new": 1}, self.wall, 1])


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def test_alarms_of_a_player_come_and_go_as_it_tells_and_stay_while_it_is_silent() -> None:
    async def work() -> None:
        watched = Watched()
        watched.look(20, heard=True)
        watched.publish({"name": "drop", "phase": "new"}, {"name": "board", "phase": "new"})
        told = watched.look(1, heard=True)
        assert list(told) == ["BANKA drop", "BANKA board"]
        assert told["BANKA drop"] == {
            "bank": "BANKA",
            "source": "player",
            "name": "drop",
            "phase": "new",
        }
        watched.publish({"name": "drop", "phase": "acknowledged"})
        assert list(watched.look(1, heard=True)) == ["BANKA drop"]
        told = watched.look(15, heard=False)
        assert list(told) == ["BANKA drop", GONE_KEY]
        watched.values.put("alarms", [{"left_out": True, "characters": 99_999}, 0.0, 2])
        assert list(watched.look(1, heard=False)) == [GONE_KEY]

    run(work)


def test_an_absence_is_raised_once_it_is_one_and_acknowledging_it_leaves_the_rest() -> None:
    async def work() -> None:
        watched = Watched()
        watched.publish({"name": "drop", "phase": "new"})
        watched.look(20, heard=True)
        heard = watched.wall
        assert GONE_KEY not in watched.look(9, heard=False)
        absence = watched.look(2, heard=False)[GONE_KEY]
        assert (absence["phase"], absence["severity"], absence["source"]) == (
            "new",
            "fault",
            "dashboard",
        )
        assert absence["since"] == heard
        await watched.alarms.acknowledge("BANKA", absence["number"], "ann", "rebooting it")
        assert watched.topic.values[GONE_KEY]["phase"] == "acknowledged"
        assert watched.topic.values["BANKA drop"]["phase"] == "new"
        assert GONE_KEY not in watched.look(7, heard=True)

    run(work)


def test_a_player_that_never_answered_and_one_that_refuses_are_absent() -> None:
    async def work() -> None:
        watched = Watched()
        watched.bank.liveness.miss("connection refused")
        assert watched.look(9, heard=False) == {}
        absence = watched.look(2, heard=False)[GONE_KEY]
        assert absence["value"] == "connection refused"
        refusing = Watched()
        refusing.bank.liveness.refuse("it wants a key")
        assert refusing.look(1, heard=False)[GONE_KEY]["value"] == "it wants a key"

    run(work)


def test_a_restart_raises_no_acknowledged_absence_again(tmp_path: Path) -> None:
    path = tmp_path / "dashboard.sqlite3"

    async def before() -> None:
        with closing(Store(path, (ABSENCES,))) as store:
            watched = Watched(store)
            watched.look(12, heard=False)
            await watched.alarms.acknowledge("BANKA", None, "ann", "")
            await watched.alarms.close()

    async def after() -> None:
        with closing(Store(path, (ABSENCES,))) as store:
            watched = Watched(store)
            await watched.alarms.load()
            for seconds in (1, 20):
                absence = watched.look(seconds, heard=False)[GONE_KEY]
                assert absence["phase"] == "acknowledged"
                assert absence["acknowledged"]["by"] == "ann"
            await watched.alarms.shelve("BANKA", 60.0, "ann", "")
            await watched.alarms.unshelve("BANKA", "ann")
            with pytest.raises(AlarmRefusedError):
                await watched.alarms.acknowledge("BANKA", None, "bob", "")

    run(before)
    run(after)


def test_a_dashboard_that_stood_still_takes_no_player_for_absent() -> None:
    async def work() -> None:
        watched = Watched()
        watched.look(20, heard=True)
        watched.now += 30.0  # nobody looked
        assert watched.look(1, heard=False) == {}
        assert watched.look(60, heard=True) == {}
        watched.now += 30.0
        assert GONE_KEY not in watched.look(9, heard=False)
        assert watched.look(3, heard=False)[GONE_KEY]["phase"] == "new"

    run(work)


def test_a_shelf_that_was_left_stays_so_over_a_restart(tmp_path: Path) -> None:
    async def work() -> None:
        with closing(Store(tmp_path / "dashboard.sqlite3", (ABSENCES,))) as store:
            watched = Watched(store)
            await watched.alarms.shelve("BANKA", 3600.0, "ann", "")
            await watched.alarms.unshelve("BANKA", "ann")
            again = Watched(store)
            await again.alarms.load()
            assert GONE_KEY not in again.look(1, heard=True)

    run(work)


def test_what_a_full_disk_had_no_room_for_is_kept_when_there_is_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        with closing(Store(tmp_path / "dashboard.sqlite3", (ABSENCES,))) as store:
            watched = Watched(store)
            watched.look(12, heard=False)
            await watched.alarms.close()
            with room_for(0):
                await watched.alarms.acknowledge("BANKA", None, "ann", "")
                watched.look(KEEP_AGAIN_S, heard=False)
                await watched.alarms.close()
            watched.look(KEEP_AGAIN_S + 1, heard=False)
            await watched.alarms.close()
            again = Watched(store)
            await again.alarms.load()
            assert again.look(1, heard=False)[GONE_KEY]["phase"] == "acknowledged"

    run(work)
    assert caplog.text.count("cannot be kept") == 1


def test_a_player_tells_of_no_alarms_but_its_own() -> None:
    async def work() -> None:
        watched = Watched()
        watched.look(20, heard=True)
        forged = {"bank": "BANKB", "source": "dashboard", "phase": "new"}
        watched.publish({"name": "no answer", **forged}, {"name": "drop", **forged})
        told = watched.look(1, heard=True)
        assert {key: (each["bank"], each["source"]) for key, each in told.items()} == {
            "BANKA drop": ("BANKA", "player")
        }
        watched.publish(*({"name": f"a{number}"} for number in range(2000)))
        assert len(watched.look(1, heard=True)) == MAX_PUBLISHED

    run(work)


@pytest.mark.parametrize(
    "kept", ["{", "[]", "1", '{"number": "x"}', '{"number": Infinity}', "[" * 100_000]
)
def test_what_was_kept_and_makes_no_sense_is_left_and_logged(
    tmp_path: Path, kept: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        with closing(Store(tmp_path / "dashboard.sqlite3", (ABSENCES,))) as store:
            put = "INSERT INTO absences VALUES ('BANKA', ?)"
            await store.ask(lambda connection: connection.execute(put, (kept,)))
            watched = Watched(store)
            await watched.alarms.load()
            assert watched.look(12, heard=False)[GONE_KEY]["number"] == 1
            await watched.alarms.close()

    run(work)
    assert "cannot be read" in caplog.text
