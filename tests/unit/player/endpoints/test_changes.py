"""Changes of clients of foreign protocols: refused by control, told to the journal."""

from __future__ import annotations

import asyncio

import pytest

from player.endpoints.changes import Changes
from zmqjsonproxy.engine.callrecords import HIDDEN, CallOutcome, CallRecord
from zmqjsonproxy.errors import NotInControlError


class Told:
    """Takes records: their outcome whenever it is told one."""

    def __init__(self) -> None:
        self.records: list[CallRecord] = []
        self.outcomes: list[CallOutcome] = []

    def take(self, record: CallRecord) -> None:
        self.records.append(record)
        self.outcomes.append(record.outcome)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def changes(told: Told) -> Changes:
    return Changes(endpoint="rest", on_command=told.take)


def test_a_change_is_told_when_it_begins_and_when_it_is_done(changes: Changes, told: Told) -> None:
    arguments = {"name": "h", "bins": (1, 2), "token": "sesame", "data": b"123"}
    with changes.change("spectrum/create", "10.1.0.7:4711", arguments):
        assert told.outcomes == [CallOutcome.RUNNING]
    assert told.outcomes == [CallOutcome.RUNNING, CallOutcome.DONE]
    record = told.records[0]
    assert (record.target, record.caller.name) == ("rest.spectrum/create", "rest@10.1.0.7:4711")
    assert record.kwargs == {"name": "h", "bins": [1, 2], "token": HIDDEN, "data": "3 bytes"}
    assert record.duration_s is not None


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(KeyError("h"), CallOutcome.FAILED), (asyncio.CancelledError(), CallOutcome.ABORTED)],
)
def test_an_error_within_is_the_outcome_and_raised(
    changes: Changes, told: Told, error: BaseException, outcome: CallOutcome
) -> None:
    with pytest.raises(type(error)), changes.change("x", "h:1", {}):
        raise error
    assert told.outcomes == [CallOutcome.RUNNING, outcome]
    assert told.records[0].error == type(error).__name__


def test_an_outcome_that_was_told_before_the_end_stays(changes: Changes, told: Told) -> None:
    with changes.change("x", "h:1", {}) as record:
        record.end(CallOutcome.FAILED, "DifxError", "no such folder" * 1000)
    assert told.outcomes[-1] is CallOutcome.FAILED
    assert len(record.text) < 1000


def test_without_control_nothing_is_done_and_that_is_told_once(told: Told) -> None:
    def refuse() -> None:
        raise NotInControlError("night has control")

    changes = Changes(endpoint="rest", check_control=refuse, on_command=told.take)
    with pytest.raises(NotInControlError, match="night"), changes.change("x", "h:1", {}):
        pytest.fail("it was carried out")
    assert told.outcomes == [CallOutcome.REFUSED]
    assert (told.records[0].duration_s, told.records[0].text) == (None, "night has control")


def test_a_change_that_its_client_may_not_ask_for_is_told_once(
    changes: Changes, told: Told
) -> None:
    error = PermissionError("is for operators")
    changes.refuse("spectrum/zero", "10.1.0.7:4711", {"token": "sesame"}, error)
    (record,) = told.records
    assert (record.outcome, record.duration_s) == (CallOutcome.REFUSED, None)
    assert (record.target, record.kwargs) == ("rest.spectrum/zero", {"token": HIDDEN})
    assert (record.error, record.text) == ("PermissionError", "")  # which may repeat the secret
