"""What an exposed object offers: marks on its methods, and the table made of them. Knows no socket.

class NoiseSource:
    @query
    def get_period(self) -> float: ...
    @command
    def set_period(self, period: float) -> None: ...
    @command(urgent=True)
    def stop(self) -> None: ...
    @operation
    def sweep(self, start: float, stop: float) -> list[float]: ...
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar, overload

from zmqjsonproxy.handle import NULL_OPERATION, OperationHandle

__all__ = ["Interface", "Kind", "Mark", "Method", "command", "current_operation", "operation", "query"]

F = TypeVar("F", bound=Callable[..., Any])
_MARK = "__exposed__"


class Kind(StrEnum):
    """What a method is to its callers and to the server."""

    QUERY = "query"
    COMMAND = "command"
    OPERATION = "operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How a method is served.

    Attributes:
        kind: A query reads and is answered at once; a command changes, one at a time in its lane; an operation
            is long and has an identity, progress and one final state.
        urgent: A command that does not wait for its lane.
        aborts: Of an urgent command: the running operation of the lane is aborted first.
        refusal_pair: Clients of the original get a RefusedError as `[false, text]`.
        answers_when_accepted: Of an operation: its caller is answered by `OperationHandle.accept`.
    """

    kind: Kind
    urgent: bool = False
    aborts: bool = False
    refusal_pair: bool = False
    answers_when_accepted: bool = False


def _marker(mark: Mark) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        setattr(function, _MARK, mark)
        return function

    return decorate


@overload
def query(function: F) -> F: ...
@overload
def query(*, refusal_pair: bool = False) -> Callable[[F], F]: ...
def query(function: Any = None, *, refusal_pair: bool = False) -> Any:
    """Mark a method that reads; it must answer within milliseconds."""
    decorate = _marker(Mark(kind=Kind.QUERY, refusal_pair=refusal_pair))
    return decorate if function is None else decorate(function)


@overload
def command(function: F) -> F: ...
@overload
def command(*, urgent: bool = False, aborts: bool | None = None, refusal_pair: bool = False) -> Callable[[F], F]: ...
def command(
    function: Any = None, *, urgent: bool = False, aborts: bool | None = None, refusal_pair: bool = False
) -> Any:
    """Mark a method that changes something; one at a time per lane.

    Args:
        function: The method, when used without parentheses.
        urgent: Runs beside the lane: `stop`, `abort`.
        aborts: An urgent command first aborts the lane's running operation; None: if it is urgent.
        refusal_pair: Clients of the original get a refusal as `[false, text]`.
    """
    mark = Mark(
        kind=Kind.COMMAND, urgent=urgent, aborts=urgent if aborts is None else aborts, refusal_pair=refusal_pair
    )
    return _marker(mark) if function is None else _marker(mark)(function)


@overload
def operation(function: F) -> F: ...
@overload
def operation(*, answers_when_accepted: bool = False, refusal_pair: bool = False) -> Callable[[F], F]: ...
def operation(function: Any = None, *, answers_when_accepted: bool = False, refusal_pair: bool = False) -> Any:
    """Mark a method that takes long; inside it `current_operation()` reports progress and hears of aborts."""
    mark = Mark(kind=Kind.OPERATION, refusal_pair=refusal_pair, answers_when_accepted=answers_when_accepted)
    return _marker(mark) if function is None else _marker(mark)(function)


_current: ContextVar[OperationHandle] = ContextVar("operation", default=NULL_OPERATION)


def current_operation() -> OperationHandle:
    """Return the handle of the operation that the calling code runs in; outside of one, a handle without effect."""
    return _current.get()


@contextmanager
def running(handle: OperationHandle) -> Iterator[None]:
    """Make `handle` the current operation of the code within."""
    token = _current.set(handle)
    try:
        yield
    finally:
        _current.reset(token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One exported method, bound to its object."""

    name: str
    mark: Mark
    function: Callable[..., Any]
    doc: str | None
    signature: str
    lane: str = ""

    @property
    def kind(self) -> Kind:
        """Query, command or operation."""
        return self.mark.kind

    def describe(self) -> dict[str, Any]:
        """Return what a native client is told of the method."""
        return {
            "name": self.name,
            "doc": self.doc,
            "signature": self.signature,
            "kind": self.mark.kind.value,
            "urgent": self.mark.urgent,
        }


def _signature(function: Callable[..., Any]) -> str:
    try:
        return str(inspect.signature(function))
    except (TypeError, ValueError):
        return "(*args, **kwargs)"


@dataclass(frozen=True, slots=True)
class Interface:
    """The exported methods of one object, a snapshot taken when it was exposed.

    Attributes:
        name: Name it is exposed under.
        methods: Method name -> method, by name.
        fingerprint: Changes when the methods, their signatures, kinds or documentation change.
    """

    name: str
    methods: dict[str, Method] = field(default_factory=dict)
    fingerprint: str = ""

    @classmethod
    def of(cls, name: str, obj: object, *, lane: str | None = None) -> Interface:
        """Collect what `obj` exports.

        An object none of whose methods is marked exports all its public methods as commands, as the original
        did; with one mark or more, only the marked ones. None exports nothing: the device does not exist.
        """
        marked: dict[str, tuple[Callable[..., Any], Mark]] = {}
        public: dict[str, tuple[Callable[..., Any], Mark]] = {}
        for attribute in () if obj is None else dir(obj):
            # Looked up on the class first, so that no property is run here.
            plain = inspect.getattr_static(obj, attribute, None)
            if attribute.startswith("_") or (
                not isinstance(plain, (staticmethod, classmethod)) and not callable(plain)
            ):
                continue
            function = getattr(obj, attribute)
            mark = getattr(function, _MARK, None)
            if isinstance(mark, Mark):
                marked[attribute] = (function, mark)
            elif inspect.ismethod(function):
                public[attribute] = (function, Mark(kind=Kind.COMMAND))
        lane = name.partition(".")[0] if lane is None else lane
        methods = {
            key: Method(
                name=key, mark=mark, function=function, doc=inspect.getdoc(function),
                signature=_signature(function), lane=lane,
            )
            for key, (function, mark) in sorted((marked or public).items())
        }  # fmt: skip
        text = repr([m.describe() for m in methods.values()])
        return cls(name, methods, hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16])

    def list_methods(self) -> list[list[str | None]]:
        """Return the original's answer: [name, doc string or None] pairs."""
        return [[m.name, m.doc] for m in self.methods.values()]
