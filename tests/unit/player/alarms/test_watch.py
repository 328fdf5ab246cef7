"""Values of properties, judged by rules."""

from __future__ import annotations

import threading
from typing import Any

from player.alarms.rules import AlarmRule, AlarmVerdict
from player.alarms.watch import AlarmWatch
from player.testing.clock import ManualClock
from zmqjsonproxy.channels.declarations import Declared
from zmqjsonproxy.channels.properties import PropertyTable


def watched(table: PropertyTable, key: str, **limits: Any) -> tuple[AlarmWatch, ManualClock]:
    clock = ManualClock()
    rule = AlarmRule(name="it", text="it is bad", key=key, **(limits or {"above": 0}))
    return AlarmWatch([rule], {"": table}, clock), clock


def look(watch: AlarmWatch) -> AlarmVerdict:
    return watch.look()["it"]


def test_a_property_that_comes_later_is_found_by_its_longest_name() -> None:
    table = PropertyTable([])
    watch, _ = watched(table, "status.NETDROP.total")
    assert look(watch).why == "there is no property status.NETDROP.total"
    table.publish("status", {"NETDROP": {"total": 0}})
    assert look(watch).holds is False
    other = PropertyTable([])
    other.publish("status", 5)
    other.publish("status.NETDROP", {"total": 7})
    assert look(watched(other, "status.NETDROP.total")[0]) == AlarmVerdict(True, "7")


def test_a_value_is_told_with_its_unit() -> None:
    table = PropertyTable([Declared(name="voltage", unit="V")])
    watch, _ = watched(table, "voltage", above=1.5)
    assert look(watch).why == "voltage has no value yet"
    table.publish("voltage", 2.0)
    assert look(watch) == AlarmVerdict(True, "2 V")


def test_properties_of_parts_begin_with_the_name_of_the_part() -> None:
    table, part = PropertyTable([]), PropertyTable([])
    part.publish("queued", 3)
    rule = AlarmRule(name="it", text="", key="jobs.queued", above=2)
    watch = AlarmWatch([rule], {"": table, "jobs": part}, ManualClock())
    assert look(watch) == AlarmVerdict(True, "3")
    table.publish("jobs", {"queued": 1})  # the Bank's own wins, but not once it was found
    assert look(AlarmWatch([rule], {"": table, "jobs": part}, ManualClock())).holds is False


def test_a_value_that_was_taken_away_cannot_be_told() -> None:
    table = PropertyTable([])
    table.publish("drop", 3)
    watch, _ = watched(table, "drop")
    assert look(watch).holds is True
    table.publish("drop", None)
    assert look(watch) == AlarmVerdict(None, "", "drop has no value")
    table.forget("drop")
    assert look(watch).why == "drop has no value yet"


def test_the_age_of_a_value_is_from_when_it_was_published() -> None:
    table = PropertyTable([])
    watch, clock = watched(table, "drop", above=0, max_age=30.0)
    table.publish("drop", 0, round(clock.time() * 1e6))
    clock.advance(30)
    assert look(watch).holds is False
    clock.advance(1)
    assert look(watch).why == "drop was last renewed 31 s ago"


def test_what_is_computed_is_read_every_few_seconds_and_its_failure_is_told() -> None:
    reads, read = list[float](), threading.Event()

    def value() -> float:
        reads.append(0.0)
        if len(reads) == 2:
            read.set()
            raise OSError("no such disk")
        return 0.5

    table = PropertyTable([Declared(name="room", read=value)])
    watch, clock = watched(table, "room", below=1)
    look(watch)
    for _ in range(1000):
        if look(watch).holds is not None or read.wait(0.01):
            break
    assert look(watch) == AlarmVerdict(True, "0.5")
    assert len(reads) == 1
    clock.advance(5)
    look(watch)
    assert read.wait(30)
    for _ in range(3000):
        if look(watch).holds is None:
            break
        threading.Event().wait(0.01)
    assert look(watch).why == "room cannot be read: OSError: no such disk"


def test_what_a_lost_remote_told_last_is_no_value_of_now() -> None:
    table = PropertyTable([])
    table.publish("wind@gbt", 3)
    table.publish("@gbt", {"stale": ""})
    watch, _ = watched(table, "wind@gbt", above=10)
    assert look(watch).holds is False
    table.publish("@gbt", {"stale": "it does not answer"})
    assert look(watch).why == "nothing is heard of the remote gbt: it does not answer"


def test_what_is_too_long_is_not_looked_at() -> None:
    table = PropertyTable([])
    table.publish("drop", "x" * 60_000)
    assert look(watched(table, "drop", equals=["a"])[0]).why == "drop is too long to be looked at"
