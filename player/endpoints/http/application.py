"""Routes of the HTTP endpoint. None of them changes anything at the Bank."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import time
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Path, Query, Request, Response, WebSocket
from fastapi.responses import FileResponse, HTMLResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles

from groundwork.values import JsonObject
from groundwork.version import version
from player.endpoints.http.connections import ConnectionWatch
from player.endpoints.http.digests import Digests, wants_digest
from player.endpoints.http.files import list_files, open_file
from player.endpoints.http.guard import LOGIN, PERSON, Guard, GuardRules, address_of
from player.endpoints.http.loginroutes import LOGOUT, LoginRoutes
from player.endpoints.http.logins import Logins
from player.endpoints.http.metrics import CONTENT_TYPE, KINDS, Figures, write_metrics
from player.endpoints.http.pages import STATIC, Pages
from player.endpoints.http.protocol.sessions import Person
from player.endpoints.http.questions import Questions
from player.endpoints.http.responses import json_response, tell_errors
from player.endpoints.http.revocations import Revocations
from player.endpoints.http.streams import EventStream, serve_websocket
from player.endpoints.http.tls import Certificate
from player.endpoints.http.viewers import TooManyViewersError, Viewers, Wanted
from zmqjsonproxy import (
    AsyncHub,
    NoSuchInterfaceError,
    NoSuchMethodError,
    ProxyError,
)
from zmqjsonproxy.channels import LinkSettings
from zmqjsonproxy.files.areas import Areas, Listing
from zmqjsonproxy.files.protocol.pacing import Pacer
from zmqjsonproxy.rights import ClientKeys
from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["PlayerApplication", "Served"]

MAX_ROWS = 2000
"""Properties on one page."""
MAX_PATTERNS = 64
_LONGEST_TARGET = 4096
_ONLY_READS = "this address only reads: GET and HEAD. A Bank is changed by calls, as with the command `dealer`"
_RATE = 10.0
STREAMS_OF_PERSON, STREAMS_OF_ADDRESS = 8, 64
"""Streams of a person and of an address, where people log in; elsewhere only all streams together are bounded."""
_LINKS = (
    ("/Controls", "all properties: value, unit, age"),
    ("/Query", "properties by pattern"),
    ("/connections", "who subscribes and looks; queues, what was dropped"),
    ("/api/properties", "properties as JSON; ?object=, ?pattern="),
    ("/api/properties/{name}", "one property as JSON, with its whole value"),
    ("/api/status", "what the Player is and how it is, as JSON"),
    ("/events?pattern=*", "updates as server-sent events; rate, dead_band, width, ..."),
    ("/ws?pattern={pattern}", "updates over a WebSocket, frames of pipes as bytes"),
    ("/healthz", "whether the Player answers"),
    ("/metrics", "figures for Prometheus"),
    ("/openapi.json", "description of these addresses"),
)
Name = Annotated[str, Path(min_length=1, max_length=200, description="of a property")]
Object = Annotated[
    str, Query(alias="object", min_length=1, max_length=200, description="exposed object")
]
Pattern = Annotated[str, Query(min_length=1, max_length=500, description="of names: status.*")]
Patterns = Annotated[
    list[Annotated[str, Query(min_length=1, max_length=500)]],
    Query(
        alias="pattern",
        min_length=1,
        max_length=MAX_PATTERNS,
        description="of names: status.*; may be given several times",
    ),
]
Window = Annotated[
    str | None,
    Query(pattern=r"^\d{1,12},\d{1,12}$", description="first point of frames, and one after last"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Settings of what is served.

    Attributes:
        bank: Name.
        kind: Of the Bank.
        url: Of the Player, for calls.
        simulated: The Bank is.
        names: By which the host may be called, in lower case.
        areas: Of files that may be fetched.
        file_bytes_per_s: Of all files that are sent; 0: as fast as it goes.
        home: One area, `home`: the site's own pages; None: there are none.
        viewers: Streams at the same time.
        ping_every: Between heartbeats, s.
        keys: By which the Player is called; None: it demands none here.
        logins: Of people; None: nobody has to log in.
        certificate: Of TLS; None: it is not spoken.
    """

    bank: str
    kind: str
    url: str
    simulated: bool
    names: Collection[str]
    areas: Areas
    file_bytes_per_s: int
    home: Areas | None
    viewers: int
    ping_every: float
    keys: ClientKeys | None = None
    logins: Logins | None = None
    certificate: Certificate | None = None


