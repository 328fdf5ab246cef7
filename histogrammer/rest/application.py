"""The REST server as an ASGI application: requests found by their paths, errors, description."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, MutableMapping
from contextlib import closing
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from groundwork.peers import Peers
from groundwork.version import version
from histogrammer.flavors import Flavor
from histogrammer.rest.answering import Answer, Answerer, error_answer
from histogrammer.rest.program import Program
from histogrammer.rest.protocol.answers import http_error
from histogrammer.rest.protocol.bodies import write_object
from histogrammer.rest.protocol.document import describe
from histogrammer.rest.protocol.paths import read_path
from histogrammer.rest.protocol.query import MAX_QUERY_BYTES
from histogrammer.rest.protocol.requests import PICTURE, ROUTES
from histogrammer.rest.protocol.rights import role_of
from player.endpoints.http.connections import ConnectionWatch
from player.endpoints.http.guard import ROLE, Guard, GuardRules

__all__ = ["RestApplication"]

_ONLY_GET = "requests are made with GET, and HEAD"
_MAX_HEAD_BYTES = 2 * MAX_QUERY_BYTES
"""A connection that sends more before its request is complete is ended."""


class _BoundedProtocol(HttpToolsProtocol):
    """HTTP, with a bound for what a request may have before its body.

    The query is split off here: httptools reads URLs of up to 64 KiB, and a query may name thousands
    of spectra.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._is_head = True

    def data_received(self, data: bytes) -> None:
        if self._is_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > _MAX_HEAD_BYTES:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        self._is_head, self._head_bytes = False, 0
        self.url, _, query = self.url.partition(b"?")
        super().on_headers_complete()
        self.scope["query_string"] = query.partition(b"#")[0]  # nobody has begun to read it

    def on_message_complete(self) -> None:
        self._is_head = True
        super().on_message_complete()


class _Requests(BaseRoute):
    """The route to all requests of the table, in any spelling of their paths.

    Args:
        answerer: Answers.
        flavor: Program whose requests are answered.
    """

    def __init__(self, answerer: Answerer, flavor: Flavor) -> None:
        self._answerer, self._flavor = answerer, flavor

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether a request is one of the table."""
        if scope["type"] == "http":
            request = read_path(scope["raw_path"])
            if request in ROUTES:
                return Match.FULL, {"request": request}
        return Match.NONE, {}

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        """Refuse: requests have no names."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, if the role of the peer allows it."""
        needed, role = role_of(scope["request"], self._flavor), scope[ROLE]
        peer = "{}:{}".format(*scope["client"])
        if role < needed:
            why = (
                f"{scope['request']} is for the role {needed}, and the `peers` of this endpoint give "
                f"{role} to {scope['client'][0]}"
            )
            self._answerer.refuse(scope["request"], scope["query_string"], peer, why)
            await _send(error_answer(403, why, _accept(scope)), scope, receive, send)
            return
        asked = scope["request"], scope["query_string"], _accept(scope)
        async with self._answerer.answering(*asked, peer) as answer:
            await _send(answer, scope, receive, send)
        if answer.after is not None:
            answer.after()


class _Pictures(BaseRoute):
    """The route to pictures of spectra.

    Args:
        answerer: Answers.
    """

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether a request is for a picture."""
        is_picture = scope["type"] == "http" and scope["path"] == f"/{PICTURE.path}"
        return (Match.FULL if is_picture else Match.NONE), {}

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        """Refuse: pictures have no names."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        answer = await self._answerer.picture(scope["query_string"], _accept(scope))
        await _send(answer, scope, receive, send)


def _accept(scope: MutableMapping[str, Any]) -> str:
    return b",".join(value for name, value in scope["headers"] if name == b"accept").decode(
        "latin-1"
    )


async def _send(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    body, status, kind = answer.body, answer.status, answer.kind
    if not isinstance(body, bytes):  # no more pieces are made when the connection ends
        with closing(body):  # or what it is made of is kept as long as the error of the end is
            pieces = StreamingResponse(body, status, {"content-type": kind.decode()})
            await pieces(scope, receive, send)
        return
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _ErrorPage:
    """Response of an HTTP error.

    Args:
        answer: It.
    """

    background = None

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await _send(self._answer, scope, receive, send)


async def _no_such_request(request: Any, error: Any) -> Any:
    description = "there is no such request; /openapi.json describes those that there are"
    return _ErrorPage(error_answer(error.status_code, description, _accept(request.scope)))


class RestApplication:
    """The ASGI application.

    Args:
        program: Answers.
        names: By which the host may be called, in lower case.
        peers: Hosts that may ask, and their roles.

    Attributes:
        watch: Its connections.
        asgi: To be given to a server.
    """

    def __init__(
        self, program: Program, names: Collection[str], peers: Peers | None = None
    ) -> None:
        self.watch = ConnectionWatch(_BoundedProtocol)
        api = FastAPI(
            title="Histogrammer of dealer-player",
            version=version(),
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            lifespan=self._lifespan,
        )
        api.openapi = lambda: describe(api.title, api.version, program.flavor)  # type: ignore[method-assign]
        answerer = Answerer(program)
        api.router.routes += [_Requests(answerer, program.flavor), _Pictures(answerer)]
        api.add_exception_handler(HTTPException, _no_such_request)
        self.asgi = Guard(
            api,
            GuardRules(
                names=frozenset(names),
                only_get=_ONLY_GET,
                longest_target=_MAX_HEAD_BYTES,
                links=False,
                peers=peers or Peers(),
                body=lambda code, why: write_object(http_error(code, why)),
            ),
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _api: FastAPI) -> AsyncIterator[None]:
        async with self.watch.watching():
            yield

    def end(self, within: float) -> None:
        """Have connections that do not end within so many s cut. In the loop."""
        asyncio.get_running_loop().call_later(within, self.watch.abort)
