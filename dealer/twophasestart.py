"""Two-phase start, on all Banks or on none: in which order they are told, and what is taken back. Knows no
socket.

Native Players are armed, and told to go only when all of them are ready. Those of the original know
one phase only: `start(time)` goes to all of them, and `stop` to whoever accepted if one refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from dealer.errors import StartError
from dealer.outcome import Outcome
from dealer.start import as_list
from groundwork.values import RemoteValue
from zmqjsonproxy.errors import ProtocolError, RefusedError

__all__ = ["START_ALLOWANCE", "AskBanks", "Starters", "TwoPhaseStart"]

START_ALLOWANCE = 30.0
"""A start may take until its time and so much longer, s; the original's."""
ARMED_BEFORE = 1.0
"""A Bank that is armed and not committed so long before the start takes it back by itself, s."""
UNDO_WITHIN = 5.0
ARM_WITHIN = 90.0
"""Longer no Bank needs to make ready, however far ahead the start is, s: a program may have to be
started first."""
CONFIRM_WITHIN = 5.0

Undo = tuple[str, tuple["RemoteValue", ...]]
"""A method that takes back what was done, and its arguments."""


class AskBanks(Protocol):
    """Calls a method of some Banks, within some seconds, and waits for all of them."""

    async def __call__(
        self, method: str, banks: Sequence[str], timeout: float, args: Sequence[RemoteValue] = (), /
    ) -> Mapping[str, Outcome]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Starters:
    """The Banks of a start, by what they understand.

    Attributes:
        named: `arm`, `commit` and `disarm_start` with the identity of a start.
        unnamed: The same without an identity, as a site's own kind may have them.
        at_once: `start` only: Players of the original.
    """

    named: Sequence[str] = ()
    unnamed: Sequence[str] = ()
    at_once: Sequence[str] = ()

    @property
    def all(self) -> list[str]:
        """All of them."""
        return [*self.named, *self.unnamed, *self.at_once]


class TwoPhaseStart:
    """One start.

    Args:
        ask: Calls a method of some Banks.
        when: Full second to start on.
        start_id: Identity of the start, which nobody else's has: nobody takes back what is
            another's.
        now: Clock.
    """

    def __init__(
        self,
        ask: AskBanks,
        when: datetime,
        start_id: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ask, self._when, self._id, self._now = ask, when, start_id, now
        self._told: dict[str, Outcome] = {}
        self._done: dict[str, Undo] = {}  # Bank -> what takes it back

    async def start(self, banks: Starters) -> dict[str, Outcome]:
        """Tell all; Bank -> outcome, none of which is an error.

        The first named Bank, by name, is armed before the others: of several Dealers that start at
        the same moment one gets it, and the others have armed nothing yet.

        Raises:
            StartError: One refused, or did not answer; whatever had been armed or started was taken
                back.
        """
        try:
            return await self._start(banks)
        except (GeneratorExit, StartError):  # nobody goes on with it any more; it is taken back
            raise
        except BaseException:  # Ctrl-C, too: nothing may start behind the caller's back
            await self._take_back()
            raise

    async def _start(self, banks: Starters) -> dict[str, Outcome]:
        when, together = as_list(self._when), banks.all if len(banks.all) > 1 else []
        ours: Undo = ("disarm_start", (self._id,))
        first = sorted(banks.named)[:1]
        for group in (first, [bank for bank in banks.named if bank not in first]):
            await self._step("arm", group, (when, self._id, together), self._arm_within(), ours)
        await self._step("arm", banks.unnamed, (when,), self._arm_within(), ("disarm_start", ()))
        armed = dict(self._told)
        within = min(max(self._left(), ARMED_BEFORE), ARM_WITHIN)
        await self._step("commit", banks.named, (when, self._id), within, ours)
        await self._step("commit", banks.unnamed, (when,), within, ("stop", ()))
        self._told.update(armed)  # its text names the time of the start
        within = max(self._left(), 0.0) + START_ALLOWANCE
        await self._step("start", banks.at_once, (when,), within, ("stop", ()))
        if together and banks.named:  # one that does not hear it says so in its report
            await self._ask("confirm_start", banks.named, CONFIRM_WITHIN, (self._id, []))
        return {bank: self._told[bank] for bank in banks.all}

    def _arm_within(self) -> float:
        return min(max(self._left() - ARMED_BEFORE, ARMED_BEFORE), ARM_WITHIN)

    def _left(self) -> float:
        return (self._when - self._now()).total_seconds()

    async def _step(
        self,
        method: str,
        banks: Sequence[str],
        args: tuple[RemoteValue, ...],
        timeout: float,
        undo: Undo,
    ) -> None:
        if not banks:
            return
        self._done.update(dict.fromkeys(banks, undo))
        answers = await self._ask(method, banks, timeout, args)
        outcomes = {bank: _accepted(method, outcome) for bank, outcome in answers.items()}
        self._told.update(outcomes)
        if any(o.error is not None for o in outcomes.values()):
            for bank, outcome in outcomes.items():
                # One that did not answer may have done it all the same, so it is told too; one that
                # refused has not.
                if isinstance(outcome.error, RefusedError):
                    self._done.pop(bank)
            undone = await self._take_back()
            raise StartError(
                f"{method} failed, so no Bank starts", self._told, _still_armed(undone, self._told)
            )

    async def _take_back(self) -> dict[str, Outcome]:
        undone: dict[str, Outcome] = {}
        for method, args in dict.fromkeys(self._done.values()):
            banks = [bank for bank, undo in self._done.items() if undo == (method, args)]
            # A Player of the original answers only after its own `start` has returned.
            within = UNDO_WITHIN + (max(self._left(), 0.0) if method == "stop" else 0.0)
            undone |= await self._ask(method, banks, within, args)
        return undone


def _accepted(method: str, outcome: Outcome) -> Outcome:
    """An answer other than (True, ...) is no start: the original answers null when no mode is
    set."""
    value = outcome.value
    if outcome.error is not None or (isinstance(value, tuple) and value and value[0] is True):
        return outcome
    error = ProtocolError(f"{method} was answered {value!r}; expected (True, text)")
    return Outcome(outcome.bank, None, error, outcome.delay_s)


def _still_armed(undone: Mapping[str, Outcome], told: Mapping[str, Outcome]) -> str:
    """A sentence on those that could not be stopped; a refusal to stop means that nothing was
    running."""
    failed = [
        f"{bank} ({type(o.error).__name__}: {o.error})"
        for bank, o in undone.items()
        if o.error is not None
        and not isinstance(o.error, RefusedError)
        and told[bank].error is None
    ]
    return f"could not be taken back, look after it: {'; '.join(failed)}" if failed else ""
