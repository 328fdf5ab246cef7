"""Book of acts: those that go on, and the last that have ended. No sockets; one event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Any

from dashboard.acts.act import Act, OutcomeState
from dashboard.protocol.topics import KeyTopic

__all__ = ["ActBook", "TooManyActsError"]

MAX_RUNNING, MAX_OF_PERSON, MAX_ACTS = 20, 50, 200
DONE_KEPT_S = 3600.0


class TooManyActsError(Exception):
    """Error: a person has begun as much at once as may be."""


class ActBook:
    """Acts.

    Args:
        topic: Gets what all viewers are told.
        clock: UTC, unix seconds.
    """

    def __init__(self, topic: KeyTopic, clock: Callable[[], float] = time.time) -> None:
        self._topic, self._clock, self._count = topic, clock, 0
        self._acts: dict[str, Act] = {}
        self._ends: dict[str, asyncio.Event] = {}

    def begin(self, by: str, verb: str, text: str, banks: Collection[str], **more: Any) -> Act:
        """Begin an act.

        Args:
            by: Name of the person's key.
            verb: What it is.
            text: The same in words.
            banks: Where.
            **more: Further attributes.

        Raises:
            TooManyActsError: Too many acts of this person go on.
        """
        running = sum(act.ended is None for act in self.of(by))
        if running >= MAX_RUNNING:
            raise TooManyActsError(
                f"{running} acts of yours go on, and no more may: wait until one has ended"
            )
        self._count += 1
        id, now = f"a{self._count}", self._clock()
        act = Act(id=id, by=by, time=now, verb=verb, text=text, banks=tuple(banks), **more)
        self._acts[id], self._ends[id] = act, asyncio.Event()
        self._make_room(by)
        self.show(act)
        return act

    def _make_room(self, by: str) -> None:
        for acts, most in ((self.of(by), MAX_OF_PERSON), (list(self._acts.values()), MAX_ACTS)):
            ended = [act for act in acts if act.ended is not None]
            for act in ended[: max(len(acts) - most, 0)]:
                self._forget(act)

    def show(self, act: Act) -> None:
        """Tell viewers how an act stands; one whose outcomes are all known has ended."""
        if act.ended is None and not act.is_open:
            act.ended = self._clock()
            self._ends[act.id].set()
        if act.id in self._acts:
            self._topic.put(act.id, act.describe())

    def forget_old(self) -> None:
        """Forget what was done long ago; called from time to time."""
        now = self._clock()
        for act in list(self._acts.values()):
            if act.ended is None:
                continue
            if act.state is OutcomeState.DONE and now - act.ended > DONE_KEPT_S:
                self._forget(act)

    def of(self, by: str) -> list[Act]:
        """Return the acts of a person, the newest at the end."""
        return [act for act in self._acts.values() if act.by == by]

    def find(self, by: str, id: str) -> Act | None:
        """Return an act of a person; None: they have none of the name."""
        act = self._acts.get(id)
        return act if act is not None and act.by == by else None

    def dismiss(self, by: str, ids: Collection[str]) -> None:
        """Forget acts of a person that have ended."""
        for id in ids:
            act = self.find(by, id)
            if act is not None and act.ended is not None:
                self._forget(act)

    def _forget(self, act: Act) -> None:
        self._acts.pop(act.id, None)
        self._ends.pop(act.id, None)
        self._topic.remove(act.id)

    async def wait(self, act: Act, within: float) -> None:
        """Wait for the end of an act, for so long at most, s."""
        if act.ended is None and within > 0:
            try:
                async with asyncio.timeout(within):
                    await self._ends[act.id].wait()
            except TimeoutError:
                pass
