"""One operation on several Banks: an operation of each of them, watched, waited for and aborted as
one."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, Self, TypeVar

from dealer.errors import ClosedError, NotExportedError, PlayersError
from dealer.fanout import outcome_of
from dealer.outcome import Outcome, Outcomes, Values
from dealer.roster import Roster
from dealer.verbs import check_exported, descriptions, outcomes
from zmqjsonproxy import CallResult, InterfaceDescription, Operation
from zmqjsonproxy.errors import ProxyError
from zmqjsonproxy.protocol.operations import State
from zmqjsonproxy.rpc.asking import aborts, begins, finds, looks, waits
from zmqjsonproxy.rpc.heard import HeardOperation
from zmqjsonproxy.rpc.proxy import call_timeout
from zmqjsonproxy.rpc.steps import Steps, take

__all__ = [
    "Found",
    "HeardOperations",
    "Operations",
    "begin",
    "made_into",
    "operation",
    "operations",
]

O = TypeVar("O", bound=HeardOperation)  # noqa: E741  as in Operation
P = ParamSpec("P")
T = TypeVar("T")


class Found(NamedTuple):
    """What verbs find: the Dealer's socket, what is done, and Bank -> operation of the Dealer's
    kind."""

    hub: Any
    action: str
    operations: Mapping[str, Any]


# the verbs


def begin(
    d: Roster[Any],
    method: str,
    /,
    *args: Any,
    _timeout: float | None = None,
    _banks: Iterable[str] | None = None,
    **kwargs: Any,
) -> Steps[Found]:
    """Begin an operation on all active Banks and return at once: Bank -> operation.

    Args:
        method: Of the Banks, one that takes long, as "set_mode".
        *args: Its positional arguments.
        _timeout: For the answers that it was begun, s; the operation itself may take any time.
        _banks: Ask these instead of the active ones.
        **kwargs: Its keyword arguments.

    Raises:
        NotExportedError: Some Banks have no such operation; nothing was sent.
        PlayersError: On some it was not begun. The outcomes of the others have theirs as values:
            they go on.
    """
    if d._closed:
        raise ClosedError(f"begin {method}")
    names = d._active(method) if _banks is None else list(_banks)
    d._check_names(names)
    yield from check_exported(d, method, names)
    described = yield from descriptions(d, names)
    lacking = {
        bank: why
        for bank, description in described.items()
        if isinstance(description, InterfaceDescription)
        and (why := _why_not_begun(description, method))
    }
    if lacking:
        raise NotExportedError(method, lacking)
    urls, timeout = (
        [d._urls[bank] for bank in names],
        call_timeout(d.timeout if _timeout is None else _timeout),
    )
    results = yield from begins(d._operation, urls, "bank", method, args, kwargs, timeout)
    begun = dict(zip(names, results, strict=True))
    going_on = [
        f"{bank} {each.id}" for bank, each in begun.items() if not isinstance(each, ProxyError)
    ]
    remark = f"begun, and going on: {', '.join(going_on)}" if going_on else ""
    return Found(d._hub, method, _all_found(f"begin {method}", begun, remark))


def operation(d: Roster[Any], ids: Mapping[str, str]) -> Steps[Found]:
    """Return operations by their identities, whoever began them.

    Args:
        ids: Bank -> identity, as `Operations.ids`.

    Raises:
        PlayersError: Some cannot be asked, or know none of this identity.
    """
    if d._closed:
        raise ClosedError("operation")
    d._check_names(ids)
    results = yield from finds(
        d._operation, [(d._urls[bank], each) for bank, each in ids.items()], d.timeout
    )
    found = _all_found("operation", dict(zip(ids, results, strict=True)))
    methods = sorted({each.method.rpartition(".")[2] for each in found.values()})
    return Found(d._hub, " and ".join(methods), found)


def operations(d: Roster[Any], active: bool = False) -> Steps[dict[str, list[Any]]]:
    """Return the last operations of each active Bank, the newest at the end.

    Args:
        active: Only those that have not ended.
    """
    found = yield from outcomes(d, "rpc.operations", active, _banks=d._active("operations"))
    if any(outcome.error is not None for outcome in found.values()):
        raise PlayersError("operations", found)
    return {
        bank: [d._operation(d._urls[bank], each) for each in outcome.value]
        for bank, outcome in found.items()
    }


def made_into(
    kind: Callable[[Found], T], verb: Callable[Concatenate[Roster[Any], P], Steps[Found]]
) -> Callable[Concatenate[Roster[Any], P], Steps[T]]:
    """Return the verb whose result is what a Dealer of one kind makes of the operations found."""

    def made(d: Roster[Any], /, *args: P.args, **kwargs: P.kwargs) -> Steps[T]:
        return kind((yield from verb(d, *args, **kwargs)))

    made.__name__, made.__doc__ = verb.__name__, verb.__doc__
    shown = inspect.signature(verb).replace(
        return_annotation=f"Steps[{getattr(kind, '__name__', kind)}]"
    )
    made.__signature__ = shown  # type: ignore[attr-defined]  # functions take any attribute
    return made


def _why_not_begun(description: InterfaceDescription, method: str) -> str:
    if not description.native:
        return (
            "is a Player of the original, which answers at the end only; call the method and wait"
        )
    kind = description.methods[method].kind
    return "" if kind == "operation" else f"has it as a {kind}; call it"


def _all_found(action: str, found: Mapping[str, O | ProxyError], remark: str = "") -> dict[str, O]:
    """Return all that were found, or raise PlayersError, whose outcomes have those that were."""
    there = {bank: each for bank, each in found.items() if not isinstance(each, ProxyError)}
    if len(there) < len(found):
        outcomes = {
            bank: Outcome(bank, None, each) if isinstance(each, ProxyError) else Outcome(bank, each)
            for bank, each in found.items()
        }
        raise PlayersError(action, outcomes, remark)
    return there


# operations of several Banks


class HeardOperations(Mapping[str, O], Generic[O]):
    """Bank -> its operation, in the order of the Banks, as far as they were heard of.

    Args:
        found: What was begun, or asked for.
    """

    def __init__(self, found: Found) -> None:
        self._hub, self._action, self._operations = found.hub, found.action, dict(found.operations)

    def __getitem__(self, bank: str) -> O:
        found: O = self._operations[bank]
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._operations)

    def __len__(self) -> int:
        return len(self._operations)

    @property
    def ids(self) -> dict[str, str]:
        """Bank -> identity; `operation(ids)` of a Dealer finds them again, in another program
        too."""
        return {bank: operation.id for bank, operation in self.items()}

    @property
    def states(self) -> dict[str, State]:
        """Bank -> state."""
        self._lately()
        return {bank: operation.state for bank, operation in self.items()}

    @property
    def fraction(self) -> float | None:
        """How far the slowest Bank is, 0..1; None if one of those that have not ended does not
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
        """How long the slowest Bank will probably take, s; None if one of those that have not ended
        does not say."""
        self._lately()
        left = [0.0 if o.state.is_final else o.estimate for o in self.values()]
        return None if None in left else max((s for s in left if s is not None), default=None)

    def done(self) -> bool:
        """Whether all have a final state."""
        return all(state.is_final for state in self.states.values())

    def _lately(self) -> None:
        """See to it that what the attributes tell is as new as it can be."""

    def _looks(self) -> Steps[None]:
        return looks(self.values())

    def _waits(self, timeout: float | None) -> Steps[bool]:
        return waits(list(self.values()), timeout)

    def _outcomes(self, timeout: float | None) -> Steps[Outcomes]:
        yield from self._waits(timeout)
        return Outcomes(
            (bank, self._outcome(bank, operation, timeout)) for bank, operation in self.items()
        )

    def _outcome(self, bank: str, operation: O, waited: float | None) -> Outcome:
        try:
            value = operation._value(waited)
        except (ProxyError, TimeoutError) as error:
            return Outcome(bank, None, error)
        return outcome_of(bank, self._action, CallResult(value))

    def _result(self, timeout: float | None) -> Steps[dict[str, Any]]:
        outcomes = yield from self._outcomes(timeout)
        if any(outcome.error is not None for outcome in outcomes.values()):
            raise PlayersError(self._action, outcomes)
        return Values((bank, outcome.value) for bank, outcome in outcomes.items())

    def _abort(self, reason: str) -> Steps[None]:
        errors = yield from aborts(list(self.values()), reason)
        if any(error is not None for error in errors):
            asked = {
                bank: Outcome(bank, None, error) for bank, error in zip(self, errors, strict=True)
            }
            raise PlayersError(f"abort of {self._action}", asked)

    def on_done(self, tell: Callable[[Self], object]) -> None:
        """Call `tell(operations)` once, when all have their final states; where `on_done` of an
        operation calls."""
        left, lock = set(self), threading.Lock()

        def ended(bank: str, _operation: HeardOperation) -> object:
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


