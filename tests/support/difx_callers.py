"""Both clients of the guiServer protocol behind one way to call them."""

from __future__ import annotations

import asyncio
from typing import Any

from gateways.difx.client import AsyncDifxClient, DifxClient
from groundwork.closing import Closing

__all__ = ["KINDS", "Caller"]

KINDS = ("blocking channels", "blocking tcp", "asyncio channels", "asyncio tcp")


class Caller(Closing):
    """A client that is connected.

    Args:
        kind: One of KINDS.
        port: Of the server.
        options: Of the client.
    """

    def __init__(self, kind: str, port: int, **options: Any) -> None:
        options["channels"] = kind.endswith("channels")
        self._runner: asyncio.Runner | None = None
        self.client: DifxClient | AsyncDifxClient
        if kind.startswith("blocking"):
            self.client = DifxClient("127.0.0.1", port, **options)
        else:
            self._runner = asyncio.Runner()
            self.client = AsyncDifxClient("127.0.0.1", port, **options)
            self._runner.run(self.client.__aenter__())

    def __call__(self, verb: str, *args: Any, of: Any = None, **options: Any) -> Any:
        """Call a verb of the client, or of something that it returned."""
        found = getattr(self.client if of is None else of, verb)(*args, **options)
        return found if self._runner is None else self._runner.run(found)

    def set_timeout(self, seconds: float) -> None:
        """Wait no longer for answers from now on."""
        client = self.client._client if isinstance(self.client, DifxClient) else self.client
        client.timeout = seconds

    def next(self, stream: Any) -> Any:
        """Return what a stream has next; None: it has ended."""
        if self._runner is None:
            return next(stream, None)
        return self._runner.run(_next(stream))

    def close(self) -> None:
        try:
            self("close")
        finally:
            if self._runner is not None:
                self._runner.close()


async def _next(stream: Any) -> Any:
    return await anext(stream, None)
