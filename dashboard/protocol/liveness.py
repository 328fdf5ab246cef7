"""State of the link to a Player, as viewers are told it. No sockets, no clock: callers say `now`, s,
of a clock that is never set, and what viewers are told with it, `wall`, UTC, unix seconds.

A Player is live if it answers questions *and* its updates come: values that nobody renews look live
otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from groundwork.values import JsonObject

__all__ = ["LOST_S", "STALE_S", "Liveness", "LivenessState"]

STALE_S, LOST_S = 3.0, 10.0
"""Silence after which values look stale, and after which nobody answers."""
SILENT_S = 1.5
"""Silence that heartbeats tell of."""


class LivenessState(StrEnum):
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
        since: When it began, UTC, unix seconds; of `stale` and `lost`, when the Player was heard
            last.
        state: The state.
        reason: Why it is not live, for people.
        heard: When the Player was heard last, s; None: never.
        quiet_from: The same, as it was when the link became stale, s.
        broken: Why its updates do not come; empty: they do.
        refusal: Why it lets nobody in; empty: it does.
    """

    since: float
    state: LivenessState = LivenessState.CONNECTING
    reason: str = ""
    heard: float | None = None
    quiet_from: float = 0.0
    broken: str = ""
    refusal: str = ""

    def hear(self, now: float) -> None:
        """Take note of any word of the Player."""
        self.heard, self.refusal = now, ""

    def miss(self, reason: str) -> None:
        """Take note that a question was not answered."""
        if self.state is not LivenessState.LIVE:
            self.reason = reason

    def opened(self, now: float) -> None:
        """Take note that its updates come."""
        self.broken = ""
        self.hear(now)

    def refuse(self, reason: str) -> None:
        """Take note that it lets nobody in."""
        self.refusal = reason

    def tick(self, now: float, wall: float) -> bool:
        """Look what follows from the time; True: something has changed."""
        before = self.state, self.reason, self.since
        if self.refusal:
            self._set(LivenessState.REFUSED, self.refusal, wall)
        elif self.heard is None:
            self._set(LivenessState.CONNECTING, self.broken or self.reason, wall)
        elif now - self.heard < STALE_S and not self.broken:
            self._set(LivenessState.LIVE, "", wall)
        else:
            self._grow_stale(self.heard, now, wall)
        return before != (self.state, self.reason, self.since)

    def _grow_stale(self, heard: float, now: float, wall: float) -> None:
        if self.state not in (LivenessState.STALE, LivenessState.LOST):
            self.quiet_from, self.reason = heard, "it does not answer"
            self._set(LivenessState.STALE, self.reason, wall - (now - heard))
        is_lost = now - self.quiet_from >= LOST_S
        self.state = LivenessState.LOST if is_lost else LivenessState.STALE
        self.reason = self.broken or self.reason

    def _set(self, state: LivenessState, reason: str, since: float) -> None:
        if state is not self.state:
            self.since = since
        self.state, self.reason = state, reason

    def silence(self, now: float) -> float | None:
        """Return for how long it was not heard, s; None: not long enough to be told."""
        if self.heard is None or now - self.heard < SILENT_S:
            return None
        return now - self.heard

    def describe(self) -> JsonObject:
        """Return what viewers are told."""
        return {"state": str(self.state), "since": self.since, "reason": self.reason}
