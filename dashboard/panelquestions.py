"""Route of the questions that panels of kinds ask their Banks: those that their PanelSet names, no others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Path, Query, Response

from dashboard.hub import ArrayHub
from player.endpoints.http.responses import json_response
from player.endpoints.http.sharedanswers import SharedAnswers
from player.panelsets import PanelSet
from zmqjsonproxy import RefusedError, RemoteError

__all__ = ["PanelQuestions"]

KEEP_S = 0.5
MAX_UNDER_WAY = 32
WITHIN_S = 10.0


class PanelQuestions:
    """The route.

    Args:
        panels: Kind of Banks -> its panels.

    Attributes:
        hub: Of the array; set when it is there.
    """

    hub: ArrayHub

    def __init__(self, panels: Mapping[str, PanelSet]) -> None:
        self._panels = panels
        self._answers = SharedAnswers(MAX_UNDER_WAY)

    def add_to(self, api: FastAPI) -> None:
        """Add it to an application."""
        api.add_api_route("/api/panels/{bank}", self.answer)

    async def answer(
        self,
        bank: Annotated[str, Path(min_length=1, max_length=200)],
        query: Annotated[str, Query(max_length=200, description="OBJECT.METHOD")],
        args: Annotated[str, Query(max_length=4000, description="JSON, a list")] = "[]",
    ) -> Response:
        """Return what a method of a Bank answers that changes nothing, of those that its panels use."""
        urls = self.hub.array.urls
        if bank not in urls:
            raise HTTPException(404, f"no Bank {bank[:80]}; there are {', '.join(urls)}")
        panels = self._panels.get(self.hub.states[bank].kind)
        if panels is None or query not in panels.queries:
            raise HTTPException(403, f"no panel of {bank} asks for {query[:80]}")
        given = _read(args)
        name, _, method = query.rpartition(".")

        async def ask() -> dict[str, Any]:
            calls = self.hub.calls
            try:
                answer = await calls.call(urls[bank], name, method, given, timeout=WITHIN_S)
            except (RefusedError, RemoteError) as error:
                return {"answer": None, "refused": str(error)}
            return {"answer": answer, "refused": ""}

        return json_response(await self._answers.get((bank, query, args), ask, KEEP_S))


def _read(text: str) -> list[Any]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"args is no JSON: {error}") from error
    if not isinstance(given, list):
        raise HTTPException(400, f"args is {text[:80]!r}; expected a list")
    return given
