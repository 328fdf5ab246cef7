"""One page, when all is known that is to be known: as lines, or as JSON."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from dashboard.bankstate import BANK, WatchedBank, key_of
from dashboard.hub import ArrayHub
from dashboard.protocol.liveness import LivenessState
from dashboard.protocol.topics import LineTopic
from dashboard.terminal.frame import head_line
from dashboard.terminal.lines import Line, plain, wrapped
from dashboard.terminal.snapshot import ArraySnapshot
from dashboard.terminal.states import is_problem
from dashboard.terminal.texts import visible
from dashboard.terminal.view import TerminalView
from dashboard.terminal.watching import ArrayView
from player.endpoints.http.protocol.messages import MAX_ARRAY
from player.endpoints.http.protocol.texts import write_json

__all__ = ["Once"]

WITHIN_S, LOOK_S = 4.0, 0.05
"""Time for which Banks are waited for, and between two looks."""
FRAME_WITHIN_S = 3.0
"""Likewise, for a spectrum."""
LINES, COLUMNS, WHY_LINES = 24, 80, 6


class Once:
    """A page of the array.

    Args:
        hub: Of the array, which runs.
        view: What is shown.
        clock: s, never set.
    """

    def __init__(
        self, hub: ArrayHub, view: TerminalView, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._hub, self._view, self._clock = hub, view, clock
        self._array = ArrayView(hub)
        if not view.look.bank and hub.array.urls:
            view.choose_bank(next(iter(hub.array.urls)))

    async def settle(self) -> None:
        """Wait until all Banks have told what they tell, or long enough."""
        until = self._clock() + WITHIN_S
        while self._clock() < until and not all(map(_is_known, self._hub.states.values())):
            await asyncio.sleep(LOOK_S)
        await self._array.ask(self._view)
        self._array.follow(self._view, COLUMNS)
        until = self._clock() + FRAME_WITHIN_S
        while self._clock() < until and not self._has_frame():
            await asyncio.sleep(LOOK_S)

    def _has_frame(self) -> bool:
        if self._view.page.name != "Spectrum":
            return True
        pipes = self._state.pipes.get(self._view.look.bank, ())
        return not pipes or any(pipe.frame is not None for pipe in pipes)

    @property
    def _state(self) -> ArraySnapshot:
        return self._array.snapshot()

    @property
    def problems(self) -> list[str]:
        """Banks that somebody should look at."""
        return self._state.problems

    def lines(self, width: int) -> list[Line]:
        """Return the whole page, and what is wrong with which Bank."""
        state = self._state
        page, look = self._view.page, self._view.look
        body = page.body(state, look, width, LINES)
        lines = [head_line(state, width), *body.head]
        lines += [row.write("") for row in body.rows]
        lines += [line for line in body.foot if plain(line)]
        for row in state.rows:
            told = state.state(row)
            if is_problem(told):
                text = f"{row['bank']}: {told.why or told.word}"
                told_lines = wrapped(visible(text, 1000), width, WHY_LINES, told.severity)
                lines += [line for line in told_lines if plain(line)]
        return lines

    def json(self) -> str:
        """Return the same as JSON: states of all Banks, and what the page shows."""
        state, view = self._state, self._view
        topics: dict[str, Any] = {}
        for name in view.topics:
            topic = state.topics.get(name)
            topics[name] = list(topic.lines) if isinstance(topic, LineTopic) else state.values(name)
        told = {
            "time": state.now,
            "name": state.name,
            "page": view.page.name.lower(),
            "problems": state.problems,
            "states": {row["bank"]: asdict(state.state(row)) for row in state.rows},
            "topics": topics,
            **state.answers,
        }
        return write_json(told, MAX_ARRAY)


def _is_known(state: WatchedBank) -> bool:
    """Tell whether a Bank has told what it tells, its interface and each result that it has; or why it
    does not."""
    link = state.liveness
    if link.state is LivenessState.REFUSED or (link.heard is None and link.reason):
        return True
    if link.state is not LivenessState.LIVE or not state.interface.number:
        return False
    if state.dialect == "original":
        return bool(state.values) or "get_status" not in state.interface.objects[BANK].methods
    return all(
        key_of(name, str(one["name"])) in state.values
        for name, properties in state.interface.properties.items()
        for one in properties
        if one["kind"] == "result"
    )
