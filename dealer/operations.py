"""One operation on several Banks: an operation of each of them, watched, waited for and aborted as one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from dealer.errors import NotExportedError, PlayersError
from dealer.fanout import outcome_of
from dealer.outcome import Outcome, Outcomes, Values
from zmqjsonproxy.errors import ProxyError
from zmqjsonproxy.protocol.operations import State
from zmqjsonproxy.rpc.hub import CallResult, Hub, InterfaceDescription
from zmqjsonproxy.rpc.operation import Operation, begin, look_at, wait_for

__all__ = ["OperationVerbs", "Operations"]


class OperationVerbs:
    """What a Dealer can do with operations of its Banks."""

    timeout: float
    _hub: Hub
    _urls: Mapping[str, str]

    if TYPE_CHECKING:  # of the Dealer

        def _active(self, action: str) -> list[str]: ...
        def _check_names(self, names: Iterable[str]) -> None: ...
        def _check_exported(self, method: str, names: Sequence[str]) -> object: ...
        def _descriptions(self, names: Sequence[str]) -> Mapping[str, InterfaceDescription | Exception]: ...
        def outcomes(
            self,
            method: str,
            /,
            *args: Any,
            _timeout: float | None = None,
            _banks: Iterable[str] | None = None,
            **kwargs: Any,
        ) -> Outcomes: ...

    def begin(
        self,
        method: str,
        /,
        *args: Any,
        _timeout: float | None = None,
        _banks: Iterable[str] | None = None,
        **kwargs: Any,
    ) -> Operations:
        """Begin an operation on all active Banks and return at once: Bank -> operation.

        Args:
            method: Of the Banks, one that takes long, as "set_mode".
            *args: Its positional arguments.
            _timeout: For the answers that it was begun, s; the operation itself may take any time.
            _banks: Ask these instead of the active ones.
            **kwargs: Its keyword arguments.

        Raises:
            NotExportedError: Some Banks have no such operation; nothing was sent.
            PlayersError: On some it was not begun. The outcomes of the others have theirs as values: they go on.
        """
        names = self._active(method) if _banks is None else list(_banks)
        self._check_names(names)
        self._check_exported(method, names)
        lacking = {
            bank: why
            for bank, description in self._descriptions(names).items()
            if isinstance(description, InterfaceDescription) and (why := _why_not_begun(description, method))
        }
        if lacking:
            raise NotExportedError(method, lacking)
        urls = {bank: self._urls[bank] for bank in names}
        return _begin(self._hub, urls, method, args, kwargs, self.timeout if _timeout is None else _timeout)

    def operation(self, ids: Mapping[str, str]) -> Operations:
        """Return operations by their identities, whoever began them.

        Args:
            ids: Bank -> identity, as `Operations.ids`.

        Raises:
            PlayersError: Some cannot be asked, or know none of this identity.
        """
        self._check_names(ids)
        found: dict[str, Operation] = {}
        outcomes: dict[str, Outcome] = {}
        for bank, identity in ids.items():
            try:
                found[bank] = Operation.find(self._hub, self._urls[bank], identity, self.timeout)
                outcomes[bank] = Outcome(bank, found[bank])
            except ProxyError as error:
                outcomes[bank] = Outcome(bank, None, error)
        if len(found) < len(outcomes):
            raise PlayersError("operation", outcomes)
        methods = sorted({operation.method.rpartition(".")[2] for operation in found.values()})
        return Operations(" and ".join(methods), found.items())

    def operations(self, active: bool = False) -> dict[str, list[Operation]]:
        """Return the last operations of each active Bank, the newest at the end.

        Args:
            active: Only those that have not ended.
        """
        outcomes = self.outcomes("rpc.operations", active, _banks=self._active("operations"))
        if any(outcome.error is not None for outcome in outcomes.values()):
            raise PlayersError("operations", outcomes)
        return {
            bank: [Operation(self._hub, self._urls[bank], each) for each in outcome.value]
            for bank, outcome in outcomes.items()
        }


def _why_not_begun(description: InterfaceDescription, method: str) -> str:
    if not description.native:
        return "is a Player of the original, which answers at the end only; call the method and wait"
    kind = description.methods[method].kind
    return "" if kind == "operation" else f"has it as a {kind}; call it"


class Operations(Mapping[str, Operation]):
    """Bank -> its operation, in the order of the Banks."""

    def __init__(self, action: str, operations: Iterable[tuple[str, Operation]]) -> None:
        self._action, self._operations = action, dict(operations)

    def __getitem__(self, bank: str) -> Operation:
        return self._operations[bank]

    def __iter__(self) -> Iterator[str]:
        return iter(self._operations)

    def __len__(self) -> int:
        return len(self._operations)

    @property
    def ids(self) -> dict[str, str]:
        """Bank -> identity; `Dealer.operation(ids)` finds them again, in another program too."""
        return {bank: operation.id for bank, operation in self.items()}

    @property
    def states(self) -> dict[str, State]:
        """Bank -> state."""
        self._look()
        return {bank: operation.state for bank, operation in self.items()}

    @property
    def fraction(self) -> float | None:
        """How far the slowest Bank is, 0..1; None if one of those that have not ended does not say."""
        self._look()
        fractions = [1.0 if o.state.is_final else o.fraction for o in self.values()]
        return None if None in fractions else min((f for f in fractions if f is not None), default=None)

    @property
    def estimate(self) -> float | None:
        """How long the slowest Bank will probably take, s; None if one of those that have not ended does not say."""
        self._look()
        left = [0.0 if o.state.is_final else o.estimate for o in self.values()]
        return None if None in left else max((s for s in left if s is not None), default=None)

    def _look(self) -> None:
        look_at(list(self.values()))  # all at once; what each is asked for afterwards is fresh

    def done(self) -> bool:
        """Whether all have a final state."""
        return all(state.is_final for state in self.states.values())

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all have a final state, whichever; whether they have.

        Args:
            timeout: s; None: as long as it takes.
        """
        return wait_for(list(self.values()), timeout)

    def outcomes(self, timeout: float | None = None) -> Outcomes:
        """Wait for all; Bank -> outcome. One that has not ended in time has a TimeoutError. Raises for none."""
        self.wait(timeout)
        return Outcomes((bank, self._outcome(bank, operation)) for bank, operation in self.items())

    def _outcome(self, bank: str, operation: Operation) -> Outcome:
        try:
            value = operation.result(0.0)
        except (ProxyError, TimeoutError) as error:
            return Outcome(bank, None, error)
        return outcome_of(bank, self._action, CallResult(value))

    def result(self, timeout: float | None = None) -> dict[str, Any]:
        """Wait for all; Bank -> value.

        Args:
            timeout: s; None: as long as it takes.

        Raises:
            PlayersError: Some failed, were aborted, lost, or have not ended in time; names all of them.
        """
        outcomes = self.outcomes(timeout)
        if any(outcome.error is not None for outcome in outcomes.values()):
            raise PlayersError(self._action, outcomes)
        return Values((bank, outcome.value) for bank, outcome in outcomes.items())

    def abort(self, reason: str = "") -> None:
        """Ask all to end, and return; PlayersError names the Banks that could not be asked."""
        outcomes = {}
        for bank, operation in self.items():
            try:
                operation.abort(reason)
            except ProxyError as error:
                outcomes[bank] = Outcome(bank, None, error)
        if outcomes:
            raise PlayersError(f"abort of {self._action}", outcomes)

    def on_done(self, tell: Callable[[Operations], object]) -> None:
        """Call `tell(operations)` once, when all have their final states; in a thread of its own."""
        left, lock = set(self), threading.Lock()

        def ended(bank: str, _operation: Operation) -> None:
            with lock:
                left.remove(bank)
                is_last = not left
            if is_last:
                tell(self)

        for bank, operation in self.items():
            operation.on_done(partial(ended, bank))

    def on_progress(self, tell: Callable[[str, Operation], object]) -> None:
        """Call `tell(bank, operation)` whenever one of them is further; in a thread of its own."""
        for bank, operation in self.items():
            operation.on_progress(partial(tell, bank))

    def __repr__(self) -> str:
        return "\n".join(f"{bank}: {operation!r}" for bank, operation in self.items()) or "{}"

    def _repr_html_(self) -> str:
        from dealer.tables import html_table  # for notebooks only

        self._look()
        rows = [
            (bank, o.method, o.state, "" if o.fraction is None else f"{o.fraction:.0%}", o.text)
            for bank, o in self.items()
        ]
        return html_table(("Bank", "operation", "state", "done", ""), rows)


def _begin(
    hub: Hub, urls: Mapping[str, str], method: str, args: Sequence[Any], kwargs: dict[str, Any], timeout: float
) -> Operations:
    begun = dict(zip(urls, begin(hub, list(urls.values()), "bank", method, args, kwargs, timeout), strict=True))
    failed = [bank for bank, each in begun.items() if isinstance(each, ProxyError)]
    if failed:
        outcomes = {
            bank: Outcome(bank, None, each) if isinstance(each, ProxyError) else Outcome(bank, each)
            for bank, each in begun.items()
        }
        going_on = [f"{bank} {each.id}" for bank, each in begun.items() if isinstance(each, Operation)]
        remark = f"begun, and going on: {', '.join(going_on)}" if going_on else ""
        raise PlayersError(f"begin {method}", outcomes, remark)
    return Operations(method, ((bank, each) for bank, each in begun.items() if isinstance(each, Operation)))
