"""Channels of a client: the chunks that it sends, a stream of bytes for each task.

Chunks are split and joined as the client likes, and may come before the command that they belong
to. All that waits is bounded: early chunks in channels and bytes, everything together in bytes.

The script client gives each task a number of its own, and may send its data first. The GUI client uses
few numbers again and again, and may send a last chunk when the task has ended: it is dropped, or the
next task of that number would read it.
"""

from __future__ import annotations

from gateways.difx.errors import FrameError, LinkError

__all__ = ["MAX_ENDED", "Channel", "ClientChannels"]

MAX_ENDED = 1000
"""Numbers of tasks that have ended and are remembered; the GUI client has 100."""


class Channel:
    """Bytes of one channel that wait for its task."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._waiting = bytearray()

    def __len__(self) -> int:
        """Return how many bytes wait."""
        return len(self._waiting)

    def put(self, data: bytes) -> None:
        """Append a chunk."""
        self._waiting += data

    def take(self, count: int) -> bytes | None:
        """Return exactly so many bytes; None: fewer wait, and stay."""
        if len(self._waiting) < count:
            return None
        return self.take_some(count)

    def take_some(self, most: int) -> bytes:
        """Return what waits, at most so many bytes; empty: nothing waits."""
        taken = bytes(memoryview(self._waiting)[:most])
        del self._waiting[:most]
        return taken


class ClientChannels:
    """All channels of one client.

    Args:
        most_bytes: That wait in all of them together.
        most_early: Channels with chunks and without a task. Of more, the one that waits longest is
            forgotten: its task has ended, or was never asked for.

    Attributes:
        forgotten: Channels that were forgotten so far.
    """

    def __init__(self, *, most_bytes: int, most_early: int) -> None:
        self._most_bytes, self._most_early = most_bytes, most_early
        self._open: dict[int, Channel] = {}
        self._early: dict[int, Channel] = {}
        self._ended: dict[int, None] = {}
        self.forgotten = 0

    @property
    def waiting(self) -> int:
        """Bytes that wait in all channels."""
        return sum(map(len, (*self._open.values(), *self._early.values())))

    @property
    def early(self) -> int:
        """Number of channels that have chunks, and no task yet."""
        return len(self._early)

    def receive(self, number: int, data: bytes) -> Channel | None:
        """Take a chunk; return the channel if it has a task, which may go on now.

        Raises:
            FrameError: More bytes wait than may; the connection ends.
        """
        channel = self._open.get(number)
        if data and number not in self._ended:
            self._check_room(number, len(data))
            (self._early_channel(number) if channel is None else channel).put(data)
        return channel

    def open(self, number: int) -> Channel:
        """Return the channel of a new task, with the chunks that came before it.

        Raises:
            LinkError: Another task has this channel.
        """
        if number in self._open:
            raise LinkError(
                f"channel {number} belongs to a task that has not ended; name another one as port"
            )
        self._ended.pop(number, None)
        channel = self._early.pop(number, Channel(number))
        self._open[number] = channel
        return channel

    def close(self, number: int) -> None:
        """Forget a channel whose task has ended, what waits in it, and what comes for it still."""
        if self._open.pop(number, None) is not None:
            self._ended[number] = None
            if len(self._ended) > MAX_ENDED:
                del self._ended[next(iter(self._ended))]

    def _check_room(self, number: int, size: int) -> None:
        waiting = self.waiting
        if waiting + size > self._most_bytes:
            raise FrameError(
                f"channel {number}: a chunk of {size} bytes, where {waiting} of at most"
                f" {self._most_bytes} bytes wait already; the connection ends"
            )

    def _early_channel(self, number: int) -> Channel:
        channel = self._early.get(number)
        if channel is None:
            if len(self._early) >= self._most_early:
                self._early.pop(next(iter(self._early)))
                self.forgotten += 1
            channel = self._early[number] = Channel(number)
        return channel
