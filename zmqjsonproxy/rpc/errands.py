"""What other threads want done to a socket, in the thread that it belongs to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

__all__ = ["Errands"]


class Errands(deque[tuple[Callable[[], Any], "Future[Any]"]]):
    """Those that are still to be done; true if there are any."""

    def leave(self, what: Callable[[], Any], wake: Callable[[], None], timeout: float) -> Any:
        """Have something done by the thread that `wake` wakes, and wait for it; its result, or what
        it raises.

        Raises:
            TimeoutError: Not done within `timeout` s.
        """
        done: Future[Any] = Future()
        self.append((what, done))
        wake()
        return done.result(timeout)

    def do(self) -> None:
        """Do them."""
        while self:
            what, done = self.popleft()
            try:
                done.set_result(what())
            except Exception as error:  # whatever it is, it is for whoever left the errand
                done.set_exception(error)
