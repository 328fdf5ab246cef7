"""Streams to viewers: server-sent events, and WebSockets."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from dashboard.board import Board, PageMessage, PageViewer
from dashboard.protocol.messages import write_beat, write_wanted
from dashboard.protocol.wishes import WishError, read_wishes
from player.endpoints.http.protocol.messages import write_end

__all__ = ["PageStream", "serve_websocket"]

RETRY_MS = 500
BEAT_EVERY_S = 1.0
WISHES_PAUSE_S = 0.05
"""Between two wishes of one viewer: each may begin subscriptions at Players."""
GOING_AWAY, POLICY = 1001, 1008
Silent = Callable[[], Mapping[str, float]]


class _Beats:
    """Heartbeats of one stream.

    Args:
        viewer: Whose.
        silent: Returns Banks that are late.
    """

    def __init__(self, viewer: PageViewer, silent: Silent) -> None:
        self._viewer, self._silent = viewer, silent
        self._due, self._number = time.monotonic(), 0

    @property
    def left(self) -> float:
        """Time until the next one, s."""
        return max(self._due - time.monotonic(), 0.0)

    def take(self) -> PageMessage | None:
        """Return the next one, if it is due."""
        now = time.monotonic()
        if now < self._due:
            return None
        self._due = max(self._due + BEAT_EVERY_S, now)
        self._number += 1
        beat = write_beat(self._number, time.time(), self._viewer.merged, self._silent())
        return PageMessage("heartbeat", beat)


class PageStream(StreamingResponse):
    """Response that goes on: server-sent events for one viewer, who is forgotten at its end.

    Args:
        board: Has the viewer.
        viewer: The viewer.
        hello: First message.
        silent: Returns Banks that are late.
    """

    media_type = "text/event-stream"

    def __init__(self, board: Board, viewer: PageViewer, hello: str, silent: Silent) -> None:
        super().__init__(self._events(), headers={"x-accel-buffering": "no"})
        self._board, self._viewer, self._hello, self._silent = board, viewer, hello, silent

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._board.leave(self._viewer)

    async def _events(self) -> AsyncIterator[bytes]:
        beats = _Beats(self._viewer, self._silent)
        yield format_sse_event(retry=RETRY_MS) + PageMessage("hello", self._hello).event
        is_on = True
        while is_on:
            chunk = bytearray()
            for message in _due(self._viewer, beats):
                chunk += message.event
            if chunk:
                yield bytes(chunk)
            is_on = await self._viewer.wait(beats.left)
        if self._viewer.why:
            yield format_sse_event(data_str=write_end(self._viewer.why), event="end")


def _due(viewer: PageViewer, beats: _Beats) -> Sequence[PageMessage]:
    messages = viewer.take()
    beat = beats.take()
    return messages if beat is None else [*messages, beat]


async def serve_websocket(
    socket: WebSocket, board: Board, viewer: PageViewer, hello: str, silent: Silent
) -> None:
    """Serve a viewer over a WebSocket until its end: topics and heartbeats as text, frames of pipes
    as bytes. It says what it wants, and nothing else."""
    await socket.accept()
    answers: asyncio.Queue[str] = asyncio.Queue(maxsize=1)  # who asks faster than it reads waits
    writing = asyncio.create_task(_write(socket, viewer, _Beats(viewer, silent), hello, answers))
    reading = asyncio.create_task(_read(socket, board, viewer, answers))
    try:
        await asyncio.wait((writing, reading), return_when=asyncio.FIRST_COMPLETED)
    finally:
        board.leave(viewer)
        for task in (writing, reading):
            task.cancel()
        await asyncio.gather(writing, reading, return_exceptions=True)


async def _write(
    socket: WebSocket, viewer: PageViewer, beats: _Beats, hello: str, answers: asyncio.Queue[str]
) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it is gone
        await socket.send_text(hello)
        is_on = True
        while is_on:
            while not answers.empty():
                await socket.send_text(answers.get_nowait())
            for message in _due(viewer, beats):
                await socket.send_text(message.text)
            for frame in viewer.take_frames():
                await socket.send_bytes(frame)
            is_on = await viewer.wait(beats.left)
        if viewer.why:
            await socket.send_text(write_end(viewer.why))
            await socket.close(POLICY)
        else:
            await socket.close(GOING_AWAY, "the dashboard ends")


async def _read(
    socket: WebSocket, board: Board, viewer: PageViewer, answers: asyncio.Queue[str]
) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            try:
                topics, frames = read_wishes(await _text(socket))
            except WishError as error:
                await socket.close(POLICY, str(error)[:100])
                return
            known, unknown = board.follow(viewer, topics)
            unknown += board.follow_frames(viewer, frames)
            had = [feed.wish.describe() for feed in viewer.frames]
            await answers.put(write_wanted(known, had, unknown))
            viewer.wake()
            await asyncio.sleep(WISHES_PAUSE_S)


async def _text(socket: WebSocket) -> str:
    """Return the next message; WishError: it is bytes."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", GOING_AWAY))
    text = message.get("text")
    if not isinstance(text, str):
        raise WishError("a wish is a text")
    return text
