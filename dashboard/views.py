"""Saved views: addresses of pages under names, for all who look."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import FastAPI, HTTPException, Response
from pydantic import AfterValidator, Field

from dashboard.changes import ChangeBody, ChangeRoutes
from dashboard.store import Store
from groundwork.roles import Role
from groundwork.values import JsonObject
from player.endpoints.http.protocol.sessions import Person
from player.endpoints.http.responses import json_response

__all__ = ["TABLE", "Views"]

TABLE = (
    "CREATE TABLE IF NOT EXISTS views (name TEXT PRIMARY KEY, address TEXT NOT NULL,"
    " by TEXT NOT NULL, time REAL NOT NULL) WITHOUT ROWID"
)
MAX_VIEWS, MAX_OF_PERSON = 500, 100
_ALL = "SELECT name, address, by, time FROM views ORDER BY name"
_PUT = (
    "INSERT INTO views VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
    " SET address = excluded.address, by = excluded.by, time = excluded.time"
)


def _readable(name: str) -> str:
    if not name.isprintable() or not name.strip():
        raise ValueError("a name is one line that can be read, without control characters")
    return name


Name = Annotated[str, Field(min_length=1, max_length=80)]
NewName = Annotated[Name, AfterValidator(_readable)]


class SavedView(ChangeBody):
    """A view that is to be saved."""

    name: NewName
    address: Annotated[str, Field(max_length=4000)]


class RemovedView(ChangeBody):
    """A view that is to be removed."""

    name: Name


class Views:
    """The routes.

    Args:
        is_page: Tells whether a path is that of a page.
        clock: UTC, unix seconds.

    Attributes:
        store: Keeps them; set when it is there.
    """

    store: Store

    def __init__(
        self, is_page: Callable[[str], bool], clock: Callable[[], float] = time.time
    ) -> None:
        self._is_page, self._clock = is_page, clock

    def add_to(self, api: FastAPI, changes: ChangeRoutes) -> None:
        """Add them to an application."""
        api.add_api_route("/api/views", self.views)
        changes.add(api, "/api/views", SavedView, self.save, Role.OBSERVE)
        changes.add(api, "/api/views/remove", RemovedView, self.remove, Role.OBSERVE)

    async def views(self) -> Response:
        """Return all saved views."""
        return json_response({"views": await self.store.ask(_all)})

    async def save(self, person: Person, view: SavedView) -> Response:
        """Save a view under a name, or replace one of one's own."""
        if not self._is_own(view.address):
            raise HTTPException(400, f"{view.address[:80]!r} is the address of no page here")

        def put(connection: sqlite3.Connection) -> list[JsonObject]:
            by = _maker(connection, view.name)
            if by is None:
                _check_room(connection, person.key)
            _check_maker(person, view.name, by)
            connection.execute(_PUT, (view.name, view.address, person.key, self._clock()))
            return _all(connection)

        return json_response({"views": await self._written(put)})

    def _is_own(self, address: str) -> bool:
        """Tell whether an address is that of a page here."""
        try:
            parts = urlsplit(address)
        except ValueError:  # half of an address with brackets
            return False
        is_here = not parts.scheme and not parts.netloc and self._is_page(parts.path)
        return is_here and address.isprintable()

    async def remove(self, person: Person, view: RemovedView) -> Response:
        """Remove a view of one's own."""

        def take(connection: sqlite3.Connection) -> list[JsonObject]:
            by = _maker(connection, view.name)
            if by is None:
                raise HTTPException(404, f"no view is called {view.name!r}")
            _check_maker(person, view.name, by)
            connection.execute("DELETE FROM views WHERE name = ?", (view.name,))
            return _all(connection)

        return json_response({"views": await self._written(take)})

    async def _written(self, work: Callable[[sqlite3.Connection], list[JsonObject]]) -> Any:
        """Change what is saved; HTTPException: it cannot be, for a disk is full, or the like."""
        try:
            return await self.store.ask(work)
        except sqlite3.Error as error:
            why = f"the view was not changed, for the file of views cannot be written: {error}"
            raise HTTPException(503, why) from error


def _all(connection: sqlite3.Connection) -> list[JsonObject]:
    return [dict(row) for row in connection.execute(_ALL)]


def _maker(connection: sqlite3.Connection, name: str) -> str | None:
    row = connection.execute("SELECT by FROM views WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row["by"])


def _check_room(connection: sqlite3.Connection, by: str) -> None:
    """Check that one person may save one more; HTTPException. Nobody takes the room of all."""
    count, own = connection.execute(
        "SELECT count(*), coalesce(sum(by = ?), 0) FROM views", (by,)
    ).fetchone()
    if count >= MAX_VIEWS:
        raise HTTPException(403, f"{MAX_VIEWS} views are saved: remove one")
    if by and own >= MAX_OF_PERSON:
        raise HTTPException(403, f"{own} views of yours are saved, and no more may be: remove one")


def _check_maker(person: Person, name: str, by: str | None) -> None:
    if by not in (None, person.key) and person.role < Role.ADMIN:
        raise HTTPException(403, f"{by or 'somebody'} saved the view {name!r}: take another name")
