"""The client for asyncio: the same questions and answers as `client.py`, on a socket of the running
loop."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any, NoReturn, Self, TypeVar, cast

from portmanager.allocation import Allocation
from portmanager.client import (
    DUPLICATE_FOR_S,
    TIMEOUT,
    acknowledge_at_once,
    met_itself,
    no_name,
    nobody_listens,
    own_user,
)
from portmanager.errors import (
    ConnectionLostError,
    NoAnswerError,
    PortManagerError,
    RefusedError,
    ReplyError,
)
from portmanager.protocol.dialogue import DUPLICATE, Dialogue, Question, Reply, only_one, selected
from portmanager.protocol.lines import DEFAULT_PORT

__all__ = ["AsyncPortManager"]

T = TypeVar("T")


class _Link(asyncio.Protocol):
    """One connection; tells its owner what arrives and when it is gone."""

    def __init__(self, owner: AsyncPortManager) -> None:
        self._owner = owner

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        acknowledge_at_once(self._transport.get_extra_info("socket"))
        self._owner._received(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner._gone(self, "closed by the server" if exc is None else str(exc))

    def send(self, data: bytes) -> None:
        self._transport.write(data)
        acknowledge_at_once(self._transport.get_extra_info("socket"))

    def close(self) -> None:
        self._transport.abort()

    @property
    def is_closing(self) -> bool:
        return self._transport.is_closing()


class AsyncPortManager:
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

    def __init__(
        self,
        host: str = "localhost",
        port: int = DEFAULT_PORT,
        *,
        user: str | None = None,
        timeout: float = TIMEOUT,
        on_lost: Callable[[tuple[Allocation, ...]], None] | None = None,
    ) -> None:
        self.host, self.port, self.timeout = host, int(port), timeout
        self.user = own_user() if user is None else user
        self._on_lost = on_lost
        self._dialogue = Dialogue(f"{host} port {port}")
        self._lost: list[Allocation] = []
        self._turn = asyncio.Lock()
        self._link: _Link | None = None
        self._awaited: asyncio.Future[Reply] | None = None
        self._doing = ""
        self._closed = False
        self._reports_loss = False

    @classmethod
    async def connect(
        cls, host: str = "localhost", port: int = DEFAULT_PORT, **options: Any
    ) -> Self:
        """Return a connected client; the arguments are those of the class.

        Raises:
            OSError: The name is unknown, or nobody listens there.
        """
        made = cls(host, port, **options)
        await made._connect()
        return made

    # --- NSCLDAQ's names

    async def getPort(self, servicename: str) -> int:  # noqa: N802 - the name is NSCLDAQ's
        """Lend a port for a service; see `PortManager.getPort`."""
        return await self.get_port(servicename)

    async def listPorts(self) -> list[dict[str, Any]]:  # noqa: N802 - the name is NSCLDAQ's
        """Return all allocations as dictionaries; see `PortManager.listPorts`."""
        return [one.as_dict() for one in await self.list_ports()]

    async def find(self, **criteria: Any) -> list[dict[str, Any]]:
        """Return the allocations that meet all criteria; see `PortManager.find`."""
        return [one.as_dict() for one in await self.search(**criteria)]

    # --- this project's

    async def get_port(self, service: str, *, user: str | None = None) -> int:
        """Lend a port for a service; see `PortManager.get_port`."""
        got = await self._get(service, self.user if user is None else user, None)
        again = next(
            (old for old in self._lost if (old.service, old.user) == (got.service, got.user)), None
        )
        if again is not None:
            self._lost.remove(again)
        return got.port

    async def list_ports(self) -> list[Allocation]:
        """Return all allocations, in the server's order."""
        return await self._ask("listing services", self._dialogue.listing)

    async def search(self, **criteria: Any) -> list[Allocation]:
        """Return the allocations that meet all criteria; see `PortManager.find`."""
        selected((), criteria)  # says what is wrong with them before anything is sent
        return selected(await self.list_ports(), criteria)

    async def locate(self, service: str, user: str | None = None) -> Allocation:
        """Return the one allocation of a service; see `PortManager.locate`."""
        return only_one(await self.list_ports(), service, user, self._dialogue.server)

    async def status(self) -> str:
        """Return what the server knows of itself, as JSON; see `PortManager.status`."""
        async with type(self)(self.host, self.port, user=self.user, timeout=self.timeout) as other:
            return await other._ask("asking for its state", other._dialogue.status)

    @property
    def lent(self) -> tuple[Allocation, ...]:
        """The ports that this object holds."""
        return tuple(self._dialogue.lent)

    @property
    def lost(self) -> tuple[Allocation, ...]:
        """The ports that it held and has lost with a connection, and has not asked for again."""
        return tuple(self._lost)

    async def reacquire(self) -> dict[Allocation, Allocation]:
        """Connect again if need be, and ask for every port that was lost; see
        `PortManager.reacquire`."""
        became: dict[Allocation, Allocation] = {}
        if self._closed:
            self._lose("asking for lost ports again", "this object was closed")
        self._reports_loss = False
        for old in tuple(self._lost):
            became[old] = await self._get(old.service, old.user, old.port)
            self._lost.remove(old)
        if self._link is None:
            await self._connect()
        return became

    async def close(self) -> None:
        """End the connection; its ports are free again. May be called twice."""
        self._closed = True
        link, self._link = self._link, None
        self._dialogue.disconnected()
        self._lost.clear()
        self._answer(
            ConnectionLostError(self._dialogue.server, self._doing, (), "this object was closed")
        )
        if link is not None:
            link.close()
            await asyncio.sleep(0)  # the loop closes the socket

    async def __aenter__(self) -> Self:
        if self._link is None:
            await self._connect()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    # --- the connection

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.timeout):
                transport, link = await loop.create_connection(
                    lambda: _Link(self), self.host, self.port
                )
        except UnicodeError as error:
            raise no_name(self.host, error) from error
        sock = transport.get_extra_info("socket")
        if met_itself(sock):
            transport.abort()
            raise nobody_listens(self.host, self.port)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._dialogue.connected()
        self._link = link

    def _received(self, link: _Link, data: bytes) -> None:
        if link is not self._link:
            return
        try:
            reply = self._dialogue.receive(data)
        except ReplyError as error:
            self._end(error.with_lost)
            return
        if reply is not None:
            self._answer(reply)

    def _gone(self, link: _Link, reason: str) -> None:
        if link is self._link:
            self._end(
                lambda lost: ConnectionLostError(self._dialogue.server, self._doing, lost, reason)
            )

    def _end(self, error: Callable[[tuple[Allocation, ...]], PortManagerError]) -> None:
        """Give the connection up, and say so to the call that waits, or else to the callback or the
        next call."""
        lost = self._forget()
        if self._answer(error(lost)):
            return
        self._reports_loss = bool(lost)
        if self._on_lost is not None:
            self._on_lost(lost)
            self._reports_loss = False

    def _answer(self, what: Reply | PortManagerError) -> bool:
        """Hand a reply or an error to the call that waits for one; whether there is such a call."""
        if self._awaited is None or self._awaited.done():
            return False
        if isinstance(what, Reply):
            self._awaited.set_result(what)
        else:
            self._awaited.set_exception(what)
        return True

    def _forget(self) -> tuple[Allocation, ...]:
        link, self._link = self._link, None
        if link is not None:
            link.close()
        lost = self._dialogue.disconnected()
        self._lost += lost
        return lost

    def _lose(self, doing: str, reason: str) -> NoReturn:
        self._reports_loss = False
        raise ConnectionLostError(self._dialogue.server, doing, self._lost, reason)

    async def _get(self, service: str, user: str, wish: int | None) -> Allocation:
        give_up = time.monotonic() + DUPLICATE_FOR_S
        while True:
            held = bool(self.lent)
            try:
                return await self._ask(
                    f"asking for a port for {service}",
                    lambda: self._dialogue.get_port(service, user, wish),
                )
            except RefusedError as error:
                if str(error) != DUPLICATE or held or time.monotonic() > give_up:
                    raise
            await asyncio.sleep(0.02)

    async def _ask(self, doing: str, begin: Callable[[], Question[T]]) -> T:
        async with self._turn:
            if self._closed:
                self._lose(doing, "this object was closed")
            if self._reports_loss:
                self._lose(doing, "closed by the server")
            if self._link is None or self._link.is_closing:
                await self._connect()
            question = begin()
            try:
                request = next(question)
                while True:
                    request = question.send(await self._exchange(request, doing))
            except StopIteration as done:
                answer: T = done.value
                return answer
            except PortManagerError as error:
                if self._dialogue.must_close or isinstance(error, ReplyError):
                    error.with_lost(self._forget())
                raise

    async def _exchange(self, request: bytes, doing: str) -> Reply:
        if self._link is None:
            self._lose(doing, "closed by the server")
        self._doing = doing
        self._awaited = asyncio.get_running_loop().create_future()
        self._dialogue.asks(request)
        self._link.send(request)
        try:
            async with asyncio.timeout(self.timeout):
                return await self._awaited
        except PortManagerError:
            raise
        except TimeoutError:
            raise NoAnswerError(
                self._dialogue.server, doing, self.timeout, self._forget()
            ) from None
        except asyncio.CancelledError:
            self._forget()
            raise
        finally:
            self._awaited = None
