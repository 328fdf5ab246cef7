"""Requests that change something: whose they are, what role they need, their bodies."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError

from groundwork.roles import Role
from player.endpoints.http.bodies import read_body
from player.endpoints.http.guard import PERSON
from player.endpoints.http.protocol.sessions import Person

__all__ = ["MAX_BODY_BYTES", "ChangeBody", "ChangeRoutes", "require_role", "who"]

MAX_BODY_BYTES = 65_536
ONLY_LOOKS = (
    "this dashboard only looks: it was started without --control. Use the command `dealer`, or a "
    "dashboard with --control"
)


class ChangeBody(BaseModel):
    """Body of a request; members that it does not know are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


B = TypeVar("B", bound=ChangeBody)
Change = Callable[[Person, B], Coroutine[Any, Any, Response]]


class ChangeRoutes:
    """Routes that change something.

    Args:
        nobody: Role of those who ask where nobody has to log in.

    Attributes:
        paths: Of these routes, for the guard: nothing else takes POST.
    """

    def __init__(self, nobody: Role) -> None:
        self._nobody, self.paths = nobody, set[str]()

    def person(self, request: Request) -> Person:
        """Return who asks; the key is empty where nobody has to log in."""
        return who(request, self._nobody)

    def add(self, api: FastAPI, path: str, model: type[B], change: Change[B], needs: Role) -> None:
        """Add a route.

        Args:
            api: Gets it.
            path: Of the route.
            model: Of its body.
            change: Carries it out; its documentation is that of the route.
            needs: Role without which it is refused.
        """

        async def answer(request: Request) -> Response:
            person = self.person(request)
            require_role(person, needs)
            return await change(person, _read(model, await read_body(request, MAX_BODY_BYTES)))

        schema = {"application/json": {"schema": model.model_json_schema()}}
        api.add_api_route(
            path,
            answer,
            methods=["POST"],
            summary=(change.__doc__ or "").partition("\n\n")[0],
            operation_id=path.strip("/").replace("/", "_"),
            openapi_extra={"requestBody": {"required": True, "content": schema}},
        )
        self.paths.add(path)

    def refuse(self, api: FastAPI, path: str) -> None:
        """Add the sentence that a path takes nothing here."""

        async def answer() -> Response:
            raise HTTPException(403, ONLY_LOOKS)

        api.add_api_route(path, answer, methods=["POST"], include_in_schema=False)
        self.paths.add(path)


def who(request: Request, nobody: Role) -> Person:
    """Return who asks; where nobody has to say so, somebody without a name, and with a role."""
    person: Person | None = request.scope.get(PERSON)
    return Person(key="", role=nobody, token="") if person is None else person


def require_role(person: Person, needs: Role) -> None:
    """Check a person's role.

    Raises:
        HTTPException: It is not enough; says what to do.
    """
    if person.role >= needs:
        return
    why = f"the role {needs} is needed, and "
    if person.is_lowered:
        why += (
            f"this session of key {person.key!r} has {person.role} only, for it was idle for long; "
            "log in again"
        )
    else:
        why += (
            f"key {person.key!r} has {person.role}; ask an administrator for a key with that role"
        )
    raise HTTPException(403, why)


def _read(model: type[B], body: bytes) -> B:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        faults = (
            f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}"
            for each in error.errors(include_url=False, include_input=False, include_context=False)
        )
        raise HTTPException(400, "; ".join(list(faults)[:10])) from error
