"""Requests `pseudo/` and `treevariable/`, by the rules of SpecTcl."""

from __future__ import annotations

from histogrammer.engine import Engine
from histogrammer.patterns import select
from histogrammer.rest.handlers.calls import Handlers, InWorker, failing
from histogrammer.rest.protocol.spectclanswers import (
    PseudoObject,
    TreeVariableObject,
    pseudo_object,
    variable_object,
)
from histogrammer.rest.protocol.values import RequestValues

__all__ = ["HANDLERS"]

_PSEUDO, _VARIABLE = "'pseudo' command failed", "'treevariable' command failed"


def create(engine: Engine, values: RequestValues) -> str:
    """Create a pseudo parameter."""
    with failing(_PSEUDO):
        engine.create_pseudo(
            values.text("pseudo"), values.texts("parameter"), values.text("computation")
        )
    return ""


def delete(engine: Engine, values: RequestValues) -> str:
    """Delete a pseudo parameter; its parameter stays, and is absent."""
    with failing(_PSEUDO):
        engine.pseudos.delete(values.text("name"))
    return ""


def list_pseudos(engine: Engine, values: RequestValues) -> list[PseudoObject]:
    """Return the pseudo parameters that a pattern selects."""
    with failing(_PSEUDO, has_text=False):
        names = select(engine.pseudos, values.text("pattern"))
    return [pseudo_object(engine.pseudos[name]) for name in names]


def list_variables(engine: Engine, values: RequestValues) -> list[TreeVariableObject]:
    """Return all variables."""
    return [variable_object(one) for one in engine.variables.values()]


def set_variable(engine: Engine, values: RequestValues) -> str:
    """Give a variable a value."""
    number = values.number("value")
    assert number is not None
    with failing(_VARIABLE):
        engine.variables.set(values.text("name"), number, values.text("units"))
    return ""


def check(engine: Engine, values: RequestValues) -> int:
    """Return 1 if clients have changed a variable, else 0."""
    with failing(_VARIABLE, has_text=False):
        return int(engine.variables.named(values.text("name")).is_changed)


def set_changed(engine: Engine, values: RequestValues) -> str:
    """Note that a variable is changed."""
    with failing(_VARIABLE):
        engine.variables.set_changed(values.text("name"))
    return ""


def fire(engine: Engine, values: RequestValues) -> str:
    """Have the traces of variables called: only Tcl scripts have such."""
    with failing(_VARIABLE):
        select(engine.variables, values.text("pattern"))
    return ""


HANDLERS: Handlers = {
    "pseudo/create": InWorker(create),
    "pseudo/delete": InWorker(delete),
    "pseudo/list": InWorker(list_pseudos),
    "treevariable/list": InWorker(list_variables),
    "treevariable/set": InWorker(set_variable),
    "treevariable/check": InWorker(check),
    "treevariable/setchanged": InWorker(set_changed),
    "treevariable/firetraces": InWorker(fire),
}
