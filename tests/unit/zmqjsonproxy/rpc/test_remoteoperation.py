"""An operation as its server has it and as its caller hears of it, in virtual time: whatever is lost
or late, restarted or said by a liar, there is one end, heard of once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from zmqjsonproxy.errors import CallTimeoutError, PeerLostError, ProtocolError, RefusedError
from zmqjsonproxy.protocol.operations import (
    OperationRecord,
    OperationState,
    OperationTable,
    Progress,
)
from zmqjsonproxy.rpc.remoteoperation import RemoteOperation

URL, LOST_AFTER_S = "tcp://x:1", 10.0
ENDS = (OperationState.DONE, OperationState.FAILED, OperationState.ABORTED)
STRANGE = st.sampled_from(
    [None, [], "done", 1, {}, {"state": []}, {"state": "gone"}, {"state": {}}, {"state": 1}]
)
NUMBERS = st.sampled_from([math.nan, math.inf, -1, 1e300, 2**70, True, "1", [], {}, None, 0.5])


class Heard(RemoteOperation):
    """One whose listeners are told when the test says so."""

    def on_done(self, tell: Callable[[Any], object]) -> None:
        self._on_done.append(tell)

    def on_progress(self, tell: Callable[[Any], object]) -> None:
        self._on_progress.append(tell)

    def tell(self) -> None:
        for each in self._news():
            each(self)


class Talk(RuleBasedStateMachine):
    """A server with one operation, a caller, and answers on their way."""

    @initialize()
    def begin_talk(self) -> None:
        self.now, self.lives = 1000.0, 1
        self.table = OperationTable("life 1", keep=3)
        self.record: OperationRecord | None = self.table.new("bank.sweep", self.now, "me")
        self.heard = Heard(URL, self.record.describe(self.now), LOST_AFTER_S)
        self.ends: list[OperationState] = []
        self.heard.on_done(lambda one: self.ends.append(one.state))
        self.answers: list[Callable[[], None]] = []
        self.first_end: OperationState | None = None

    # the server

    @rule()
    def begin(self) -> None:
        if self.record is not None:
            self.record.begin(self.now)

    @rule(fraction=st.floats(0.0, 1.0))
    def say(self, fraction: float) -> None:
        if self.record is not None:
            self.record.say(Progress(fraction, "sweeping", None, self.now))

    @rule(state=st.sampled_from(ENDS))
    def finish(self, state: OperationState) -> None:
        if self.record is not None:
            error = {"code": 1, "message": "no"} if state is not OperationState.DONE else None
            self.record.finish(state, self.now, value=7, error=error)

    @rule()
    def restart(self) -> None:
        self.lives += 1
        self.table, self.record = OperationTable(f"life {self.lives}"), None

    @rule(count=st.integers(1, 5))
    def forget(self, count: int) -> None:
        """End others, by which an ended one is forgotten."""
        for _ in range(count):
            self.table.new("bank.other", self.now).finish(OperationState.DONE, self.now)

    # what is between

    @rule()
    def ask(self) -> None:
        asked, found = self.now, self.table.get(self.heard.id, self.now)
        if found is None:
            error = RefusedError("unknown")
            self.answers.append(lambda: self.heard.take_error(error, asked, self.now))
        else:
            told = found.describe(self.now)
            self.answers.append(lambda: self.heard.take(told, self.now))

    @precondition(lambda self: self.answers)
    @rule(which=st.integers(0, 9), again=st.booleans())
    def deliver(self, which: int, again: bool) -> None:
        """Deliver answers in any order, one of them twice."""
        at = which % len(self.answers)
        (self.answers[at] if again else self.answers.pop(at))()

    @precondition(lambda self: self.answers)
    @rule(is_lost=st.booleans())
    def lose(self, is_lost: bool) -> None:
        self.answers.pop()
        error = PeerLostError(URL, "look", "cut") if is_lost else CallTimeoutError(URL, "look", 1.0)
        self.heard.take_error(error, self.now, self.now)

    @rule(said=STRANGE)
    def lie(self, said: Any) -> None:
        self.heard.take(said, self.now)

    @rule(name=st.sampled_from(["fraction", "estimate", "started"]), number=NUMBERS)
    def lie_in_part(self, name: str, number: Any) -> None:
        self.heard.take({"state": "running", "id": "another", name: number}, self.now)

    @rule(seconds=st.sampled_from([0.1, 1.0, 6.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def tell(self) -> None:
        self.heard.tell()

    # what holds

    @invariant()
    def the_first_end_that_is_heard_of_stays(self) -> None:
        if self.first_end is None and self.heard.has_ended:
            self.first_end = self.heard.state
        if self.first_end is not None:
            assert self.heard.state is self.first_end

    @invariant()
    def an_end_is_the_servers_or_lost(self) -> None:
        if (
            self.heard.has_ended
            and self.heard.state is not OperationState.LOST
            and self.record is not None
        ):
            assert self.heard.state is self.record.state

    @invariant()
    def it_is_told_once(self) -> None:
        assert len(self.ends) <= 1
        assert self.ends in ([], [self.first_end])

    @invariant()
    def whatever_was_said_it_can_be_shown(self) -> None:
        assert self.heard.id.startswith("life 1-")
        assert self.heard.method == "bank.sweep"
        assert str(self.heard.id) in repr(self.heard)
        assert self.heard.started is None or self.heard.started.year < 7000
        assert self.heard.fraction is None or self.heard.fraction >= 0


Talk.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestWhateverIsHeardThereIsOneEnd = Talk.TestCase


@pytest.mark.parametrize("said", [{"state": []}, {"state": "gone"}, "done", [1]])
def test_a_description_that_is_none_is_trouble_and_no_end(said: Any) -> None:
    heard = Heard(URL, {"id": "a-1", "method": "bank.sweep", "state": "running"})
    heard.take(said, 1.0)
    assert heard.state is OperationState.RUNNING
    assert isinstance(heard.trouble, ProtocolError)
