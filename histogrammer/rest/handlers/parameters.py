"""Requests `parameter/` and `rawparameter/`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from histogrammer.engine import Engine
from histogrammer.errors import (
    EventParameterError,
    LimitsError,
    ParameterExistsError,
    RequestFailedError,
)
from histogrammer.parameters import Metadata, Parameter
from histogrammer.patterns import select
from histogrammer.rest.handlers.calls import FixedAnswer, Handlers, InWorker, failing
from histogrammer.rest.protocol.answers import ParameterObject, parameter_object
from histogrammer.rest.protocol.spectclanswers import ShortParameterObject, short_parameter
from histogrammer.rest.protocol.values import RequestValues

__all__ = ["HANDLERS", "with_metadata"]

_VERSION = "2.0"
_UNCHANGED = 0


Listed: TypeAlias = list[ParameterObject] | list[ShortParameterObject]


def _objects(engine: Engine, parameters: Iterable[Parameter]) -> Listed:
    if engine.flavor.short_lists:
        return [short_parameter(one) for one in parameters]
    return [parameter_object(one) for one in parameters]


def _list(engine: Engine, pattern: str) -> Listed:
    with failing(f"Failed to list parameters matching {pattern}", has_text=False):
        names = select(engine.parameters, pattern)
    return _objects(engine, [engine.parameters[name] for name in names])


def list_parameters(engine: Engine, values: RequestValues) -> Listed:
    """Return the parameters that a pattern selects."""
    return _list(engine, values.text("filter"))


def list_raw(engine: Engine, values: RequestValues) -> Listed:
    """Return the parameters that a pattern selects, or the one of a number."""
    pattern, number = values.maybe_text("pattern"), values.maybe_integer("id")
    if pattern is not None and number is not None:
        raise RequestFailedError("Only id or pattern can be supplied, not both")
    if number is not None:
        try:
            return _objects(engine, [engine.parameters.by_id(number)])
        except EventParameterError as error:
            raise RequestFailedError(str(error)) from error
    if pattern is None:
        raise RequestFailedError("One of name or id must be supplied neither were")
    return _list(engine, pattern)


def create(engine: Engine, values: RequestValues) -> str:
    """Create a parameter."""
    return with_metadata(engine.create_parameter, values)


def edit(engine: Engine, values: RequestValues) -> str:
    """Change the metadata that are given."""
    return with_metadata(engine.edit_parameter, values)


def with_metadata(do: Callable[[str, Metadata], object], values: RequestValues) -> str:
    """Do something with the name and the metadata of a request."""
    try:
        metadata = Metadata(
            low=values.number("low"),
            high=values.number("high"),
            bins=values.maybe_integer("bins"),
            units=values.maybe_text("units"),
            description=values.maybe_text("description"),
        )
        do(values.text("name"), metadata)
    except LimitsError as error:
        raise RequestFailedError("invalid request", str(error)) from error
    except ParameterExistsError as error:
        raise RequestFailedError("'treeparameter -create' failed: ", str(error)) from error
    except EventParameterError as error:
        raise RequestFailedError("Could not modify metadata", str(error)) from error
    return ""


def check(engine: Engine, values: RequestValues) -> int:
    """Return that a parameter has not changed."""
    name = values.text("name")
    if name not in engine.parameters:
        raise RequestFailedError(f"No such parameter {name}")
    return _UNCHANGED


HANDLERS: Handlers = {
    "parameter/list": InWorker(list_parameters),
    "parameter/version": FixedAnswer(_VERSION),
    "parameter/create": InWorker(create),
    "parameter/edit": InWorker(edit),
    "parameter/promote": InWorker(edit),
    "parameter/check": InWorker(check),
    "parameter/uncheck": FixedAnswer(None),
    "parameter/listnew": FixedAnswer([]),
    "rawparameter/new": InWorker(create),
    "rawparameter/list": InWorker(list_raw),
}
