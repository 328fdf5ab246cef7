"""Ports next to each other that nobody has."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

__all__ = ["bound", "range_with_its_first_taken"]


@contextlib.contextmanager
def bound(port: int) -> Iterator[int]:
    """Have a port, 0: any, and answer nobody there."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", port))
        yield sock.getsockname()[1]


@contextlib.contextmanager
def range_with_its_first_taken(size: int) -> Iterator[int]:
    """Have a port above which others were free a moment ago, so many with it."""
    with contextlib.ExitStack() as stack:
        while True:
            port = stack.enter_context(bound(0))
            try:
                for above in range(1, size):
                    with bound(port + above):
                        pass
            except (OSError, OverflowError):
                continue
            yield port
            return
