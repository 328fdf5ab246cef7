"""Description of a request: its path, its parameters and their types, its answer; and how its
values are read from a query. Pure.

An optional parameter that cannot be converted, or is given twice, counts as not given, as in
Rustogramer; of a required one the first counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from histogrammer.errors import UnreadableParameterError
from histogrammer.rest.protocol.query import (
    Query,
    read_integer,
    read_number,
    read_truth,
    read_unsigned,
)

__all__ = [
    "Need",
    "QueryParameter",
    "Route",
    "Value",
    "ValueType",
    "any_of",
    "done",
    "listing",
    "may",
    "must",
    "pattern",
    "read_values",
    "some",
]

Value: TypeAlias = str | int | float | bool | tuple[str | int | float | bool, ...] | None
"""Of a repeatable parameter a tuple, empty if it is not given; of an optional one None, or its
default."""


class Need(Enum):
    """Number of times that a parameter is given."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    ANY = "any number of times"
    SOME = "once or more"

    @property
    def is_required(self) -> bool:
        """Without it the request is refused."""
        return self in (Need.REQUIRED, Need.SOME)

    @property
    def is_repeatable(self) -> bool:
        """Its value is a tuple."""
        return self in (Need.ANY, Need.SOME)


class ValueType(Enum):
    """Type of a value, as messages name it."""

    TEXT = "text"
    INTEGER = "an integer"
    UNSIGNED = "an integer that is not negative"
    NUMBER = "a number"
    TRUTH = "a truth value"


def _read_text(text: str) -> str:
    return text


_READERS: dict[ValueType, Callable[[str], str | int | float | bool | None]] = {
    ValueType.TEXT: _read_text,
    ValueType.INTEGER: read_integer,
    ValueType.UNSIGNED: read_unsigned,
    ValueType.NUMBER: read_number,
    ValueType.TRUTH: read_truth,
}


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """A parameter of a request.

    Attributes:
        name: Its key.
        type: Type of its values.
        need: Number of times that it is given.
        summary: Phrase about it.
        default: Value of an optional one that is not given.
        aliases: Keys that mean the same.
    """

    name: str
    type: ValueType
    need: Need
    summary: str
    default: str | int | float | bool | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """A request.

    Attributes:
        path: `gate/edit`.
        summary: Sentence about it.
        detail: Type of its `detail`.
        empty: Empty value of that type, sent with a failure that has no text as its detail.
        parameters: In the order of the reference.
    """

    path: str
    summary: str
    detail: object
    empty: object
    parameters: tuple[QueryParameter, ...] = ()


def must(
    name: str, summary: str, kind: ValueType = ValueType.TEXT, aliases: tuple[str, ...] = ()
) -> QueryParameter:
    """Return a parameter that a request must have."""
    return QueryParameter(name, kind, Need.REQUIRED, summary, aliases=aliases)


def may(
    name: str,
    summary: str,
    kind: ValueType = ValueType.TEXT,
    default: str | int | float | bool | None = None,
) -> QueryParameter:
    """Return a parameter that it may have."""
    return QueryParameter(name, kind, Need.OPTIONAL, summary, default)


def any_of(
    name: str, summary: str, kind: ValueType = ValueType.TEXT, aliases: tuple[str, ...] = ()
) -> QueryParameter:
    """Return a parameter that it has any number of times."""
    return QueryParameter(name, kind, Need.ANY, summary, aliases=aliases)


def some(name: str, summary: str) -> QueryParameter:
    """Return a parameter that it has once or more."""
    return QueryParameter(name, ValueType.TEXT, Need.SOME, summary)


def pattern(of: str, name: str = "pattern") -> QueryParameter:
    """Return a pattern; all without it."""
    return may(name, f"pattern of {of}", default="*")


def done(path: str, summary: str, *parameters: QueryParameter) -> Route:
    """Return a request whose detail is text, empty when all went well."""
    return Route(path, summary, str, "", parameters)


def listing(path: str, summary: str, detail: object, *parameters: QueryParameter) -> Route:
    """Return a request whose detail is a list."""
    return Route(path, summary, detail, [], parameters)


def read_values(route: Route, query: Query) -> dict[str, Value]:
    """Return the values of all parameters of a request by their names. Other keys are nothing to it.

    Raises:
        UnreadableParameterError: A required one is missing or not of its type.
    """
    return {one.name: _read(route.path, one, query) for one in route.parameters}


def _read(request: str, parameter: QueryParameter, query: Query) -> Value:
    texts = query.all(parameter.name, *parameter.aliases)
    if not texts and parameter.need.is_required:
        raise UnreadableParameterError(request, parameter.name, "it is required", is_missing=True)
    if parameter.need.is_repeatable:
        values = tuple(_converted(parameter.type, texts))
        if len(values) == len(texts):
            return values
        if parameter.need is Need.ANY:  # one that is no such value: none of them was given
            return ()
    elif parameter.need is Need.REQUIRED or len(texts) == 1:
        for value in _converted(parameter.type, texts[:1]):
            return value
    if parameter.need.is_required:
        raise UnreadableParameterError(
            request, parameter.name, f"{texts[0][:80]!r} is not {parameter.type.value}"
        )
    return parameter.default


def _converted(kind: ValueType, texts: tuple[str, ...]) -> Iterator[str | int | float | bool]:
    for text in texts:
        value = _READERS[kind](text)
        if value is not None:
            yield value
