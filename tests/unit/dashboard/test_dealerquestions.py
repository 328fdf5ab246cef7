"""Questions that commands answer too: what waits for Players keeps nothing else waiting."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import Request

from dashboard import dealerquestions
from dashboard.config import Array
from dashboard.dealerquestions import DealerQuestions
from dashboard.hub import ArrayHub
from groundwork.beside import beside

WITHIN_S = 60.0


def test_questions_to_silent_players_take_no_thread_from_disks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, answered = threading.Event(), threading.Event()

    def wait(*_question: Any) -> None:
        asked.set()
        assert answered.wait(WITHIN_S)
        raise LookupError("nobody answers")

    monkeypatch.setattr(dealerquestions, "ask_handover", wait)

    async def work() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        questions, request = DealerQuestions(), Request({"type": "http"})
        async with (
            asyncio.timeout(WITHIN_S / 2),
            ArrayHub(Array(urls={}), None) as hub,
            questions.answering(hub),
        ):
            asking = asyncio.create_task(questions.handover(request, 1.0, 2.0))
            try:
                while not asked.is_set():
                    await asyncio.sleep(0)
                assert await beside(lambda: "written") == "written"
            finally:
                answered.set()
            with pytest.raises(LookupError):
                await asking

    asyncio.run(work())
