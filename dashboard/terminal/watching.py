"""View of the array for a terminal: a viewer of the hub's board as any other, and what it asks for
besides. For one event loop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from getpass import getuser
from typing import Any

from dashboard.alarms import ABSENCE
from dashboard.bankstate import ALARMS, BANK, key_of
from dashboard.frames import FrameFeed
from dashboard.hub import ArrayHub
from dashboard.protocol.liveness import Liveness
from dashboard.protocol.wishes import FrameWish
from dashboard.records import ArrayRecords
from dashboard.terminal.pages.spectrum import window_of
from dashboard.terminal.snapshot import ArraySnapshot, Pipe
from dashboard.terminal.view import TerminalView
from dashboard.whyquestion import why_question
from dealer.dashboardclient import DashboardClient
from dealer.errors import DealerError
from dealer.services import Services
from dealer.why import ArrayQuestion, ask_why
from groundwork.values import JsonObject
from player.alarms.book import AlarmRefusedError
from zmqjsonproxy import ProxyError, ThreadHub
from zmqjsonproxy.keys import KeyFileError
from zmqjsonproxy.rights import ClientKeys

__all__ = ["ArrayView"]

log = logging.getLogger(__name__)

ASK_EVERY_S, MAX_ENTRIES = 5.0, 200
ACT_WITHIN_S = 10.0
FRAME_RATE_HZ = 2.0
DOTS = 2
"""Pixels of a column of braille."""


class ArrayView:
    """Knowledge of the array for a terminal.

    Args:
        hub: Of the array, which runs.
        wall: UTC, unix seconds.
        dashboard: Returns the one that keeps alarms of absence; None: there is none.
    """

    def __init__(
        self,
        hub: ArrayHub,
        wall: Callable[[], float] = time.time,
        dashboard: Callable[[], DashboardClient | None] = lambda: None,
    ) -> None:
        self._hub, self._wall, self._dashboard = hub, wall, dashboard
        self._viewer = hub.board.join("terminal", "terminal")
        self._records = ArrayRecords(hub.calls, hub.array.urls)
        self._answers: dict[str, Any] = {}
        self._asking: asyncio.Task[None] | None = None
        self._asked, self._asked_for = float("-inf"), ("", "")
        self._docs: dict[str, tuple[int, dict[str, JsonObject]]] = {}
        self._feed: tuple[str, FrameFeed] | None = None

    def follow(self, view: TerminalView, width: int) -> None:
        """Follow what a view shows.

        Args:
            view: It.
            width: Columns of the terminal.
        """
        if list(self._viewer.places) != view.topics:
            self._hub.board.follow(self._viewer, view.topics)
        if view.page.name == "Spectrum":
            self._follow_frames(view, width)
        elif self._viewer.frames:
            self._hub.board.follow_frames(self._viewer, ())
            self._feed = None
        self._ask_in_time(view)

    def _follow_frames(self, view: TerminalView, width: int) -> None:
        look = view.look
        pipes = self.snapshot().pipes.get(look.bank, ())
        if not pipes:
            return
        pipe = pipes[look.option("pipe") % len(pipes)]
        wish = FrameWish(
            look.bank,
            pipe.object_name,
            str(pipe.about["name"]),
            FRAME_RATE_HZ,
            DOTS * width,
            window_of(pipe, look),
        )
        if self._feed is None or self._feed[1].wish != wish:
            self._hub.board.follow_frames(self._viewer, (wish,))
            self._feed = next(((look.bank, feed) for feed in self._viewer.frames), None)

    def _ask_in_time(self, view: TerminalView) -> None:
        """Ask again, from time to time, what a page asks for; of another Bank at once."""
        asked = view.page.name, view.look.bank
        is_due = asked != self._asked_for or time.monotonic() - self._asked > ASK_EVERY_S
        if is_due and (self._asking is None or self._asking.done()):
            self._asked, self._asked_for = time.monotonic(), asked
            self._asking = asyncio.get_running_loop().create_task(self._ask_or_log(view))

    async def _ask_or_log(self, view: TerminalView) -> None:
        try:
            await self.ask(view)
        except Exception:  # what Players answer is anybody's: the next question may do
            log.exception("%s: what was asked for cannot be shown", view.page.name)

    async def ask(self, view: TerminalView) -> None:
        """Wait for what a page asks for."""
        match view.page.name:
            case "Journal":
                banks = list(self._hub.array.urls)
                self._answers["journal"] = await self._records.journal(banks, MAX_ENTRIES, {})
            case "Why":
                question = why_question(self._hub, view.look.bank, is_ours=False)
                self._answers["why"] = await asyncio.to_thread(_why, question, self._hub.keys)
            case "Hosts":
                await self._hub.hosts.renew()

    async def acknowledge(self, key: str, note: str) -> str:
        """Acknowledge an alarm at its Player; what came of it, as a sentence.

        Args:
            key: In the topic of alarms.
            note: For others.
        """
        told = self._hub.board.alarms.values.get(key)
        if told is None:
            return f"{key}: it is gone"
        if told["source"] != "player":
            return await self._acknowledge_absence(key, told["bank"], note)
        meant = {"name": told["name"], "note": note, "number": told["number"]}
        url = self._hub.array.urls[told["bank"]]
        try:
            await self._hub.calls.call(url, ALARMS, "acknowledge", (), meant, timeout=ACT_WITHIN_S)
        except ProxyError as error:
            return f"{key}: {error}"
        return f"{key}: acknowledged"

    async def _acknowledge_absence(self, key: str, bank: str, note: str) -> str:
        """Acknowledge the absence of a Player here, and at the dashboard that keeps it."""
        try:
            await self._hub.alarms.acknowledge(bank, None, getuser(), note)
        except AlarmRefusedError as error:
            return f"{key}: {error}"
        here = f"{key}: acknowledged at this terminal alone"
        try:
            dashboard = self._dashboard()
            if dashboard is None:
                return f"{here}: [dashboard] url names no dashboard that keeps absences"
            alarms = [{"bank": bank, "name": ABSENCE}]
            asked = "/api/alarms/acknowledge", {"alarms": alarms, "note": note}, ACT_WITHIN_S
            answer = await asyncio.to_thread(dashboard.post, *asked)
        except (DealerError, KeyFileError) as error:
            return f"{here}: {error}"
        why = str(answer["outcomes"].get(key, ""))
        return f"{here}: {why}" if why else f"{key}: acknowledged"

    def snapshot(self) -> ArraySnapshot:
        """Return the present state; ages count in whole seconds, so that lines do not change without
        end."""
        hub, site = self._hub, self._hub.array.site
        return ArraySnapshot(
            now=float(int(self._wall())),
            topics=hub.board.topics,
            banks=list(hub.array.urls),
            silence=self._silence(),
            name=site.name or hub.array.telescope,
            zone=site.zone,
            longitude=site.longitude,
            docs={bank: self._docs_of(bank) for bank in hub.states},
            pipes={bank: self._pipes_of(bank) for bank in hub.states},
            answers=self._answers,
        )

    def _silence(self) -> float | None:
        links: list[Liveness] = [state.liveness for state in self._hub.states.values()]
        heard = [link.heard for link in links if link.heard is not None]
        return time.monotonic() - max(heard) if heard else None

    def _docs_of(self, bank: str) -> Mapping[str, JsonObject]:
        interface = self._hub.states[bank].interface
        known = self._docs.get(bank)
        if known is None or known[0] != interface.number:
            docs = {
                key_of(name, str(one["name"])): one
                for name, properties in interface.properties.items()
                for one in properties
            }
            known = self._docs[bank] = (interface.number, docs)
        return known[1]

    def _pipes_of(self, bank: str) -> list[Pipe]:
        interface = self._hub.states[bank].interface
        found = [
            self._pipe(bank, object_name, one)
            for object_name, properties in interface.properties.items()
            for one in properties
            if one["kind"] == "pipe"
        ]
        return sorted(found, key=lambda pipe: pipe.object_name != BANK)

    def _pipe(self, bank: str, object_name: str, about: JsonObject) -> Pipe:
        if self._feed is not None and self._feed[0] == bank:
            wish, update = self._feed[1].wish, self._feed[1].update
            is_this = (wish.object_name, wish.name) == (object_name, about["name"])
            if is_this and update is not None and isinstance(update.value, dict):
                return Pipe(object_name, about, update.value, update.time, self._feed[1].count)
        return Pipe(object_name, about)

    def close(self) -> None:
        """Follow nothing any more."""
        if self._asking is not None:
            self._asking.cancel()
        self._hub.board.leave(self._viewer)


def _why(question: ArrayQuestion, keys: ClientKeys | None) -> JsonObject:
    """Ask why a Bank is not ready; in a thread."""
    (bank,) = question.urls
    with ThreadHub(resolvers=Services(keys).resolvers, keys=keys) as calls:
        return ask_why(calls, question)[bank].describe()
