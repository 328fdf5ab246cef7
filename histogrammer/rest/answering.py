"""Requests answered: a query is read, its handler called where it belongs, and what it returns or
raises made an answer."""

from __future__ import annotations

import asyncio
import html
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from anyio import to_thread

from histogrammer.engine import Engine
from histogrammer.errors import (
    HistogrammerError,
    QueryError,
    RequestFailedError,
    UnreadableParameterError,
)
from histogrammer.pictures import PictureOf, draw, gates_of
from histogrammer.rest.handlers import make_handlers
from histogrammer.rest.handlers.calls import Body, FixedAnswer, Handler, InThread, Later, Whole
from histogrammer.rest.program import Program
from histogrammer.rest.protocol.answers import http_error
from histogrammer.rest.protocol.bodies import write_answer, write_object
from histogrammer.rest.protocol.query import read_query
from histogrammer.rest.protocol.requests import PICTURE
from histogrammer.rest.protocol.rights import is_change
from histogrammer.rest.protocol.routes import read_values
from histogrammer.rest.protocol.spectclroutes import routes_of
from histogrammer.rest.protocol.stubs import STUBS
from histogrammer.rest.protocol.values import RequestValues
from zmqjsonproxy.errors import NotInControlError, RefusedError

__all__ = ["LARGE_AT_ONCE", "Answer", "Answerer", "error_answer"]

LARGE_AT_ONCE = 4
"""Answers and files that take much memory: of 4096 x 4096 channels each some 200 MB."""

T = TypeVar("T")

log = logging.getLogger(__name__)

