"""Questions, ports and losses of a client of a port manager, over a connection of either kind. Written
once for the blocking client and for that of asyncio; opens no socket.

A blocking connection has the same methods, and never suspends them.
"""

from __future__ import annotations

import getpass
import os
import time
from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, NoReturn, Protocol, TypeVar

from portmanager.allocation import Allocation
from portmanager.errors import (
    ConnectionLostError,
    NoAnswerError,
    PortManagerError,
    PortManagerRefusedError,
    ReplyError,
)
from portmanager.protocol.dialogue import DUPLICATE, Dialogue, Question, Reply, only_one, selected
from portmanager.protocol.lines import DEFAULT_PORT

__all__ = ["TIMEOUT", "Conversation", "PortManagerLink", "PortManagerVerbs", "own_user"]

TIMEOUT = 10.0
DUPLICATE_FOR_S = 1.0
"""Time that the Rust server may take to notice that the old instance of a service has gone."""
CLOSED = "this object was closed"
LOST_AGAIN = "asking for lost ports again"
T = TypeVar("T")


class PortManagerLink(Protocol):
    """One connection."""

    async def exchange(self, request: bytes, timeout: float) -> Reply:
        """Send a request and return its whole reply.

        Raises:
            TimeoutError: None came in time.
            OSError: The connection is gone.
            ReplyError: It is no reply of a port manager.
        """

    def ended(self) -> str:
        """Return why the connection is of no use any more; empty: it stands."""

    def close(self) -> None:
        """End it."""


class Conversation:
    """Base of both clients; the arguments are theirs."""

    _turn: AbstractAsyncContextManager[Any]
    """One call after the other."""
    _link: PortManagerLink | None = None

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
        self._is_closed = False
        self._untold = ""  # why ports were lost that no call has been told of
        self._begin()

    @abstractmethod
    def _begin(self) -> None:
        """Make ready what only one kind of client has."""

    @abstractmethod
    async def _open(self) -> PortManagerLink:
        """Connect."""

    @abstractmethod
    async def _sleep(self, seconds: float) -> None: ...

    @property
    def lent(self) -> tuple[Allocation, ...]:
        """The ports that this object holds."""
        return tuple(self._dialogue.lent)

    @property
    def lost(self) -> tuple[Allocation, ...]:
        """The ports that it held and has lost with a connection, and has not asked for again."""
        return tuple(self._lost)

    @property
    def speaks_words(self) -> bool:
        """True for a server of the Rust kind, which knows no names with white space; False before it
        has spoken."""
        return self._dialogue.quoted is False

    def __repr__(self) -> str:
        held = ", ".join(f"{one.service}: {one.port}" for one in self.lent)
        name = type(self).__name__
        return f"<{name} at {self._dialogue.server} for {self.user}: {held or 'no ports'}>"

    # --- what is asked

    async def _port(self, service: str, user: str | None = None) -> int:
        got = await self._lend(service, self.user if user is None else user)
        for old in self._lost:
            if (old.service, old.user) == (got.service, got.user):
                self._lost.remove(old)
                break
        return got.port

    async def _lend(self, service: str, user: str, wish: int | None = None) -> Allocation:
        give_up = time.monotonic() + DUPLICATE_FOR_S
        while True:
            held = bool(self.lent)
            try:
                return await self._ask(
                    f"asking for a port for {service}",
                    lambda: self._dialogue.get_port(service, user, wish),
                )
            except PortManagerRefusedError as error:
                if str(error) != DUPLICATE or held or time.monotonic() > give_up:
                    raise
            await self._sleep(0.02)

    async def _listing(self) -> list[Allocation]:
        return await self._ask("listing services", self._dialogue.listing)

    async def _search(self, criteria: dict[str, Any]) -> list[Allocation]:
        selected((), criteria)  # says what is wrong with them before anything is sent
        return selected(await self._listing(), criteria)

    async def _state(self) -> str:
        return await self._ask("asking for its state", self._dialogue.status)

    # --- the connection

    async def _usable(self, doing: str) -> PortManagerLink:
        if self._is_closed:
            self._lose(doing, CLOSED)
        if self._link is not None and (reason := self._link.ended()):
            if self._dialogue.lent:
                self._lose(doing, reason)
            self._forget()  # nothing was lost with it
        if self._untold:
            self._lose(doing, self._untold)
        if self._link is None:
            self._link = await self._open()
            self._dialogue.connected()
        return self._link

    async def _ask(self, doing: str, begin: Callable[[], Question[T]]) -> T:
        async with self._turn:
            link = await self._usable(doing)
            question = begin()
            try:
                request = next(question)
                while True:
                    request = question.send(await self._exchange(link, request, doing))
            except StopIteration as done:
                answer: T = done.value
                return answer
            except PortManagerError as error:
                if self._dialogue.must_close or isinstance(error, ReplyError):
                    error.with_lost(self._forget())
                raise

    async def _exchange(self, link: PortManagerLink, request: bytes, doing: str) -> Reply:
        self._dialogue.asks(request)
        try:
            return await link.exchange(request, self.timeout)
        except TimeoutError:
            lost = self._forget()
            raise NoAnswerError(self._dialogue.server, doing, self.timeout, lost) from None
        except PortManagerError:
            raise
        except OSError as error:
            self._lose(doing, error.strerror or str(error))
        except BaseException:
            # An interrupt: the answer that is still to come must not be taken for another one's.
            self._forget()
            raise

    def _ended(self, link: PortManagerLink, reason: str) -> None:
        """Take note that a connection ended while no call waited: for the callback, or the next
        call."""
        if link is self._link:
            lost = self._forget()
            if self._on_lost is not None:
                self._on_lost(lost)
            elif lost:
                self._untold = reason

    def _forget(self) -> tuple[Allocation, ...]:
        """Give the connection up; returns what was lost with it."""
        link, self._link = self._link, None
        if link is not None:
            link.close()
        lost = self._dialogue.disconnected()
        self._lost += lost
        return lost

    def _lose(self, doing: str, reason: str) -> NoReturn:
        self._untold = ""
        lost = self._forget() or self._lost
        raise ConnectionLostError(self._dialogue.server, doing, lost, reason)

    def _close(self) -> None:
        self._is_closed = True
        self._forget()
        self._lost.clear()


