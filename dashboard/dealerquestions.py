"""Routes of questions that commands of `dealer` answer too, with the same answers: why a Bank is not ready,
differences, the hand-over sheet. The Dealer's own code asks, in a thread beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Hashable
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Path, Query, Request, Response

from dashboard.hub import ArrayHub
from dashboard.protocol.liveness import LivenessState
from dealer.diffstates import WORD_FORM, StateError, compare, read_word
from dealer.services import Services
from dealer.why import ArrayQuestion, ask_why
from player.endpoints.http.guard import PERSON
from player.endpoints.http.protocol.sessions import Person
from player.endpoints.http.responses import json_response
from player.endpoints.http.sharedanswers import SharedAnswers
from zmqjsonproxy import ThreadHub

__all__ = ["DealerQuestions"]

KEEP_S = 1.0
UNDER_WAY_MOST = 8
"""Each has a thread while it is under way."""
WITHIN_S = 3.0

Bank = Annotated[str, Path(min_length=1, max_length=200)]
Word = Annotated[str, Query(max_length=250, description=f"a state: {WORD_FORM}")]


class DealerQuestions:
    """The routes.

    Attributes:
        hub: Of the array; set when it is there.
    """

    hub: ArrayHub
    _calls: ThreadHub

    def __init__(self) -> None:
        self._answers = SharedAnswers(UNDER_WAY_MOST)

    def add_to(self, api: FastAPI) -> None:
        """Add them to an application."""
        api.add_api_route("/api/why/{bank}", self.why)
        api.add_api_route("/api/diff", self.diff)

    @contextlib.asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """Answer within this block."""
        keys = self.hub.keys
        with ThreadHub(locators=Services(keys).locators, keys=keys) as self._calls:
            yield

    async def _ask(self, key: Hashable, ask: Callable[[ThreadHub], Any]) -> Response:
        """Answer a question; several who ask the same thing share it."""
        calls = self._calls
        found = await self._answers.get(key, lambda: asyncio.to_thread(ask, calls), KEEP_S)
        return json_response(found)

    async def why(self, request: Request, bank: Bank) -> Response:
        """Return why a Bank is not ready: the chain from the symptom to the first cause."""
        array, state = self.hub.array, self.hub.states[self._known(bank)]
        person: Person | None = request.scope.get(PERSON)
        is_ours = person is not None and state.controlled_by == person.key
        liveness, silent = state.liveness, (LivenessState.STALE, LivenessState.LOST)
        question = ArrayQuestion(
            urls={bank: array.urls[bank]},
            installation=array.installation,
            timeout=WITHIN_S,
            ours=(bank,) if is_ours else (),
            silent_since={bank: liveness.since} if liveness.state in silent else {},
        )
        return await self._ask(
            ("why", bank, is_ours), lambda calls: ask_why(calls, question)[bank].describe()
        )

    async def diff(self, left: Word, right: Word = "") -> Response:
        """Return on what two states differ, and the calls that made it so."""
        now, urls = time.time(), self.hub.array.urls
        try:
            one = read_word(left, self._known, now)
            words = one, read_word(right or one.bank, self._known, now)
        except StateError as error:
            raise HTTPException(400, str(error)) from error

        def ask(calls: ThreadHub) -> Any:
            try:
                return compare(calls, urls, words, now, WITHIN_S).describe()
            except StateError as error:
                raise HTTPException(400, str(error)) from error

        return await self._ask(("diff", left, right), ask)

    def _known(self, bank: str) -> str:
        if bank not in self.hub.array.urls:
            known = ", ".join(self.hub.array.urls)
            raise HTTPException(404, f"no Bank {bank[:80]}; there are {known}")
        return bank
