"""Requests `gate/`, `apply/`, `ungate` and `fold/`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from histogrammer.engine import Engine
from histogrammer.errors import HistogrammerError, RequestFailedError
from histogrammer.gates.condition import Given
from histogrammer.rest.handlers.calls import Handlers, InWorker, failing
from histogrammer.rest.protocol.answers import GatedObject, GateObject, gate_object
from histogrammer.rest.protocol.query import read_mask
from histogrammer.rest.protocol.spectclanswers import ShortGateObject, short_gate
from histogrammer.rest.protocol.values import RequestValues

__all__ = ["HANDLERS"]

Pairs = list[tuple[str, str]]


def list_gates(engine: Engine, values: RequestValues) -> list[GateObject] | list[ShortGateObject]:
    """Return the gates that a pattern selects."""
    pattern = values.text("pattern")
    with failing(f"Failed to list conditions matching {pattern}", has_text=False):
        listed = engine.conditions.matching(pattern)
    if engine.flavor.short_lists:
        return [short_gate(one.name, one.condition, one.gates) for one in listed]
    return [gate_object(one.name, one.condition, one.gates) for one in listed]


def delete(engine: Engine, values: RequestValues) -> str:
    """Delete a gate."""
    name = values.text("name")
    with failing(f"Failed to delete condition {name}"):
        engine.delete_condition(name)
    return ""


def edit(engine: Engine, values: RequestValues) -> str:
    """Make a gate, or replace one in its place."""
    name, mask = values.text("name"), values.maybe_text("value")
    given = Given(
        gates=values.texts("gate"),
        parameters=values.texts("parameter"),
        x_parameter=values.maybe_text("xparameter"),
        y_parameter=values.maybe_text("yparameter"),
        low=values.number("low"),
        high=values.number("high"),
        x_coordinates=values.numbers("xcoord"),
        y_coordinates=values.numbers("ycoord"),
        value=None if mask is None else read_mask(mask),
    )
    with failing(f"Could not create/edit condition {name}"):
        return engine.edit_condition(name, values.text("type"), given).value


def apply(engine: Engine, values: RequestValues) -> Pairs:
    """Apply a gate to spectra; those that can be gated are, whatever becomes of the others."""
    gate = values.text("gate")
    return _each(
        values.texts("spectrum"),
        lambda name: engine.apply_gate(gate, name),
        f"Failed to apply {gate} to some spectra",
    )


def ungate(engine: Engine, values: RequestValues) -> Pairs:
    """Take gates from spectra, from all that there are."""
    return _each(values.texts("name"), engine.ungate, "Unable to ungate at least one spectrum")


def _each(names: Iterable[str], do: Callable[[str], None], status: str) -> Pairs:
    failed: Pairs = []
    for name in names:
        try:
            do(name)
        except HistogrammerError as error:
            failed.append((name, str(error)))
    if failed:
        raise RequestFailedError(status, failed)
    return failed


def list_applied(engine: Engine, values: RequestValues) -> list[GatedObject]:
    """Return the gates of the spectra that a pattern selects."""
    pattern = values.text("pattern")
    with failing(f"Failed to list spectra matching {pattern}", has_text=False):
        spectra = engine.select_spectra(pattern)
    ungated = engine.flavor.ungated
    return [
        GatedObject(spectrum=one.name, gate=ungated if one.gate is None else one.gate)
        for one in spectra
    ]


def fold(engine: Engine, values: RequestValues) -> str:
    """Fold spectra by a gate; those before one that cannot be folded are."""
    with failing("Could not fold spectrum"):
        for name in values.texts("spectrum"):
            engine.fold(values.text("gate"), name)
    return ""


def list_folds(engine: Engine, values: RequestValues) -> list[GatedObject]:
    """Return the folds of the spectra that a pattern selects and that have one."""
    pattern = values.text("pattern")
    with failing(f"Failed to list spectra matching {pattern}", has_text=False):
        spectra = engine.select_spectra(pattern)
    return [
        GatedObject(spectrum=one.name, gate=one.fold) for one in spectra if one.fold is not None
    ]


def unfold(engine: Engine, values: RequestValues) -> str:
    """Take the fold from a spectrum."""
    with failing("Failed to remove fold"):
        engine.unfold(values.text("spectrum"))
    return ""


HANDLERS: Handlers = {
    "gate/list": InWorker(list_gates),
    "gate/delete": InWorker(delete),
    "gate/edit": InWorker(edit),
    "apply/apply": InWorker(apply),
    "apply/list": InWorker(list_applied),
    "ungate": InWorker(ungate),
    "fold/apply": InWorker(fold),
    "fold/list": InWorker(list_folds),
    "fold/remove": InWorker(unfold),
}
