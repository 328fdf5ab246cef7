"""Interface of an exposed object: marks on its methods, and the table made of them. Knows no
socket.

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

import functools
import hashlib
import inspect
import json
import keyword
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar, cast, overload

from groundwork.secretnames import names_secret
from groundwork.values import Function, JsonObject
from zmqjsonproxy.handle import current_operation, running
from zmqjsonproxy.parameters import NO_DEFAULT, MethodParameter, Passing, signature_text
from zmqjsonproxy.rights import Role

__all__ = [
    "HIDDEN_BY_PROXIES",
    "Interface",
    "Keyword",
    "Mark",
    "Method",
    "MethodKind",
    "command",
    "current_operation",
    "hidden_by_proxies",
    "marked_methods",
    "operation",
    "query",
    "running",
]

F = TypeVar("F", bound=Function)
_MARK = "__exposed__"

HIDDEN_BY_PROXIES = frozenset(
    {
        "batch",
        "begin",
        "call_later",
        "close",
        "fetch",
        "files",
        "get_request_reply_timeout",
        "operation",
        "operations",
        "part",
        "remote",
        "roach",
        "set_request_reply_timeout",
        "subscribe",
        "url",
        "valon",
    }
)
"""Attributes of proxies: an exported method of such a name is reached as `proxy.remote.NAME`
only."""


class MethodKind(StrEnum):
    """Kind of a method, for its callers and for the server."""

    QUERY = "query"
    COMMAND = "command"
    OPERATION = "operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyword:
    """One of the keywords that a method declared with `**kwargs` takes.

    Attributes:
        name: As callers write it.
        annotation: Its type, as Python writes it with built-in types, `Literal` and unions: "float
            | list[float]".
        doc: What it is, with unit and range; may have several lines.
        unit: Of its values.
        schema: JSON Schema of its values, with ranges; empty: that of the annotation.
    """

    name: str
    annotation: str
    doc: str
    unit: str = ""
    schema: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Way in which a method is served.

    Attributes:
        kind: A query reads and is answered at once; a command changes, one at a time in its command queue;
            an operation is long and has an identity, progress and one final state.
        urgent: A command that does not wait for its command queue.
        aborts: Of an urgent command: the running operation of the command queue is aborted first.
        refusal_pair: Clients of the original get a RefusedError as `[false, text]`.
        answers_when_accepted: Of an operation: its caller is answered by `OperationHandle.accept`.
        admit: Of an operation: called with the object, the handle and the arguments when a call
            arrives, in the socket's thread; it may refuse, and must answer within milliseconds.
        keywords: Asked once, with the object: what is taken as `**kwargs`; None: anything.
        secret: Names of parameters whose values are written nowhere: passwords, tokens.
        is_read_only: Of what is no query: it changes nothing to speak of, and is in no journal.
        needs_control: Of what changes: it is refused while another client has control of the Bank.
        role: That its callers need; None: that of its kind.
    """

    kind: MethodKind
    urgent: bool = False
    aborts: bool = False
    refusal_pair: bool = False
    answers_when_accepted: bool = False
    admit: Function | None = None
    keywords: Function | None = None
    secret: Sequence[str] = ()
    is_read_only: bool = False
    needs_control: bool = True
    role: Role | None = None

    @property
    def journaled(self) -> bool:
        """True if calls of it are told to a journal."""
        return self.kind is not MethodKind.QUERY and not self.is_read_only

    @property
    def needs(self) -> Role:
        """Role that its callers need: for queries `observe`, for all else `operate`, if no other
        one is said."""
        return self.role or (Role.OBSERVE if self.kind is MethodKind.QUERY else Role.OPERATE)


def _marker(mark: Mark) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        if isinstance(function, property | functools.cached_property):
            raise TypeError(
                f"a property cannot be marked as a {mark.kind}: it is not called; write a method get_..."
            )
        _refuse_coroutine(function)
        setattr(function, _MARK, mark)
        return function

    return decorate


@overload
def query(function: F) -> F: ...
@overload
def query(*, refusal_pair: bool = False, role: Role | None = None) -> Callable[[F], F]: ...
def query(
    function: F | None = None, *, refusal_pair: bool = False, role: Role | None = None
) -> F | Callable[[F], F]:
    """Mark a method that reads; it must answer within milliseconds.

    Args:
        function: The method, when used without parentheses.
        refusal_pair: Clients of the original get a refusal as `[false, text]`.
        role: That callers need; None: `observe`.
    """
    decorate = _marker(Mark(kind=MethodKind.QUERY, refusal_pair=refusal_pair, role=role))
    return decorate if function is None else decorate(function)