class Operations(HeardOperations[Operation]):
    """Bank -> its operation, in the order of the Banks, for callers that wait. Attributes ask all
    Banks at once."""

    def _take(self, steps: Steps[T]) -> T:
        return take(self._hub, steps)

    def look(self) -> Self:
        """Ask all for news now; returns itself."""
        self._take(self._looks())
        return self

    def _lately(self) -> None:
        self.look()  # what each is asked for afterwards is fresh

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all have a final state, whichever; whether they have.

        Args:
            timeout: s; None: as long as it takes.
        """
        return self._take(self._waits(timeout))

    def outcomes(self, timeout: float | None = None) -> Outcomes:
        """Wait for all; Bank -> outcome. One that has not ended in time has a TimeoutError. Raises
        for none."""
        return self._take(self._outcomes(timeout))

    def result(self, timeout: float | None = None) -> dict[str, Any]:
        """Wait for all; Bank -> value.

        Args:
            timeout: s; None: as long as it takes.

        Raises:
            PlayersError: Some failed, were aborted, lost, or have not ended in time; names all of
                them.
        """
        return self._take(self._result(timeout))

    def abort(self, reason: str = "") -> None:
        """Ask all to end, and return; PlayersError names the Banks that could not be asked."""
        self._take(self._abort(reason))
