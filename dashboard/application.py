"""Routes of the dashboard. Without control none of them changes anything at an instrument."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse

from dashboard.acts.routes import ACT_PATHS, ActRoutes
from dashboard.alarmroutes import AlarmRoutes
from dashboard.alarms import ABSENCES
from dashboard.assets import STATIC, Page, served_folder
from dashboard.changes import ChangeRoutes
from dashboard.config import Array
from dashboard.dealerquestions import DealerQuestions
from dashboard.front import Front, FrontRules
from dashboard.hub import ArrayHub
from dashboard.panelquestions import PanelQuestions
from dashboard.queries import Queries
from dashboard.store import Store
from dashboard.viewing import Viewing
from dashboard.views import TABLE, Views
from groundwork.beside import beside
from groundwork.roles import Role
from groundwork.values import JsonObject
from groundwork.version import version
from player.endpoints.http.connections import ConnectionWatch
from player.endpoints.http.guard import LOGIN, Guard, GuardRules
from player.endpoints.http.loginroutes import LOGOUT, LoginRoutes
from player.endpoints.http.logins import Logins
from player.endpoints.http.protocol.sessions import Person
from player.endpoints.http.responses import json_response, tell_errors
from player.endpoints.http.revocations import Revocations
from player.endpoints.http.tls import Certificate
from player.panelsets import PanelSet
from zmqjsonproxy.rights import ClientKeys

__all__ = ["PAGES", "Dashboard", "ServedArray"]

PAGES = (
    *("run", "hosts", "alarms", "log", "journal", "history", "diff", "files", "spectra", "jobs"),
    *("why", "handover"),
)
_ONLY_READS = "this address only reads: GET and HEAD"
_LONGEST_TARGET = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedArray:
    """Settings of what is served.

    Attributes:
        array: What is shown.
        names: By which the host may be called, in lower case.
        keys: By which Players are called; None: without.
        logins: Of people; None: nobody has to log in.
        certificate: Of TLS; None: it is not spoken.
        panels: Of kinds of Banks.
        static: Folder of the page.
        store: File of what outlives the dashboard; None: nothing does.
        control: People may run the array.
    """

    array: Array
    names: Collection[str]
    keys: ClientKeys | None = None
    logins: Logins | None = None
    certificate: Certificate | None = None
    panels: dict[str, PanelSet] = field(default_factory=dict)
    static: Path = STATIC
    store: Path | None = None
    control: bool = False


class Dashboard:
    """The ASGI application.

    Args:
        served: What it serves.

    Attributes:
        watch: Its connections.
        asgi: To be given to a server.
        hub: Of the array, while it serves.
    """

    hub: ArrayHub

    def __init__(self, served: ServedArray) -> None:
        self._served, self._version = served, version()
        site = served.array.site
        self._page, self._login_page = (
            Page(served.static / name, site.prefix) for name in ("index.html", "login.html")
        )
        self.watch = ConnectionWatch()
        api = FastAPI(
            title="Dashboard of dealer-player",
            version=self._version,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            lifespan=self._lifespan,
        )
        self._viewing = Viewing(self._version, time.time())
        self._queries, self._views = Queries(), Views(_is_page)
        self._alarms, self._questions = AlarmRoutes(), DealerQuestions()
        self._panels = PanelQuestions(served.panels)
        self._changes = ChangeRoutes(Role.ADMIN if served.control else Role.OBSERVE)
        self._acts: ActRoutes | None = None
        if served.control:
            self._acts = ActRoutes(served.logins, served.keys, self._changes)
        self._add_routes(api)
        front = FrontRules(origins=site.origins, proxies=site.proxies, prefix=site.prefix)
        rules = GuardRules(
            names=frozenset(served.names) | front.names,
            only_get=_ONLY_READS,
            longest_target=_LONGEST_TARGET,
            streams=("/events", "/ws"),
            logins=served.logins,
            public=(LOGIN, "/static/", "/favicon.ico"),
            changes=frozenset(self._changes.paths | ({LOGIN, LOGOUT} if served.logins else set())),
        )
        guard = self._viewing.guard = Guard(api, rules)
        self.asgi = Front(guard, front)
        self._revocations = Revocations(guard, self.watch, served.logins, served.certificate)

    def _add_routes(self, api: FastAPI) -> None:
        for path in ("/", "/bank/{bank}", *(f"/{page}" for page in PAGES)):
            api.add_api_route(path, self.page, include_in_schema=path == "/")
        api.add_api_route("/favicon.ico", self.icon, include_in_schema=False)
        api.add_api_route("/api/site", self.site)
        api.add_api_route("/healthz", self.healthz)
        self._queries.add_to(api)
        self._questions.add_to(api)
        self._panels.add_to(api)
        self._viewing.add_to(api)
        self._views.add_to(api, self._changes)
        self._alarms.add_to(api, self._changes)
        if self._acts is not None:
            self._acts.add_to(api)
        else:
            for path in ACT_PATHS:
                self._changes.refuse(api, path)
        if self._served.logins is None:
            api.add_api_route("/api/session", self.session)
        else:
            LoginRoutes(self._served.logins, self.login_page, self._told_of).add_to(api)
        api.mount("/static", served_folder(self._served.static, is_ours=True))
        for kind, panels in self._served.panels.items():
            api.mount(f"/panels/{kind}", served_folder(panels.folder))
        tell_errors(api)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _api: FastAPI) -> AsyncIterator[None]:
        async with (
            self._open_store() as store,
            ArrayHub(self._served.array, self._served.keys, store) as self.hub,
        ):
            self._queries.hub = self._viewing.hub = self._alarms.hub = self.hub
            self._panels.hub = self.hub
            async with (
                self._questions.answering(self.hub),
                contextlib.nullcontext() if self._acts is None else self._acts.running(self.hub),
                self._revocations.looking(self.hub.board.end_of),
                self.watch.watching(),
            ):
                yield

    @contextlib.asynccontextmanager
    async def _open_store(self) -> AsyncIterator[Store]:
        store = await beside(lambda: Store(self._served.store, (TABLE, ABSENCES)))
        with contextlib.closing(store):
            self._views.store = store
            yield store

    def end(self, within: float) -> None:
        """Have all streams end; connections that do not within so many s are cut. In the loop."""
        self.hub.board.end()
        asyncio.get_running_loop().call_later(within, self.watch.abort)

    # pages

    async def page(self) -> Response:
        """Return the page: it shows what its address says."""
        return self._page.response()

    def login_page(self, _request: Request) -> Response:
        """Return the page on which a person logs in."""
        return self._login_page.response()

    async def icon(self) -> Response:
        """Return the icon of the page."""
        return FileResponse(self._served.static / "icon.svg", media_type="image/svg+xml")

    # what all pages need

    async def site(self) -> Response:
        """Return what tells this site from others, and what its pages may count on."""
        array, panels = self._served.array, self._served.panels
        told: dict[str, Any] = {
            "name": array.site.name or array.telescope,
            "colour": array.site.colour,
            "telescope": array.telescope,
            "zone": array.site.zone,
            "longitude": array.site.longitude,
            "banks": list(array.urls),
            "pages": [page for page in PAGES if page != "hosts" or array.installation is not None],
            "panels": {kind: f"/panels/{kind}/{each.module}" for kind, each in panels.items()},
            "version": self._version,
            "time": time.time(),
        }
        return json_response(told | self._viewing.rates())

    async def session(self, request: Request) -> Response:
        """Return who looks: nobody has to say so here."""
        return json_response(self._told_of(self._changes.person(request)))

    def _told_of(self, person: Person) -> JsonObject:
        return {
            "key": person.key,
            "role": str(person.role),
            "is_lowered": person.is_lowered,
            "control": self._served.control,
            "holds": {} if self._acts is None else self._acts.holds(person),
        }

    async def healthz(self) -> Response:
        """Return 200 as long as this program answers."""
        return json_response({"status": "ok", "time": time.time()})


def _is_page(path: str) -> bool:
    """Tell whether a path is that of a page."""
    first, _, bank = path.removeprefix("/").partition("/")
    return path == "/" or (first in PAGES and not bank) or (first == "bank" and "/" not in bank)