@overload
def command(function: F) -> F: ...
@overload
def command(
    *,
    urgent: bool = False,
    aborts: bool | None = None,
    refusal_pair: bool = False,
    keywords: Function | None = None,
    secret: Sequence[str] = (),
    is_read_only: bool = False,
    needs_control: bool = True,
    role: Role | None = None,
) -> Callable[[F], F]: ...
def command(
    function: F | None = None,
    *,
    urgent: bool = False,
    aborts: bool | None = None,
    refusal_pair: bool = False,
    keywords: Function | None = None,
    secret: Sequence[str] = (),
    is_read_only: bool = False,
    needs_control: bool = True,
    role: Role | None = None,
) -> F | Callable[[F], F]:
    """Mark a method that changes something; one at a time per command queue.

    Args:
        function: The method, when used without parentheses.
        urgent: Runs beside the command queue: `stop`, `abort`.
        aborts: An urgent command first aborts the command queue's running operation; None: if it is urgent.
        refusal_pair: Clients of the original get a refusal as `[false, text]`.
        keywords: Of a method with `**kwargs`: what these are, for documentation, completion and
            type checkers; a function of the object, asked once, when it is exposed.
        secret: Names of parameters whose values the journal must not have. Those that are called
            `password`, `token`, `secret` or the like need not be named.
        is_read_only: It changes nothing to speak of, and is in no journal.
        needs_control: It is refused while another client has control of the Bank.
        role: That callers need; None: `operate`.
    """
    mark = Mark(
        kind=MethodKind.COMMAND,
        urgent=urgent,
        aborts=urgent if aborts is None else aborts,
        refusal_pair=refusal_pair,
        keywords=keywords,
        secret=tuple(secret),
        is_read_only=is_read_only,
        needs_control=needs_control,
        role=role,
    )
    return _marker(mark) if function is None else _marker(mark)(function)


@overload
def operation(function: F) -> F: ...
@overload
def operation(
    *,
    answers_when_accepted: bool = False,
    refusal_pair: bool = False,
    admit: Function | None = None,
    secret: Sequence[str] = (),
    is_read_only: bool = False,
    role: Role | None = None,
) -> Callable[[F], F]: ...
def operation(
    function: F | None = None,
    *,
    answers_when_accepted: bool = False,
    refusal_pair: bool = False,
    admit: Function | None = None,
    secret: Sequence[str] = (),
    is_read_only: bool = False,
    role: Role | None = None,
) -> F | Callable[[F], F]:
    """Mark a method that takes long; inside it `current_operation()` reports progress and hears of
    aborts.

    Args:
        function: The method, when used without parentheses.
        answers_when_accepted: Its caller is answered by `OperationHandle.accept`, or at its end.
        refusal_pair: Clients of the original get a refusal as `[false, text]`.
        admit: A function of the object, the operation's handle and the arguments of the call. It
            runs as soon as a call arrives, whatever the object is doing, and refuses by raising
            RefusedError what could only be refused later.
        secret: As of a command.
        is_read_only: It changes nothing: it needs no control, and is in no journal.
        role: That callers need; None: `operate`, or `observe` of one that changes nothing.
    """
    mark = Mark(
        kind=MethodKind.OPERATION,
        refusal_pair=refusal_pair,
        answers_when_accepted=answers_when_accepted,
        admit=admit,
        secret=tuple(secret),
        is_read_only=is_read_only,
        needs_control=not is_read_only,
        role=role or (Role.OBSERVE if is_read_only else None),
    )
    return _marker(mark) if function is None else _marker(mark)(function)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One exported method, bound to its object.

    Attributes:
        secret: Parameters whose values are written nowhere: those of its mark, and those whose
            names say so.
        positional: Names of those that may be given by position; the last may take many.
    """

    name: str
    mark: Mark
    function: Function
    doc: str | None
    parameters: tuple[MethodParameter, ...] | None = None
    returns: str = ""
    queue: str = ""
    owner: object = None
    secret: frozenset[str] = frozenset()
    positional: tuple[str, ...] = ()

    @property
    def kind(self) -> MethodKind:
        """Query, command or operation."""
        return self.mark.kind

    @property
    def signature(self) -> str:
        """Its parameters and the type of its result, as text."""
        return signature_text(self.parameters, self.returns)

    def describe(self) -> JsonObject:
        """Return what a native client is told of the method."""
        from zmqjsonproxy.schemas import schema_of  # late: only servers need it

        told: JsonObject = {
            "name": self.name,
            "doc": self.doc,
            "signature": self.signature,
            "kind": self.mark.kind.value,
            "urgent": self.mark.urgent,
        }
        if self.parameters is None:
            return told
        return told | {
            "parameters": [parameter.describe() for parameter in self.parameters],
            "returns": {"annotation": self.returns, "schema": schema_of(self.returns)},
        }


def _refuse_coroutine(function: object) -> None:
    """Raise TypeError for what returns no value when it is called."""
    function = getattr(function, "__func__", function)
    bare = inspect.unwrap(function) if callable(function) else function
    if (
        inspect.iscoroutinefunction(bare)
        or inspect.isasyncgenfunction(bare)
        or inspect.isgeneratorfunction(bare)
    ):
        name = getattr(bare, "__qualname__", "it")
        raise TypeError(
            f"{name} is no plain function and cannot be marked: it is called in a thread; return a value"
        )


def _mark_of(attribute: object) -> Mark | None:
    """Return the mark of what a class or object has under a name, on either side of a decorator of
    Python's own."""
    for one in (
        attribute,
        *(getattr(attribute, within, None) for within in ("__func__", "func", "fget")),
    ):
        mark = getattr(one, _MARK, None)
        if isinstance(mark, Mark):
            return mark
    return None


