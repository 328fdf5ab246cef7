"""Routes of alarms: what there is, and what people do about them. Acknowledging needs no more than
to look; a Player's alarms are its own: it is called for the person, and decides."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Response
from pydantic import Field

from dashboard.alarms import ABSENCE
from dashboard.changes import ChangeBody, ChangeRoutes, require_role
from dashboard.hub import ArrayHub
from groundwork.roles import Role
from player.alarms.book import MAX_SHELF_S, AlarmRefusedError
from player.alarms.served import ALARMS
from player.endpoints.http.protocol.sessions import Person
from player.endpoints.http.responses import json_response
from zmqjsonproxy import ProxyError

__all__ = ["AlarmRoutes"]

WITHIN_S = 10.0
MAX_ALARMS_AT_ONCE = 200
NOBODY = "somebody at the dashboard"
Name = Annotated[str, Field(min_length=1, max_length=80)]
Note = Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]


class MeantAlarm(ChangeBody):
    """An alarm that is meant, and the raising that was seen."""

    bank: Name
    name: Name
    number: int | None = None


MeantAlarms = Annotated[list[MeantAlarm], Field(min_length=1, max_length=MAX_ALARMS_AT_ONCE)]


class Acknowledged(ChangeBody):
    """Alarms that are to be acknowledged."""

    alarms: MeantAlarms
    note: Note = ""


class Shelved(ChangeBody):
    """Alarms that are to be shelved."""

    alarms: MeantAlarms
    seconds: Annotated[float, Field(gt=0, le=MAX_SHELF_S)]
    note: Note = ""


class Unshelved(ChangeBody):
    """Alarms that are to be taken from the shelf."""

    alarms: MeantAlarms


Act = Callable[[MeantAlarm], Coroutine[Any, Any, Any]]


class AlarmRoutes:
    """The routes.

    Attributes:
        hub: Of the array; set when it is there.
    """

    hub: ArrayHub

    def add_to(self, api: FastAPI, changes: ChangeRoutes) -> None:
        """Add them to an application."""
        api.add_api_route("/api/alarms", self.alarms)
        changes.add(api, "/api/alarms/acknowledge", Acknowledged, self.acknowledge, Role.OBSERVE)
        changes.add(api, "/api/alarms/shelve", Shelved, self.shelve, Role.OBSERVE)
        changes.add(api, "/api/alarms/unshelve", Unshelved, self.unshelve, Role.OBSERVE)

    async def alarms(self) -> Response:
        """Return all alarms that have something to tell."""
        return json_response({"time": time.time(), "alarms": self.hub.board.alarms.values})

    async def acknowledge(self, person: Person, asked: Acknowledged) -> Response:
        """Acknowledge alarms: others see who looks after them."""
        absences, by = self.hub.alarms, person.key or NOBODY

        def act(meant: MeantAlarm) -> Coroutine[Any, Any, Any]:
            if meant.name == ABSENCE:
                return absences.acknowledge(meant.bank, meant.number, by, asked.note)
            return self._call(person, "acknowledge", meant, note=asked.note, number=meant.number)

        return await self._each(asked.alarms, act)

    async def shelve(self, person: Person, asked: Shelved) -> Response:
        """Shelve alarms: they are not counted until the time is over."""
        _may_shelve(person)
        absences, by = self.hub.alarms, person.key or NOBODY

        def act(meant: MeantAlarm) -> Coroutine[Any, Any, Any]:
            if meant.name == ABSENCE:
                return absences.shelve(meant.bank, asked.seconds, by, asked.note)
            told = {"seconds": asked.seconds, "note": asked.note}
            return self._call(person, "shelve", meant, **told)

        return await self._each(asked.alarms, act)

    async def unshelve(self, person: Person, asked: Unshelved) -> Response:
        """Take alarms from the shelf."""
        _may_shelve(person)

        def act(meant: MeantAlarm) -> Coroutine[Any, Any, Any]:
            if meant.name == ABSENCE:
                return self.hub.alarms.unshelve(meant.bank, person.key or NOBODY)
            return self._call(person, "unshelve", meant)

        return await self._each(asked.alarms, act)

    async def _call(self, person: Person, method: str, meant: MeantAlarm, **kwargs: Any) -> None:
        url = self.hub.array.urls[meant.bank]
        told = {"name": meant.name, **kwargs}
        await self.hub.calls.call(
            url, ALARMS, method, (), told, timeout=WITHIN_S, token=person.token
        )

    async def _each(self, alarms: Sequence[MeantAlarm], act: Act) -> Response:
        """Do it to each alarm at once; the answer says of each why not, or nothing."""
        unknown = sorted({each.bank for each in alarms} - self.hub.states.keys())
        if unknown:
            raise HTTPException(404, f"no such Bank: {', '.join(unknown)[:200]}")

        async def done(meant: MeantAlarm) -> str:
            try:
                await act(meant)
            except (ProxyError, AlarmRefusedError) as error:
                return str(error)
            return ""

        outcomes = await asyncio.gather(*(done(each) for each in alarms))
        told = {
            f"{each.bank} {each.name}": text for each, text in zip(alarms, outcomes, strict=True)
        }
        return json_response({"outcomes": told})


def _may_shelve(person: Person) -> None:
    """Check that a person who logged in may shelve; HTTPException. Where nobody logs in, Players
    decide."""
    if person.key:
        require_role(person, Role.OPERATE)