class PlayerApplication:
    """The ASGI application.

    Args:
        served: What it serves.

    Attributes:
        watch: Its connections.
        asgi: To be given to a server.
    """

    _questions: Questions
    _viewers: Viewers

    def __init__(self, served: Served) -> None:
        self._served = served
        self._pacer, self._digests = Pacer(served.file_bytes_per_s or math.inf), Digests()
        self._version = version()
        links = list(_LINKS)
        if served.areas.folders:
            links.append(
                ("/Files/", "files, whole or by ranges: " + ", ".join(served.areas.folders))
            )
        if served.home is not None:
            links.append(("/home/", "pages of this site"))
        self._pages = Pages(
            bank=served.bank, simulated=served.simulated, version=self._version, links=links
        )
        self.watch = ConnectionWatch()
        api = FastAPI(
            title=f"{served.bank} of dealer-player",
            version=self._version,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            lifespan=self._lifespan,
        )
        self._add_routes(api)
        rules = GuardRules(
            names=frozenset(served.names),
            only_get=_ONLY_READS,
            longest_target=_LONGEST_TARGET,
            streams=("/events", "/ws"),
            logins=served.logins,
            public=(LOGIN, "/static/"),
            changes=() if served.logins is None else (LOGIN, LOGOUT),
        )
        self.asgi = Guard(api, rules)
        self._revocations = Revocations(self.asgi, self.watch, served.logins, served.certificate)

    def _add_routes(self, api: FastAPI) -> None:
        for path, page in (
            ("/", self.home),
            ("/Controls", self.controls),
            ("/Query", self.query),
            ("/connections", self.connections),
        ):
            api.add_api_route(path, page, response_class=HTMLResponse)
        for path, answer in (
            ("/api/properties", self.list_properties),
            ("/api/properties/{name:path}", self.get_property),
            ("/api/status", self.status),
            ("/api/files/{area}", self.list_files),
            ("/healthz", self.healthz),
        ):
            api.add_api_route(path, answer)
        api.add_api_route("/metrics", self.metrics)
        api.add_api_route("/events", self.events, response_class=StreamingResponse)
        api.add_api_websocket_route("/ws", self.websocket)
        api.add_api_route("/Files/{name:path}", self.file, response_class=FileResponse)
        api.mount("/static", StaticFiles(directory=STATIC))
        if self._served.logins is not None:
            form = functools.partial(self._page, name="login.html")
            LoginRoutes(self._served.logins, form).add_to(api)
        if self._served.home is not None:
            api.add_api_route("/home/{path:path}", self.home_file, response_class=FileResponse)
        tell_errors(api)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _api: FastAPI) -> AsyncIterator[None]:
        served = self._served
        subscriptions = Subscriptions(
            settings=LinkSettings(ping_every=1.0, timeout=3.0), keys=served.keys
        )
        async with AsyncHub(keys=served.keys) as hub:
            self._questions = Questions(hub, served.url)
            self._viewers = Viewers(served.bank, served.url, subscriptions, served.viewers)
            try:
                async with (
                    self._revocations.looking(self._viewers.end_of),
                    self.watch.watching(),
                ):
                    yield
            finally:
                subscriptions.close()

    def end(self, within: float) -> None:
        """Have all streams end; connections that do not within so many s are cut. In the loop."""
        self._viewers.end()
        asyncio.get_running_loop().call_later(within, self.watch.abort)

    # pages

    async def home(self, request: Request) -> Response:
        """Return the page of what this Player offers."""
        return self._page(request, "home.html", kind=self._served.kind, url=self._served.url)

    async def controls(self, request: Request, object_name: Object = "bank") -> Response:
        """Return the page of all properties of an object: value, unit, age."""
        return await self._table(request, object_name, "*", "Controls", is_query=False)

    async def query(
        self, request: Request, object_name: Object = "bank", pattern: Pattern = "*"
    ) -> Response:
        """Return the page of properties by pattern."""
        return await self._table(request, object_name, pattern, "Query", is_query=True)

    async def _table(
        self, request: Request, object_name: str, pattern: str, title: str, *, is_query: bool
    ) -> Response:
        objects = await self._questions.objects()
        properties = await self._questions.properties(
            object_name, pattern, token=_token(request.scope)
        )
        return self._page(
            request,
            "properties.html",
            title=title,
            is_query=is_query,
            objects=objects,
            object_name=object_name,
            pattern=pattern,
            properties=properties[:MAX_ROWS],
            left_out=len(properties[MAX_ROWS:]),
            problem=next((one["problem"] for one in properties if "problem" in one), ""),
        )

    async def connections(self, request: Request) -> Response:
        """Return the page of connections: clients, streams, queues, what was dropped."""
        return self._page(
            request,
            "connections.html",
            channels=await self._channels(_token(request.scope)),
            viewers=self._viewers.describe(),
            viewers_most=self._served.viewers,
            connections=len(self.watch),
        )

    def _page(self, request: Request, name: str, **values: Any) -> Response:
        person = request.scope.get(PERSON)
        return HTMLResponse(self._pages.render(name, person=person, **values))

    # files

    async def file(self, name: str, request: Request, pattern: Pattern = "*") -> Response:
        """Return a file, `AREA/PATH` or a bare name, whole or by ranges; of a folder, `AREA/PATH/`, a
        page of what is in it."""
        areas = self._served.areas
        if name and not name.endswith("/"):
            wants = wants_digest(request.headers.get("want-repr-digest", ""))
            return await open_file(
                areas,
                name,
                is_download=True,
                pacer=self._pacer,
                digests=self._digests if wants else None,
            )
        if not name:
            return self._page(
                request, "files.html", folder="", areas=list(areas.folders), listing=Listing()
            )
        area, _, below = name.partition("/")
        listing = await list_files(areas, area, below + pattern)
        return self._page(request, "files.html", folder=name, areas=[], listing=listing)

    async def list_files(self, area: str, pattern: Pattern = "*") -> Response:
        """Return files and folders of an area: name, size (bytes, null: a folder), modified (s, UTC)."""
        listing = await list_files(self._served.areas, area, pattern)
        told = [entry._asdict() for entry in listing.entries]
        return json_response(
            {"entries": told, "is_cut": listing.is_cut, "unnamed": listing.unnamed}
        )

    async def home_file(self, path: str) -> Response:
        """Return a file of the site's own pages."""
        assert self._served.home is not None
        name = f"home/{path}index.html" if not path or path.endswith("/") else f"home/{path}"
        return await open_file(self._served.home, name, is_download=False)

    # JSON

    async def list_properties(
        self, request: Request, object_name: Object = "bank", pattern: Pattern = "*"
    ) -> Response:
        """Return the properties of an object, with present values of results."""
        token = _token(request.scope)
        return json_response(await self._questions.properties(object_name, pattern, token=token))

    async def get_property(
        self, request: Request, name: Name, object_name: Object = "bank"
    ) -> Response:
        """Return one property with its present value; of a pipe the newest frame."""
        token = _token(request.scope)
        return json_response(await self._questions.value(object_name, name, token=token))

    async def status(self, request: Request) -> Response:
        """Return what the Player is, its state in a few values, and what is wrong."""
        token = _token(request.scope)
        ping = await self._questions.ask("rpc", "ping", token=token)
        told: JsonObject = {
            "bank": self._served.bank,
            "kind": self._served.kind,
            "simulated": self._served.simulated,
            "version": self._version,
            "url": self._served.url,
            **ping,
            "overview": await self._questions.ask("bank", "get_overview", token=token),
            "findings": await self._questions.ask("bank", "get_findings", token=token),
            "connections": await self._channels(token),
            "viewers": self._viewers.describe(),
        }
        return json_response(told)

    async def _channels(self, token: str) -> JsonObject:
        """Return what the Player tells of its subscribers; empty: nothing."""
        try:
            told: JsonObject = await self._questions.ask("rpc", "channels", token=token)
        except (NoSuchInterfaceError, NoSuchMethodError):
            return {}
        return told

    async def healthz(self, request: Request) -> Response:
        """Return 200 if the Player answers, else 503."""
        try:
            await self._questions.ask("bank", "get_bank_name", token=_token(request.scope))
        except ProxyError as error:
            return json_response({"detail": str(error)}, 503)
        return json_response({"status": "ok", "time": time.time()})

    async def metrics(self, request: Request) -> Response:
        """Return figures in Prometheus' text format."""
        questions, info, properties, channels = self._questions, {}, {}, {}
        records: dict[str, JsonObject] = {}
        sinks: list[JsonObject] = []
        token = _token(request.scope)
        with contextlib.suppress(ProxyError):
            ping = await questions.ask("rpc", "ping", token=token)
            info = {
                "kind": self._served.kind,
                "version": self._version,
                "instance": ping["instance"],
            }
            channels = await self._channels(token)
            for name in await questions.objects():
                properties[name] = await questions.properties(name, token=token)
            records = {kind: await questions.ask(kind, "state", token=token) for kind in KINDS}
            sinks = await questions.ask("journal", "sinks", token=token)
        figures = Figures(
            bank=self._served.bank,
            info=info,
            properties=properties,
            channels=channels,
            records=records,
            sinks=sinks,
            counts=self._viewers.counts(),
            connections=len(self.watch),
            refused=self.asgi.refused + self.watch.refused + self._viewers.refused,
            ended=self.watch.ended,
        )
        return Response(write_metrics(figures), media_type=CONTENT_TYPE)

    # streams

    async def events(
        self,
        request: Request,
        patterns: Patterns,
        object_name: Object = "bank",
        rate: float = _RATE,
        dead_band: float = 0.0,
    ) -> Response:
        """Stream updates as server-sent events: `update`, with number, time and what was lost before
        it, and a `heartbeat` each second."""
        limits = _limits(rate=rate, dead_band=dead_band)
        wanted = Wanted(object_name, tuple(sorted(set(patterns))), limits)
        viewer = self._join(request.scope, "events", wanted)
        return EventStream(self._viewers, viewer, self._served.ping_every)

    async def websocket(
        self,
        socket: WebSocket,
        patterns: Patterns,
        object_name: Object = "bank",
        rate: float = _RATE,
        dead_band: float = 0.0,
        width: int | None = None,
        window: Window = None,
        error: float | None = None,
    ) -> None:
        """Stream updates over a WebSocket."""
        limits = _limits(
            rate=rate,
            dead_band=dead_band,
            width=width,
            window=None if window is None else tuple(map(int, window.split(","))),
            error=error,
        )
        wanted = Wanted(object_name, tuple(sorted(set(patterns))), limits)
        try:
            viewer = self._join(socket.scope, "websocket", wanted)
        except TooManyViewersError as full:
            await socket.send_denial_response(json_response({"detail": str(full)}, 503))
        except HTTPException as misuse:
            await socket.send_denial_response(
                json_response({"detail": misuse.detail}, misuse.status_code)
            )
        else:
            await serve_websocket(socket, self._viewers, viewer, self._served.ping_every)

    def _join(self, scope: Any, way: str, wanted: Wanted) -> Any:
        person: Person | None = scope.get(PERSON)
        host, port = address_of(scope) or "?", (scope.get("client") or ("", 0))[1]
        if person is not None:
            of_person = self._viewers.count_of(person)
            of_address = self.asgi.count_at(host)
            if of_person >= STREAMS_OF_PERSON or of_address > STREAMS_OF_ADDRESS:
                raise HTTPException(
                    429,
                    f"{of_person} streams of {person.key} are open, {STREAMS_OF_PERSON} may be, and of one "
                    f"address {STREAMS_OF_ADDRESS}: close one; a page needs one",
                )
        try:
            return self._viewers.join(f"{host} port {port}", way, wanted, person)
        except (ValueError, TypeError) as error:
            raise HTTPException(400, str(error)) from error


def _limits(**limits: object) -> tuple[tuple[str, object], ...]:
    """Return those that are set."""
    return tuple(sorted((name, value) for name, value in limits.items() if value not in (None, 0)))


def _token(scope: Any) -> str:
    """Return the token of who asks; empty: nobody has to say so."""
    person: Person | None = scope.get(PERSON)
    return "" if person is None else person.token
