"""Work that waits for a disk, beside an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

__all__ = ["beside"]

T = TypeVar("T")


async def beside(work: Callable[[], T]) -> T:
    """Carry work out in a thread, and return what it returns; it is over then, also when this is
    cancelled: what it uses may be closed behind it."""
    done = asyncio.get_running_loop().run_in_executor(None, work)
    cancelled: asyncio.CancelledError | None = None
    while not done.done():
        try:
            await asyncio.wait([done])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        done.exception()  # nobody is told of it
        raise cancelled
    return done.result()
