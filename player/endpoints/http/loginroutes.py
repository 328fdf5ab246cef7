"""Routes on which people log in and out, for a Player's page and a dashboard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from groundwork.values import JsonObject
from player.endpoints.http.guard import LOGIN, PERSON
from player.endpoints.http.logins import Logins
from player.endpoints.http.protocol.credentials import read_bearer, read_login
from player.endpoints.http.protocol.sessions import Person
from player.endpoints.http.responses import json_response

__all__ = ["LOGOUT", "LoginRoutes"]

log = logging.getLogger(__name__)

LOGOUT = "/logout"
_MAX_LOGIN_BYTES, _LOGIN_WITHIN_S = 4096, 10.0


class LoginRoutes:
    """Login, logout, and who asks.

    Args:
        logins: Prove who somebody is.
        page: Returns the page with the form.
    """

    def __init__(self, logins: Logins, page: Callable[[Request], Response]) -> None:
        self._logins, self._page = logins, page

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
            token = read_bearer(headers) or read_login(await _body(request))
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        peer = request.client.host if request.client else ""
        login = self._logins.log_in(token, peer)
        log.info("%s logged in as %s, from %s", login.person.key, login.person.role, peer)
        response = json_response(_told_of(login.person))
        response.headers["set-cookie"] = login.cookie
        return response

    async def log_out(self, request: Request) -> Response:
        """End the session, and the streams in it."""
        person: Person = request.scope[PERSON]
        response = json_response({"status": "logged out"})
        response.headers["set-cookie"] = self._logins.log_out(person)
        return response

    async def session(self, request: Request) -> Response:
        """Return who asks: name of the key, role."""
        return json_response(_told_of(request.scope[PERSON]))


def _told_of(person: Person) -> JsonObject:
    return {"key": person.key, "role": str(person.role)}


async def _body(request: Request) -> bytes:
    """Return the body of a login; HTTPException: it is too long, or does not come."""
    body = bytearray()
    try:
        async with asyncio.timeout(_LOGIN_WITHIN_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MAX_LOGIN_BYTES:
                    raise HTTPException(413, f"a login has at most {_MAX_LOGIN_BYTES} bytes")
    except TimeoutError as error:
        raise HTTPException(408, f"no login came within {_LOGIN_WITHIN_S:g} s") from error
    return bytes(body)
