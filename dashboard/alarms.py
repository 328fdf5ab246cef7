"""Alarms of the array: those that Players tell of, and the absence of Players, which only others can
see. For one event loop.

An absence is an alarm of its own: whoever acknowledges it has acknowledged nothing of the Bank.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dashboard.bankstate import ALARMS, WatchedBank
from dashboard.protocol.liveness import LOST_S, LivenessState
from dashboard.protocol.topics import KeyTopic
from dashboard.store import Store
from groundwork.errors import text_of
from groundwork.truncation import cut
from groundwork.values import JsonObject
from player.alarms.book import AlarmBook, AlarmEvent, AlarmMoment
from player.alarms.rules import AlarmSeverity, AlarmSpec, AlarmVerdict
from player.alarms.served import KEEP_AGAIN_S, MAX_PUBLISHED

__all__ = ["ABSENCE", "ABSENCES", "ArrayAlarms"]

log = logging.getLogger(__name__)

ABSENCE = "no answer"
"""Name of the alarm of absence; no Player can declare it: it has a space."""
ABSENCES = (
    "CREATE TABLE IF NOT EXISTS absences (bank TEXT PRIMARY KEY, kept TEXT NOT NULL) WITHOUT ROWID"
)
LOOK_EVERY_S = 1.0
MAX_REASON = 200
STOOD_STILL_S = 3.0
"""After so long without a look this program itself was not there, and silence is not of Players."""
_TEXT = "its Player does not answer"
_PUT = "INSERT INTO absences VALUES (?, ?) ON CONFLICT (bank) DO UPDATE SET kept = excluded.kept"


class ArrayAlarms:
    """All alarms, as a topic.

    Args:
        banks: What is known of them.
        topic: Gets them, by `BANK NAME`.
        store: Keeps those of absence; None: they end with this program.
        clock: s, never set.
        wall: UTC, unix seconds.
    """

    def __init__(
        self,
        banks: Sequence[WatchedBank],
        topic: KeyTopic,
        store: Store | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._banks, self._topic, self._store = banks, topic, store
        self._clock, self._wall = clock, wall
        specs = [AlarmSpec(name=b.bank, text=_TEXT, severity=AlarmSeverity.FAULT) for b in banks]
        self._absences = AlarmBook(specs)
        self._looked_at = -math.inf
        self._judges_from = -math.inf
        self._told: dict[str, Any] = {}  # Bank -> what its Player told last
        self._keys: dict[str, set[str]] = {}
        self._writing, self._kept_at, self._is_behind = asyncio.Lock(), 0.0, False
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Take over the absences that were kept; what makes no sense is left, and logged."""
        if self._store is None:
            return
        try:
            rows = await self._store.ask(
                lambda connection: connection.execute("SELECT bank, kept FROM absences").fetchall()
            )
        except sqlite3.Error as error:
            log.warning("alarms of absence that were kept cannot be read: %s", text_of(error))
            return
        for row in rows:
            try:
                self._absences.restore({row["bank"]: json.loads(row["kept"])})
            except (ValueError, RecursionError) as error:
                text = "the alarm of absence of %s that was kept cannot be read: %s"
                log.warning(text, row["bank"], text_of(error))

    async def close(self) -> None:
        """Wait for what is being kept."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # looking

    def look(self) -> None:
        """Look at what Players told, and, once a second, which of them do not answer."""
        for state in self._banks:
            self._take(state)
        now = self._clock()
        if now - self._looked_at >= LOOK_EVERY_S:
            if STOOD_STILL_S < now - self._looked_at < math.inf:
                self._judges_from = now + LOST_S
            self._looked_at = now
            verdicts = {state.bank: self._verdict(state) for state in self._banks}
            if events := self._absences.look(verdicts, self._now()):
                self._tell(events)
            elif self._is_behind and self._clock() - self._kept_at >= KEEP_AGAIN_S:
                self._keep_beside()
            self._show()

    def _verdict(self, state: WatchedBank) -> AlarmVerdict:
        if self._looked_at < self._judges_from and state.liveness.state is LivenessState.LOST:
            return AlarmVerdict(None, "", "this dashboard stood still")
        return _absence(state, self._wall())

    def _now(self) -> AlarmMoment:
        return AlarmMoment(self._wall(), self._clock())

    def _take(self, state: WatchedBank) -> None:
        """Show the alarms that a Player tells of; of one that is silent they stay as they were."""
        told = (state.values.get(ALARMS) or [None])[0]
        if told is self._told.get(state.bank):
            return
        self._told[state.bank] = told
        active = told.get("active") if isinstance(told, Mapping) else None
        found = {
            f"{state.bank} {each['name']}": {**each, "bank": state.bank, "source": "player"}
            for each in (active[:MAX_PUBLISHED] if isinstance(active, list) else ())
            if isinstance(each, Mapping) and _is_of_player(each.get("name"))
        }
        for key in self._keys.get(state.bank, set()) - found.keys():
            self._topic.remove(key)
        self._keys[state.bank] = set(found)
        self._topic.update(found)

    def _show(self) -> None:
        """Show the alarms of absence that have something to tell."""
        # a Bank that was not heard yet is no news
        shown = {
            f"{each['name']} {ABSENCE}": _told_of(each)
            for each in self._absences.described(self._wall())
            if each["phase"] != "quiet" or each["shelved"] is not None
        }
        for state in self._banks:
            if (key := f"{state.bank} {ABSENCE}") not in shown:
                self._topic.remove(key)
        self._topic.update(shown)

    # what people do about absences

    async def acknowledge(self, bank: str, number: int | None, by: str, note: str) -> None:
        """Acknowledge an absence; errors, and arguments, as of AlarmBook."""
        await self._act(self._absences.acknowledge(bank, number, by, note, self._now()))

    async def shelve(self, bank: str, seconds: float, by: str, note: str) -> None:
        """Shelve an absence; errors, and arguments, as of AlarmBook."""
        await self._act(self._absences.shelve(bank, seconds, by, note, self._now()))

    async def unshelve(self, bank: str, by: str) -> None:
        """Take an absence from the shelf; errors, and arguments, as of AlarmBook."""
        await self._act(self._absences.unshelve(bank, by))

    async def _act(self, event: AlarmEvent) -> None:
        log.info("absence of %s %s", event.name, event.kind)
        self._show()
        await self._keep()

    def _tell(self, events: Sequence[AlarmEvent]) -> None:
        for event in events:
            log.info("absence of %s %s", event.name, event.kind)
        self._keep_beside()

    def _keep_beside(self) -> None:
        self._kept_at = self._clock()
        task = asyncio.get_running_loop().create_task(self._keep())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep(self) -> None:
        """Write down how things are; the last who wait here write the newest."""
        if self._store is None:
            return
        async with self._writing:
            kept = self._absences.kept()
            rows = [(bank, json.dumps(each)) for bank, each in kept.items()]
            over = [(state.bank,) for state in self._banks if state.bank not in kept]

            def write(connection: sqlite3.Connection) -> None:
                connection.executemany(_PUT, rows)
                connection.executemany("DELETE FROM absences WHERE bank = ?", over)

            try:
                await self._store.ask(write)
            except sqlite3.Error as error:
                if not self._is_behind:
                    log.warning("alarms of absence cannot be kept: %s", text_of(error))
                self._is_behind = True
            else:
                self._is_behind = False


def _is_of_player(name: Any) -> bool:
    """Tell whether a Player can have an alarm of a name: that of absence is not its own."""
    return isinstance(name, str) and name != ABSENCE


def _absence(state: WatchedBank, wall: float) -> AlarmVerdict:
    """Return the verdict on the absence of a Player."""
    liveness = state.liveness
    reason, since = cut(liveness.reason, MAX_REASON), liveness.since
    match liveness.state:
        case LivenessState.LIVE:
            return AlarmVerdict(False)
        case LivenessState.LOST | LivenessState.REFUSED:
            return AlarmVerdict(True, reason, since=since)
        case LivenessState.CONNECTING if wall - since >= LOST_S:
            return AlarmVerdict(True, reason or "it was never heard", since=since)
    return AlarmVerdict(None, "", reason or "it was not heard yet")


def _told_of(absence: JsonObject) -> JsonObject:
    return {**absence, "bank": absence["name"], "source": "dashboard", "name": ABSENCE}
