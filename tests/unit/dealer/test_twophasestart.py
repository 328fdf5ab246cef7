"""In which order the Banks of a start are told, and what is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dealer.errors import StartError
from dealer.outcome import Outcome
from dealer.twophasestart import Starters, TwoPhaseStart
from zmqjsonproxy.errors import CallTimeoutError, PeerLostError, RefusedError
from zmqjsonproxy.hubs import run

NOW = datetime(2014, 3, 4, 12, 0, 0, tzinfo=UTC)
WHEN = NOW + timedelta(seconds=6)
REFUSED = RefusedError("no")
ID = "e5f1"
LOST = PeerLostError("tcp://b:1", "bank.arm", "connection lost")


class Banks:
    """Banks that answer as told: (Bank, method) -> error or value; all else succeeds."""

    def __init__(self, answers: dict[tuple[str, str], Any] | None = None) -> None:
        self.answers = answers or {}
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.timeouts: dict[str, float] = {}
        self.named: set[str] = set()
        self.together: list[str] = []

    async def __call__(
        self, method: str, banks: Sequence[str], timeout: float, args: Sequence[Any] = ()
    ) -> dict[str, Outcome]:
        self.asked.append((method, tuple(banks)))
        self.timeouts[method] = timeout
        when = [2014, 3, 4, 12, 0, 6, 0]
        assert (
            args
            in {
                "arm": [(when, ID, self.together), (when,)],
                "commit": [(when, ID), (when,)],
                "start": [(when,)],
                "disarm_start": [(ID,), ()],
                "stop": [()],
                "confirm_start": [(ID, [])],
            }[method]
        )
        if ID in args:
            self.named.update(banks)
        for bank in banks:
            if isinstance(error := self.answers.get((bank, method)), KeyboardInterrupt):
                raise error
        return {bank: self._answer(bank, method) for bank in banks}

    def _answer(self, bank: str, method: str) -> Outcome:
        answer = self.answers.get((bank, method), (True, f"{method} done"))
        return (
            Outcome(bank, None, answer) if isinstance(answer, Exception) else Outcome(bank, answer)
        )


def now() -> datetime:
    return NOW


def start(
    banks: Banks, named: Sequence[str], at_once: Sequence[str], unnamed: Sequence[str] = ()
) -> dict[str, Outcome]:
    """Carry out a start."""
    starters = Starters(named=named, unnamed=unnamed, at_once=at_once)
    banks.together = starters.all if len(starters.all) > 1 else []
    return run(TwoPhaseStart(banks, WHEN, ID, now).start(starters))


def test_native_banks_are_armed_then_committed_and_old_ones_started_last() -> None:
    banks = Banks()
    done = start(banks, ["A", "B"], ["C"])
    assert banks.asked == [
        ("arm", ("A",)),
        ("arm", ("B",)),
        ("commit", ("A", "B")),
        ("start", ("C",)),
        ("confirm_start", ("A", "B")),
    ]
    assert banks.named == {"A", "B"}
    assert {bank: o.value for bank, o in done.items()} == {
        "A": (True, "arm done"),
        "B": (True, "arm done"),
        "C": (True, "start done"),
    }


def test_arming_is_waited_for_no_longer_than_it_is_of_use_and_old_starts_as_the_original_did() -> (
    None
):
    banks = Banks()
    start(banks, ["A"], ["C"])
    assert banks.timeouts == {"arm": 5.0, "commit": 6.0, "start": 36.0, "confirm_start": 5.0}


def test_only_those_that_are_there_are_told() -> None:
    banks = Banks()
    start(banks, [], ["C"])
    assert banks.asked == [("start", ("C",))]


def test_one_refusal_disarms_those_that_are_armed_and_commits_nobody() -> None:
    banks = Banks({("B", "arm"): REFUSED})
    with pytest.raises(
        StartError, match="start: arm failed, so no Bank starts: 1 of 3 Banks failed"
    ) as caught:
        start(banks, ["A", "B", "C"], ["D"])
    assert banks.asked == [("arm", ("A",)), ("arm", ("B", "C")), ("disarm_start", ("A", "C"))]
    assert list(caught.value.failed) == ["B"]
    assert "BANK" not in str(caught.value)


def test_a_bank_that_was_lost_while_arming_is_told_too() -> None:
    banks = Banks({("B", "arm"): LOST, ("B", "disarm_start"): LOST})
    with pytest.raises(StartError, match="B: PeerLostError") as caught:
        start(banks, ["A", "B"], [])
    assert banks.asked[-1] == ("disarm_start", ("A", "B"))
    assert "taken back" not in str(caught.value)  # it is named already


def test_a_failed_commit_stops_all() -> None:
    banks = Banks({("A", "commit"): CallTimeoutError("tcp://a:1", "bank.commit", 5)})
    with pytest.raises(StartError, match="commit failed"):
        start(banks, ["A", "B"], ["C"])
    assert banks.asked[-1] == ("disarm_start", ("A", "B"))


def test_an_old_bank_that_refuses_stops_the_others_old_and_new() -> None:
    banks = Banks({("D", "start"): REFUSED})
    with pytest.raises(StartError, match="start failed"):
        start(banks, ["A"], ["C", "D"])
    assert banks.asked[-2:] == [("disarm_start", ("A",)), ("stop", ("C",))]


def test_an_old_bank_that_answers_null_has_not_started() -> None:
    banks = Banks({("C", "start"): None})
    with pytest.raises(StartError, match=r"start was answered None; expected \(True, text\)"):
        start(banks, [], ["C", "D"])
    assert banks.asked[-1] == ("stop", ("C", "D"))


def test_what_could_not_be_taken_back_is_said() -> None:
    banks = Banks({("B", "arm"): REFUSED, ("A", "disarm_start"): LOST})
    with pytest.raises(
        StartError, match=r"could not be taken back, look after it: A \(PeerLostError"
    ):
        start(banks, ["A", "B"], [])


def test_a_bank_that_had_nothing_to_stop_is_fine() -> None:
    banks = Banks({("B", "commit"): LOST, ("A", "stop"): REFUSED})
    with pytest.raises(StartError) as caught:
        start(banks, [], [], ["A", "B"])
    assert "taken back" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "undone"),
    [
        ("arm", [("disarm_start", ("A",))]),
        ("commit", [("disarm_start", ("A", "B"))]),
        ("start", [("disarm_start", ("A", "B")), ("stop", ("C",))]),
        ("confirm_start", [("disarm_start", ("A", "B")), ("stop", ("C",))]),
    ],
)
def test_ctrl_c_takes_back_what_was_done(
    method: str, undone: list[tuple[str, tuple[str, ...]]]
) -> None:
    banks = Banks({("C" if method == "start" else "A", method): KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        start(banks, ["A", "B"], ["C"])
    assert banks.asked[-len(undone) :] == undone


def test_ctrl_c_between_the_calls_takes_back_what_was_armed() -> None:
    banks = Banks()
    looks = iter([NOW] * 3)  # for the deadlines of arming; the next is that of the commit

    def interrupted() -> datetime:
        for at in looks:
            return at
        raise KeyboardInterrupt

    banks.together = ["A", "B"]
    with pytest.raises(KeyboardInterrupt):
        run(TwoPhaseStart(banks, WHEN, ID, interrupted).start(Starters(named=["A", "B"])))
    assert banks.asked == [("arm", ("A",)), ("arm", ("B",)), ("disarm_start", ("A", "B"))]


def test_banks_that_know_no_identity_are_armed_all_at_once_and_stopped_after_a_commit() -> None:
    banks = Banks({("B", "commit"): LOST})
    with pytest.raises(StartError, match="commit failed"):
        start(banks, [], [], ["A", "B"])
    assert banks.asked == [("arm", ("A", "B")), ("commit", ("A", "B")), ("stop", ("A", "B"))]
    assert banks.named == set()


def test_the_bank_that_is_armed_first_is_the_same_whatever_the_order_of_a_dealer() -> None:
    for order in (["C", "A", "B"], ["B", "C", "A"]):
        banks = Banks({("A", "arm"): REFUSED})
        with pytest.raises(StartError, match="arm failed"):
            start(banks, order, [])
        assert banks.asked == [
            ("arm", ("A",))
        ]  # nothing else was armed, and nothing has to be taken back


def test_nothing_is_asked_of_nobody() -> None:
    assert start(Banks(), [], []) == {}
