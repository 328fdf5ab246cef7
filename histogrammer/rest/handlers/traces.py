"""Requests `trace/`."""

from __future__ import annotations

from histogrammer.engine import Engine
from histogrammer.errors import RequestFailedError
from histogrammer.rest.handlers.calls import Handlers, InWorker, failing
from histogrammer.rest.protocol.values import RequestValues
from histogrammer.traces import NoSuchTokenError

__all__ = ["HANDLERS"]


def establish(engine: Engine, values: RequestValues) -> int:
    """Begin to keep changes for a client; return its token."""
    return engine.establish_trace(values.integer("retention"))


def fetch(engine: Engine, values: RequestValues) -> dict[str, list[str]]:
    """Return and forget what the client was not told yet."""
    token = values.integer("token")
    try:
        return engine.fetch_trace(token)
    except NoSuchTokenError as error:
        status = f"Unable to fetch traces for token {token}: {error}"
        raise RequestFailedError(status) from error


def done(engine: Engine, values: RequestValues) -> str:
    """Forget the client."""
    with failing("Unable to delete client"):
        engine.traces.done(values.integer("token"))
    return ""


HANDLERS: Handlers = {
    "trace/establish": InWorker(establish),
    "trace/fetch": InWorker(fetch),
    "trace/done": InWorker(done),
}
