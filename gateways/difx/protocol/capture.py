"""Captured packets of clients as the lines of a recording. No files, no clock.

The lines are those of `zmqjsonproxy.recording.protocol.record`; this module says what their frames
are. Of a packet, the first frame is `packet ID` and the second its payload; of the bytes of a task
connection, `task PORT` and the bytes as they were read or written. A note is one text: `connected
ADDRESS`, `closed: REASON`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from zmqjsonproxy.errors import RecordingError
from zmqjsonproxy.recording.protocol.record import (
    MessageDirection,
    Record,
    read_recording,
    write_header,
    write_record,
)

__all__ = ["Captured", "MessageDirection", "read_capture", "write_captured", "write_head"]

_SCHEME = "difx://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """A packet, bytes of a task connection, or a note.

    Attributes:
        time: UTC, when the gateway had it.
        client: Number of the client's connection, from 1.
        direction: REQUEST from the client, REPLY to it, NOTE: the connection itself.
        packet: Id of the packet on the client's own connection; None: it is none.
        port: Of the task connection; None: it is none.
        data: Payload of the packet, bytes of the task connection, or the note as UTF-8.
    """

    time: datetime
    client: int
    direction: MessageDirection
    packet: int | None = None
    port: int | None = None
    data: bytes = b""


def write_head(address: str, begun: datetime) -> bytes:
    """Encode the first line.

    Args:
        address: HOST:PORT at which the gateway listens.
        begun: UTC.
    """
    return write_header(_SCHEME + address, begun)


def write_captured(captured: Captured) -> bytes:
    """Encode a line."""
    if captured.packet is not None:
        frames: tuple[bytes, ...] = (b"packet %d" % captured.packet, captured.data)
    elif captured.port is not None:
        frames = (b"task %d" % captured.port, captured.data)
    else:
        frames = (captured.data,)
    return write_record(Record(captured.time, captured.direction, captured.client, frames))


def read_capture(lines: Iterable[bytes], source: str = "capture") -> list[Captured]:
    """Read lines, newlines included; a last one that was cut off is left out.

    Args:
        lines: For instance a file opened with "rb".
        source: Its name, for errors.

    Raises:
        RecordingError: It is no capture, or a line is damaged.
    """
    recording = read_recording(lines, source)
    if not recording.server.startswith(_SCHEME):
        raise RecordingError(source, 1, f"is of {recording.server!r}, which is no DiFX gateway")
    return [
        _read_record(record, source, number) for number, record in enumerate(recording.records, 2)
    ]


def _read_record(record: Record, source: str, number: int) -> Captured:
    if record.direction is MessageDirection.NOTE:
        return Captured(
            time=record.time,
            client=record.peer,
            direction=record.direction,
            data=record.frames[0],
        )
    words = record.frames[0].split(b" ")
    if len(record.frames) != 2 or len(words) != 2 or not _is_number(words[1]):
        raise RecordingError(source, number, "neither a packet nor bytes of a task connection")
    place = int(words[1])
    if words[0] not in (b"packet", b"task"):
        raise RecordingError(source, number, f"{record.frames[0][:40]!r} is not known")
    return Captured(
        time=record.time,
        client=record.peer,
        direction=record.direction,
        packet=place if words[0] == b"packet" else None,
        port=place if words[0] == b"task" else None,
        data=record.frames[1],
    )


def _is_number(word: bytes) -> bool:
    return word.removeprefix(b"-").isdigit() and len(word) <= 11
