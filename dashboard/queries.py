"""Routes of questions: snapshots, interface documents, log, journal, history, hosts, ports, files."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Hashable
from functools import cached_property
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from dashboard.asitwas import AsItWas
from dashboard.files import FILES, WITHIN_S, open_file
from dashboard.hub import ArrayHub
from dashboard.logquery import LogQuery
from dashboard.ports import list_ports, managers
from dashboard.protocol.topics import KEPT_LINES
from dashboard.records import MAX_ENTRIES, ArrayRecords, read_key
from player.endpoints.http.protocol.messages import MAX_ARRAY
from player.endpoints.http.protocol.texts import write_json
from player.endpoints.http.sharedanswers import SharedAnswers

__all__ = ["Queries"]

KEEP_S = 0.5
MAX_IN_FLIGHT = 64
MAX_HISTORY_KEYS = 16
_HOUR_S = 3600.0

Bank = Annotated[str, Path(min_length=1, max_length=200)]
Banks = Annotated[
    list[Annotated[str, Query(max_length=200)]] | None,
    Query(alias="bank", max_length=1000, description="Banks; none: all"),
]
Moment = Annotated[float | None, Query(ge=0, le=1e11, description="UTC, unix seconds")]
Text = Annotated[str, Query(max_length=250)]
Level = Literal["", "debug", "info", "warning", "error", "critical"]


class Queries:
    """The routes.

    Attributes:
        hub: Of the array; set when it is there.
    """

    hub: ArrayHub

    def __init__(self) -> None:
        self._answers = SharedAnswers(MAX_IN_FLIGHT)

    @cached_property
    def _records(self) -> ArrayRecords:
        return ArrayRecords(self.hub.calls, self.hub.array.urls)

    @cached_property
    def _as_it_was(self) -> AsItWas:
        return AsItWas(self._records, self.hub.states)

    def add_to(self, api: FastAPI) -> None:
        """Add them to an application."""
        for path, answer in (
            ("/api/overview", self.overview),
            ("/api/banks/{bank}", self.interface),
            ("/api/banks/{bank}/values", self.values),
            ("/api/log", self.log),
            ("/api/parameters", self.parameters),
            ("/api/hosts", self.hosts),
            ("/api/ports", self.ports),
            ("/api/journal", self.journal),
            ("/api/history/keys", self.history_keys),
            ("/api/history", self.history),
            ("/api/at", self.at),
            ("/api/moments", self.moments),
            ("/api/files", self.areas),
            ("/api/files/{bank}/{area}", self.listing),
        ):
            api.add_api_route(path, answer)
        api.add_api_route("/files/{bank}/{name:path}", self.file, response_class=StreamingResponse)

    # what is known

    async def overview(self) -> Response:
        """Return the rows of all Banks."""
        return _told({"time": time.time(), "rows": self.hub.board.overview.values})

    async def interface(self, bank: Bank) -> Response:
        """Return what a Bank offers: methods and properties of its objects."""
        state = self.hub.states[self._known(bank)]
        told = {"bank": bank, "kind": state.kind, "url": state.url, "dialect": state.dialect}
        interface = state.interface
        return _told({**told, "interface": interface.number, "objects": interface.describe()})

    async def values(self, bank: Bank) -> Response:
        """Return the present values of a Bank: value, time, number of its updates."""
        values = self.hub.board.values[self._known(bank)].values
        return _told({"time": time.time(), "values": values})

    async def log(
        self,
        before: Annotated[int | None, Query(ge=0)] = None,
        most: Annotated[int, Query(ge=1, le=KEPT_LINES)] = 500,
        level: Level = "",
        banks: Banks = None,
        text: Text = "",
    ) -> Response:
        """Return lines of the log of all Banks, the newest that fit."""
        asked = LogQuery(most=most, before=before, level=level, banks=banks or (), text=text)
        return _told(asked.answer(self.hub.board.log))

    # what is asked for

    async def _shared(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, Any]]) -> Response:
        return _told(await self._answers.get(key, ask, KEEP_S))

    async def parameters(self, banks: Banks = None) -> Response:
        """Return the parameters of Banks, as `get_param` does."""
        asked, records = self._banks(banks), self._records

        async def ask() -> dict[str, Any]:
            values, errors = await records.ask(asked, "bank", "get_param")
            return {"time": time.time(), "values": values, "errors": errors}

        return await self._shared(("parameters", *asked), ask)

    async def hosts(self) -> Response:
        """Return the programs of all hosts, as `dealer hosts status` does."""
        await self.hub.hosts.renew()
        return _told({"time": time.time(), "values": self.hub.board.hosts.values})

    async def ports(self) -> Response:
        """Return the ports that the port managers of the hosts have lent."""
        array = self.hub.array
        places = managers(array.portmanager, array.hosts.values())
        return await self._shared(("ports",), lambda: list_ports(places))

    async def journal(
        self,
        banks: Banks = None,
        since: Moment = None,
        until: Moment = None,
        client: Text = "",
        method: Text = "",
        most: Annotated[int, Query(ge=1, le=MAX_ENTRIES)] = 200,
    ) -> Response:
        """Return who did what, when, and what came of it: the newest of each Bank, in time order."""
        asked, records = self._banks(banks), self._records
        wanted: dict[str, Any] = {"since": since, "until": until}
        wanted |= {"client": client, "method": method}
        key = ("journal", *asked, most, *wanted.values())
        return await self._shared(key, lambda: records.journal(asked, most, wanted))

    async def history_keys(self, banks: Banks = None, pattern: Text = "*") -> Response:
        """Return what Banks keep the history of."""
        asked, records = self._banks(banks), self._records
        key = ("history keys", *asked, pattern)
        return await self._shared(key, lambda: records.keys(asked, pattern))

    async def history(
        self,
        keys: Annotated[
            list[Annotated[str, Query(max_length=500)]],
            Query(
                alias="key",
                min_length=1,
                max_length=MAX_HISTORY_KEYS,
                description="BANK.NAME, as BANKA.status.SCANNUM; several times",
            ),
        ],
        since: Moment = None,
        until: Moment = None,
        points: Annotated[int, Query(ge=1, le=10_000, description="stretches of time")] = 800,
    ) -> Response:
        """Return values over time, thinned for a plot; by default those of the last hour."""
        end = time.time() if until is None else until
        begin = end - _HOUR_S if since is None else since
        try:
            wanted = [read_key(key) for key in dict.fromkeys(keys)]
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        for each in wanted:
            self._known(each.bank)
        records, key = self._records, ("history", *wanted, since, until, points)
        return await self._shared(key, lambda: records.history(wanted, begin, end, points))

    async def at(
        self, moment: Annotated[float, Query(alias="time", ge=0, le=1e11, description="UTC, s")]
    ) -> Response:
        """Return the state of all Banks as it was at a time, in the shapes of the topics."""
        then = self._as_it_was
        return await self._shared(("at", moment), lambda: then.at(moment))

    async def moments(
        self,
        since: Annotated[float, Query(ge=0, le=1e11, description="UTC, unix seconds")],
        until: Moment = None,
        banks: Banks = None,
    ) -> Response:
        """Return moments that are worth a look: scans, changes, control."""
        asked, then, end = self._banks(banks), self._as_it_was, until or time.time()
        key = ("moments", *asked, since, until)
        return await self._shared(key, lambda: then.moments(asked, since, end))

    async def areas(self) -> Response:
        """Return the areas of files that Banks serve."""
        banks, records = list(self.hub.array.urls), self._records

        async def ask() -> dict[str, Any]:
            areas, errors = await records.ask(banks, FILES, "areas")
            return {"areas": areas, "errors": errors}

        return await self._shared(("areas",), ask)

    async def listing(
        self, bank: Bank, area: Annotated[str, Path(max_length=200)], pattern: Text = "*"
    ) -> Response:
        """Return files and folders of an area: name, size (bytes, null: a folder), modified."""
        url, calls = self.hub.array.urls[self._known(bank)], self.hub.calls

        async def ask() -> Any:
            return await calls.call(url, FILES, "listing", (area, pattern), timeout=WITHIN_S)

        return await self._shared(("listing", bank, area, pattern), ask)

    async def file(self, request: Request, bank: Bank, name: str) -> Response:
        """Return a file of a Bank, AREA/PATH, whole or one range of it."""
        url = self.hub.array.urls[self._known(bank)]
        return await open_file(self.hub.calls, url, name, request.headers)

    def _known(self, bank: str) -> str:
        if bank not in self.hub.array.urls:
            raise HTTPException(
                404, f"no Bank {bank[:80]}; there are {', '.join(self.hub.array.urls)}"
            )
        return bank

    def _banks(self, banks: list[str] | None) -> list[str]:
        return [self._known(bank) for bank in banks] if banks else list(self.hub.array.urls)


def _told(value: Any) -> Response:
    return Response(write_json(value, MAX_ARRAY), media_type="application/json")