def _inherited_mark(kind: type, name: str) -> Mark | None:
    """Return the mark of the nearest class above that has one; what overrides a marked method has
    its mark."""
    return next(
        (mark for one in kind.__mro__ if (mark := _mark_of(vars(one).get(name))) is not None), None
    )


def marked_methods(obj: object) -> dict[str, tuple[Function, Mark]]:
    """Collect what `obj` exports, as `Interface.of` says; no property is run, and nothing is asked
    of the object.

    Raises:
        TypeError: A mark is on what cannot be called, or not with a value: a property, a coroutine
            function.
    """
    marked: dict[str, tuple[Function, Mark]] = {}
    public: dict[str, tuple[Function, Mark]] = {}
    kind = obj if isinstance(obj, type) else type(obj)
    for name in () if obj is None else dir(obj):
        if name.startswith("_"):
            continue
        # Looked up on the class first, so that no property is run here.
        plain = inspect.getattr_static(obj, name, None)
        mark = _mark_of(plain) or _inherited_mark(kind, name)
        if mark is not None and isinstance(plain, property | functools.cached_property):
            raise TypeError(
                f"{kind.__name__}.{name} is a property, which callers cannot call: make it a method"
            )
        is_method = isinstance(plain, staticmethod | classmethod | functools.partialmethod)
        if plain is None or not (is_method or callable(plain)):
            continue
        function = getattr(obj, name)
        if mark is not None:
            _refuse_coroutine(function)
            marked[name] = (function, mark)
        elif inspect.ismethod(function):
            public[name] = (function, Mark(kind=MethodKind.COMMAND))
    return marked or public


def hidden_by_proxies(name: str, methods: Iterable[str]) -> str:
    """Return a sentence on those of an object's methods that proxies hide; empty if there are
    none."""
    hidden = sorted(HIDDEN_BY_PROXIES.intersection(methods))
    if not hidden:
        return ""
    are = "is an attribute" if len(hidden) == 1 else "are attributes"
    return f"{', '.join(hidden)} of {name} {are} of proxies; callers reach the method as proxy.remote.{hidden[0]}(...)"


_PASSING = {
    inspect.Parameter.POSITIONAL_ONLY: Passing.POSITION,
    inspect.Parameter.POSITIONAL_OR_KEYWORD: Passing.EITHER,
    inspect.Parameter.VAR_POSITIONAL: Passing.POSITIONS,
    inspect.Parameter.KEYWORD_ONLY: Passing.KEYWORD,
    inspect.Parameter.VAR_KEYWORD: Passing.KEYWORDS,
}


def _parameters(
    function: Function, keywords: Sequence[Keyword], doc: str | None
) -> tuple[tuple[MethodParameter, ...] | None, str]:
    """Return the parameters of a method, and the type of its result; None: it cannot be told."""
    from zmqjsonproxy.schemas import schema_of  # late: only servers need it

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None, ""
    described = parameter_docs(doc or "")
    found = [
        MethodParameter(
            name=p.name,
            passing=_PASSING[p.kind],
            required=p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD),
            default=_default(p.default),
            annotation=(annotation := _annotation(p.annotation)),
            schema=schema_of(annotation),
            doc=described.get(p.name, ""),
        )
        for p in signature.parameters.values()
        if not (keywords and p.kind is p.VAR_KEYWORD)
    ]
    found += [
        MethodParameter(
            name=k.name,
            passing=Passing.KEYWORD,
            annotation=k.annotation,
            schema=k.schema or schema_of(k.annotation),
            unit=k.unit,
            doc=k.doc,
        )
        for k in keywords
    ]
    return tuple(found), _annotation(signature.return_annotation)


