"""Streams to viewers: server-sent events, and WebSockets."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from player.endpoints.http.protocol.messages import write_beat, write_end
from player.endpoints.http.viewers import Viewer, Viewers

__all__ = ["EventStream", "serve_websocket"]

_RETRY_MS = 500
_PAUSE_S = 0.05
"""Between two takes of one viewer: what comes meanwhile is sent together."""
_FILLED_BYTES_PER_S = 10 * 1024
"""A stream of events has so much at least, for a browser answers nothing: that one reads nothing is
only seen when its buffers and ours are full. WebSockets have pings for that."""
_AT_ONCE_BYTES = 64 * 1024
_GOING_AWAY, _POLICY = 1001, 1008


class _Beats:
    """Heartbeats of one stream.

    Args:
        viewers: Know its state.
        viewer: Its viewer.
        every: s.
    """

    def __init__(self, viewers: Viewers, viewer: Viewer, every: float) -> None:
        self._viewers, self._viewer, self._every = viewers, viewer, every
        self._due, self._number = time.monotonic(), 0

    @property
    def left(self) -> float:
        """Time until the next one, s."""
        return max(self._due - time.monotonic(), 0.0)

    def take(self) -> str | None:
        """Return the next one, if it is due."""
        now = time.monotonic()
        if now < self._due:
            return None
        self._due = max(self._due + self._every, now)
        self._number += 1
        return write_beat(self._number, time.time(), **self._viewers.state(self._viewer))


class EventStream(StreamingResponse):
    """Response that goes on: server-sent events for one viewer, who is forgotten at its end.

    Args:
        viewers: Have the viewer.
        viewer: The viewer.
        every: Between heartbeats, s.
    """

    media_type = "text/event-stream"

    def __init__(self, viewers: Viewers, viewer: Viewer, every: float) -> None:
        super().__init__(self._events(), headers={"x-accel-buffering": "no"})
        self._viewers, self._viewer, self._every = viewers, viewer, every

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._viewers.leave(self._viewer)

    async def _events(self) -> AsyncIterator[bytes]:
        beats, since_beat = _Beats(self._viewers, self._viewer, self._every), 0
        yield format_sse_event(retry=_RETRY_MS)
        while (updates := await self._viewer.take(beats.left)) is not None:
            chunk = bytearray()
            for update in updates:
                chunk += update.event
                if len(chunk) > _AT_ONCE_BYTES:
                    since_beat += len(chunk)
                    yield bytes(chunk)
                    chunk.clear()
            since_beat += len(chunk)
            if (beat := beats.take()) is not None:
                missing = int(_FILLED_BYTES_PER_S * self._every) - since_beat - len(beat)
                filling = " " * max(missing, 0)
                chunk += format_sse_event(data_str=beat, event="heartbeat", comment=filling)
                since_beat = 0
            if chunk:
                yield bytes(chunk)
                await asyncio.sleep(_PAUSE_S)
        if self._viewer.why:
            yield format_sse_event(data_str=write_end(self._viewer.why), event="end")


async def serve_websocket(
    socket: WebSocket, viewers: Viewers, viewer: Viewer, every: float
) -> None:
    """Serve a viewer over a WebSocket until its end: updates and heartbeats as text, frames of
    pipes as bytes. Whoever says anything is not served any more."""
    await socket.accept()
    writing = asyncio.create_task(_write(socket, viewers, viewer, every))
    reading = asyncio.create_task(_read(socket))
    try:
        await asyncio.wait((writing, reading), return_when=asyncio.FIRST_COMPLETED)
    finally:
        viewers.leave(viewer)
        for task in (writing, reading):
            task.cancel()
        await asyncio.gather(writing, reading, return_exceptions=True)


async def _write(socket: WebSocket, viewers: Viewers, viewer: Viewer, every: float) -> None:
    beats = _Beats(viewers, viewer, every)
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it is gone
        while (updates := await viewer.take(beats.left)) is not None:
            for update in updates:
                if update.frame is not None:
                    await socket.send_bytes(update.frame)
                else:
                    await socket.send_text(update.text)
            if (beat := beats.take()) is not None:
                await socket.send_text(beat)
            await asyncio.sleep(_PAUSE_S)
        if viewer.why:
            await socket.send_text(write_end(viewer.why))
            await socket.close(_POLICY)
        else:
            await socket.close(_GOING_AWAY, "the Player ends")


async def _read(socket: WebSocket) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        if (await socket.receive())["type"] != "websocket.disconnect":
            await socket.close(_POLICY, "nothing is asked over this connection")
