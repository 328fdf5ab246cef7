"""Answers that several who ask the same thing share: what is under way is not asked again, and its
answer serves for a while. For one event loop; knows neither HTTP nor Players."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any

__all__ = ["SharedAnswers", "TooManyQuestionsError"]

_MAX_KEPT = 256


class TooManyQuestionsError(Exception):
    """Error: so many different questions are under way that no further one is asked."""


@dataclass(slots=True)
class _Asked:
    """A question.

    Attributes:
        task: Asks it.
        until: Its answer serves so long, s, monotonic.
    """

    task: asyncio.Task[Any]
    until: float


class SharedAnswers:
    """Questions that were asked, and their answers.

    Args:
        most: Different ones under way.
        clock: Monotonic, s.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._asked: OrderedDict[Hashable, _Asked] = OrderedDict()

    async def get(
        self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, Any]], keep: float
    ) -> Any:
        """Return the answer to a question.

        Args:
            key: Of the question.
            ask: Asks it.
            keep: So long an answer serves, from when it was asked for, s.

        Raises:
            TooManyQuestionsError: Too many different questions are under way.
        """
        now = self._clock()
        asked = self._asked.get(key)
        if asked is None or (asked.task.done() and now > asked.until):
            self._forget(now)
            under_way = sum(not each.task.done() for each in self._asked.values())
            if under_way >= self._most:
                raise TooManyQuestionsError(
                    f"{under_way} questions to Players are under way; ask again in a while"
                )
            task = asyncio.get_running_loop().create_task(ask())
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            asked = self._asked[key] = _Asked(task, now + keep)
        return await asyncio.shield(asked.task)

    def _forget(self, now: float) -> None:
        """Forget answers that serve no more; they may be large."""
        for key, asked in list(self._asked.items()):
            if asked.task.done() and now > asked.until:
                del self._asked[key]
        while len(self._asked) >= _MAX_KEPT:
            self._asked.popitem(last=False)
