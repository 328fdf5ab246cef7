"""Task connections as a client's verbs see them: bytes in order, whichever way they come. No sockets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from gateways.difx.client.errors import GatewayConnectionLostError
from gateways.difx.client.protocol.results import TaskEvent
from gateways.difx.errors import ServerError
from gateways.difx.protocol.items import INTEGER_BYTES, integer, read_integer

__all__ = ["DataPath", "Listener", "TaskStream"]

MAX_TEXT_BYTES = 1 << 20
"""Of a line or a payload of text; a longer one is a fault of the framing."""
MAX_PAYLOAD_BYTES = 64 << 20


class DataPath(ABC):
    """Data path of one task. Its reads take `within`, s of silence that they bear; None: any.

    Attributes:
        on_close: Called once, when it is closed.
    """

    def __init__(self) -> None:
        self.on_close: Callable[[], None] = _nothing
        self._is_closed = False

    @abstractmethod
    async def send(self, *items: bytes) -> None:
        """Send items: together over TCP, one chunk each in a channel."""

    @abstractmethod
    async def read_some(self, least: int, most: int, within: float | None) -> bytes:
        """Return what there is, at least so many bytes.

        Raises:
            NoAnswerError: They do not come in time.
            ConnectionLostError: They will not come.
        """

    @abstractmethod
    async def _end(self) -> None: ...

    async def close(self) -> None:
        """End it; may be called twice."""
        if not self._is_closed:
            self._is_closed = True
            self.on_close()
            await self._end()

    async def read(self, count: int, within: float | None) -> bytes:
        """Return exactly so many bytes."""
        return await self.read_some(count, count, within) if count else b""

    async def read_integer(self, within: float | None) -> int:
        """Return an integer."""
        return read_integer(await self.read(INTEGER_BYTES, within))

    async def read_line(self, within: float | None) -> bytes | None:
        """Return a line of a bare list, None: the end of the list."""
        length = await self.read_integer(within)
        if not 0 <= length <= MAX_TEXT_BYTES:
            raise ServerError(f"a line of {length} bytes is no line: the answer is misread")
        return await self.read(length, within) if length else None

    async def read_sub_packet(
        self, within: float | None, missing: Callable[[int, bytes], int] | None = None
    ) -> tuple[int, bytes]:
        """Return id and payload of a sub-packet.

        Args:
            within: s.
            missing: Tells how many bytes belong to a payload beyond its announced length.
        """
        number = await self.read_integer(within)
        length = await self.read_integer(within)
        if not 0 <= length <= MAX_PAYLOAD_BYTES:
            raise ServerError(f"sub-packet {number}: a length of {length} bytes cannot be")
        payload = await self.read(length, within)
        if missing is not None and (more := missing(number, payload)):
            payload += await self.read(more, within)
        return number, payload

    async def send_sub_packet(self, number: int, *payload: bytes) -> None:
        """Send a sub-packet."""
        await self.send(integer(number), integer(sum(map(len, payload))), *payload)


def _nothing() -> None: ...


@dataclass(slots=True, kw_only=True)
class Listener:
    """Port at which a server's connection is waited for.

    Attributes:
        address: Of this host, as the server sees it.
        port: Number.
        link: The connection; None: it has not come.
        strangers: Addresses that are not the server's and have connected.
        close: Ends the wait; a connection that came stays.
    """

    address: str
    port: int
    link: DataPath | None = None
    strangers: list[str]
    close: Callable[[], None]


class TaskStream:
    """Events of a task as they come; `async for` ends behind the last one.

    Args:
        link: Closed by the stream.
        ids: Of the task.
        ends: Those that end it.
        silence: s that it may be without an event; None: any.
        ends_by_close: A closed connection is an end, too, after this event.

    Attributes:
        is_over: Its last event has come.
    """

    def __init__(
        self,
        link: DataPath,
        ids: type[IntEnum],
        ends: frozenset[int],
        silence: float | None,
        *,
        ends_by_close: int | None = None,
    ) -> None:
        self.link = link
        self.is_over = False
        self._ids, self._ends, self._silence = ids, frozenset(ends), silence
        self._ends_by_close = ends_by_close
        self._may_close = False

    def __aiter__(self) -> TaskStream:
        return self

    async def __anext__(self) -> TaskEvent:
        if self.is_over:
            raise StopAsyncIteration
        try:
            number, data = await self.link.read_sub_packet(self._silence)
        except GatewayConnectionLostError:
            if not self._may_close:
                raise
            self.is_over = True
            raise StopAsyncIteration from None
        self._may_close = self._may_close or number == self._ends_by_close
        if number in self._ends:
            self.is_over = True
            await self.close()
        return TaskEvent.read(self._ids, number, data)

    async def close(self) -> None:
        """Hear no more of it; the server may go on with it."""
        await self.link.close()
