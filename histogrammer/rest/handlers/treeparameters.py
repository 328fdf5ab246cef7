"""Requests of parameters, bindings and the program as SpecTcl carries them out, where it does so in
another way than Rustogramer."""

from __future__ import annotations

from collections.abc import Callable

from histogrammer.engine import Engine
from histogrammer.errors import EventParameterError, RequestFailedError, SpectrumError
from histogrammer.flavors import SPECTCL
from histogrammer.parameters import Metadata, Parameter
from histogrammer.rest.handlers.calls import FixedAnswer, Handlers, InThread, InWorker, failing
from histogrammer.rest.handlers.parameters import with_metadata
from histogrammer.rest.handlers.taking import attach
from histogrammer.rest.program import Program
from histogrammer.rest.protocol.spectclanswers import EditVersionObject
from histogrammer.rest.protocol.values import RequestValues

__all__ = ["HANDLERS"]

_VERSION = "2.1"
_MAX_BITS = 32
_FORMATS = ("ring", "filter")


def create(engine: Engine, values: RequestValues) -> str:
    """Create a parameter, and note that a client has."""
    return _requested(engine, values, engine.create_parameter)


def create_raw(engine: Engine, values: RequestValues) -> str:
    """Create a parameter with a number; its resolution tells the number of bins."""
    bits = values.maybe_integer("resolution")
    if bits is not None and not 0 < bits <= _MAX_BITS:
        raise RequestFailedError("bad parameter", f"resolution {bits}: 1 to {_MAX_BITS} bits")
    bins = Metadata(bins=None if bits is None else 1 << bits)

    def book(name: str, metadata: Metadata) -> Parameter:
        given = bins.edited(metadata)
        return engine.create_parameter(name, given, values.integer("number"))

    return _requested(engine, values, book)


def _requested(
    engine: Engine, values: RequestValues, book: Callable[[str, Metadata], Parameter]
) -> str:
    with_metadata(book, values)
    engine.parameters.requested.append(values.text("name"))
    return ""


def promote(engine: Engine, values: RequestValues) -> str:
    """Give a parameter that has no metadata those of a tree parameter."""
    name = values.text("name")
    known = engine.parameters.get(name)
    if known is not None and known.metadata.bins is not None:
        raise RequestFailedError("already treeparameter", f"{name} is a tree parameter already")
    return with_metadata(engine.edit_parameter, values)


def check(engine: Engine, values: RequestValues) -> int:
    """Return 1 if clients have changed a parameter, else 0."""
    name = values.text("name")
    if name not in engine.parameters:
        raise RequestFailedError("'treeparameter -check failed: ", None)
    return int(name in engine.parameters.changed)


def uncheck(engine: Engine, values: RequestValues) -> None:
    """Note that a parameter is not changed."""
    engine.parameters.changed.discard(values.text("name"))


def list_new(engine: Engine, values: RequestValues) -> list[str]:
    """Return the names of the parameters that clients have created, and that are still there."""
    return [name for name in engine.parameters.requested if name in engine.parameters]


def delete_raw(engine: Engine, values: RequestValues) -> str:
    """Delete a parameter by name or by number."""
    name, number = values.maybe_text("name"), values.maybe_integer("id")
    if (name is None) == (number is None):
        raise RequestFailedError("missing parameter", "either name or id")
    with failing("'parameter -delete' command failed"):
        if name is None:
            assert number is not None
            name = engine.parameters.by_id(number).name
        engine.delete_parameter(name)
    return ""


def delete_spectrum(engine: Engine, values: RequestValues) -> str:
    """Delete a spectrum."""
    name = values.text("name")
    try:
        engine.delete_spectrum(name)
    except SpectrumError as error:
        raise RequestFailedError("not foUNd", str(error)) from error  # SpecTcl's spelling
    return ""


def unbind(engine: Engine, values: RequestValues) -> str:
    """Unbind spectra by their numbers; those before one that is not bound are."""
    by_number = {spectrum.number: name for name, spectrum in engine.spectra.items()}
    for number in map(int, values.numbers("id")):
        with failing(f"Failed to unbind {number}"):
            if number not in by_number:
                raise EventParameterError(f"There is no spectrum with the number {number}")
            engine.bindings.unbind(by_number[number])
    return ""


def attach_formatted(program: Program, values: RequestValues) -> str:
    """Attach a source of events in a format."""
    form = values.text("format").lower()
    if form not in _FORMATS:
        raise RequestFailedError(
            "Attach failed", f"format {form} is not there; there are {', '.join(_FORMATS)}"
        )
    return attach(program, values)


_MAJOR, _MINOR, _EDIT = SPECTCL.version
HANDLERS: Handlers = {
    "parameter/version": FixedAnswer(_VERSION),
    "parameter/create": InWorker(create),
    "parameter/promote": InWorker(promote),
    "parameter/check": InWorker(check),
    "parameter/uncheck": InWorker(uncheck),
    "parameter/listnew": InWorker(list_new),
    "rawparameter/new": InWorker(create_raw),
    "rawparameter/delete": InWorker(delete_raw),
    "spectrum/delete": InWorker(delete_spectrum),
    "unbind/byid": InWorker(unbind),
    "attach/attach": InThread(attach_formatted),
    "version": FixedAnswer(
        EditVersionObject(
            major=_MAJOR, minor=_MINOR, editlevel=str(_EDIT), program_name=SPECTCL.program
        )
    ),
}
