"""Starts of several Dealers at the same moment, in every order in which their messages may come.

The Banks are the Bank's own code without instruments, the Dealers the Dealer's own steps; what is
random is which message is handled next, which answer is lost, and who presses Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealer.errors import StartError
from dealer.outcome import Outcome
from dealer.twophasestart import Starters, TwoPhaseStart
from spectrometer.rehearsal import RehearsedBank, rehearse
from zmqjsonproxy.caller import Caller, calling
from zmqjsonproxy.errors import CallTimeoutError, RefusedError
from zmqjsonproxy.handle import OperationHandle
from zmqjsonproxy.interface import Interface, running
from zmqjsonproxy.protocol.operations import OperationRecord, OperationState

SHIPPED = Path(__file__).resolve().parents[4] / "conf" / "dibas.toml"
NAMES = ["BANKA", "BANKB", "BANKC", "BANKD"]


class Player:
    """A Bank and its command queue, one message at a time."""

    def __init__(self, bank: RehearsedBank) -> None:
        self.bank = bank
        self.methods = Interface.of("bank", bank).methods
        self.queue: list[Call] = []

    def arrive(self, call: Call) -> None:
        """Take a message as the server's thread does: refuse it, answer it, or queue it."""
        method = self.methods[call.method]
        if method.mark.admit is not None:
            try:
                with calling(call.caller):
                    method.mark.admit(method.owner, call.handle, *call.args)
            except RefusedError as error:
                call.answer(None, error)
                call.handle.finish(OperationState.FAILED)
                return
        if method.mark.urgent:
            self.carry_out(call)
        else:
            self.queue.append(call)

    def carry_out(self, call: Call) -> None:
        """Do what was asked."""
        try:
            call.handle.check()
            with calling(call.caller), running(call.handle):
                value = self.methods[call.method].function(*call.args)
        except Exception as error:
            call.answer(None, error)
            call.handle.finish(OperationState.FAILED)
        else:
            call.answer(tuple(value) if isinstance(value, list) else value, None)
            call.handle.finish(OperationState.DONE)


@dataclass(eq=False)
class Call:
    """One message to one Bank."""

    bank: str
    method: str
    args: tuple[Any, ...]
    caller: Caller
    outcome: Outcome | None = None
    handle: OperationHandle = field(
        default_factory=lambda: OperationHandle(OperationRecord(id="", method=""))
    )

    def answer(self, value: Any, error: Exception | None) -> None:
        self.outcome = Outcome(self.bank, value, error)


class Calls(list[Call]):
    """Calls that are awaited: whoever carries the coroutine out is handed them."""

    def __await__(self) -> Generator[Any, Any, None]:
        yield self


class Starting:
    """One Dealer in the middle of a start."""

    def __init__(
        self, number: int, banks: Sequence[str], when: datetime, interrupted_at: int | None = None
    ) -> None:
        self.caller, self.banks = Caller(f"ann{number}@hpc:{number}"), banks
        self.id, self.ended, self.won = f"id{number}", False, False
        self.error: BaseException | None = None
        self.is_dead = False
        self._interrupt_in = interrupted_at
        self.waiting: list[Call] = []
        starters = Starters(named=banks)
        start = TwoPhaseStart(self._ask, when, self.id, lambda: datetime.now(UTC))
        self._start = start.start(starters)
        self._go(lambda: self._start.send(None))

    async def _ask(
        self, method: str, banks: Sequence[str], _timeout: float, args: Sequence[Any] = ()
    ) -> Mapping[str, Outcome]:
        calls = Calls(Call(bank, method, tuple(args), self.caller) for bank in banks)
        await calls
        return {call.bank: call.outcome for call in calls if call.outcome is not None}

    def _go(self, step: Any) -> None:
        try:
            self.waiting = list(step())
        except StopIteration:
            self.ended = self.won = True
        except (StartError, KeyboardInterrupt) as error:
            self.ended, self.error = True, error

    def die(self) -> None:
        """Be heard of no more."""
        self._start.close()
        self.waiting, self.ended, self.is_dead = [], True, True

    def proceed(self) -> None:
        """Go on when all have answered, or when Ctrl-C is pressed before."""
        if self.is_dead:
            return
        if self._interrupt_in is not None:
            self._interrupt_in -= 1
            if self._interrupt_in < 0:
                self._interrupt_in = None
                self._go(lambda: self._start.throw(KeyboardInterrupt()))
                return
        if all(call.outcome is not None for call in self.waiting):
            self._go(lambda: self._start.send(None))


@pytest.fixture(scope="module")
def players() -> dict[str, Player]:
    banks = rehearse(SHIPPED, NAMES)
    for bank in banks.values():
        bank.set_mode("MODE1")
    return {name: Player(bank) for name, bank in banks.items()}


