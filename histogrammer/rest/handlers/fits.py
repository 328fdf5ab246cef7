"""Requests `fit/`, by the rules of SpecTcl."""

from __future__ import annotations

from functools import partial

from histogrammer.engine import Engine
from histogrammer.errors import FitError, RequestFailedError
from histogrammer.fits import Fit
from histogrammer.patterns import select
from histogrammer.rest.handlers.calls import Handlers, InThread, InWorker, failing
from histogrammer.rest.program import Program
from histogrammer.rest.protocol.spectclanswers import FitObject
from histogrammer.rest.protocol.values import RequestValues

__all__ = ["HANDLERS"]

_FAILED = "'fit' command failed"


def create(engine: Engine, values: RequestValues) -> str:
    """Create a fit."""
    low, high = values.number("low"), values.number("high")
    assert low is not None
    assert high is not None
    with failing(_FAILED):
        wanted = Fit(
            values.text("name"),
            values.text("spectrum"),
            values.text("type"),
            int(low),
            int(high),
        )
        engine.fits.create(wanted, engine.spectra)
    return ""


def update(program: Program, values: RequestValues) -> str:
    """Fit again what a pattern selects; those that can be are, whatever becomes of the others.

    Between two of them other requests have their turn.
    """
    pattern, failed = values.text("pattern"), list[str]()
    with failing(_FAILED):
        names = program.worker.ask(lambda engine: select(engine.fits, pattern))
    for name in names:
        try:
            program.worker.ask(partial(_update_one, name))
        except FitError as error:
            failed.append(str(error))
    if failed:
        raise RequestFailedError(_FAILED, "; ".join(failed))
    return ""


def _update_one(name: str, engine: Engine) -> None:
    if name in engine.fits:
        engine.fits.update(name, engine.spectra)


def delete(engine: Engine, values: RequestValues) -> str:
    """Delete a fit."""
    with failing(_FAILED):
        engine.fits.delete(values.text("name"))
    return ""


def list_fits(engine: Engine, values: RequestValues) -> list[FitObject]:
    """Return the fits that a pattern selects."""
    with failing(_FAILED, has_text=False):
        names = select(engine.fits, values.text("pattern"))
    return [_object(engine.fits[name]) for name in names]


def _object(found: Fit) -> FitObject:
    """Return a fit."""
    return FitObject(
        name=found.name,
        spectrum=found.spectrum,
        type=found.kind,
        low=found.low,
        high=found.high,
        parameters=dict(found.parameters),
    )


HANDLERS: Handlers = {
    "fit/create": InWorker(create),
    "fit/update": InThread(update),
    "fit/delete": InWorker(delete),
    "fit/list": InWorker(list_fits),
}