class PortManagerVerbs(Conversation):
    """Verbs that both clients offer; the blocking one runs each to its end.

    The methods with names in mixed case are those of NSCLDAQ's class; the others are this
    project's.
    """

    # --- NSCLDAQ's names

    async def getPort(self, servicename: str) -> int:  # noqa: N802 - the name is NSCLDAQ's
        """Lend a port for a service of this program's user; returns its number.

        Raises:
            RefusedError: A RuntimeError with the server's words.
            BadNameError: A ValueError; the text is no name.
            ConnectionLostError: The connection is gone, and with it the ports that it had brought
                before.
            NoAnswerError: The server is silent.
        """
        return await self._port(servicename)

    async def listPorts(self) -> list[dict[str, Any]]:  # noqa: N802 - the name is NSCLDAQ's
        """Return all allocations as dictionaries with `port`, `service` and `user`, in the server's
        order."""
        return [one.as_dict() for one in await self._listing()]

    async def find(self, /, **criteria: Any) -> list[dict[str, Any]]:
        """Return the allocations that meet all criteria, as `listPorts` does.

        Args:
            criteria: `service` (equal), `beginswith` (prefix of the service), `user` (equal).

        Raises:
            SearchKeyError: A RuntimeError; there is another criterion. Nothing was sent.
        """
        return [one.as_dict() for one in await self._search(criteria)]

    # --- this project's

    async def get_port(self, service: str, *, user: str | None = None) -> int:
        """Lend a port for a service; as `getPort`, for another user if it is said."""
        return await self._port(service, user)

    async def list_ports(self) -> list[Allocation]:
        """Return all allocations, in the server's order."""
        return await self._listing()

    async def search(self, /, **criteria: Any) -> list[Allocation]:
        """Return the allocations that meet all criteria; see `find`."""
        return await self._search(criteria)

    async def locate(self, service: str, user: str | None = None) -> Allocation:
        """Return the one allocation of a service.

        Raises:
            NotOneServiceError: There is none, or there are several.
        """
        return only_one(await self._listing(), service, user, self._dialogue.server)

    async def reacquire(self) -> dict[Allocation, Allocation]:
        """Connect again if need be, and ask for every port that was lost: for the same number where
        the server can.

        Returns:
            What each lost allocation has become; compare the ports.

        Raises:
            OSError: The server is not back yet; try again later.
            RefusedError: The server's words; what it did not give stays in `lost`.
        """
        became: dict[Allocation, Allocation] = {}
        async with self._turn:
            if self._is_closed:
                self._lose(LOST_AGAIN, CLOSED)
            if self._link is not None and self._link.ended():
                self._forget()
            self._untold = ""
            await self._usable(LOST_AGAIN)
        for old in tuple(self._lost):
            became[old] = await self._lend(old.service, old.user, old.port)
            self._lost.remove(old)
        return became


def own_user() -> str:
    """Return the name of whoever runs this program, as NSCLDAQ's class does; the number, if the
    account has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
