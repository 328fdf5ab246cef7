"""Requests of SpecTcl with nothing behind them here: lists of what is built in, and refusals."""

from __future__ import annotations

from histogrammer.engine import Engine
from histogrammer.errors import RequestFailedError
from histogrammer.patterns import select
from histogrammer.rest.handlers.calls import FixedAnswer, Handlers, InWorker, failing
from histogrammer.rest.protocol.spectclanswers import PipelineObject
from histogrammer.rest.protocol.spectclroutes import NOT_THERE
from histogrammer.rest.protocol.values import RequestValues

__all__ = ["HANDLERS"]

_PIPELINE, _PROCESSOR = "default", "parameters of ring items"
_BUILT_IN = PipelineObject(name=_PIPELINE, processors=[_PROCESSOR])
_FAILED = "'pman' command failed"
_STATUS = {"script": "ERROR"}


def list_names(engine: Engine, values: RequestValues) -> list[str]:
    """Return the name of the pipeline, if a pattern selects it."""
    return _selected(_PIPELINE, values)


def list_processors(engine: Engine, values: RequestValues) -> list[str]:
    """Return the name of its processor, if a pattern selects it."""
    return _selected(_PROCESSOR, values)


def list_pipelines(engine: Engine, values: RequestValues) -> list[PipelineObject]:
    """Return the pipeline, if a pattern selects it."""
    return [_BUILT_IN] if _selected(_PIPELINE, values) else []


def _selected(name: str, values: RequestValues) -> list[str]:
    with failing(_FAILED, has_text=False):
        return select([name], values.text("pattern"))


def use(engine: Engine, values: RequestValues) -> str:
    """Use the pipeline that is in use."""
    name = values.text("name")
    if name != _PIPELINE:
        raise RequestFailedError(_FAILED, f"there is no pipeline {name}: {_PIPELINE} is built in")
    return ""


def _refusal(path: str) -> InWorker:
    def refuse(engine: Engine, values: RequestValues) -> str:
        status = _STATUS.get(path, f"'{path.partition('/')[0]}' command failed")
        raise RequestFailedError(status, NOT_THERE[path])

    return InWorker(refuse)


HANDLERS: Handlers = {
    "evbunpack/list": FixedAnswer([]),
    "pman/ls": InWorker(list_names),
    "pman/list": InWorker(list_names),
    "pman/current": FixedAnswer(_BUILT_IN),
    "pman/lsall": InWorker(list_pipelines),
    "pman/lsevp": InWorker(list_processors),
    "pman/use": InWorker(use),
    **{path: _refusal(path) for path in NOT_THERE},
}
