"""Clients of a capture, connected to a server anew."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Mapping

from gateways.difx.client.aio import reason_of
from gateways.difx.client.errors import GatewayConnectionLostError
from gateways.difx.client.protocol.replaying import ClientPlan, ReplayedAnswers, Step
from gateways.difx.protocol.frames import FrameReader, pack_frame

__all__ = ["replay_client"]

READ_BYTES = 1 << 16


async def replay_client(plan: ClientPlan, host: str, port: int, patience: float) -> ReplayedAnswers:
    """Play a client, and return what the server answers.

    Each packet is sent when as much was answered as in the capture. Task connections are taken on
    the ports of the capture.

    Args:
        plan: Of the client.
        host: Of the server.
        port: Of the server.
        patience: An answer that does not come within so many s is not waited for any longer.

    Raises:
        ConnectionLostError: Nobody listens there.
        OSError: A port of the capture is taken.
    """
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(host, port, family=socket.AF_INET)
    except OSError as error:
        raise GatewayConnectionLostError(
            f"{host}:{port}", "connecting", reason_of(error)
        ) from error
    return await _Played(plan, reader, writer, patience).run()


class _Played:
    def __init__(
        self,
        plan: ClientPlan,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        patience: float,
    ) -> None:
        self._plan, self._reader, self._writer = plan, reader, writer
        self._patience = patience
        self._answers = ReplayedAnswers()
        self._tasks: dict[int, asyncio.StreamWriter] = {}
        self._news = asyncio.Condition()
        self._is_closed = False

    async def run(self) -> ReplayedAnswers:
        servers = [await self._listen(port) for port in self._plan.ports]
        reading = asyncio.create_task(self._read())
        try:
            for step in self._plan.steps:
                await self._wait_for(step.after)
                if not await self._send(step):
                    break
            await self._wait_for(self._plan.expected.sizes)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            for server in servers:
                server.close()
            for writer in (self._writer, *self._tasks.values()):
                writer.close()
        return self._answers

    async def _listen(self, port: int) -> asyncio.Server:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            async with self._news:
                self._tasks[port] = writer
                self._news.notify_all()
            with contextlib.suppress(OSError):
                while data := await reader.read(READ_BYTES):
                    async with self._news:
                        self._answers.take_task(port, data)
                        self._news.notify_all()

        address = self._writer.get_extra_info("sockname")[0]
        return await asyncio.start_server(accept, address, port)

    async def _read(self) -> None:
        frames = FrameReader()
        with contextlib.suppress(OSError):
            while data := await self._reader.read(READ_BYTES):
                async with self._news:
                    for frame in frames.feed(data):
                        self._answers.take_packet(frame.id, frame.payload)
                    self._news.notify_all()
        async with self._news:
            self._is_closed = True
            self._news.notify_all()

    async def _wait_for(self, sizes: Mapping[str, int]) -> None:
        with contextlib.suppress(TimeoutError):  # the comparison shows it
            async with asyncio.timeout(self._patience), self._news:
                await self._news.wait_for(lambda: self._is_closed or self._answers.reaches(sizes))

    async def _send(self, step: Step) -> bool:
        """Send what the client sent; False: there is nobody to send it to."""
        record = step.captured
        writer: asyncio.StreamWriter | None = self._writer
        data = record.data
        if record.packet is not None:
            data = pack_frame(record.packet, record.data)
        elif record.port is not None:
            port = record.port
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience), self._news:
                    await self._news.wait_for(lambda: self._is_closed or port in self._tasks)
            writer = self._tasks.get(port)
        if writer is None or self._is_closed:
            return False
        try:
            writer.write(data)
            await writer.drain()
        except OSError:
            return False
        return True
