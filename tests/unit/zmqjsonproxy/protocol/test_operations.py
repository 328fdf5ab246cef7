"""The bookkeeping of operations: one final state, bounded memory, estimates."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from zmqjsonproxy.protocol.operations import (
    OperationRecord,
    OperationState,
    OperationTable,
    Progress,
)

KEEP, KEEP_S, KEEP_BYTES = 4, 100.0, 1000
ENDS = (OperationState.DONE, OperationState.FAILED, OperationState.ABORTED)


class Table(RuleBasedStateMachine):
    """An OperationTable beside a plain account of what has happened."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.table = OperationTable("here", KEEP, KEEP_S, KEEP_BYTES)
        self.records: list[OperationRecord] = []
        self.begun: set[str] = set()
        self.ends: dict[str, tuple[OperationState, float, int]] = {}

    def pick(self, n: int) -> OperationRecord:
        return self.records[n % len(self.records)]

    @rule()
    def ask(self) -> None:
        record = self.table.new("bank.sweep", self.now, "me")
        assert record.id not in [each.id for each in self.records]
        self.records.append(record)

    @precondition(lambda self: self.records)
    @rule(n=st.integers(0, 99))
    def begin(self, n: int) -> None:
        record = self.pick(n)
        assert record.begin(self.now) == (
            record.id not in self.ends and record.id not in self.begun
        )
        self.begun.add(record.id)

    @precondition(lambda self: self.records)
    @rule(n=st.integers(0, 99), state=st.sampled_from(ENDS), size=st.integers(0, 900))
    def finish(self, n: int, state: OperationState, size: int) -> None:
        record = self.pick(n)
        is_first = record.id not in self.ends
        assert record.finish(state, self.now, value=size, size=size) == is_first
        if is_first:
            self.ends[record.id] = (state, self.now, size)

    @rule(seconds=st.floats(0.0, 2 * KEEP_S))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def the_first_end_stays(self) -> None:
        for record in self.records:
            expected = self.ends[record.id][0] if record.id in self.ends else None
            assert (record.state if record.state.is_final else None) == expected

    @invariant()
    def what_has_not_ended_is_known_and_what_has_is_bounded(self) -> None:
        known = {record.id for record in self.table.records(self.now)}
        assert {record.id for record in self.records if record.id not in self.ends} <= known
        ended = known & self.ends.keys()
        assert len(ended) <= KEEP
        assert all(self.now - self.ends[each][1] <= KEEP_S for each in ended)
        forgotten = self.ends.keys() - known
        newer = [
            each
            for each in ended
            if any(self.ends[each][1] < self.ends[old][1] for old in forgotten)
        ]
        assert not newer  # nothing is forgotten before what is older

    @invariant()
    def results_are_bounded_but_for_the_newest(self) -> None:
        kept = [
            record
            for record in self.table.records(self.now)
            if record.id in self.ends and record.is_kept
        ]
        assert (
            sum(record.size for record in kept) <= KEEP_BYTES
            or len([r for r in kept if r.size]) == 1
        )


Table.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestTable = Table.TestCase


@pytest.mark.parametrize(
    "state", [OperationState.QUEUED, OperationState.RUNNING, OperationState.LOST]
)
def test_no_server_ends_its_own_operation_as_anything_but_done_failed_or_aborted(
    state: OperationState,
) -> None:
    with pytest.raises(ValueError, match=r"bank\.sweep: .* is no end"):
        OperationRecord("1", "bank.sweep").finish(state, 0.0)


def test_one_that_was_aborted_while_it_waited_never_began() -> None:
    record = OperationRecord("1", "bank.sweep")
    record.finish(OperationState.ABORTED, 5.0, error={"message": "no"})
    assert not record.begin(6.0)
    described = record.describe(7.0)
    assert (described["state"], described["started"], described["ended"]) == ("aborted", None, 5.0)
    assert described["error"] == {"message": "no"}


