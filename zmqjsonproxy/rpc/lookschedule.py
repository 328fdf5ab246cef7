"""Schedule of a server's looks for clients that were silent. No sockets, no clock: callers say
`now`.

As long as a ROUTER has messages, ZeroMQ looks only every 100 frames or 1 ms for connections that
had none, and its threads get their turn on a core when the server's is over: who floods the server
would keep others waiting that long. But to let other threads run breaks up the calls that a client
has under way, which are quickest one after the other. So it is done while somebody else calls at
the same time, and in a flood, which is told from calls under way by that it does not end.
"""

from __future__ import annotations

import math

__all__ = ["LookSchedule"]

_CALM_EVERY, _ALONE_EVERY, _FLOODED_EVERY = 32, 16, 3
"""Messages between two looks: as long as there is no flood; in one, while there was nobody else
lately; and in one that others come into."""
_BUSY_EVERY = 8
"""The same while several call at the same time, and none of them waits."""
_MAX_AT_ONCE = 64
"""Messages that are no flood: so many calls a client may have under way, before it takes their
answers. More make one, if each is followed by another that has arrived already."""
_SURE_FOR = 1000
"""Messages after those that were no flood until the next are suspected."""
_SHARED_FOR_S, _BUSY_FOR_S = 60.0, 0.02
"""Times since two clients took turns for which others are expected again, or call at the same
time."""


class LookSchedule:
    """Time of the next look.

    Attributes:
        every: Messages until then.
        changed_at: Time at which another client than the one before had sent something, s,
            monotonic; to be set by whoever takes messages.
    """

    __slots__ = ("_in_a_row", "_sure_for", "changed_at", "every")

    def __init__(self) -> None:
        self.every = _CALM_EVERY
        self.changed_at = -math.inf
        self._in_a_row = 0  # looks at which more waited; one after each message, up to a flood
        self._sure_for = 0

    def on_look(self, is_crowded: bool, now: float) -> bool:
        """Take note of a look, and set the time of the next.

        Args:
            is_crowded: More messages wait.
            now: s, monotonic.

        Returns:
            True if other threads are to run now.
        """
        self._sure_for -= self.every
        quiet_for = now - self.changed_at
        if quiet_for < _BUSY_FOR_S:
            self._in_a_row, self.every = 0, _FLOODED_EVERY if is_crowded else _BUSY_EVERY
            return is_crowded
        if not is_crowded:
            if 0 < self._in_a_row <= _MAX_AT_ONCE:
                self._sure_for = _SURE_FOR
            self._in_a_row, self.every = 0, _CALM_EVERY
            return False
        is_shared = quiet_for < _SHARED_FOR_S
        if self._sure_for > 0:
            self.every = _CALM_EVERY
            return is_shared
        self._in_a_row += 1
        if self._in_a_row <= _MAX_AT_ONCE:
            self.every = 1
            return False
        self.every = _FLOODED_EVERY if is_shared else _ALONE_EVERY
        return True
