"""Frames of streams that wait to be reduced: those of each in their order, streams in turn,
bounded. No thread, no lock."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from zmqjsonproxy.channels.properties import PublishedUpdate
from zmqjsonproxy.channels.streams import PropertyStream

__all__ = ["FrameQueue", "WaitingFrame"]

MAX_FRAMES = 1000
"""Of one stream."""
MAX_BYTES = 64 * 2**20
"""Of all streams; but each may have one frame more, which it holds as its newest one anyway."""


class WaitingFrame(NamedTuple):
    """A frame that was taken.

    Attributes:
        stream: Whose it is.
        update: The frame.
        dropped: Frames directly before it that were dropped.
    """

    stream: PropertyStream
    update: PublishedUpdate
    dropped: int


class _Frames:
    """Those of one stream."""

    __slots__ = ("dropped", "updates")

    def __init__(self) -> None:
        self.updates: deque[tuple[PublishedUpdate, int]] = deque()  # with its bytes
        self.dropped = 0


class FrameQueue:
    """The frames.

    A stream is `busy` from its first frame on until `done` says that the last one that was taken is
    sent: what is published meanwhile has to wait behind it.
    """

    def __init__(self) -> None:
        self._streams: dict[PropertyStream, _Frames] = {}  # the one whose turn it is first
        self._taken: PropertyStream | None = None
        self._size = 0

    def is_busy(self, stream: PropertyStream) -> bool:
        """Tell whether frames of a stream wait, or one is not sent yet."""
        return stream in self._streams

    def put(self, stream: PropertyStream, update: PublishedUpdate) -> int:
        """Add a frame; return how many of the stream's oldest are dropped for it."""
        frames = self._streams.setdefault(stream, _Frames())
        size, dropped = update.encoded.size, 0
        frames.updates.append((update, size))
        self._size += size
        while len(frames.updates) > MAX_FRAMES or (
            self._size > MAX_BYTES and len(frames.updates) > 1
        ):
            self._size -= frames.updates.popleft()[1]
            dropped += 1
        frames.dropped += dropped
        return dropped

    def take(self) -> WaitingFrame | None:
        """Take the next frame; None: none waits. `done` comes before the next one is taken."""
        if not self._streams:
            return None
        stream, frames = next(iter(self._streams.items()))
        self._taken = stream
        (update, size), dropped = frames.updates.popleft(), frames.dropped
        self._size -= size
        frames.dropped = 0
        return WaitingFrame(stream, update, dropped)

    def done(self) -> None:
        """Note that the frame that was taken is sent, or of no use: its stream waits for its next
        turn."""
        stream, self._taken = self._taken, None
        frames = None if stream is None else self._streams.pop(stream, None)
        if stream is not None and frames is not None and frames.updates:
            self._streams[stream] = frames

    def forget(self, stream: PropertyStream) -> None:
        """Drop what waits of a stream."""
        frames = self._streams.pop(stream, None)
        if frames is not None:
            self._size -= sum(size for _, size in frames.updates)