def _annotation(annotation: object) -> str:
    """Return an annotation as text; empty: there is none."""
    if annotation is inspect.Parameter.empty:
        return ""
    if not isinstance(annotation, str):
        return inspect.formatannotation(annotation)
    quote = annotation[:1]  # in quotes, where all annotations are texts already
    is_quoted = quote in ("'", '"') and annotation.find(quote, 1) == len(annotation) - 1
    return annotation[1:-1] if is_quoted else annotation


def _default(value: object) -> object:
    """Return a default as it travels; what JSON has no word for is not told."""
    if value is inspect.Parameter.empty:
        return NO_DEFAULT
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return NO_DEFAULT


_ENTRY = re.compile(r"(\s*)\*{0,2}(\w+): (.*)")


def parameter_docs(doc: str) -> dict[str, str]:
    """Return what the sections "Args:" and "Keywords:" of a docstring say of each parameter."""
    found: dict[str, str] = {}
    inside, margin, name = False, -1, ""
    for line in doc.splitlines():
        if line and not line[0].isspace():
            inside, margin, name = line.strip() in ("Args:", "Keywords:"), -1, ""
        elif inside and (entry := _ENTRY.fullmatch(line)) and margin in (-1, len(entry[1])):
            margin, name = len(entry[1]), entry[2]
            found[name] = entry[3].strip()
        elif inside and name:
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def _doc(function: Function, keywords: Iterable[Keyword]) -> str | None:
    lines = ["    " + f"{k.name}: {k.doc}".replace("\n", "\n        ") for k in keywords]
    return (
        "\n".join([inspect.getdoc(function) or "", "", "Keywords:", *lines])
        if lines
        else inspect.getdoc(function)
    )


def _secret(mark: Mark, parameters: Iterable[MethodParameter] | None) -> frozenset[str]:
    return frozenset(mark.secret) | {p.name for p in parameters or () if names_secret(p.name)}


def _positional(parameters: Iterable[MethodParameter] | None) -> tuple[str, ...]:
    by_position = (Passing.POSITION, Passing.EITHER, Passing.POSITIONS)
    return tuple(p.name for p in parameters or () if p.passing in by_position)


def _keywords(function: Function, mark: Mark, obj: object) -> list[Keyword]:
    """Return what an object says that a method takes as `**kwargs`; a name that cannot be written
    as a keyword is left out."""
    told = [] if mark.keywords is None else list(cast(Iterable[Keyword], mark.keywords(obj)))
    own = inspect.signature(function).parameters if told else {}
    return [
        k
        for k in told
        if k.name.isidentifier() and not keyword.iskeyword(k.name) and k.name not in own
    ]


@dataclass(frozen=True)
class Interface:
    """The exported methods of one object, a snapshot taken when it was exposed.

    Attributes:
        name: Name it is exposed under.
        methods: Method name -> method, by name.
        queue: Command queue of its commands.
    """

    name: str
    methods: dict[str, Method] = field(default_factory=dict)
    queue: str = ""

    @classmethod
    def of(cls, name: str, obj: object, *, queue: str | None = None) -> Interface:
        """Collect what `obj` exports.

        An object none of whose methods is marked exports all its public methods as commands, as the
        original did; with one mark or more, only the marked ones. What overrides a marked method is
        marked as it. None exports nothing: the device does not exist.
        """
        queue = name.partition(".")[0] if queue is None else queue
        methods: dict[str, Method] = {}
        for key, (function, mark) in sorted(marked_methods(obj).items()):
            keywords = _keywords(function, mark, obj)
            doc = _doc(function, keywords)
            parameters, returns = _parameters(function, keywords, doc)
            secret = _secret(mark, parameters)
            if parameters is not None:
                parameters = tuple(replace(p, secret=p.name in secret) for p in parameters)
            methods[key] = Method(
                name=key,
                mark=mark,
                function=function,
                doc=doc,
                parameters=parameters,
                returns=returns,
                queue=queue,
                owner=obj,
                secret=secret,
                positional=_positional(parameters),
            )
        return cls(name, methods, queue)

    def with_methods_of(self, other: object) -> Interface:
        """Return this interface with the methods of another object besides, where it has none of
        their names."""
        more = Interface.of(self.name, other, queue=self.queue).methods
        return Interface(self.name, dict(sorted((more | self.methods).items())), self.queue)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Text that changes when the methods, their signatures, kinds or documentation change."""
        text = repr([m.describe() for m in self.methods.values()])
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]

    def list_methods(self) -> list[list[str | None]]:
        """Return the original's answer: [name, doc string or None] pairs."""
        return [[m.name, m.doc] for m in self.methods.values()]
