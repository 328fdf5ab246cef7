"""One operation on several Banks: an operation of each of them, watched, waited for and aborted as
one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from dealer.fanout import all_values, outcome_of
from dealer.outcome import Outcome, Outcomes
from groundwork.values import RemoteValue
from zmqjsonproxy import AsyncOperation, CallResult, Operation
from zmqjsonproxy.errors import ProxyError
from zmqjsonproxy.hubs import Hub, blocking, run
from zmqjsonproxy.operations import abort, look, wait

if TYPE_CHECKING:
    from zmqjsonproxy.protocol.operations import OperationState
    from zmqjsonproxy.rpc.remoteoperation import RemoteOperation

__all__ = ["AsyncOperations", "OperationGroup", "Operations"]

O = TypeVar("O", bound="RemoteOperation")  # noqa: E741  as in Operation


class OperationGroup(Mapping[str, O], Generic[O]):
    """Bank -> its operation, in the order of the Banks, as far as they were heard of.

    Args:
        hub: Of the Dealer.
        action: What they do.
        operations: Bank -> operation.
    """

    def __init__(self, hub: Hub, action: str, operations: Mapping[str, O]) -> None:
        self._hub, self._action, self._each = hub, action, dict(operations)

    def __getitem__(self, bank: str) -> O:
        return self._each[bank]

    def __iter__(self) -> Iterator[str]:
        return iter(self._each)

    def __len__(self) -> int:
        return len(self._each)

    @property
    def ids(self) -> dict[str, str]:
        """Bank -> identity; `operation(ids)` of a Dealer finds them again, in another program
        too."""
        return {bank: operation.id for bank, operation in self.items()}

    @property
    def states(self) -> dict[str, OperationState]:
        """Bank -> state."""
        self._lately()
        return {bank: operation.state for bank, operation in self.items()}

    @property
    def fraction(self) -> float | None:
        """Progress of the slowest Bank, 0..1; None if one of those that have not ended does not
        say."""
        self._lately()
        fractions = [1.0 if o.state.is_final else o.fraction for o in self.values()]
        return (
            None
            if None in fractions
            else min((f for f in fractions if f is not None), default=None)
        )

    @property
    def estimate(self) -> float | None:
        """Time that the slowest Bank will probably take, s; None if one of those that have not
        ended does not say."""
        self._lately()
        left = [0.0 if o.state.is_final else o.estimate for o in self.values()]
        return None if None in left else max((s for s in left if s is not None), default=None)

    def done(self) -> bool:
        """Tell whether all have a final state."""
        return all(state.is_final for state in self.states.values())

    def _lately(self) -> None:
        """See to it that what the attributes tell is as new as it can be."""

    async def _outcomes(self, timeout: float | None) -> Outcomes:
        await wait(self._hub, list(self.values()), timeout)
        return Outcomes(
            (bank, self._outcome(bank, operation, timeout)) for bank, operation in self.items()
        )

    def _outcome(self, bank: str, operation: O, waited: float | None) -> Outcome:
        try:
            value = operation._value(waited)
        except (ProxyError, TimeoutError) as error:
            return Outcome(bank, None, error)
        return outcome_of(bank, self._action, CallResult(value))

    def on_done(self, tell: Callable[[Self], object]) -> None:
        """Call `tell(operations)` once, when all have their final states; where `on_done` of an
        operation calls."""
        left, lock = set(self), threading.Lock()

        def ended(bank: str, _operation: RemoteOperation) -> object:
            with lock:
                left.remove(bank)
                is_last = not left
            return tell(self) if is_last else None

        for bank, operation in self.items():
            operation.on_done(partial(ended, bank))

    def on_progress(self, tell: Callable[[str, O], object]) -> None:
        """Call `tell(bank, operation)` whenever one of them is further; where `on_progress` of an
        operation calls."""
        for bank, operation in self.items():
            operation.on_progress(partial(tell, bank))

    def __repr__(self) -> str:
        return "\n".join(f"{bank}: {operation!r}" for bank, operation in self.items()) or "{}"

    def _repr_html_(self) -> str:
        from dealer.tables import html_table  # for notebooks only

        self._lately()
        rows = [
            (bank, o.method, o.state, "" if o.fraction is None else f"{o.fraction:.0%}", o.text)
            for bank, o in self.items()
        ]
        return html_table(("Bank", "operation", "state", "done", ""), rows)


class AsyncOperations(OperationGroup[AsyncOperation]):
    """Bank -> its operation, in the order of the Banks: as `Operations`, but what waits is awaited.

    Attributes tell what was heard last, as those of an AsyncOperation.
    """

    async def look(self) -> Self:
        """Ask all for news now; returns itself."""
        await look(self._hub, self.values())
        return self

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait until all have a final state, whichever; whether they have.

        Args:
            timeout: s; None: as long as it takes.
        """
        return await wait(self._hub, list(self.values()), timeout)

    async def outcomes(self, timeout: float | None = None) -> Outcomes:
        """Wait for all; Bank -> outcome. One that has not ended in time has a TimeoutError. Raises
        for none."""
        return await self._outcomes(timeout)

    async def result(self, timeout: float | None = None) -> dict[str, RemoteValue]:
        """Wait for all; Bank -> value.

        Args:
            timeout: s; None: as long as it takes.

        Raises:
            PlayersError: Some failed, were aborted, lost, or have not ended in time; names all of
                them.
        """
        return all_values(self._action, await self._outcomes(timeout))

    async def abort(self, reason: str = "") -> None:
        """Ask all to end, and return; PlayersError names the Banks that could not be asked."""
        errors = await abort(self._hub, list(self.values()), reason)
        asked = {bank: Outcome(bank, None, error) for bank, error in zip(self, errors, strict=True)}
        all_values(f"abort of {self._action}", asked)


class Operations(OperationGroup[Operation]):
    """Bank -> its operation, in the order of the Banks, for callers that wait. Attributes ask all
    Banks at once."""

    def look(self) -> Self:
        """Ask all for news now; returns itself."""
        run(look(self._hub, self.values()))
        return self

    def _lately(self) -> None:
        self.look()  # what each is asked for afterwards is fresh

    wait = blocking(AsyncOperations.wait)
    outcomes = blocking(AsyncOperations.outcomes)
    result = blocking(AsyncOperations.result)
    abort = blocking(AsyncOperations.abort)
