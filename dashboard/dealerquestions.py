"""Routes of questions that commands of `dealer` answer too, with the same answers: why a Bank is not ready,
differences, the hand-over sheet. The Dealer's own code asks, in a thread beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Literal, TypeVar

from fastapi import FastAPI, HTTPException, Path, Query, Request, Response

from dashboard.hub import ArrayHub
from dashboard.protocol.liveness import LivenessState
from dashboard.whyquestion import why_question
from dealer.differences import HeldValue, disagreements
from dealer.diffstates import WORD_FORM, Comparison, StateError, compare, read_word
from dealer.handover import ask_handover
from dealer.lastframes import last_pictures
from dealer.services import Services
from dealer.sheetpictures import SheetPicture
from dealer.sheettext import html_sheet, markdown_sheet
from dealer.shiftsheet import ShiftSheet
from dealer.why import ArrayQuestion, ask_why
from player.endpoints.http.guard import PERSON
from player.endpoints.http.protocol.sessions import Person
from player.endpoints.http.responses import json_response
from player.endpoints.http.sharedanswers import SharedAnswers
from zmqjsonproxy import CallTimeoutError, PeerLostError, ThreadHub

__all__ = ["DealerQuestions"]

KEEP_S = 1.0
MAX_UNDER_WAY = 8
"""Each has a thread while it is under way."""
WITHIN_S, RECORDS_WITHIN_S = 3.0, 10.0
SHIFT_S = 8 * 3600.0
_FORMS = {
    "markdown": ("md", "text/markdown"),
    "html": ("html", "text/html"),
}
"""Form of a sheet -> suffix of its file, media type."""

T = TypeVar("T")
Bank = Annotated[str, Path(min_length=1, max_length=200)]
Moment = Annotated[float | None, Query(ge=0, le=1e11, description="UTC, unix seconds")]
Word = Annotated[str, Query(max_length=250, description=f"a state: {WORD_FORM}")]


class DealerQuestions:
    """The routes."""

    _hub: ArrayHub
    _calls: ThreadHub
    _threads: ThreadPoolExecutor

    def __init__(self) -> None:
        self._answers = SharedAnswers(MAX_UNDER_WAY)

    def add_to(self, api: FastAPI) -> None:
        """Add them to an application."""
        api.add_api_route("/api/why/{bank}", self.why)
        api.add_api_route("/api/diff", self.diff)
        api.add_api_route("/api/differences", self.differences)
        api.add_api_route("/api/handover", self.handover)

    @contextlib.asynccontextmanager
    async def answering(self, hub: ArrayHub) -> AsyncIterator[None]:
        """Answer within this block, about an array."""
        self._hub, keys = hub, hub.keys
        # of their own: whoever waits for Players that are silent takes no thread from disks
        self._threads = ThreadPoolExecutor(MAX_UNDER_WAY, "question")
        try:
            with ThreadHub(resolvers=Services(keys).resolvers, keys=keys) as self._calls:
                yield
        finally:
            await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    async def _answer(self, key: Hashable, ask: Callable[[ThreadHub], T]) -> T:
        """Answer a question; several who ask the same thing share it."""

        async def asked() -> T:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, ask, self._calls)

        found: T = await self._answers.get(key, asked, KEEP_S)
        return found

    async def why(self, request: Request, bank: Bank) -> Response:
        """Return why a Bank is not ready: the chain from the symptom to the first cause."""
        state = self._hub.states[self._known(bank)]
        person: Person | None = request.scope.get(PERSON)
        is_ours = person is not None and state.controlled_by == person.key
        question = why_question(self._hub, bank, is_ours=is_ours)
        found = await self._answer(("why", bank, is_ours), lambda calls: ask_why(calls, question))
        return json_response(found[bank].describe())

    async def diff(self, left: Word, right: Word = "") -> Response:
        """Return on what two states differ, and the calls that made it so."""
        now, urls = time.time(), self._hub.array.urls
        try:
            one = read_word(left, self._known, now)
            words = one, read_word(right or one.bank, self._known, now)
        except StateError as error:
            raise HTTPException(400, str(error)) from error

        def ask(calls: ThreadHub) -> Comparison:
            return compare(calls, urls, words, now, WITHIN_S)

        try:
            found = await self._answer(("diff", left, right), ask)
        except StateError as error:
            is_silent = isinstance(error.__cause__, PeerLostError | CallTimeoutError)
            raise HTTPException(503 if is_silent else 400, str(error)) from error
        return json_response(found.describe())

    async def differences(self) -> Response:
        """Return on what Banks of one kind disagree now that answer and are in the same mode."""
        groups: dict[tuple[str, str], dict[str, dict[str, HeldValue]]] = {}
        for bank, state in self._hub.states.items():
            if state.liveness.state is LivenessState.LIVE:
                group = (state.kind, str(state.overview.get("mode")))
                groups.setdefault(group, {})[bank] = state.settings()
        now = time.time()
        found = [
            {"key": key, "values": told}
            for banks in groups.values()
            for key, told in disagreements(banks, now).items()
        ]
        return json_response({"time": now, "differences": found})

    async def handover(
        self,
        request: Request,
        since: Moment = None,
        until: Moment = None,
        form: Literal["json", "markdown", "html"] = "json",
    ) -> Response:
        """Return the hand-over sheet of a shift, by default of the last 8 h; Markdown and HTML as files."""
        array, end = self._hub.array, time.time() if until is None else until
        begin = end - SHIFT_S if since is None else since
        if begin >= end:
            raise HTTPException(400, "since is not before until")
        title = array.site.name or array.telescope
        question = ArrayQuestion(
            urls=array.urls, installation=array.installation, timeout=RECORDS_WITHIN_S
        )

        def ask(calls: ThreadHub) -> ShiftSheet:
            return ask_handover(calls, question, begin, end, title)

        sheet = await self._answer(("handover", since, until), ask)
        if form == "json":
            return json_response(sheet.describe())
        suffix, kind = _FORMS[form]
        page = str(request.base_url).rstrip("/") + array.site.prefix
        if form == "html":

            def look(calls: ThreadHub) -> list[SheetPicture] | None:
                return last_pictures(calls, array.urls, self._hub.keys, end)

            text = html_sheet(sheet, page, await self._answer(("pictures", until), look))
        else:
            text = markdown_sheet(sheet, page)
        name = f"handover-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(end))}.{suffix}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(text, media_type=f"{kind}; charset=utf-8", headers=headers)

    def _known(self, bank: str) -> str:
        if bank not in self._hub.array.urls:
            known = ", ".join(self._hub.array.urls)
            raise HTTPException(404, f"no Bank {bank[:80]}; there are {known}")
        return bank
