"""Properties of an object: declared in its class, a line each; their present values. No sockets.

class PowerSupply(Bank):
    voltage = published(0.0, unit="V", doc="Output, as it was read back.")
    limit = published(30.0, unit="V", doc="Highest output that is taken.", writable=True)
    tripped = message(doc="The supply switched its output off.")
    trace = pipe(unit="V", x_unit="s", doc="Output while it settles.")

    @limit.checked_by
    def _check_limit(self, value: float) -> float: ...

    @computed(unit="s", doc="Time since the Player was started.")
    def uptime(self) -> float: ...

An assignment `self.voltage = 3.3` publishes, from any thread; so do `self.tripped(reason="...")`
and `self.trace(array, x_delta=1e-3)`. What was published may be changed by its owner at once.
"""

from __future__ import annotations

import threading
import time
from bisect import insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from inspect import formatannotation
from math import isfinite
from typing import Generic, Self, TypeVar, cast, overload

from groundwork.errors import did_you_mean, text_of
from groundwork.truncation import cut
from groundwork.values import Function, JsonObject, JsonValue
from zmqjsonproxy.caller import Caller
from zmqjsonproxy.channels.declarations import CANNOT_BE_READ, Declared, PropertyKind
from zmqjsonproxy.channels.protocol.notices import Encoded, encode, encode_frame, is_number
from zmqjsonproxy.channels.protocol.patterns import select
from zmqjsonproxy.channels.readings import Readings
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.process import ForkSafeLock
from zmqjsonproxy.waiting import WouldWaitError, may_wait

__all__ = [
    "Listener",
    "PropertyTable",
    "PublishedUpdate",
    "computed",
    "declared_by",
    "has_properties",
    "message",
    "pipe",
    "published",
    "publishing",
    "table_of",
]

T = TypeVar("T")
F = TypeVar("F", bound=Function)
_TABLE = "__properties__"
publishing = ForkSafeLock(threading.RLock)
"""Held while properties and who hears of them are changed; by code of ours only."""
LONGEST_NAME = 200
"""Characters of a property's name."""
MAX_PROPERTIES = 10_000
"""Of one object; those that it makes at run time are bounded by it."""


class PublishedUpdate:
    """One value of a property.

    Attributes:
        number: Counts the updates of the property, from 1 on.
        time_us: When it was published, UTC, microseconds.
        held: The value as it travels, or a number that travels with others.
    """

    __slots__ = ("held", "number", "time_us")

    def __init__(self, number: int, time_us: int, held: Encoded | float) -> None:
        self.number, self.time_us, self.held = number, time_us, held

    @property
    def encoded(self) -> Encoded:
        """The value as it travels."""
        held = self.held
        return held if isinstance(held, Encoded) else encode(held)

    @property
    def value(self) -> JsonValue:
        """The value; arrays are read-only."""
        held = self.held
        return held.value() if isinstance(held, Encoded) else held


Listener = Callable[[PublishedUpdate], object]
Sender = Callable[["Property", str, PublishedUpdate], list[str]]


@dataclass(slots=True, eq=False)
class Property:
    """A property of an object.

    Attributes:
        declared: Its declaration.
        number: Of its last update; 0: there was none.
        newest: Its last update; None: there was none.
        listeners: Called with each update, in the order of the numbers, within `publishing`; by
            whom they belong to.
    """

    declared: Declared
    number: int = 0
    newest: PublishedUpdate | None = None
    listeners: dict[object, Listener] = field(default_factory=dict)

    def describe(self) -> JsonObject:
        """Return what clients are told: its declaration, and number and time (UTC, unix seconds) of
        its last update, if there was one."""
        told, newest = self.declared.describe(), self.newest
        return told | ({"number": newest.number, "time": newest.time_us / 1e6} if newest else {})

    def is_like(self, other: Property) -> bool:
        """Tell whether another one can go on in its place."""
        return self.declared.kind is other.declared.kind


