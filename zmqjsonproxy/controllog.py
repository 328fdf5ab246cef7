"""Log of control activity: which clients come and go, subscribe, and set properties.

Its lines are of the level DEBUG, under a name of their own: they are switched on for themselves.
Whatever clients do, so many are written in a second at most; texts of clients are cut.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from groundwork.printable import printable
from groundwork.throttle import Throttle
from groundwork.truncation import cut
from zmqjsonproxy.process import ForkSafeLock

__all__ = ["CONTROL", "MAX_PER_S", "ControlLog", "control"]

CONTROL = "zmqjsonproxy.control"
"""Name of the logger."""
MAX_PER_S = 20
_LONGEST = 300
log = logging.getLogger(CONTROL)


class ControlLog:
    """The log; for any thread.

    Args:
        most: Lines in a second.
        clock: s, monotonic.
    """

    def __init__(self, most: int = MAX_PER_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._throttle, self._turn = Throttle(most), ForkSafeLock()

    @property
    def is_wanted(self) -> bool:
        """Tell whether lines are written: else nobody need make texts for them."""
        return log.isEnabledFor(logging.DEBUG)

    def note(self, text: str, *args: object) -> None:
        """Write a line, if it is wanted and there is room for it; with no lock held that a handler
        of the log may want."""
        if not self.is_wanted:
            return
        with self._turn:
            left_out, takes = self._throttle.take_left_out(self._clock()), self._throttle.takes()
        if left_out:
            log.debug("%d lines were left out: at most %d in a second", left_out, self._most)
        if takes:
            log.debug(text, *(printable(cut(str(arg), _LONGEST)) for arg in args))


control = ControlLog()
