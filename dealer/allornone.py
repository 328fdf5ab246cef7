"""A start on all Banks or on none: in which order they are told, and what is taken back. Knows no socket.

Native Players are armed, and told to go only when all of them are ready. Those of the original know one phase only:
`start(time)` goes to all of them, and `stop` to whoever accepted if one refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from dealer.errors import StartError
from dealer.outcome import Outcome
from dealer.start import as_list
from zmqjsonproxy.errors import ProtocolError, RefusedError

__all__ = ["START_ALLOWANCE", "Ask", "Asked", "CommonStart"]

START_ALLOWANCE = 30.0
"""A start may take until its time and so much longer, s; the original's."""
ARMED_BEFORE = 1.0
"""A Bank that is armed and not committed so long before the start takes it back by itself, s."""
UNDO_WITHIN = 5.0


Asked = Generator[Any, Any, dict[str, Outcome]]
"""Steps, of a Dealer or of what stands for one, that end with Bank -> outcome."""


class Ask(Protocol):
    """The steps that call a method of some Banks and wait for all of them."""

    def __call__(
        self, method: str, /, *args: Any, _banks: Sequence[str], _timeout: float
    ) -> Generator[Any, Any, Mapping[str, Outcome]]: ...


class CommonStart:
    """One start.

    Args:
        ask: The steps that call a method of some Banks.
        when: Full second to start on.
        now: Clock.
    """

    def __init__(self, ask: Ask, when: datetime, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._ask, self._when, self._now = ask, when, now
        self._told: dict[str, Outcome] = {}

    def start(self, two_phase: Sequence[str], at_once: Sequence[str]) -> Asked:
        """Tell all; the steps end with Bank -> outcome, none of which is an error.

        Args:
            two_phase: Banks with `arm` and `commit`.
            at_once: Banks with `start` only.

        Raises:
            StartError: One refused, or did not answer; whatever had been armed or started was taken back.
        """
        if two_phase:
            within = max(self._left() - ARMED_BEFORE, ARMED_BEFORE)
            armed = yield from self._step("arm", two_phase, within, undo="disarm_start")
            yield from self._step("commit", two_phase, max(self._left(), ARMED_BEFORE), undo="stop")
            self._told.update(armed)  # its text names the time of the start
        if at_once:
            yield from self._step("start", at_once, max(self._left(), 0.0) + START_ALLOWANCE, undo="stop")
        return self._told

    def _left(self) -> float:
        return (self._when - self._now()).total_seconds()

    def _step(self, method: str, banks: Sequence[str], timeout: float, undo: str) -> Asked:
        before = {bank: o for bank, o in self._told.items() if bank not in banks}
        try:
            answers = yield from self._ask(method, as_list(self._when), _banks=banks, _timeout=timeout)
        except BaseException:  # Ctrl-C and cancellation too: nothing may start behind the caller's back
            yield from self._take_back(undo, [*before, *banks])
            raise
        outcomes = {bank: _accepted(method, outcome) for bank, outcome in answers.items()}
        self._told.update(outcomes)
        if any(o.error is not None for o in outcomes.values()):
            # A Bank that did not answer may have done it all the same, so it is told too; one that refused has not.
            doubtful = [b for b, o in self._told.items() if not isinstance(o.error, RefusedError)]
            undone = yield from self._take_back(undo, doubtful)
            raise StartError(f"{method} failed, so no Bank starts", self._told, _still_armed(undone, self._told))
        return outcomes

    def _take_back(self, undo: str, banks: Sequence[str]) -> Asked:
        if not banks:
            return {}
        # A Player of the original answers only after its own `start` has returned.
        undone = yield from self._ask(undo, _banks=banks, _timeout=max(self._left(), 0.0) + UNDO_WITHIN)
        return dict(undone)


def _accepted(method: str, outcome: Outcome) -> Outcome:
    """An answer other than (True, ...) is no start: the original answers null when no mode is set."""
    value = outcome.value
    if outcome.error is not None or (isinstance(value, tuple) and value and value[0] is True):
        return outcome
    error = ProtocolError(f"{method} was answered {value!r}; expected (True, text)")
    return Outcome(outcome.bank, None, error, outcome.delay_s)


def _still_armed(undone: Mapping[str, Outcome], told: Mapping[str, Outcome]) -> str:
    """A sentence on those that could not be stopped; a refusal to stop means that nothing was running."""
    failed = [
        f"{bank} ({type(o.error).__name__}: {o.error})"
        for bank, o in undone.items()
        if o.error is not None and not isinstance(o.error, RefusedError) and told[bank].error is None
    ]
    return f"could not be taken back, look after it: {'; '.join(failed)}" if failed else ""