def test_each_change_is_told_once_and_in_order() -> None:
    table, told = OperationTable("here"), list[tuple[OperationState, float | None]]()
    table.on_change = lambda record: told.append((record.state, record.progress.fraction))
    record = table.new("bank.sweep", 1.0)
    record.begin(2.0)
    record.begin(2.5)
    record.say(Progress(0.5, "sweeping", None, 3.0))
    record.finish(OperationState.DONE, 4.0)
    record.finish(OperationState.FAILED, 5.0)
    assert not record.say(Progress(0.7, "too late", None, 6.0))
    running, ended = OperationState.RUNNING, OperationState.DONE
    assert told == [(OperationState.QUEUED, None), (running, None), (running, 0.5), (ended, 1.0)]


def test_the_estimate_is_the_same_pace_for_the_rest_and_grows_less_as_time_passes() -> None:
    record = OperationRecord("1", "bank.sweep")
    record.begin(100.0)
    assert record.describe(105.0)["estimate"] is None
    record.progress = Progress(0.25, "sweeping", None, 110.0)
    assert record.describe(110.0)["estimate"] == pytest.approx(30.0)
    assert record.describe(125.0)["estimate"] == pytest.approx(15.0)
    assert record.describe(999.0)["estimate"] == 0.0
    record.progress = Progress(0.3, "sweeping", 12.0, 130.0)
    assert record.describe(132.0)["estimate"] == pytest.approx(10.0)
    record.finish(OperationState.DONE, 140.0, value=[1])
    assert (record.describe(141.0)["estimate"], record.describe(141.0)["fraction"]) == (None, 1.0)


@given(st.floats(1e-6, 1.0), st.floats(0.0, 1e6), st.floats(0.0, 1e6))
def test_an_estimate_is_never_negative(fraction: float, ran: float, since: float) -> None:
    left = Progress(fraction, "", None, ran).estimate(0.0, ran + since)
    assert left is not None
    assert 0.0 <= left <= ran / fraction


def steps(function: Callable[[], object]) -> int:
    """Return how many lines of Python are run."""
    lines = 0

    def count(frame: object, event: str, _argument: object) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        function()
    finally:
        sys.settrace(before)
    return lines


def test_a_new_one_takes_the_same_steps_however_many_are_kept() -> None:
    def steps_with(kept: int, size: int) -> int:
        table = OperationTable("here", keep=kept, keep_bytes=10_000)
        for n in range(2 * kept):
            table.new("bank.read", float(n)).finish(
                OperationState.DONE, float(n), value="text", size=size
            )
        assert len(table.records(3.0 * kept)) == kept
        assert sum(record.size for record in table.records(3.0 * kept)) <= 10_000
        assert len(table._sized) <= kept
        return steps(lambda: table.new("bank.read", 3.0 * kept))

    for size in (0, 8, 500):
        assert steps_with(1000, size) == steps_with(30, size)


def test_a_result_that_was_let_go_is_said_to_be() -> None:
    table = OperationTable("here", keep_bytes=10)
    first, second = (table.new("bank.read", float(n)) for n in range(2))
    for record in (first, second):
        record.finish(OperationState.DONE, 2.0, value="text", size=8)
    table.tidy(3.0)
    assert first.describe(3.0)["is_kept"] is False
    assert "value" not in first.describe(3.0)
    assert second.describe(3.0)["value"] == "text"
    assert "value" not in second.describe(3.0, with_value=False)


def test_an_identity_of_another_run_is_told_from_nonsense() -> None:
    table = OperationTable("here")
    mine = table.new("bank.read", 0.0).id
    asked = {
        each: table.is_of_another_run(each)
        for each in (mine, "there-3", "there", "there-x", "-3", "")
    }
    assert asked == {
        mine: False,
        "there-3": True,
        "there": False,
        "there-x": False,
        "-3": False,
        "": False,
    }
