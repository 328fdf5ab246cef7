"""Answers that several who ask the same share."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from player.endpoints.http.sharedanswers import SharedAnswers, TooManyQuestionsError


class Asker:
    """Answers with the number of the question, once it may."""

    def __init__(self) -> None:
        self.count = 0
        self.may = asyncio.Event()

    async def ask(self) -> int:
        self.count += 1
        number = self.count
        await self.may.wait()
        return number


def test_what_is_asked_at_the_same_time_is_asked_once() -> None:
    async def run() -> list[Any]:
        answers, asker = SharedAnswers(4), Asker()
        waiting = [asyncio.create_task(answers.get("key", asker.ask, 0.5)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()  # others wait on
        asker.may.set()
        return [await one for one in waiting[1:]]

    assert asyncio.run(run()) == [1, 1]


def test_an_answer_serves_for_a_while_and_is_forgotten_then() -> None:
    now = 0.0

    async def run() -> list[Any]:
        nonlocal now
        answers, asker = SharedAnswers(4, clock=lambda: now), Asker()
        asker.may.set()
        found = [await answers.get("key", asker.ask, 0.5)]
        now = 0.4
        found.append(await answers.get("key", asker.ask, 0.5))
        now = 0.6
        found.append(await answers.get("other", asker.ask, 0.5))
        assert list(answers._asked) == ["other"]
        found.append(await answers.get("key", asker.ask, 0.5))
        return found

    assert asyncio.run(run()) == [1, 1, 2, 3]


def test_no_more_is_asked_at_a_time_than_may_be() -> None:
    async def run() -> None:
        answers, asker = SharedAnswers(2), Asker()
        waiting = [asyncio.create_task(answers.get(key, asker.ask, 0.5)) for key in "ab"]
        await asyncio.sleep(0)
        with pytest.raises(TooManyQuestionsError, match="2 questions"):
            await answers.get("c", asker.ask, 0.5)
        asker.may.set()
        assert await waiting[0] == 1
        assert await waiting[1] == 2
        assert await answers.get("c", asker.ask, 0.5) == 3

    asyncio.run(run())


def test_an_error_reaches_all_who_asked() -> None:
    async def fail() -> None:
        raise ValueError("no")

    async def run() -> list[Any]:
        answers = SharedAnswers(2)
        asked = (answers.get("key", fail, 0.5) for _ in range(2))
        return await asyncio.gather(*asked, return_exceptions=True)

    assert [str(error) for error in asyncio.run(run())] == ["no", "no"]