def run(players: dict[str, Player], dealers: list[Starting], pick: Any, is_lost: Any) -> None:
    """Let messages come in any order, until every Dealer knows what became of its start."""
    sent: list[Call] = []
    on_the_way: list[Call] = []
    for _ in range(5000):
        for dealer in dealers:
            fresh = [call for call in dealer.waiting if call not in sent]
            sent += fresh
            on_the_way += fresh
        steps: list[Any] = [("arrive", call) for call in on_the_way]
        steps += [("work", player) for player in players.values() if player.queue]
        steps += [("proceed", dealer) for dealer in dealers if not dealer.ended]
        if not [step for step in steps if step[0] != "proceed"] and all(
            dealer.ended for dealer in dealers
        ):
            return
        kind, what = steps[pick(len(steps))]
        if kind == "arrive":
            on_the_way.remove(what)
            players[what.bank].arrive(what)
            if is_lost():
                what.answer(None, CallTimeoutError("tcp://bank:1", what.method, 5.0))
        elif kind == "work":
            what.carry_out(what.queue.pop(0))
        else:
            what.proceed()
    raise AssertionError("it does not come to an end")


@settings(max_examples=250)
@given(
    number=st.integers(2, 4), same=st.booleans(), faulty=st.booleans(), seed=st.integers(0, 2**32)
)
def test_one_dealer_gets_the_banks_or_none_and_the_others_are_told_by_whom(
    players: dict[str, Player], number: int, same: bool, faulty: bool, seed: int
) -> None:
    random = Random(seed)
    when = (datetime.now(UTC) + timedelta(seconds=600)).replace(microsecond=0)
    common = random.sample(NAMES, random.randint(1, 4))
    dealers = []
    for n in range(number):
        chosen = common if same else random.sample(NAMES, random.randint(1, 4))
        at = random.randint(0, 20) if faulty and random.random() < 0.5 else None
        dealers.append(Starting(n, random.sample(chosen, len(chosen)), when, at))
    try:
        run(players, dealers, random.randrange, lambda: faulty and random.random() < 0.05)
        winners = [dealer for dealer in dealers if dealer.won]
        for dealer in dealers:
            for bank in dealer.banks:
                report = players[bank].bank.scan_report(dealer.id)
                if dealer.won:
                    whole = True if len(dealer.banks) > 1 else None
                    assert (report["outcome"], report["is_whole"]) == ("waiting", whole)
                elif not faulty:
                    assert report["outcome"] in ("none", "aborted")
            if isinstance(dealer.error, StartError) and not faulty:
                assert any(
                    other.caller.name in str(dealer.error)
                    for other in dealers
                    if other is not dealer
                )
        taken = [bank for dealer in winners for bank in dealer.banks]
        assert len(taken) == len(set(taken)), "two Dealers have the same Bank"
        if same and not faulty:
            assert len(winners) == 1
        held = {name for name, player in players.items() if player.bank.scan_status()[0]}
        if not faulty:
            assert held == set(taken), "a Bank is armed for nobody"
    finally:
        for player in players.values():
            player.queue.clear()
            if player.bank.scan_status()[0]:
                player.bank.stop()


@settings(max_examples=150)
@given(number=st.integers(2, 4), seed=st.integers(0, 2**32))
def test_nobody_ends_anothers_start_whoever_stops_or_dies(
    players: dict[str, Player], number: int, seed: int
) -> None:
    """Some of the Dealers die, and an observer stops whatever runs."""
    random = Random(seed)
    when = (datetime.now(UTC) + timedelta(seconds=600)).replace(microsecond=0)
    common = random.sample(NAMES, random.randint(1, 4))
    dealers = [Starting(n, random.sample(common, len(common)), when) for n in range(number)]
    observer, dying = Caller("zoe@hpc:9"), [dealer for dealer in dealers if random.random() < 0.3]
    stopped: set[str] = set()

    def pick(count: int) -> int:
        if dying and random.random() < 0.1:
            dying.pop().die()
        if random.random() < 0.03:
            bank = random.choice(NAMES)
            with calling(observer), suppress(RefusedError):
                players[bank].bank.stop()
                stopped.add(bank)
        return random.randrange(count)

    try:
        run(players, dealers, pick, lambda: False)
        for dealer in (dealer for dealer in dealers if dealer.won):
            for bank in dealer.banks:
                report = players[bank].bank.scan_report(dealer.id)
                if bank not in stopped:
                    assert (report["outcome"], report["ended_by"]) == ("waiting", "")
                elif report["outcome"] == "aborted":
                    assert report["ended_by"] == observer.name
        for name, player in players.items():
            if player.bank.scan_status()[0]:
                owner = player.bank.scan_report()["by"]
                assert any(d.caller.name == owner and (d.won or d.is_dead) for d in dealers), (
                    f"{name} is nobody's"
                )
    finally:
        for player in players.values():
            player.queue.clear()
            if player.bank.scan_status()[0]:
                player.bank.stop()
