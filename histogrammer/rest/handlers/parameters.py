"""Requests `parameter/` and `rawparameter/`."""

from __future__ import annotations

from collections.abc import Callable

from histogrammer.engine import Engine
from histogrammer.errors import (
    LimitsError,
    ParameterError,
    ParameterExistsError,
    RequestFailedError,
)
from histogrammer.parameters import Metadata
from histogrammer.patterns import select
from histogrammer.rest.handlers.calls import Always, Handlers, InWorker, failing
from histogrammer.rest.protocol.answers import ParameterObject, parameter_object
from histogrammer.rest.protocol.values import Values

__all__ = ["HANDLERS"]

_VERSION = "2.0"
_UNCHANGED = 0


def _list(engine: Engine, pattern: str) -> list[ParameterObject]:
    with failing(f"Failed to list parameters matching {pattern}", has_text=False):
        names = select(engine.parameters, pattern)
    return [parameter_object(engine.parameters[name]) for name in names]


def list_parameters(engine: Engine, values: Values) -> list[ParameterObject]:
    """Return the parameters that a pattern selects."""
    return _list(engine, values.text("filter"))


def list_raw(engine: Engine, values: Values) -> list[ParameterObject]:
    """Return the parameters that a pattern selects, or the one of a number."""
    pattern, number = values.maybe_text("pattern"), values.maybe_integer("id")
    if pattern is not None and number is not None:
        raise RequestFailedError("Only id or pattern can be supplied, not both")
    if number is not None:
        try:
            return [parameter_object(engine.parameters.by_id(number))]
        except ParameterError as error:
            raise RequestFailedError(str(error)) from error
    if pattern is None:
        raise RequestFailedError("One of name or id must be supplied neither were")
    return _list(engine, pattern)


def create(engine: Engine, values: Values) -> str:
    """Create a parameter."""
    return _with_metadata(engine.create_parameter, values)


def edit(engine: Engine, values: Values) -> str:
    """Change the metadata that are given."""
    return _with_metadata(engine.edit_parameter, values)


def _with_metadata(do: Callable[[str, Metadata], object], values: Values) -> str:
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
    except ParameterError as error:
        raise RequestFailedError("Could not modify metadata", str(error)) from error
    return ""


def check(engine: Engine, values: Values) -> int:
    """Return that a parameter has not changed."""
    name = values.text("name")
    if name not in engine.parameters:
        raise RequestFailedError(f"No such parameter {name}")
    return _UNCHANGED


HANDLERS: Handlers = {
    "parameter/list": InWorker(list_parameters),
    "parameter/version": Always(_VERSION),
    "parameter/create": InWorker(create),
    "parameter/edit": InWorker(edit),
    "parameter/promote": InWorker(edit),
    "parameter/check": InWorker(check),
    "parameter/uncheck": Always(None),
    "parameter/listnew": Always([]),
    "rawparameter/new": InWorker(create),
    "rawparameter/list": InWorker(list_raw),
}
