"""Requests `filter/`, by the rules of SpecTcl."""

from __future__ import annotations

from groundwork.regularfiles import NotRegularError
from histogrammer.engine import Engine
from histogrammer.errors import HistogrammerError, RequestFailedError
from histogrammer.filters import EventFilter
from histogrammer.patterns import select
from histogrammer.rest.handlers.calls import Handlers, InThread, InWorker, failing
from histogrammer.rest.program import Program
from histogrammer.rest.protocol.spectclanswers import FILTER_FORMAT, FilterObject
from histogrammer.rest.protocol.values import Values

__all__ = ["HANDLERS"]

_FAILED = "'filter' command failed"


def create(engine: Engine, values: Values) -> str:
    """Create a filter."""
    with failing(_FAILED):
        engine.filters.create(
            values.text("name"),
            values.text("gate"),
            values.texts("parameter"),
            conditions=engine.conditions,
            known=engine.parameters,
        )
    return ""


def delete(engine: Engine, values: Values) -> str:
    """Delete a filter, and close its file."""
    with failing(_FAILED):
        engine.filters.delete(values.text("name"))
    return ""


def enable(engine: Engine, values: Values) -> str:
    """Have a filter write."""
    with failing(_FAILED):
        engine.filters.enable(values.text("name"))
    return ""


def disable(engine: Engine, values: Values) -> str:
    """Have a filter write no more, until it is enabled again."""
    with failing(_FAILED):
        engine.filters.enable(values.text("name"), False)
    return ""


def regate(engine: Engine, values: Values) -> str:
    """Give a filter another gate."""
    with failing(_FAILED):
        engine.filters.regate(values.text("name"), values.text("gate"), engine.conditions)
    return ""


def set_file(program: Program, values: Values) -> str:
    """Give a filter a new file. Nothing that is there is written over: it may be precious."""
    name, path = values.text("name"), values.text("file")
    with failing(_FAILED):
        program.worker.ask(lambda engine: engine.filters.named(name))
        try:
            file = program.roots.create(path)
        except NotRegularError as error:
            raise RequestFailedError(_FAILED, f"{path}: {error}") from error
        program.worker.ask(lambda engine: engine.filters.write_into(name, path, file))
    return ""


def set_format(engine: Engine, values: Values) -> str:
    """Take the format of the file of a filter, of which there is one."""
    form = values.text("format")
    with failing(_FAILED):
        engine.filters.named(values.text("name"))
        if form.lower() != FILTER_FORMAT:
            raise HistogrammerError(
                f"format {form} is not there: files of filters are ring items, format "
                f"{FILTER_FORMAT}, which attach/attach reads"
            )
    return ""


def list_filters(engine: Engine, values: Values) -> list[FilterObject]:
    """Return the filters that a pattern selects."""
    with failing(_FAILED, has_text=False):
        names = select(engine.filters, values.text("pattern"))
    return [_object(engine.filters[name]) for name in names]


def _object(found: EventFilter) -> FilterObject:
    """Return a filter."""
    return FilterObject(
        name=found.name,
        gate=found.gate,
        file=found.path,
        parameters=list(found.parameters),
        enabled="enabled" if found.is_enabled else "disabled",
        format=FILTER_FORMAT,
    )


HANDLERS: Handlers = {
    "filter/new": InWorker(create),
    "filter/delete": InWorker(delete),
    "filter/enable": InWorker(enable),
    "filter/disable": InWorker(disable),
    "filter/regate": InWorker(regate),
    "filter/file": InThread(set_file),
    "filter/format": InWorker(set_format),
    "filter/list": InWorker(list_filters),
}
