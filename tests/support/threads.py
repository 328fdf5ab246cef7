"""Threads that work side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable


def in_threads(*work: Callable[[], object], within: float = 60) -> None:
    """Call each in a thread of its own, and wait for the end of all, s."""
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(within)
        assert not thread.is_alive()