_JSON, _HTML, _PNG = b"application/json", b"text/html; charset=utf-8", b"image/png"
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{code} {reason}</title></head>
<body><h1>{code}: {reason}</h1><p>{description}</p></body></html>
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, for a server.

    Attributes:
        status: Of HTTP.
        body: Of it.
        kind: Type of the body.
        after: Called when it is sent.
    """

    status: int
    body: Body
    kind: bytes = _JSON
    after: Callable[[], None] | None = None


def error_answer(code: int, description: str, accept: str) -> Answer:
    """Return an HTTP error, as Rustogramer's framework has it: JSON for who asks for that, else HTML.

    Args:
        code: Of HTTP.
        description: Sentence about it.
        accept: Header Accept of the request.
    """
    error = http_error(code, description)
    if "json" in accept.lower():
        return Answer(code, write_object(error))
    told = {key: html.escape(str(value)) for key, value in error["error"].items()}
    return Answer(code, _PAGE.format(**told).encode(), _HTML)


class Answerer:
    """All requests of a program.

    Args:
        program: It.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._flavor = program.flavor
        self._routes = routes_of(program.flavor)
        self._handlers: Mapping[str, Handler] = make_handlers(program.flavor)
        self._turns = asyncio.Semaphore(LARGE_AT_ONCE)
        self._drawing = asyncio.Lock()  # one at a time, and none in the way of contents

    @asynccontextmanager
    async def answering(
        self, request: str, query: bytes, accept: str, peer: str = ""
    ) -> AsyncIterator[Answer]:
        """Answer a request; the answer is sent within.

        Args:
            request: One of the table.
            query: What follows the `?`.
            accept: Header Accept.
            peer: Whose it is, HOST:PORT.
        """
        async with AsyncExitStack() as held:
            yield await self._answer(request, query, accept, peer, held)

    def refuse(self, request: str, query: bytes, peer: str, why: str) -> None:
        """Tell the journal of a change that a peer may not ask for; arguments as of `answering`."""
        if is_change(request, self._flavor):
            try:
                fields = read_query(query).fields
            except QueryError:
                fields = {}
            self._program.changes.refuse(request, peer, fields, RefusedError(why))

    async def _answer(
        self, request: str, query: bytes, accept: str, peer: str, held: AsyncExitStack
    ) -> Answer:
        route = self._routes[request]
        try:
            values = RequestValues(read_values(route, read_query(query)))
        except UnreadableParameterError as error:
            if not self._flavor.missing_is_answered:
                return error_answer(422, str(error), accept)
            status = "missing parameter" if error.is_missing else "bad parameter"
            return Answer(200, write_answer(status, error.parameter))
        except QueryError as error:
            return error_answer(422, str(error), accept)
        if request not in self._handlers:
            return Answer(200, write_object(STUBS[request].answer))
        handler = self._handlers[request]
        try:
            if is_change(request, self._flavor):
                handler = self._changing(handler, request, values, peer)
            body = await self._body(handler, values, held)
        except RequestFailedError as error:
            detail = route.empty if error.detail is None else error.detail
            return Answer(200, write_answer(error.status, detail))
        except (HistogrammerError, NotInControlError) as error:  # it is busy, or ends
            text = str(error)
            detail = text if isinstance(route.empty, str) else route.empty
            return Answer(200, write_answer(text, detail))
        except Exception:
            log.exception("the request %s?%s failed", request, query[:200])
            return error_answer(500, f"{request} failed; the log of the server says why", accept)
        return Answer(200, body, after=self._program.end if request == "exit" else None)

    async def picture(self, query: bytes, accept: str) -> Answer:
        """Answer a request for a picture of a spectrum.

        Args:
            query: What follows the `?`.
            accept: Header Accept.
        """
        try:
            values = RequestValues(read_values(PICTURE, read_query(query)))
            name = values.text("name")
            async with self._drawing:
                wanted = await asyncio.wrap_future(
                    self._program.worker.post(partial(_wanted_picture, values))
                )
                if wanted is None:
                    return error_answer(404, f"there is no spectrum {name}", accept)
                return Answer(200, await _in_thread(partial(draw, wanted)), _PNG)
        except HistogrammerError as error:
            return error_answer(422, str(error), accept)
        except Exception:
            log.exception("the picture ?%s failed", query[:200])
            return error_answer(500, "the picture failed; the log of the server says why", accept)

    def _changing(
        self, handler: Handler, request: str, values: RequestValues, peer: str
    ) -> Handler:
        """Return the handler of a change, which looks at control when its turn has come, and tells
        the journal."""
        change = partial(self._program.changes.change, request, peer, values.given)
        if isinstance(handler, FixedAnswer):
            with change():
                return handler

        def changed(of: Any, values: RequestValues) -> object:
            with change():
                return handler.function(of, values)

        return replace(handler, function=changed)

    async def _body(self, handler: Handler, values: RequestValues, held: AsyncExitStack) -> Body:
        if isinstance(handler, FixedAnswer):
            return write_answer("OK", handler.detail)
        worker = self._program.worker
        if isinstance(handler, InThread):
            if handler.is_large:
                await held.enter_async_context(self._turns)
            detail: object = await _in_thread(partial(handler.function, self._program, values))
        else:
            call = partial(_with_values, handler.function, values)
            detail = await asyncio.wrap_future(worker.post(call))
        if isinstance(detail, Later):
            await held.enter_async_context(self._turns)  # until the answer is sent
            return await _in_thread(await asyncio.wrap_future(worker.post(detail.copy)))
        return detail.body if isinstance(detail, Whole) else write_answer("OK", detail)


def _with_values(
    function: Callable[[Any, RequestValues], object], values: RequestValues, engine: Any
) -> object:
    return function(engine, values)


def _wanted_picture(values: RequestValues, engine: Engine) -> PictureOf | None:
    """Return what is in a picture; None: there is no such spectrum."""
    spectrum = engine.find_spectrum(values.text("name"))
    if spectrum is None:
        return None
    return PictureOf(
        definition=spectrum.shown,
        cells=spectrum.contents.cells.copy(),
        gates=gates_of(spectrum.definition, engine.conditions),
        applied=spectrum.gate,
        width=values.integer("width"),
        height=values.integer("height"),
        is_log=values.truth("log"),
    )


async def _in_thread(function: Callable[[], T]) -> T:
    return await to_thread.run_sync(function, abandon_on_cancel=True)
