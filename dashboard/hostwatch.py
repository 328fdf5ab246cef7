"""View of all hosts, as `dealer hosts status` has it, renewed while anybody looks at it."""

from __future__ import annotations

import asyncio
import logging
import time

from dashboard.protocol.topics import KeyTopic
from dealer.hosts import Installation
from dealer.services import open_hub
from dealer.supervision import Supervision
from groundwork.errors import text_of

__all__ = ["HostWatch"]

log = logging.getLogger(__name__)

EVERY_S, WITHIN_S, KEEP_S = 5.0, 4.0, 2.0


class HostWatch:
    """Asks supervisords and Players.

    Args:
        installation: Where they are; None: the file names no supervisord.
        topic: Gets what they tell.
    """

    def __init__(self, installation: Installation | None, topic: KeyTopic) -> None:
        self._installation, self._topic = installation, topic
        self._hub = None if installation is None else open_hub()
        self._asked = float("-inf")
        self._asking: asyncio.Task[None] | None = None
        if installation is None:
            topic.put(
                "error", "the configuration names no supervisord: a table [hosts.X] for each host"
            )

    def look(self, is_wanted: bool) -> None:
        """Ask if it is wanted, and due; called a few times a second."""
        if is_wanted and time.monotonic() - self._asked > EVERY_S:
            self._begin()

    async def renew(self) -> None:
        """Wait until what is told is at most two seconds old."""
        if time.monotonic() - self._asked > KEEP_S:
            self._begin()
        if self._asking is not None:
            await asyncio.shield(self._asking)

    def _begin(self) -> None:
        if self._installation is None or (self._asking and not self._asking.done()):
            return
        self._asked = time.monotonic()
        self._asking = asyncio.get_running_loop().create_task(self._ask(self._installation))

    async def _ask(self, installation: Installation) -> None:
        assert self._hub is not None
        supervision, told = Supervision(installation, self._hub, WITHIN_S), {}
        try:
            report = await asyncio.to_thread(supervision.status)
            told = {**report.describe(), "error": ""}
        except Exception as error:  # what supervisords answer is anybody's
            log.exception("the hosts cannot be looked at")
            told = {"error": text_of(error)}
        self._topic.update({**told, "asked": time.time()})

    def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
        if self._hub is not None:
            self._hub.close()
