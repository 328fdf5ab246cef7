"""State of the link to a Player, as viewers are told it. No sockets, no clock: callers say `now`,
UTC, unix seconds.

A Player is live if it answers questions *and* its updates come: values that nobody renews look live
otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from groundwork.values import JsonObject

__all__ = ["LOST_S", "STALE_S", "LinkState", "Liveness"]

STALE_S, LOST_S = 3.0, 10.0
"""Silence after which values look stale, and after which nobody answers."""
SILENT_S = 1.5
"""Silence that heartbeats tell of."""


class LinkState(StrEnum):
    """States of a link."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    LOST = "lost"
    REFUSED = "refused"


@dataclass(slots=True)
class Liveness:
    """State of one link.

    Attributes:
        since: When it began; of `stale` and `lost`, when the Player was heard last.
        state: The state.
        reason: Why it is not live, for people.
        heard: When the Player was heard last; None: never.
        broken: Why its updates do not come; empty: they do.
        refusal: Why it lets nobody in; empty: it does.
    """

    since: float
    state: LinkState = LinkState.CONNECTING
    reason: str = ""
    heard: float | None = None
    broken: str = ""
    refusal: str = ""

    def hear(self, now: float) -> None:
        """Take note of any word of the Player."""
        self.heard, self.refusal = now, ""

    def miss(self, reason: str) -> None:
        """Take note that a question was not answered."""
        if self.state is not LinkState.LIVE:
            self.reason = reason

    def opened(self, now: float) -> None:
        """Take note that its updates come."""
        self.broken = ""
        self.hear(now)

    def refuse(self, reason: str) -> None:
        """Take note that it lets nobody in."""
        self.refusal = reason

    def tick(self, now: float) -> bool:
        """Look what follows from the time; True: something has changed."""
        before = self.state, self.reason, self.since
        if self.refusal:
            self._set(LinkState.REFUSED, self.refusal, now)
        elif self.heard is None:
            self._set(LinkState.CONNECTING, self.broken or self.reason, now)
        else:
            self._judge(self.heard, now)
        return before != (self.state, self.reason, self.since)

    def _judge(self, heard: float, now: float) -> None:
        is_silent = now - heard >= STALE_S
        if not is_silent and not self.broken:
            self._set(LinkState.LIVE, "", now)
            return
        is_known = self.state in (LinkState.STALE, LinkState.LOST)
        since = self.since if is_known else heard
        reason = self.broken or (self.reason if is_known else "") or "it does not answer"
        state = LinkState.LOST if now - since >= LOST_S else LinkState.STALE
        self.state, self.reason, self.since = state, reason, since

    def _set(self, state: LinkState, reason: str, now: float) -> None:
        if state is not self.state:
            self.since = now
        self.state, self.reason = state, reason

    def silence(self, now: float) -> float | None:
        """Return for how long it was not heard, s; None: not long enough to be told."""
        if self.heard is None or now - self.heard < SILENT_S:
            return None
        return now - self.heard

    def describe(self) -> JsonObject:
        """Return what viewers are told."""
        return {"state": str(self.state), "since": self.since, "reason": self.reason}
