"""One act of a person, with its outcome at each Bank. No sockets, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dashboard.bankstate import bounded
from dealer.errors import reason_of
from dealer.outcome import Outcome
from groundwork.truncation import cut
from groundwork.values import JsonObject
from player.endpoints.http.protocol.messages import MAX_ARRAY
from player.endpoints.http.protocol.texts import write_json
from zmqjsonproxy import errors

__all__ = ["Act", "ActOutcome", "OutcomeState"]

MAX_TEXT, MAX_CONFIRMATION = 1000, 200
NOT_SHOWN = "its text is not shown, for it may repeat what is secret"


class OutcomeState(StrEnum):
    """States of an act, and of its outcome at a Bank."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    ABORTED = "aborted"
    UNKNOWN = "unknown"
    PARTLY = "partly"


_OPEN = (OutcomeState.WAITING, OutcomeState.RUNNING)
_ONE_CALL = frozenset({"abort", "call", "stop"})
"""Verbs whose acts have sent all that they send at their begin."""


@dataclass(slots=True)
class ActOutcome:
    """Outcome at one Bank.

    Attributes:
        state: Where it is.
        text: Confirmation, or why there is none.
        delay_s: From asking to the answer, s.
        call_id: Identity of a call whose answer did not come; empty: it did.
        operation: Identity of the operation that was begun; empty: none.
    """

    state: OutcomeState = OutcomeState.WAITING
    text: str = ""
    delay_s: float = 0.0
    call_id: str = ""
    operation: str = ""

    @classmethod
    def of(cls, outcome: Outcome, *, tells: bool = True, hides: bool = False) -> ActOutcome:
        """Return what a Bank's answer means.

        Args:
            outcome: The answer.
            tells: A value is a confirmation, which all who look may read.
            hides: Arguments were secret: no text of an error is shown, which may repeat them.
        """
        error, delay = outcome.error, round(outcome.delay_s, 4)
        if error is None:
            text = _confirmation(outcome.value) if tells else ""
            return cls(OutcomeState.DONE, text, delay)
        call_id = str(getattr(error, "call_id", ""))
        is_hidden = hides and _is_of_bank(error)
        text = f"{type(error).__name__}: {NOT_SHOWN}" if is_hidden else reason_of(error)
        return cls(_state_of(error, call_id), cut(text, MAX_TEXT), delay, call_id)

    def describe(self) -> JsonObject:
        """Return what viewers are told."""
        return {
            "state": str(self.state),
            "text": self.text,
            "delay_s": self.delay_s,
            "call_id": self.call_id,
            "operation": self.operation,
        }


def _is_of_bank(error: Exception) -> bool:
    """Tell whether the text of an error is that of the method, which knows its arguments."""
    of_player = isinstance(error, errors.AccessError | errors.NotInControlError)
    return isinstance(error, errors.RemoteError | errors.RefusedError) and not of_player


def _state_of(error: Exception, call_id: str) -> OutcomeState:
    if isinstance(error, errors.RefusedError | errors.AccessError):
        return OutcomeState.REFUSED
    if isinstance(error, errors.OperationAbortedError):
        return OutcomeState.ABORTED
    is_open = isinstance(error, errors.CallTimeoutError | errors.PeerLostError) and call_id
    if is_open or isinstance(error, errors.OutcomeUnknownError | errors.OperationLostError):
        return OutcomeState.UNKNOWN
    return OutcomeState.FAILED


def _confirmation(value: Any) -> str:
    """Return a value as a short text; of the original's pairs the second."""
    if isinstance(value, list | tuple) and len(value) == 2 and value[0] is True:
        value = value[1]
    if value is None:
        return ""
    text = value if isinstance(value, str) else write_json(value, MAX_ARRAY)
    return cut(text, MAX_CONFIRMATION)


