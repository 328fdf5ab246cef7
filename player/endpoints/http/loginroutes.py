"""Routes on which people log in and out, for a Player's page and a dashboard."""

from __future__ import annotations

import logging
from collections.abc import Callable

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from groundwork.values import JsonObject
from player.endpoints.http.bodies import read_body
from player.endpoints.http.guard import LOGIN, PERSON, address_of
from player.endpoints.http.logins import Logins
from player.endpoints.http.protocol.credentials import read_bearer, read_login
from player.endpoints.http.protocol.sessions import Person
from player.endpoints.http.responses import json_response

__all__ = ["LOGOUT", "LoginRoutes"]

log = logging.getLogger(__name__)

LOGOUT = "/logout"
_MAX_LOGIN_BYTES = 4096


def _told_of(person: Person) -> JsonObject:
    return {"key": person.key, "role": str(person.role)}


class LoginRoutes:
    """Login, logout, and who asks.

    Args:
        logins: Prove who somebody is.
        page: Returns the page with the form.
        told: Returns what is told of who asks.
    """

    def __init__(
        self,
        logins: Logins,
        page: Callable[[Request], Response],
        told: Callable[[Person], JsonObject] = _told_of,
    ) -> None:
        self._logins, self._page, self._told = logins, page, told

    def add_to(self, api: FastAPI) -> None:
        """Add them to an application."""
        api.add_api_route(LOGIN, self.login_page, response_class=HTMLResponse)
        api.add_api_route(LOGIN, self.log_in, methods=["POST"])
        api.add_api_route(LOGOUT, self.log_out, methods=["POST"])
        api.add_api_route("/api/session", self.session)

    async def login_page(self, request: Request) -> Response:
        """Return the page on which a person logs in."""
        return self._page(request)

    async def log_in(self, request: Request) -> Response:
        """Begin a session: the token of a key, as JSON, `{"token": "..."}`, or in the header
        `Authorization`, is answered with a cookie."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            token = read_bearer(headers) or read_login(await read_body(request, _MAX_LOGIN_BYTES))
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        peer, is_secure = address_of(request.scope), request.scope["scheme"] == "https"
        login = self._logins.log_in(token, peer, is_secure=is_secure)
        log.info("%s logged in as %s, from %s", login.person.key, login.person.role, peer)
        response = json_response(self._told(login.person))
        response.headers["set-cookie"] = login.cookie
        return response

    async def log_out(self, request: Request) -> Response:
        """End the session, and the streams in it."""
        person: Person = request.scope[PERSON]
        response = json_response({"status": "logged out"})
        is_secure = request.scope["scheme"] == "https"
        response.headers["set-cookie"] = self._logins.log_out(person, is_secure=is_secure)
        return response

    async def session(self, request: Request) -> Response:
        """Return who asks: name of the key, role."""
        return json_response(self._told(request.scope[PERSON]))
