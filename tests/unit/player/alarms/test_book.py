"""Life of alarms."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from player.alarms.book import (
    AlarmBook,
    AlarmEvent,
    AlarmEventKind,
    AlarmMoment,
    AlarmRefusedError,
)
from player.alarms.rules import AlarmSeverity, AlarmSpec, AlarmVerdict

HOLDS, AWAY, UNKNOWN = (
    AlarmVerdict(True, "3"),
    AlarmVerdict(False, "0"),
    AlarmVerdict(None, "", "drop has no value"),
)
SPEC = AlarmSpec(name="drop", text="blocks were dropped")
HELD = AlarmSpec(name="held", text="it is full", hold=30.0, severity=AlarmSeverity.FAULT)
UTC = 1_800_000_000.0


def at(seconds: float) -> AlarmMoment:
    return AlarmMoment(UTC + seconds, 100.0 + seconds)


class Driven:
    """A book that is looked at."""

    def __init__(self, *specs: AlarmSpec, settle: float = 0.0) -> None:
        self.book = AlarmBook(specs or (SPEC,), settle)

    def look(
        self, seconds: float, verdict: AlarmVerdict, name: str = "drop"
    ) -> list[AlarmEventKind]:
        return [event.kind for event in self.book.look({name: verdict}, at(seconds))]

    def told(self, seconds: float = 0.0, name: str = "drop") -> dict[str, Any]:
        return self.book.told(name, at(seconds).wall)

    def acknowledge(self, seconds: float, number: int | None = None) -> AlarmEvent:
        return self.book.acknowledge("drop", number, "ann", "looks like rain", at(seconds))


def test_an_alarm_is_raised_acknowledged_and_gone() -> None:
    alarms = Driven()
    assert alarms.look(0, AWAY) == []
    assert alarms.told()["phase"] == "quiet"
    assert alarms.look(1, HOLDS) == [AlarmEventKind.RAISED]
    told = alarms.told(1)
    assert (told["phase"], told["number"], told["value"]) == ("new", 1, "3")
    assert told["since"] == UTC + 1
    assert str(alarms.acknowledge(2)) == "alarm drop acknowledged: by ann: looks like rain"
    assert alarms.told()["phase"] == "acknowledged"
    assert alarms.told()["acknowledged"] == {
        "by": "ann",
        "note": "looks like rain",
        "time": UTC + 2,
    }
    assert alarms.look(10, AWAY) == []
    assert alarms.look(14, AWAY) == []
    assert alarms.look(15, AWAY) == [AlarmEventKind.GONE]
    assert alarms.told()["phase"] == "quiet"
    assert alarms.told()["gone"] == UTC + 10


def test_what_went_before_anybody_saw_it_waits_for_an_acknowledgement() -> None:
    alarms = Driven()
    alarms.look(0, HOLDS)
    for seconds in (1, 6):
        alarms.look(seconds, AWAY)
    assert alarms.told()["phase"] == "gone"
    assert alarms.told()["value"] == "3"
    alarms.acknowledge(20)
    assert alarms.told()["phase"] == "quiet"


def test_repeats_are_one_row_with_a_count_of_the_last_eight_hours() -> None:
    alarms = Driven()
    for hour in range(12):
        alarms.look(hour * 3600, HOLDS)
        alarms.look(hour * 3600 + 10, AWAY)
        alarms.look(hour * 3600 + 20, AWAY)
    told = alarms.told(11 * 3600 + 20)
    assert (told["phase"], told["number"], told["count"]) == ("gone", 12, 8)
    assert len(alarms.book.described(at(0).wall)) == 1


@pytest.mark.parametrize("kind", list(AlarmEventKind))
@pytest.mark.parametrize("text", ["", "fault: it is bad (x is 1: 2)", "two\nlines"])
def test_events_are_written_and_read(kind: AlarmEventKind, text: str) -> None:
    event = AlarmEvent(kind, "scan.dropped", text)
    assert AlarmEvent.read(str(event)) == event


@pytest.mark.parametrize("text", ["", "alarm drop", "alarm drop rung", "control: alarm x gone"])
def test_other_remarks_tell_of_no_alarm(text: str) -> None:
    assert AlarmEvent.read(text) is None


def test_a_condition_has_to_hold_for_its_time() -> None:
    alarms = Driven(HELD)
    assert alarms.look(0, HOLDS, "held") == []
    assert alarms.look(20, AWAY, "held") == []
    assert alarms.look(25, HOLDS, "held") == []
    assert alarms.look(54, HOLDS, "held") == []
    assert alarms.look(55, HOLDS, "held") == [AlarmEventKind.RAISED]
    assert alarms.told(name="held")["since"] == UTC + 25
    assert alarms.look(60, AWAY, "held") == []
    assert alarms.look(89, AWAY, "held") == []
    assert alarms.look(90, AWAY, "held") == [AlarmEventKind.GONE]


def test_what_cannot_be_told_is_not_gone_and_says_so() -> None:
    alarms = Driven()
    alarms.look(0, HOLDS)
    assert alarms.look(1, UNKNOWN) == [AlarmEventKind.UNREADABLE]
    assert alarms.look(1000, UNKNOWN) == []
    told = alarms.told()
    assert (told["phase"], told["value"], told["unreadable"]) == (
        "new",
        "3",
        "drop has no value",
    )
    assert alarms.look(1001, AWAY) == [AlarmEventKind.READABLE]
    assert alarms.look(1004, UNKNOWN) == [AlarmEventKind.UNREADABLE]
    assert alarms.look(1006, AWAY) == [AlarmEventKind.READABLE]
    assert alarms.look(1010, AWAY) == []  # away for 4 s only, as far as is known
    assert alarms.look(1011, AWAY) == [AlarmEventKind.GONE]


def test_what_is_quiet_and_cannot_be_told_is_listed() -> None:
    alarms = Driven()
    assert alarms.book.described(UTC)[0]["unreadable"] == "it was not looked at yet"
    assert alarms.look(0, AWAY) == []
    assert alarms.book.described(UTC) == []
    assert len(alarms.book.described(UTC, every=True)) == 1


def test_an_acknowledgement_is_of_the_raising_that_was_seen() -> None:
    alarms = Driven()
    alarms.look(0, HOLDS)
    alarms.look(1, AWAY)
    alarms.look(6, AWAY)
    alarms.look(7, HOLDS)
    with pytest.raises(AlarmRefusedError, match="raised again since you looked: this is number 2"):
        alarms.acknowledge(8, number=1)
    assert alarms.told()["phase"] == "new"
    alarms.acknowledge(8, number=2)
    with pytest.raises(AlarmRefusedError, match="it has that of ann"):
        alarms.acknowledge(9)


def test_what_is_not_there_or_not_raised_is_refused() -> None:
    alarms = Driven()
    with pytest.raises(AlarmRefusedError, match="it is not raised"):
        alarms.acknowledge(0)
    with pytest.raises(AlarmRefusedError, match="there is no alarm 'dorp' here; there are drop"):
        alarms.book.acknowledge("dorp", None, "ann", "", at(0))
    with pytest.raises(AlarmRefusedError, match="not shelved"):
        alarms.book.unshelve("drop", "ann")


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 8 * 86400.0])
def test_shelving_needs_an_end(seconds: float) -> None:
    with pytest.raises(AlarmRefusedError, match="a week"):
        Driven().book.shelve("drop", seconds, "ann", "", at(0))


def test_a_shelf_ends_by_itself_and_by_hand() -> None:
    alarms = Driven()
    alarms.look(0, HOLDS)
    assert str(alarms.book.shelve("drop", 60, "ann", "rain", at(0))) == (
        "alarm drop shelved: for 60 s by ann"
    )
    assert alarms.told()["shelved"]["until"] == UTC + 60
    assert alarms.look(59, HOLDS) == []
    assert alarms.look(60, HOLDS) == [AlarmEventKind.UNSHELVED]
    assert alarms.told()["phase"] == "new"
    alarms.book.shelve("drop", 60, "ann", "", at(61))
    alarms.book.unshelve("drop", "bob")
    assert alarms.told()["shelved"] is None


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_clock_that_is_set_back_makes_no_shelf_longer(*, is_restarted: bool) -> None:
    alarms = Driven()
    alarms.look(0, HOLDS)
    alarms.book.shelve("drop", 60, "ann", "", at(0))
    if is_restarted:
        kept = json.loads(json.dumps(alarms.book.kept()))
        alarms = Driven()
        alarms.book.restore(kept)

    def look(seconds: float) -> list[AlarmEventKind]:
        now = AlarmMoment(UTC - 86_400.0 + seconds, 100.0 + seconds)
        return [event.kind for event in alarms.book.look({"drop": HOLDS}, now)]

    assert look(0) == []
    assert look(59) == []
    assert look(61) == [AlarmEventKind.UNSHELVED]


def test_the_worst_come_first_and_shelved_ones_last() -> None:
    names = ("a", "b", "c", "d")
    book = AlarmBook(
        [
            AlarmSpec(name="a", text=""),
            AlarmSpec(name="b", text="", severity=AlarmSeverity.FAULT),
            AlarmSpec(name="c", text="", severity=AlarmSeverity.FAULT),
            AlarmSpec(name="d", text="", severity=AlarmSeverity.FAULT),
        ]
    )
    book.look(dict.fromkeys(names, HOLDS), at(0))
    book.acknowledge("c", None, "ann", "", at(1))
    book.shelve("d", 60, "ann", "", at(1))
    assert [each["name"] for each in book.described(UTC)] == ["b", "a", "c", "d"]


def test_a_restart_raises_nothing_again_and_nothing_is_gone_before_values_are_there() -> None:
    alarms = Driven()
    alarms.look(0, HOLDS)
    alarms.acknowledge(1)
    kept = json.loads(json.dumps(alarms.book.kept()))
    again = Driven(settle=10.0)
    again.book.restore(kept)
    assert again.told()["phase"] == "acknowledged"
    assert again.look(100, AWAY) == []  # defaults of a Bank that has just begun
    assert again.look(106, AWAY) == []
    assert again.look(107, HOLDS) == []
    assert again.told()["phase"] == "acknowledged"
    assert again.look(108, AWAY) == []
    assert again.look(113, AWAY) == [AlarmEventKind.GONE]


WHOLE = {
    "number": 1,
    "is_raised": True,
    "is_unseen": True,
    "since": UTC,
    "gone": 0.0,
    "times": [UTC],
    "value": "3",
    "signed": None,
    "shelf": None,
}
SHELF = {"by": "ann", "note": "", "time": UTC, "until": UTC + 60}


@pytest.mark.parametrize(
    "kept",
    [
        *([], {"drop": {}}, {"drop": None}, {"drop": {"number": "x"}}),
        *({"drop": WHOLE | {"number": math.inf}}, {"drop": WHOLE | {"since": math.nan}}),
        *({"drop": WHOLE | {"signed": 3}}, {"drop": WHOLE | {"times": 3}}),
        {"drop": WHOLE | {"shelf": SHELF | {"until": math.inf}}},
    ],
)
def test_what_makes_no_sense_is_not_restored(kept: Any) -> None:
    book = Driven().book
    with pytest.raises(ValueError, match=r"no time|no alarms|invalid literal"):
        book.restore(kept)
    assert book.kept() == {}
    book.restore({"drop": WHOLE | {"shelf": SHELF}})
    assert book.kept() == {"drop": WHOLE | {"shelf": SHELF}}


def test_alarms_that_are_no_more_are_forgotten() -> None:
    alarms = Driven()
    alarms.look(0, HOLDS)
    again = AlarmBook([HELD])
    again.restore(alarms.book.kept())
    assert again.kept() == {}


class AnyLife(RuleBasedStateMachine):
    """Random lives with restarts, beside the rule in few words: an alarm is raised while its
    condition was last known to hold for its time, and needs a look until somebody has given it."""

    def __init__(self) -> None:
        super().__init__()
        self.book = AlarmBook([SPEC], settle=0.0)
        self.now = 0.0
        self.is_raised = self.is_unseen = False
        self.number = 0
        self.away_since: float | None = None

    @rule(
        seconds=st.sampled_from([0.0, 1.0, 4.0, 5.0, 100.0]),
        verdict=st.sampled_from([HOLDS, AWAY, UNKNOWN]),
    )
    def look(self, seconds: float, verdict: AlarmVerdict) -> None:
        self.now += seconds
        kinds = [event.kind for event in self.book.look({"drop": verdict}, at(self.now))]
        was = self.is_raised
        if verdict is HOLDS and not self.is_raised:
            self.is_raised = self.is_unseen = True
            self.number += 1
        if verdict is not AWAY:
            self.away_since = None
        elif self.is_raised:
            self.away_since = self.now if self.away_since is None else self.away_since
            self.is_raised = self.now - self.away_since < 5.0
        assert (AlarmEventKind.RAISED in kinds) is (self.is_raised and not was)
        assert (AlarmEventKind.GONE in kinds) is (was and not self.is_raised)

    @rule(number=st.sampled_from([None, 0, 1]))
    def acknowledge(self, number: int | None) -> None:
        is_taken = self.is_unseen and number in (None, self.number)
        try:
            self.book.acknowledge("drop", number, "ann", "", at(self.now))
        except AlarmRefusedError:
            assert not is_taken
        else:
            assert is_taken
            self.is_unseen = False

    @rule(seconds=st.sampled_from([1.0, 50.0]))
    def shelve(self, seconds: float) -> None:
        self.book.shelve("drop", seconds, "ann", "", at(self.now))

    @rule()
    def restart(self) -> None:
        kept = json.loads(json.dumps(self.book.kept()))
        self.book = AlarmBook([SPEC], settle=0.0)
        self.book.restore(kept)
        self.away_since = None

    @precondition(lambda self: self.is_raised)
    @rule()
    def restart_while_it_holds(self) -> None:
        self.restart()
        events = self.book.look({"drop": HOLDS}, at(self.now))
        assert AlarmEventKind.RAISED not in [event.kind for event in events]

    @invariant()
    def the_phase_is_that_of_the_rule(self) -> None:
        told = self.book.told("drop", at(self.now).wall)
        phases = {
            (True, True): "new",
            (True, False): "acknowledged",
            (False, True): "gone",
            (False, False): "quiet",
        }
        assert told["phase"] == phases[self.is_raised, self.is_unseen]
        assert told["number"] == self.number


AnyLife.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestAnyLife = AnyLife.TestCase
