"""Packets of the primary connection: their ids, and their payloads both ways. The header before a
payload is `gateways.difx.protocol.frames`'s."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from gateways.difx.errors import PayloadError
from gateways.difx.protocol.frames import pack_frame
from gateways.difx.protocol.items import (
    INTEGER_BYTES,
    PayloadReader,
    counted,
    integer,
    read_integer,
    read_text,
    text,
)

__all__ = [
    "LONGEST_SETUP_PATH",
    "MAX_FILES",
    "FilelistRequest",
    "JobStatusRequest",
    "MulticastSettings",
    "Packet",
    "pack_chunk",
    "pack_connection",
    "pack_text",
    "read_chunk",
    "read_filelist_request",
    "read_job_status_request",
    "read_monitor_port",
    "read_multicast_settings",
    "read_relay",
    "write_filelist_request",
    "write_job_status_request",
    "write_multicast_settings",
]

LONGEST_SETUP_PATH = 4095
"""Bytes of DIFX_SETUP_PATH."""
MAX_FILES = 10_000
"""Recordings of one GENERATE_FILELIST."""
_LONGEST_GROUP = 15
_HIGHEST_PORT = 65535


class Packet(IntEnum):
    """Ids of packets of the primary connection."""

    RELAY = 1
    RELAY_COMMAND = 2
    COMMAND = 3
    INFORMATION = 4
    WARNING = 5
    ERROR = 6
    MULTICAST_SETTINGS = 7
    GUISERVER_VERSION = 8
    GUISERVER_DIFX_VERSION = 9
    AVAILABLE_DIFX_VERSION = 10
    DIFX_BASE = 11
    GUISERVER_ENVIRONMENT = 12
    DIFX_SETUP_PATH = 13
    START_DIFX_MONITOR = 14
    DIFX_RUN_LABEL = 15
    GUISERVER_USER = 16
    MESSAGE_SELECTION = 17
    CHANNEL_ALL_DATA = 18
    CHANNEL_ALL_DATA_ON = 19
    CHANNEL_ALL_DATA_OFF = 20
    CHANNEL_CONNECTION = 21
    CHANNEL_DATA = 22
    GENERATE_FILELIST = 23
    GET_JOB_STATUS = 24


@dataclass(frozen=True, slots=True)
class MulticastSettings:
    """A multicast group and its port."""

    group: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatusRequest:
    """A request for the states of jobs.

    Attributes:
        short: The last state of each job, not all of them.
        pattern: Of `.input` files, with wildcards.
        port: Or channel, of the task connection.
    """

    short: bool
    pattern: str
    address: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FilelistRequest:
    """A request for a list of recordings with their times.

    Attributes:
        files: Recordings.
        destination: File of the list.
        format: Of the recordings; begins with `MKIV`, `VLBA`, `MARK5B` or `VDIF`.
        reference_mjd: Day near the recordings, for formats whose times wrap.
        port: Or channel, of the task connection.
    """

    files: tuple[str, ...]
    destination: str
    format: str
    reference_mjd: int
    address: str
    port: int


def pack_text(packet: Packet, value: str) -> bytes:
    """Return a packet with a text."""
    return pack_frame(packet, text(value))


def pack_connection(channel: int) -> bytes:
    """Return the packet that announces a channel."""
    return pack_frame(Packet.CHANNEL_CONNECTION, integer(channel))


def pack_chunk(channel: int, data: bytes) -> bytes:
    """Return the packet with a chunk of a channel."""
    return pack_frame(Packet.CHANNEL_DATA, integer(channel) + data)


def read_chunk(payload: bytes) -> tuple[int, bytes]:
    """Read CHANNEL_DATA: the channel, and the chunk, which may be empty."""
    if len(payload) < INTEGER_BYTES:
        raise PayloadError(f"CHANNEL_DATA: {len(payload)} bytes have no channel number in them")
    return read_integer(payload[:INTEGER_BYTES]), payload[INTEGER_BYTES:]


def read_relay(payload: bytes) -> bool:
    """Read RELAY: on, or off."""
    return PayloadReader("RELAY", payload).integer("the switch") != 0


def read_monitor_port(payload: bytes) -> int:
    """Read START_DIFX_MONITOR: port or channel.

    4 bytes are an integer, as clients send it; other digits are the text of the published page.
    """
    if len(payload) == INTEGER_BYTES:
        return read_integer(payload)
    if payload.isdigit() and len(payload) <= len(str(_HIGHEST_PORT)):
        return int(payload)
    raise PayloadError(
        f"START_DIFX_MONITOR: {payload[:20]!r} is neither an integer of {INTEGER_BYTES} bytes nor"
        " the digits of a port"
    )


def read_multicast_settings(payload: bytes) -> MulticastSettings:
    """Read MULTICAST_SETTINGS: group, LF, port."""
    lines = read_text(payload[:100]).split("\n")
    if len(lines) < 2 or len(payload) > 100:
        raise PayloadError(
            "MULTICAST_SETTINGS: a group and a port are wanted, with a line feed between them"
        )
    group, port = lines[0].strip(), lines[1].strip()
    if not 0 < len(group) <= _LONGEST_GROUP:
        raise PayloadError(
            f"MULTICAST_SETTINGS: group {group!r} has not 1 to {_LONGEST_GROUP} characters"
        )
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= _HIGHEST_PORT):
        raise PayloadError(f"MULTICAST_SETTINGS: port {port!r} is not within 1..{_HIGHEST_PORT}")
    return MulticastSettings(group, int(port))


def write_multicast_settings(settings: MulticastSettings) -> bytes:
    """Return the payload of MULTICAST_SETTINGS."""
    return text(f"{settings.group}\n{settings.port}")


def read_job_status_request(payload: bytes) -> JobStatusRequest:
    """Read GET_JOB_STATUS."""
    fields = PayloadReader("GET_JOB_STATUS", payload)
    return JobStatusRequest(
        short=fields.integer("the wish for a short status") != 0,
        pattern=fields.counted("the file pattern"),
        address=fields.counted("the address"),
        port=fields.integer("the port"),
    )


def write_job_status_request(request: JobStatusRequest) -> bytes:
    """Return the payload of GET_JOB_STATUS."""
    return (
        integer(request.short)
        + counted(request.pattern)
        + counted(request.address)
        + integer(request.port)
    )


def read_filelist_request(payload: bytes) -> FilelistRequest:
    """Read GENERATE_FILELIST."""
    fields = PayloadReader("GENERATE_FILELIST", payload)
    count = fields.integer("the number of files")
    if count > MAX_FILES:
        raise PayloadError(f"GENERATE_FILELIST: {count} files are more than {MAX_FILES}")
    if not 0 <= count <= fields.left // INTEGER_BYTES:
        raise PayloadError(
            f"GENERATE_FILELIST: {count} files are not in the {fields.left} bytes that are left"
        )
    return FilelistRequest(
        files=tuple(fields.counted(f"file {number}") for number in range(1, count + 1)),
        destination=fields.counted("the destination"),
        format=fields.counted("the format"),
        reference_mjd=fields.integer("the reference MJD"),
        address=fields.counted("the address"),
        port=fields.integer("the port"),
    )


def write_filelist_request(request: FilelistRequest) -> bytes:
    """Return the payload of GENERATE_FILELIST."""
    return b"".join(
        (
            integer(len(request.files)),
            *map(counted, request.files),
            counted(request.destination),
            counted(request.format),
            integer(request.reference_mjd),
            counted(request.address),
            integer(request.port),
        )
    )