@dataclass(slots=True, kw_only=True)
class Act:
    """An act.

    Attributes:
        id: Its name among those of this dashboard.
        by: Name of the person's key; empty: nobody has to log in.
        time: When it was begun, UTC, unix seconds.
        verb: What it is.
        text: The same, with arguments, in words.
        banks: Where; of hosts: programs.
        object_name: Exposed object.
        method: Its method; empty: several.
        ended: When it ended; None: it has not.
        note: Remark on all of it.
        outcomes: Bank -> outcome.
        values: Bank -> what was answered, or read back; for the person only.
        before: Bank -> parameters as they were; likewise.
        has_secret: Some of its arguments are secret.
    """

    id: str
    by: str
    time: float
    verb: str
    text: str
    banks: tuple[str, ...]
    object_name: str = "bank"
    method: str = ""
    ended: float | None = None
    note: str = ""
    outcomes: dict[str, ActOutcome] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    has_secret: bool = False

    def __post_init__(self) -> None:
        self.outcomes = {bank: self.outcomes.get(bank, ActOutcome()) for bank in self.banks}

    @property
    def state(self) -> OutcomeState:
        """State of all of it."""
        if self.ended is None:
            return OutcomeState.RUNNING
        states = {outcome.state for outcome in self.outcomes.values()}
        if states == {OutcomeState.DONE}:
            return OutcomeState.DONE
        return OutcomeState.PARTLY if OutcomeState.DONE in states else OutcomeState.FAILED

    @property
    def is_open(self) -> bool:
        """Tell whether an outcome is still waited for."""
        return any(outcome.state in _OPEN for outcome in self.outcomes.values())

    def has_steps_at(self, bank: str) -> bool:
        """Tell whether it is still to send something to a Bank."""
        outcome = self.outcomes.get(bank)
        is_waited_for = outcome is not None and outcome.state is OutcomeState.WAITING
        return is_waited_for and self.verb not in _ONE_CALL

    def tell(self, outcomes: Mapping[str, Outcome], *, tells: bool = True) -> None:
        """Take the answers of Banks, for all to read if it `tells`."""
        for bank, outcome in outcomes.items():
            self.outcomes[bank] = ActOutcome.of(outcome, tells=tells, hides=self.has_secret)

    def take(self, outcomes: Mapping[str, Outcome], *, tells: bool = True) -> None:
        """Take the answers of Banks, with their values."""
        self.tell(outcomes, tells=tells)
        for bank, outcome in outcomes.items():
            if outcome.error is None:
                self.values[bank] = bounded(outcome.value)

    def fail(self, outcomes: Mapping[str, Outcome], others: str) -> None:
        """Take the answers of Banks where all of it came to nothing.

        Args:
            outcomes: Answers; those with an error tell it.
            others: What holds for the other Banks.
        """
        for bank in self.banks:
            outcome = outcomes.get(bank)
            if outcome is not None and outcome.error is not None:
                self.outcomes[bank] = ActOutcome.of(outcome)
            else:
                self.outcomes[bank] = ActOutcome(OutcomeState.FAILED, others)

    def refuse(self, why: str) -> None:
        """Take note that nothing was done anywhere."""
        self.outcomes = {bank: ActOutcome(OutcomeState.REFUSED, why) for bank in self.banks}

    def give_up(self, why: str) -> None:
        """End what is still waited for: nobody knows its outcome."""
        for outcome in self.outcomes.values():
            if outcome.state in _OPEN:
                outcome.state, outcome.text = OutcomeState.UNKNOWN, why

    def describe(self) -> JsonObject:
        """Return what all viewers are told."""
        return {
            "id": self.id,
            "by": self.by,
            "time": self.time,
            "ended": self.ended,
            "verb": self.verb,
            "text": self.text,
            "object": self.object_name,
            "method": self.method,
            "banks": list(self.banks),
            "state": str(self.state),
            "note": self.note,
            "outcomes": {bank: each.describe() for bank, each in self.outcomes.items()},
        }

    def describe_whole(self) -> JsonObject:
        """Return what its person is told."""
        return {**self.describe(), "values": self.values, "before": self.before}
