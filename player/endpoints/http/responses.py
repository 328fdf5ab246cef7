"""Responses: JSON, and errors, each of which is a sentence."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from player.endpoints.http.logins import NotProvedError
from player.endpoints.http.protocol.texts import write_json
from player.endpoints.http.sharedanswers import TooManyQuestionsError
from player.endpoints.http.viewers import TooManyViewersError
from zmqjsonproxy import NoSuchInterfaceError, NoSuchMethodError, ProxyError, RefusedError

__all__ = ["json_response", "tell_errors"]


def json_response(value: Any, status: int = 200) -> Response:
    """Return a value as JSON that JavaScript does not alter."""
    return Response(write_json(value), status, media_type="application/json")


def tell_errors(api: FastAPI) -> None:
    """Have an application answer errors with their sentences, `{"detail": "..."}`."""
    api.add_exception_handler(HTTPException, _told)
    api.add_exception_handler(RequestValidationError, _misused)
    api.add_exception_handler(ProxyError, _not_answered)
    api.add_exception_handler(TooManyQuestionsError, _too_many)
    api.add_exception_handler(TooManyViewersError, _too_many)
    api.add_exception_handler(NotProvedError, _not_proved)


async def _told(_request: Any, error: Any) -> Response:
    is_unknown = error.status_code == 404 and error.detail == "Not Found"
    detail = (
        "nothing is at this address; / names those that there are" if is_unknown else error.detail
    )
    response = json_response({"detail": detail}, error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _misused(_request: Any, error: Any) -> Response:
    told = "; ".join(
        f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors()
    )
    return json_response({"detail": told}, 400)


async def _not_answered(_request: Any, error: Any) -> Response:
    is_missing = isinstance(error, RefusedError | NoSuchInterfaceError | NoSuchMethodError)
    return json_response({"detail": str(error)}, 404 if is_missing else 503)


async def _not_proved(_request: Any, error: Any) -> Response:
    response = json_response({"detail": error.why}, error.status)
    response.headers.update(error.headers)
    return response


async def _too_many(_request: Any, error: Any) -> Response:
    response = json_response({"detail": str(error)}, 503)
    response.headers["retry-after"] = "5"
    return response
