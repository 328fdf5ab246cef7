"""The client for asyncio: the same questions and answers as `client.py`, on a socket of the running
loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Self, cast

from portmanager.conversation import CLOSED, PortManagerLink, PortManagerVerbs
from portmanager.errors import ReplyError
from portmanager.protocol.dialogue import Dialogue, Reply
from portmanager.sockets import acknowledge_at_once, check, looking_up

__all__ = ["AsyncPortManager"]


class AsyncPortManager(PortManagerVerbs):
    """A connection to a port manager, for programs that use asyncio; see `PortManager`, whose names
    it has.

    Made by `await AsyncPortManager.connect(host)`, or used by `async with AsyncPortManager(host) as
    pm`. Calls of several tasks are answered one after another. A call that is cancelled ends the
    connection: the answer that is still to come could not be told from another one.

    Args:
        host: Name or address.
        port: Where the port manager listens.
        user: Whose services these are; None: who runs this program.
        timeout: s; for connecting and for each answer.
        on_lost: Called in the loop, with the ports that were lost, as soon as the connection is.
    """

    @classmethod
    async def connect(cls, *address: Any, **options: Any) -> Self:
        """Return a connected client; the arguments are those of the class.

        Raises:
            OSError: The name is unknown, or nobody listens there.
        """
        return await cls(*address, **options).__aenter__()

    async def status(self) -> str:
        """Return what the server knows of itself, as JSON; see `PortManager.status`."""
        async with AsyncPortManager(
            self.host, self.port, user=self.user, timeout=self.timeout
        ) as other:
            return await other._state()

    async def close(self) -> None:
        """End the connection; its ports are free again. May be called twice."""
        self._close()
        await asyncio.sleep(0)  # the loop closes the socket

    async def __aenter__(self) -> Self:
        async with self._turn:
            await self._usable("connecting")
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    # --- the connection

    def _begin(self) -> None:
        self._turn = asyncio.Lock()

    async def _open(self) -> _Connection:
        loop = asyncio.get_running_loop()
        with looking_up(self.host):
            async with asyncio.timeout(self.timeout):
                transport, link = await loop.create_connection(
                    lambda: _Connection(self._dialogue, self._ended), self.host, self.port
                )
        try:
            check(transport.get_extra_info("socket"), self.host, self.port)
        except OSError:
            transport.abort()
            raise
        return link

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Connection(asyncio.Protocol):
    """One connection; tells its owner when it is gone and no call waits for an answer."""

    _awaited: asyncio.Future[Reply] | None = None
    _reason = ""

    def __init__(self, dialogue: Dialogue, ended: Callable[[PortManagerLink, str], None]) -> None:
        self._dialogue, self._tell = dialogue, ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        acknowledge_at_once(self._transport.get_extra_info("socket"))
        try:
            reply = self._dialogue.receive(data)
        except ReplyError as error:
            self._end(error, f"it said {data[:80]!r} without being asked")
        else:
            if reply is not None and self._awaited is not None and not self._awaited.done():
                self._awaited.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        reason = "closed by the server" if exc is None else str(exc)
        self._end(ConnectionResetError(reason), reason)

    def _end(self, error: Exception, reason: str) -> None:
        self._reason = self._reason or reason
        if self._awaited is None:
            self._tell(self, reason)
        elif not self._awaited.done():
            self._awaited.set_exception(error)

    async def exchange(self, request: bytes, timeout: float) -> Reply:
        if self._reason:
            raise ConnectionResetError(self._reason)
        self._awaited = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        acknowledge_at_once(self._transport.get_extra_info("socket"))
        try:
            async with asyncio.timeout(timeout):
                return await self._awaited
        finally:
            self._awaited = None

    def ended(self) -> str:
        return self._reason or ("closed by the server" if self._transport.is_closing() else "")

    def close(self) -> None:
        self._end(ConnectionResetError(CLOSED), CLOSED)
        self._transport.abort()
