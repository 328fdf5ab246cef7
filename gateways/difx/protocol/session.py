"""State of one client, and the requests that its packets are. No sockets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateways.difx.errors import PayloadError
from gateways.difx.protocol.commands import Command
from gateways.difx.protocol.documents import read_command
from gateways.difx.protocol.frames import MAX_PACKET_BYTES, Frame, FrameReader
from gateways.difx.protocol.items import INTEGER_BYTES, read_text
from gateways.difx.protocol.packets import (
    LONGEST_SETUP_PATH,
    FilelistRequest,
    JobStatusRequest,
    MulticastSettings,
    Packet,
    read_chunk,
    read_filelist_request,
    read_job_status_request,
    read_monitor_port,
    read_multicast_settings,
    read_relay,
)
from gateways.difx.protocol.selection import Selection
from gateways.difx.protocol.xmltexts import MAX_DOCUMENT_BYTES
from groundwork.truncation import cut

__all__ = [
    "Chunk",
    "CommandRequest",
    "MonitorRequest",
    "RelayCommand",
    "RelaySwitch",
    "Request",
    "Session",
    "VersionRequest",
    "primary_reader",
    "profile_of",
]

_SCRIPT = "rungeneric."
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class VersionRequest:
    """GUISERVER_VERSION: the handshake is wanted."""


@dataclass(frozen=True, slots=True)
class RelaySwitch:
    """RELAY: messages are wanted, or not any more."""

    on: bool


@dataclass(frozen=True, slots=True)
class RelayCommand:
    """RELAY_COMMAND: a message for all that listen, not read yet."""

    document: bytes


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """COMMAND: a command, and the document that it came in."""

    command: Command
    document: bytes


@dataclass(frozen=True, slots=True)
class MonitorRequest:
    """START_DIFX_MONITOR, with the port or channel of its task connection."""

    port: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """CHANNEL_DATA, which may be empty."""

    channel: int
    data: bytes


Request = (
    VersionRequest
    | RelaySwitch
    | RelayCommand
    | CommandRequest
    | MonitorRequest
    | Chunk
    | MulticastSettings
    | FilelistRequest
    | JobStatusRequest
)


def primary_reader(max_packet: int = MAX_PACKET_BYTES) -> FrameReader:
    """Return a reader of a primary connection: a chunk may have as many bytes as any payload."""
    return FrameReader(limit=max_packet, extra={Packet.CHANNEL_DATA: INTEGER_BYTES})


class Session:
    """State of one client, as its packets make it.

    Args:
        profiles: Names of runner profiles that it may choose.
        max_document: Bytes of a command document.

    Attributes:
        relay: Messages are relayed.
        selection: Of these messages.
        channel_mode: Task connections that begin now are channels.
        profile: That was chosen; empty: none was.
    """

    def __init__(
        self, profiles: Sequence[str] = (), *, max_document: int = MAX_DOCUMENT_BYTES
    ) -> None:
        self._profiles, self._max_document = tuple(profiles), max_document
        self.relay = False
        self.selection = Selection()
        self.channel_mode = False
        self.profile = ""
        self._readers: dict[int, Callable[[bytes], Request | None]] = {
            Packet.RELAY: self._relay,
            Packet.RELAY_COMMAND: RelayCommand,
            Packet.COMMAND: self._command,
            Packet.MULTICAST_SETTINGS: read_multicast_settings,
            Packet.GUISERVER_VERSION: lambda _: VersionRequest(),
            Packet.DIFX_SETUP_PATH: self._setup_path,
            Packet.START_DIFX_MONITOR: lambda payload: MonitorRequest(read_monitor_port(payload)),
            Packet.DIFX_RUN_LABEL: self._run_label,
            Packet.MESSAGE_SELECTION: self._selection,
            Packet.CHANNEL_ALL_DATA_ON: lambda _: self._channels(True),
            Packet.CHANNEL_ALL_DATA_OFF: lambda _: self._channels(False),
            Packet.CHANNEL_DATA: lambda payload: Chunk(*read_chunk(payload)),
            Packet.GENERATE_FILELIST: read_filelist_request,
            Packet.GET_JOB_STATUS: read_job_status_request,
        }

    def take(self, frame: Frame) -> Request | None:
        """Take a packet; return what is to be done, None: nothing, the state alone has changed.

        Ids that nobody knows, and those of the other direction, are nothing.

        Raises:
            PayloadError: The payload cannot be read.
            DocumentError: The command document cannot be read; UnknownTypeError: it is no command.
        """
        reader = self._readers.get(frame.id)
        return None if reader is None else reader(frame.payload)

    def _relay(self, payload: bytes) -> RelaySwitch:
        self.relay = read_relay(payload)
        return RelaySwitch(self.relay)

    def _command(self, payload: bytes) -> CommandRequest:
        return CommandRequest(read_command(payload, limit=self._max_document), payload)

    def _selection(self, payload: bytes) -> None:
        self.selection = self.selection.read(payload)

    def _channels(self, on: bool) -> None:
        self.channel_mode = on

    def _setup_path(self, payload: bytes) -> None:
        path = _short_text("DIFX_SETUP_PATH", payload)
        self._choose("DIFX_SETUP_PATH", path, profile_of(path))

    def _run_label(self, payload: bytes) -> None:
        label = _short_text("DIFX_RUN_LABEL", payload)
        self._choose("DIFX_RUN_LABEL", label, label)

    def _choose(self, packet: str, told: str, profile: str) -> None:
        if told and profile not in self._profiles:
            raise PayloadError(
                f"{packet}: {cut(told, _SHOWN)!r} names no version that is configured (versions):"
                f" {', '.join(self._profiles) or 'there is none'}"
            )
        self.profile = profile


def _short_text(packet: str, payload: bytes) -> str:
    if len(payload) > LONGEST_SETUP_PATH:
        raise PayloadError(f"{packet}: {len(payload)} bytes are more than {LONGEST_SETUP_PATH}")
    return read_text(payload).strip()


def profile_of(setup_path: str) -> str:
    """Return the version in the path of a `rungeneric` script; empty: there is none in it."""
    before, script, version = setup_path.rpartition("/")[2].partition(_SCRIPT)
    return version if script and not before else ""