class PropertyTable:
    """Properties of one object, and their present values; for any thread.

    Attributes:
        properties: By name.
        on_new: Called with each property that is declared later, within `publishing`; by whom they
            belong to.
        readings: Of those that are computed.
        senders: Send a message to subscribers of one name, and return the names of all that there
            are, within `publishing`; by whom they belong to.
    """

    def __init__(self, declared: Iterable[Declared]) -> None:
        self.readings = Readings()
        self.properties = {each.name: Property(each) for each in declared}
        self._sorted = sorted(self.properties)
        self.on_new: dict[object, Callable[[Property], object]] = {}
        self.senders: dict[object, Sender] = {}

    def declare(self, declared: Declared) -> None:
        """Add a property at run time, or change what is said of one."""
        with publishing:
            known = self.properties.get(declared.name)
            if known is not None:
                known.declared = declared
                return
            if len(self.properties) >= MAX_PROPERTIES:
                raise ValueError(
                    f"{declared.name}: an object has at most {MAX_PROPERTIES} properties"
                )
            if not 0 < len(declared.name) <= LONGEST_NAME:
                raise ValueError(
                    f"{declared.name[:40]!r}: a name has 1 to {LONGEST_NAME} characters"
                )
            made = self.properties[declared.name] = Property(declared)
            insort(self._sorted, declared.name)
            for tell in self.on_new.values():
                tell(made)

    def publish(self, name: str, value: object, time_us: int | None = None) -> None:
        """Publish a value; a result that is not declared yet becomes one.

        Args:
            name: Of the property.
            value: Anything that can be sent, or is Encoded; it may be changed at once.
            time_us: When it was so, UTC, microseconds; None: now.

        Raises:
            TypeError, ValueError: It cannot be sent; nothing was published.
        """
        if type(value) is float and isfinite(value):  # as most are: a call less
            self._publish(name, value, time_us)
        else:
            self._publish(name, value if is_number(value) else _encoded(name, value), time_us)

    def _publish(self, name: str, held: Encoded | float, time_us: int | None = None) -> None:
        known = self.properties.get(name)
        if known is None:
            self.declare(Declared(name=name))
            known = self.properties[name]
        moment = time.time_ns() // 1000 if time_us is None else time_us
        with publishing.lock:
            known.number = number = known.number + 1
            update = known.newest = PublishedUpdate(number, moment, held)
            for listener in known.listeners.values():
                listener(update)

    def send_to(self, client: str, name: str, body: JsonObject) -> None:
        """Publish a message for the subscribers of one name, and for nobody else.

        Args:
            client: Name of subscribers, as `rpc.channels` tells it.
            name: Of the message.
            body: Of the message.

        Raises:
            RefusedError: No client of that name subscribes to it.
            TypeError, ValueError: It cannot be sent.
        """
        one, encoded = self._found(name), _encoded(name, body)
        if one.declared.kind is not PropertyKind.MESSAGE:
            raise RefusedError(f"{name} is no message: what it is, it is for all")
        update = PublishedUpdate(0, time.time_ns() // 1000, encoded)
        with publishing:
            there = [each for send in self.senders.values() for each in send(one, client, update)]
        if client not in there:
            hint, known = did_you_mean(client, there), ", ".join(sorted(set(there))[:20])
            text = f"{name}: no client {cut(client, LONGEST_NAME)!r} subscribes to it{hint}"
            raise RefusedError(f"{text}; those that do: {known or 'none'}")

    def forget(self, name: str) -> None:
        """Forget the present value of a property, as if none had been published."""
        with publishing:
            if (known := self.properties.get(name)) is not None:
                known.newest = None

    def sample(self, name: str, always: bool = False) -> None:
        """Have a computed property read, and published if that is another value, or in any case;
        waits for nothing."""
        known = self.properties.get(name)
        if known is None or known.declared.read is None:
            return

        def publish(encoded: Encoded) -> None:
            if always or known.newest is None or not known.newest.encoded.is_same(encoded):
                self._publish(name, encoded)

        self.readings.sample(name, known.declared.read, publish, always)

    def get(self, names: Iterable[str]) -> JsonObject:
        """Return the present values of results and pipes, None for one that has none yet.

        Raises:
            RefusedError: There is no such property, or it is a message.
            RuntimeError: Some that are computed could not be read; the text says which, and why.
        """
        found, problems = self._get(names)
        if problems:
            raise RuntimeError("; ".join(_said(name, why) for name, why in problems.items()))
        return found

    def get_all(self) -> JsonObject:
        """Return the present values of all results that can be read; CANNOT_BE_READ: of the others
        `reason`, and if it was ever read the last `value` with its `age`, s."""
        found, problems = self._get(self.results())
        return found | {CANNOT_BE_READ: dict(problems)} if problems else found

    def _get(self, names: Iterable[str]) -> tuple[JsonObject, dict[str, JsonObject]]:
        found: JsonObject = {}
        reads: dict[str, Callable[[], JsonValue]] = {}
        for name in names:
            one = self._found(name)
            if one.declared.kind is PropertyKind.MESSAGE:
                raise RefusedError(f"{name} is a message, which has no value: subscribe to it")
            if one.declared.read is not None:
                reads[name] = one.declared.read
            found[name] = None if one.newest is None else one.newest.value
        if not reads:
            return found, {}
        if not may_wait():
            raise WouldWaitError
        values, problems = self.readings.get(reads)
        found |= {name: value.value() for name, value in values.items()}
        return {name: value for name, value in found.items() if name not in problems}, problems

    def set(self, values: Mapping[str, JsonValue]) -> JsonObject:
        """Set properties, all or none; return the values that hold now, by name.

        Raises:
            RefusedError: One of them is not there, not writable, or refuses its value; nothing was
                set.
        """
        checked: JsonObject = {}
        for name, value in values.items():
            declared = self._found(name).declared
            if not declared.writable:
                told = ", ".join(self._writable()[:20]) or "none"
                raise RefusedError(f"{name} is read-only; nothing was set. Writable: {told}")
            checked[name] = value if declared.check is None else _checked(declared, value)
        encoded = {name: _encoded(name, value) for name, value in checked.items()}
        with publishing:
            for name, each in encoded.items():
                self._publish(name, each)
        return checked

    def _writable(self) -> list[str]:
        with publishing:
            return [name for name, one in self.properties.items() if one.declared.writable]

    def _found(self, name: str) -> Property:
        found = self.properties.get(name) if isinstance(name, str) else None
        if found is None:
            name = str(name)
            hint = did_you_mean(name, list(self.properties))
            raise RefusedError(
                f"no property {name[:LONGEST_NAME]!r} here{hint}; list_properties names them"
            )
        return found

    def names(self, pattern: str = "*") -> list[str]:
        """Return the names that a pattern means, in order."""
        with publishing:
            return select(pattern, self._sorted)

    def results(self) -> list[str]:
        """Return the names of all results."""
        with publishing:
            known = self.properties.items()
            return [name for name, p in known if p.declared.kind is PropertyKind.RESULT]

    def describe(self) -> list[JsonObject]:
        """Return what clients are told of all properties, by name."""
        with publishing:
            known = [self.properties[name] for name in self._sorted]
        return [one.describe() | self._described_problem(one.declared) for one in known]

    def _described_problem(self, declared: Declared) -> JsonObject:
        problem = None if declared.read is None else self.readings.problem(declared.name)
        return {} if problem is None else {"problem": problem["reason"]}


def _encoded(name: str, value: object) -> Encoded:
    try:
        return value if type(value) is Encoded else encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        error.add_note(f"{name} was not published: its value cannot travel")
        raise


def _said(name: str, problem: JsonObject) -> str:
    age = f" (last read {problem['age']:g} s ago)" if "age" in problem else ""
    return f"{name} could not be read: {problem['reason']}{age}"


def _checked(declared: Declared, value: JsonValue) -> JsonValue:
    check = cast(Callable[[JsonValue], JsonValue], declared.check)
    try:
        return check(value)
    except RefusedError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise RefusedError(f"{declared.name}: {text_of(error)}; nothing was set") from error


# in classes


class _Descriptor:
    """Base of what stands in a class for a property."""

    declared: Declared

    def __init__(self, declared: Declared) -> None:
        self.declared = declared

    def __set_name__(self, owner: type, name: str) -> None:
        self.declared = replace(self.declared, name=name)

    def bound(self, obj: object) -> Declared:
        """Return the declaration for one object."""
        return self.declared


class published(_Descriptor, Generic[T]):  # noqa: N801 (written in classes as `property` is)
    """A result: a scalar, a text, a table; an assignment publishes it.

    Args:
        default: Its value at first; it is published with it. Its type is that of the property.
        unit: Of the value.
        doc: What it is.
        writable: Clients may set it, by `set_properties`.
    """

    def __init__(
        self, default: T, *, unit: str = "", doc: str = "", writable: bool = False
    ) -> None:
        annotation = "" if default is None else type(default).__name__
        super().__init__(
            Declared(name="", unit=unit, doc=doc, annotation=annotation, writable=writable)
        )
        self.default, self._check = default, ""

    def checked_by(self, function: F) -> F:
        """Decorate the method that takes a value that a client sets, and returns the one that then
        holds; it refuses by RefusedError."""
        self._check = function.__name__
        return function

    def bound(self, obj: object) -> Declared:
        """Return the declaration for one object."""
        declared, default = self.declared, self.default
        if not declared.writable:
            return declared
        own = getattr(obj, self._check) if self._check else None
        wanted = type(_encoded(declared.name, default).value())  # a tuple comes as a list

        def check(value: JsonValue) -> JsonValue:
            typed = _of_type(wanted, value)
            return typed if own is None else own(typed)

        return replace(declared, check=check)

    @overload
    def __get__(self, obj: None, owner: type) -> Self: ...
    @overload
    def __get__(self, obj: object, owner: type) -> T: ...
    def __get__(self, obj: object | None, owner: type) -> Self | T:
        if obj is None:
            return self
        newest = table_of(obj).properties[self.declared.name].newest
        return self.default if newest is None else cast(T, newest.value)

    def __set__(self, obj: object, value: T) -> None:
        table = obj.__dict__.get(_TABLE) or table_of(obj)  # a call less
        table.publish(self.declared.name, value)


def _of_type(wanted: type, value: JsonValue) -> JsonValue:
    """Return a value as one of the type of a default; a whole number is a float, too."""
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if wanted is type(None) or type(value) is wanted:
        return value
    raise TypeError(f"{str(value)[:80]!r} is no {wanted.__name__}")


class computed:  # noqa: N801
    """A result that is read when somebody asks: decorates a method without arguments.

    It is read in a thread of its own, of each object at most 8 at a time; one that takes more than
    a second is told as one that cannot be read, until it comes back, and holds up no other.

    Args:
        unit: Of the value.
        doc: What it is; that of the method by default.
        every: While somebody subscribes it is read so often, s.
    """

    def __init__(self, *, unit: str = "", doc: str = "", every: float = 1.0) -> None:
        self._unit, self._doc, self._every = unit, doc, every

    def __call__(self, function: Callable[[object], T] | Function) -> _Computed[T]:
        doc = self._doc or (function.__doc__ or "").strip().partition("\n")[0]
        returned = function.__annotations__.get("return", "")
        annotation = returned if isinstance(returned, str) else formatannotation(returned)
        declared = Declared(
            name="", unit=self._unit, doc=doc, annotation=annotation, every=self._every
        )
        return _Computed(declared, cast(Callable[[object], T], function))


class _Computed(_Descriptor, Generic[T]):
    """A computed property; read as an attribute."""

    def __init__(self, declared: Declared, function: Callable[[object], T]) -> None:
        super().__init__(declared)
        self._function = function

    def bound(self, obj: object) -> Declared:
        """Return the declaration for one object."""
        return replace(self.declared, read=lambda: self._function(obj))

    @overload
    def __get__(self, obj: None, owner: type) -> Self: ...
    @overload
    def __get__(self, obj: object, owner: type) -> T: ...
    def __get__(self, obj: object | None, owner: type) -> Self | T:
        return self if obj is None else self._function(obj)


class message(_Descriptor):  # noqa: N801
    """An event with a body: `self.NAME(key=value)` publishes it, `self.NAME.to(client, key=value)`
    for one client.

    Args:
        doc: What it says, and its keys.
    """

    def __init__(self, *, doc: str = "") -> None:
        super().__init__(Declared(name="", kind=PropertyKind.MESSAGE, doc=doc))

    def __get__(self, obj: object, owner: type) -> Message:
        return Message(obj, self.declared.name)


class Message:
    """A message of an object, as its methods publish it."""

    __slots__ = ("_name", "_obj")

    def __init__(self, obj: object, name: str) -> None:
        self._obj, self._name = obj, name

    def __call__(self, /, **body: object) -> None:
        """Publish it for all."""
        table_of(self._obj).publish(self._name, body)

    def to(self, client: str | Caller, /, **body: JsonValue) -> None:
        """Publish it for the subscribers of one name; errors as of `PropertyTable.send_to`.

        Args:
            client: Their name, or a caller: `self.done.to(current_caller(), file=...)`.
            **body: What it says.
        """
        table_of(self._obj).send_to(str(client), self._name, body)


class pipe(_Descriptor):  # noqa: N801
    """A stream of arrays: `self.NAME(array, x_start=0.0, x_delta=1.0)` publishes a frame.

    Subscribers get `{"data": array, "x_start": ..., "x_delta": ...}`.

    Args:
        unit: Of the numbers.
        x_unit: Of the axis along the last dimension.
        doc: What it is, with its shape.
    """

    def __init__(self, *, unit: str = "", x_unit: str = "", doc: str = "") -> None:
        declared = Declared(name="", kind=PropertyKind.PIPE, unit=unit, x_unit=x_unit, doc=doc)
        super().__init__(declared)

    def __get__(self, obj: object, owner: type) -> Callable[..., None]:
        def send(data: object, *, x_start: float = 0.0, x_delta: float = 1.0) -> None:
            table_of(obj).publish(self.declared.name, encode_frame(data, x_start, x_delta))

        return send


def declared_by(kind: type) -> dict[str, _Descriptor]:
    """Return what a class and its bases declare, by name."""
    found: dict[str, _Descriptor] = {}
    for one in reversed(kind.__mro__):
        for name, value in vars(one).items():
            if isinstance(value, _Descriptor):
                found[name] = value
            else:
                found.pop(name, None)  # overridden by what is no property
    return found


def has_properties(obj: object) -> bool:
    """Tell whether an object declares or publishes anything."""
    return _TABLE in getattr(obj, "__dict__", ()) or bool(declared_by(type(obj)))


def table_of(obj: object) -> PropertyTable:
    """Return the properties of an object, which are made when they are first asked for."""
    found = vars(obj).get(_TABLE)
    if found is None:
        with publishing:
            found = vars(obj).get(_TABLE)
            if found is None:
                descriptors = declared_by(type(obj))
                found = PropertyTable(each.bound(obj) for each in descriptors.values())
                vars(obj)[_TABLE] = found
                for name, each in descriptors.items():
                    if isinstance(each, published) and each.default is not None:
                        found.publish(name, each.default)
    return cast(PropertyTable, found)
