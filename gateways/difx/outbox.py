"""Packets on their way to one client: bounded, and counted as the client takes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from gateways.difx.errors import LinkError

__all__ = ["HIGH_WATER_BYTES", "TURN_S", "Outbox", "Tap"]

HIGH_WATER_BYTES = 128 * 1024
"""Bytes not taken yet for which whoever sends much waits; others write all the same."""

TURN_S = 0.005
"""A client is written to for so long before others have their turn: a fast one never lets `drain`
wait."""

Tap = Callable[[bytes], None]
"""Is told of bytes as they are written."""


class Outbox:
    """The writing side of a client's connection. In its loop.

    Args:
        writer: Of the connection.
        most: Bytes that may wait for the client; with more the connection is cut.
        tap: Told of each packet; None: nobody is.

    Attributes:
        fault: Reason why the connection was cut from here; empty: it was not.
    """

    def __init__(self, writer: asyncio.StreamWriter, *, most: int, tap: Tap | None = None) -> None:
        self._writer, self._most, self._tap = writer, most, tap
        self._written = 0
        self._taken, self._taken_at = 0, 0.0
        self._turn_at = time.monotonic()
        self.fault = ""
        writer.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)

    @property
    def waiting(self) -> int:
        """Bytes that the client does not take yet, without those that the kernel has."""
        return self._writer.transport.get_write_buffer_size()

    @property
    def is_open(self) -> bool:
        """The connection stands, as far as is known."""
        return not self._writer.transport.is_closing()

    def put(self, packets: bytes) -> None:
        """Write one packet, or several, without waiting; cuts the connection if too much waits."""
        if not self.is_open:
            return
        if self.waiting + len(packets) > self._most:
            self.cut(f"{self._most} bytes wait for it and it takes none (max_queued)")
            return
        self._written += len(packets)
        self._writer.write(packets)
        if self._tap is not None:
            self._tap(packets)

    async def send(self, packets: bytes) -> None:
        """Write, and wait until the client takes it.

        Raises:
            LinkError: The connection has gone.
        """
        await self._give_way()  # not behind it: with the last item a channel is free at once
        self.put(packets)
        await self._drained()

    async def drain(self) -> None:
        """Wait until little waits for the client, and let others have their turn.

        Raises:
            LinkError: The connection has gone.
        """
        await self._drained()
        await self._give_way()

    async def _give_way(self) -> None:
        if time.monotonic() > self._turn_at + TURN_S:
            await asyncio.sleep(0)
            self._turn_at = time.monotonic()

    async def _drained(self) -> None:
        if not self.is_open:
            raise LinkError("the connection of the client has gone")
        try:
            await self._writer.drain()
        except OSError as error:
            raise LinkError(f"the connection of the client has gone: {error}") from error

    def stalled_for(self, now: float) -> float:
        """Return for how long the client has taken nothing of what waits, s; asked each second.

        Args:
            now: s, monotonic.
        """
        taken = self._written - self.waiting
        if taken != self._taken or not self.waiting:
            self._taken, self._taken_at = taken, now
        return now - self._taken_at

    def cut(self, reason: str) -> None:
        """End the connection at once; what waits is lost."""
        if not self.fault:
            self.fault = reason
        self._writer.transport.abort()
