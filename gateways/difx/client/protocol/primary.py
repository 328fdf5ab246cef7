"""Client-side state of a primary connection: handshake answers, diagnostics, relayed messages,
channels. No I/O: bytes are handed in, and whoever waits looks at what has come of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum

from gateways.difx.errors import FrameError
from gateways.difx.protocol.channels import Channel
from gateways.difx.protocol.frames import Frame, FrameReader
from gateways.difx.protocol.items import INTEGER_BYTES, read_integer
from gateways.difx.protocol.packets import Packet

__all__ = ["FIRST_CHANNEL", "Diagnostic", "Level", "Primary", "ServerInfo", "TaskChannel"]

FIRST_CHANNEL = 12346
"""First number of a channel, that of the script client."""
LAST_CHANNEL = 65535
"""Of ports and channels; the count begins anew after it."""
MAX_FRAME_BYTES = 64 << 20
"""The original has no limit; a client may wait for a packet of this size, but not for one of 2 GiB."""
KEPT_DIAGNOSTICS = 1000


class Level(IntEnum):
    """Gravity of a diagnostic, as the id of its packet."""

    INFORMATION = Packet.INFORMATION
    WARNING = Packet.WARNING
    ERROR = Packet.ERROR


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A text for a log window. The original says "warning" of normal actions, too.

    Attributes:
        level: As the server has it.
        text: Without the line feed at its end.
    """

    level: Level
    text: str


@dataclass(slots=True)
class ServerInfo:
    """Answers to a handshake.

    Attributes:
        version: Of the server.
        difx_version: Of the build; most servers do not say.
        base: Folder of the DiFX software; may be empty.
        user: Name of the server's user; None: unknown.
        versions: Usable DiFX versions.
        environment: Variables that the server shows.
        can_multiplex: It knows channels.
    """

    version: str
    difx_version: str | None = None
    base: str = ""
    user: str | None = None
    versions: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    can_multiplex: bool = False


class TaskChannel(Channel):
    """Channel of a task: its bytes as they come from the server.

    Attributes:
        is_connected: The server has announced it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.is_connected = False

    def take_between(self, least: int, most: int) -> bytes | None:
        """Return as many bytes as there are of those wanted; None: not even the least."""
        return self.take_some(most) if len(self) >= least else None


class Primary:
    """State of one connection.

    Args:
        keep_messages: Relayed messages that wait at most; the oldest goes first.
    """

    def __init__(self, *, keep_messages: int = 1000) -> None:
        self._frames = FrameReader(limit=MAX_FRAME_BYTES)
        self._next_channel = FIRST_CHANNEL
        self.channels: dict[int, TaskChannel] = {}
        self.info: ServerInfo | None = None
        """Answers of the last handshake, which may still be coming in."""
        self.handshakes = 0
        """Handshakes that came to their end."""
        self.diagnostics: deque[Diagnostic] = deque(maxlen=KEPT_DIAGNOSTICS)
        self.told = 0
        """Diagnostics that ever came."""
        self.messages: deque[bytes] = deque()
        self.lost_messages = 0
        """Relayed messages that were dropped because nobody took them."""
        self.strays = 0
        """Chunks of channels that are not, or no longer, open."""
        self._keep_messages = keep_messages

    @property
    def waiting(self) -> int:
        """Bytes of channels that nobody has taken yet."""
        return sum(len(channel) for channel in self.channels.values())

    def begin_handshake(self) -> int:
        """Forget the answers of the handshake before; returns how many came to their end so far."""
        self.info = None
        return self.handshakes

    def open_channel(self) -> TaskChannel:
        """Return a channel under a number that no other one has."""
        number = self._next_channel
        while number in self.channels:
            number = number + 1 if number < LAST_CHANNEL else FIRST_CHANNEL
        self._next_channel = number + 1 if number < LAST_CHANNEL else FIRST_CHANNEL
        channel = self.channels[number] = TaskChannel(number)
        return channel

    def close_channel(self, channel: TaskChannel) -> None:
        """Forget a channel; chunks that are still to come are dropped."""
        self.channels.pop(channel.number, None)

    def said_since(self, count: int, least: Level = Level.INFORMATION) -> list[str]:
        """Return the diagnostics of a level, or graver, after the first `count`."""
        new = min(self.told - count, len(self.diagnostics))
        recent = list(self.diagnostics)[len(self.diagnostics) - new :]
        return [each.text for each in recent if each.level >= least]

    def receive(self, data: bytes) -> list[Diagnostic]:
        """Take bytes from the server; returns the diagnostics among them.

        Raises:
            FrameError: They are no frames, or one is too large: the connection is of no use.
        """
        found: list[Diagnostic] = []
        for frame in self._frames.feed(data):
            if frame.id in tuple(Level):
                text = _text(frame.payload).rstrip("\n")
                found.append(Diagnostic(Level(frame.id), text))
            else:
                self._take(frame)
        self.diagnostics += found
        self.told += len(found)
        return found

    def _take(self, frame: Frame) -> None:
        if frame.id == Packet.CHANNEL_DATA:
            channel = self._channel_of(frame)
            if channel is None:
                self.strays += 1
            else:
                channel.put(frame.payload[INTEGER_BYTES:])
        elif frame.id == Packet.CHANNEL_CONNECTION:
            if (channel := self._channel_of(frame)) is not None:
                channel.is_connected = True
        elif frame.id == Packet.RELAY:
            if len(self.messages) >= self._keep_messages:
                self.messages.popleft()
                self.lost_messages += 1
            self.messages.append(frame.payload)
        else:
            self._take_handshake(frame)

    def _channel_of(self, frame: Frame) -> TaskChannel | None:
        if len(frame.payload) < INTEGER_BYTES:
            raise FrameError(f"packet {frame.id}: it has no channel number")
        return self.channels.get(read_integer(frame.payload[:INTEGER_BYTES]))

    def _take_handshake(self, frame: Frame) -> None:
        text = _text(frame.payload)
        if frame.id == Packet.GUISERVER_VERSION:
            self.info = ServerInfo(text)
        elif self.info is None:
            pass  # an answer to nothing
        elif frame.id == Packet.GUISERVER_DIFX_VERSION:
            self.info.difx_version = text
        elif frame.id == Packet.DIFX_BASE:
            self.info.base = text
        elif frame.id == Packet.GUISERVER_USER:
            self.info.user = text
        elif frame.id == Packet.AVAILABLE_DIFX_VERSION:
            self.info.versions.append(text)
        elif frame.id == Packet.GUISERVER_ENVIRONMENT:
            name, _, value = text.partition("=")
            self.info.environment[name] = value
        elif frame.id == Packet.CHANNEL_ALL_DATA:
            self.info.can_multiplex = True
            self.handshakes += 1


def _text(payload: bytes) -> str:
    return payload.decode(errors="replace")
