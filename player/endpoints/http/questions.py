"""Questions to the Player on behalf of any number of viewers: the same one of a person is asked
once, and its answer serves all viewers of that person for half a second; those whom nobody knows are
one. Knows no HTTP."""

from __future__ import annotations

import time
from typing import Any

from groundwork.values import JsonObject
from player.endpoints.http.sharedanswers import SharedAnswers
from zmqjsonproxy import AsyncHub, ProxyError
from zmqjsonproxy.channels.declarations import CANNOT_BE_READ
from zmqjsonproxy.channels.protocol.patterns import matches

__all__ = ["Questions"]

KEEP_S = 0.5
OBJECTS_KEEP_S = 10.0
_WITHIN_S = 5.0
_MAX_IN_FLIGHT = 16


class Questions:
    """Questions to a Player, over its own endpoint for calls.

    Args:
        hub: Makes the calls.
        url: Of the Player.
    """

    def __init__(self, hub: AsyncHub, url: str) -> None:
        self._hub, self._url = hub, url
        self._answers = SharedAnswers(_MAX_IN_FLIGHT)

    async def ask(self, object_name: str, method: str, *args: str, token: str = "") -> Any:
        """Call a query.

        Args:
            object_name: Exposed object.
            method: The query.
            *args: Its arguments.
            token: Of the person it is called for, by which the Player decides; empty: of nobody.

        Raises:
            TooManyQuestionsError: Too many different questions are under way.
            ProxyError: As of any call.
        """
        return await self._once((token, object_name, method, *args), KEEP_S)

    async def objects(self) -> list[str]:
        """Return the names of the objects that publish something."""
        found: list[str] = await self._once(("",), OBJECTS_KEEP_S)
        return found

    async def properties(
        self, object_name: str, pattern: str = "*", *, token: str = ""
    ) -> list[JsonObject]:
        """Return the properties of an object whose names a pattern means: what `list_properties`
        tells, with `value` and `age`, s, of those that have them; `problem`: why there is no value.

        Frames of pipes are left out: `value` is for one.
        """
        told = [
            dict(one)
            for one in await self.ask(object_name, "list_properties", token=token)
            if matches(pattern, one["name"])
        ]
        values, problem = {}, ""
        try:
            values = await self.ask(object_name, "get_properties", token=token)
        except ProxyError as error:
            problem = str(error)
        unread = values.get(CANNOT_BE_READ, {})
        now = time.time()
        for one in told:
            if one["kind"] != "result":
                continue
            if problem or one["name"] in unread:
                one["problem"] = problem or unread[one["name"]]["reason"]
            else:
                one["value"] = values.get(one["name"])
            if "time" in one:
                one["age"] = max(now - one["time"], 0.0)
        return told

    async def value(self, object_name: str, name: str, *, token: str = "") -> JsonObject:
        """Return one property with its value, as `properties`; RefusedError: there is none of the
        name."""
        values = await self.ask(object_name, "get_properties", name, token=token)
        (told,) = await self.properties(object_name, name, token=token) or [{"name": name}]
        return {**told, "value": values[name]}

    async def _once(self, key: tuple[str, ...], keep: float) -> Any:
        return await self._answers.get(key, lambda: self._answer(key), keep)

    async def _answer(self, key: tuple[str, ...]) -> Any:
        if key == ("",):
            return await self._publishing_objects()
        token, object_name, method, *args = key
        return await self._hub.call(
            self._url, object_name, method, args, timeout=_WITHIN_S, token=token
        )

    async def _publishing_objects(self) -> list[str]:
        bank = await self._hub.describe(self._url, "bank", _WITHIN_S)
        names = bank.objects or ("bank",)
        described = [await self._hub.describe(self._url, name, _WITHIN_S) for name in names]
        pairs = zip(names, described, strict=True)
        return [name for name, each in pairs if "list_properties" in each.methods]
