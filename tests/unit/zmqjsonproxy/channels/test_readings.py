"""Readings of computed properties: what hangs holds up nobody else, in few threads."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator

import pytest
from support.read_at_once import at_once

from zmqjsonproxy.channels import readings as module
from zmqjsonproxy.channels.protocol.notices import Encoded
from zmqjsonproxy.channels.readings import MAX_READERS, READ_WITHIN_S, Readings

SOON = 20.0


class Sensor:
    """Hangs until it is let go.

    Attributes:
        reads: How often it was begun.
    """

    def __init__(self) -> None:
        self.reads = 0
        self.begun, self.let_go = threading.Event(), threading.Event()

    def read(self) -> int:
        self.reads += 1
        self.begun.set()
        assert self.let_go.wait(SOON)
        return self.reads


@pytest.fixture
def sensors() -> Iterator[list[Sensor]]:
    made = [Sensor() for _ in range(MAX_READERS + 1)]
    yield made
    for sensor in made:
        sensor.let_go.set()
    for thread in threading.enumerate():
        if thread.name == "computed properties":
            thread.join(SOON)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def values(found: dict[str, Encoded]) -> dict[str, object]:
    return {name: value.value() for name, value in found.items()}


def test_one_that_hangs_makes_only_itself_stale(sensors: list[Sensor]) -> None:
    clock, sensor = Clock(), sensors[0]
    readings = Readings(clock=clock)
    wanted = {"hangs": sensor.read, "works": lambda: 7}
    found, problems = readings.get(wanted, within=0.0)
    assert sensor.begun.wait(SOON)
    assert problems["hangs"] == {"reason": "it was not read within 0 s"}
    clock.now += 12.0
    for _ in range(3):
        found, problems = readings.get(wanted)  # and does not wait for it
        assert values(found) == {"works": 7}
        assert problems == {
            "hangs": {"reason": "it is being read for 12.0 s, and has not come back"}
        }
    assert sensor.reads == 1
    assert readings.problem("works") is None
    sensor.let_go.set()
    assert values(readings.get({"works": lambda: 8})[0]) == {"works": 8}


def test_what_hung_and_came_back_is_fresh_again(sensors: list[Sensor]) -> None:
    clock, sensor = Clock(), sensors[0]
    readings, published = Readings(clock=clock), threading.Event()
    readings.sample("hangs", sensor.read, lambda _value: published.set(), False)
    assert sensor.begun.wait(SOON)
    clock.now += 5.0
    assert "reason" in (readings.problem("hangs") or {})
    sensor.let_go.set()
    assert published.wait(SOON)
    found, problems = readings.get({"hangs": sensor.read}, within=SOON)
    assert (values(found), problems) == ({"hangs": 2}, {})


def test_what_is_told_was_so_after_the_question(sensors: list[Sensor]) -> None:
    """A reading that had begun before is not told to who asks now."""
    sensor = sensors[0]
    readings = Readings()
    readings.sample("n", sensor.read, lambda _value: None, False)
    assert sensor.begun.wait(SOON)
    threading.Timer(0.0, sensor.let_go.set).start()
    found, _ = readings.get({"n": sensor.read}, within=SOON)
    assert values(found) == {"n": 2}


def test_those_that_hang_cost_a_bounded_number_of_threads(sensors: list[Sensor]) -> None:
    clock = Clock()
    readings = Readings(clock=clock)
    before = threading.active_count()
    wanted = {f"s{number}": sensor.read for number, sensor in enumerate(sensors)}
    readings.get(wanted, within=0.0)
    for sensor in sensors[:MAX_READERS]:
        assert sensor.begun.wait(SOON)
    for _ in range(3):
        clock.now += 10.0
        readings.get(wanted)
    assert threading.active_count() - before == MAX_READERS
    last = f"s{MAX_READERS}"
    assert "s0, s1, s2, s3, s4, s5, s6, s7 keep all 8 threads" in readings.problem(last)["reason"]
    sensors[3].let_go.set()
    assert sensors[MAX_READERS].begun.wait(SOON)


def test_a_reading_that_is_asked_for_often_is_told_once_to_each() -> None:
    waiting: deque[Callable[[], None]] = deque()
    readings = Readings(start=waiting.append)
    told: list[object] = []
    for _ in range(5):
        for key in (False, True):
            readings.sample("n", lambda: 1, lambda value: told.append(value.value()), key)
    for run in waiting:
        run()
    assert told == [1, 1]


def test_one_that_fails_is_logged_once_until_it_works(caplog: pytest.LogCaptureFixture) -> None:
    readings, state = Readings(start=at_once), {"works": False}

    def read() -> int:
        if not state["works"]:
            raise SystemExit("on purpose")
        return 1

    for works, logged in ((False, 1), (False, 1), (True, 1), (False, 2)):
        state["works"] = works
        readings.sample("n", read, lambda _value: None, False)
        assert len(caplog.records) == logged
    assert readings.problem("n")["reason"] == "SystemExit: on purpose"


def test_one_that_hangs_is_logged_once(
    sensors: list[Sensor], caplog: pytest.LogCaptureFixture
) -> None:
    clock, sensor = Clock(), sensors[0]
    readings = Readings(clock=clock)
    with caplog.at_level(logging.ERROR):
        for _ in range(4):
            readings.sample("n", sensor.read, lambda _value: None, False)
            clock.now += READ_WITHIN_S + 1
    assert [record.message for record in caplog.records] == [
        "n cannot be read: it is being read for 2.0 s, and has not come back"
    ]


def test_without_more_threads_it_is_read_when_there_are() -> None:
    scarce = True

    def start(run: Callable[[], None]) -> None:
        if scarce:
            raise RuntimeError("can't start new thread")
        run()

    readings = Readings(start=start)
    assert "not read within" in readings.get({"n": lambda: 1}, within=0.0)[1]["n"]["reason"]
    scarce = False
    assert values(readings.get({"n": lambda: 2})[0]) == {"n": 2}


def test_a_child_does_not_wait_for_the_threads_of_its_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left: list[Callable[[], None]] = []
    readings = Readings(start=left.append)
    readings.get({f"n{k}": lambda: 1 for k in range(20)}, within=0.0)
    assert len(left) == MAX_READERS
    monkeypatch.setattr(module.os, "getpid", lambda: os.getppid())
    readings._start = at_once
    assert values(readings.get({"n1": lambda: 5})[0]) == {"n1": 5}


def test_who_cannot_be_told_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    readings = Readings(start=at_once)

    def refuse(_value: Encoded) -> None:
        raise ValueError("on purpose")

    readings.sample("n", lambda: 1, refuse, False)
    assert "could not be published" in caplog.text
    assert values(readings.get({"n": lambda: 2})[0]) == {"n": 2}
