"""The lines of a recording: messages with their times, as JSON. No files, no clock.

The first line says format and version; each further line is one message
(docs/protocols/recording.md).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from zmqjsonproxy.errors import RecordingError

__all__ = [
    "FORMAT",
    "VERSION",
    "MessageDirection",
    "Record",
    "RecordedTraffic",
    "read_recording",
    "write_header",
    "write_record",
]

FORMAT = "dealer-player recording"
VERSION = 1


class MessageDirection(StrEnum):
    """Which way a message went."""

    REQUEST = "request"
    REPLY = "reply"
    NOTE = "note"  # no message: what the recorder saw, as text


@dataclass(frozen=True, slots=True)
class Record:
    """One message, or a note.

    Attributes:
        time: UTC, when the recorder had it.
        direction: See Direction.
        peer: Number of the client's connection, from 1; 0 in notes that concern none.
        frames: As on the wire, the empty frame of a REQ socket's envelope included, routing ids
            not.
    """

    time: datetime
    direction: MessageDirection
    peer: int
    frames: tuple[bytes, ...]

    @property
    def has_delimiter(self) -> bool:
        """Tell whether the empty frame of a REQ socket stands before the body."""
        return len(self.frames) > 1 and not self.frames[0]

    @property
    def content(self) -> tuple[bytes, ...]:
        """The frames without that empty one: the body, and arrays behind it."""
        return self.frames[1:] if self.has_delimiter else self.frames


@dataclass(slots=True)
class RecordedTraffic:
    """Contents of a file.

    Attributes:
        server: Address of the recorded server.
        begun: UTC.
        records: In the order they were written.
        was_cut: The last line is incomplete (the recorder was killed, the disk was full) and was
            left out.
    """

    server: str
    begun: datetime
    records: list[Record] = field(default_factory=list)
    was_cut: bool = False


def write_header(server: str, begun: datetime) -> bytes:
    """Encode the first line."""
    return _line(
        {"format": FORMAT, "version": VERSION, "server": server, "begun": _write_time(begun)}
    )


def write_record(record: Record) -> bytes:
    """Encode a line. A frame is text where it is UTF-8 without NUL, else an object with its
    base64."""
    return _line(
        {
            "time": _write_time(record.time),
            "direction": record.direction.value,
            "peer": record.peer,
            "frames": [_write_frame(frame) for frame in record.frames],
        }
    )


def read_recording(lines: Iterable[bytes], source: str = "recording") -> RecordedTraffic:
    """Read lines, newlines included.

    Args:
        lines: For instance a file opened with "rb".
        source: Its name, for errors.

    Raises:
        RecordingError: It is no recording or one of another version; or a line is damaged, other
            than a last one that was cut off.
    """
    recording: RecordedTraffic | None = None
    for number, line in enumerate(lines, 1):
        try:
            fields = _read_fields(line)
            if recording is None:
                recording = _read_header(fields)
            else:
                recording.records.append(_read_record(fields))
        except ValueError as error:
            if recording is None:
                raise RecordingError(
                    source, number, f"no first line of a {FORMAT}: {error}"
                ) from error
            if not line.endswith(b"\n"):
                recording.was_cut = True
                break
            raise RecordingError(
                source, number, f"damaged: {error}; remove the line to use the others"
            ) from error
    if recording is None:
        raise RecordingError(source, 1, "the file is empty")
    return recording


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _write_time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _write_frame(frame: bytes) -> str | dict[str, str]:
    if b"\0" not in frame:  # in JSON text each would be six characters, and arrays are full of them
        try:
            return frame.decode()
        except UnicodeDecodeError:
            pass
    return {"base64": base64.b64encode(frame).decode()}


def _read_fields(line: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(line.decode())
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(fields, dict):
        raise ValueError(f"a line is an object, not {line[:40]!r}")
    return fields


def _read_header(fields: dict[str, Any]) -> RecordedTraffic:
    if fields.get("format") != FORMAT:
        raise ValueError(f'"format" is {fields.get("format")!r}')
    if fields.get("version") != VERSION:
        raise ValueError(f"version {fields.get('version')!r}; this release reads version {VERSION}")
    return RecordedTraffic(str(fields.get("server", "")), _read_time(fields.get("begun")))


def _read_record(fields: dict[str, Any]) -> Record:
    peer, frames = fields.get("peer"), fields.get("frames")
    if type(peer) is not int or peer < 0:
        raise ValueError(f'"peer" is a number from 0, not {peer!r}')
    if not isinstance(frames, list) or not frames:
        raise ValueError('"frames" is an array of at least one frame')
    try:
        direction = MessageDirection(str(fields.get("direction")))
    except ValueError as error:
        raise ValueError(
            f'"direction" is request, reply or note, not {fields.get("direction")!r}'
        ) from error
    return Record(
        _read_time(fields.get("time")),
        direction,
        peer,
        tuple(_read_frame(frame) for frame in frames),
    )


def _read_time(text: Any) -> datetime:
    if not isinstance(text, str):
        raise ValueError(f"a time is text as 2026-11-21T09:30:00.000000Z, not {text!r}")
    time = datetime.fromisoformat(text)
    if time.utcoffset() != timedelta(0):
        raise ValueError(f"a time is in UTC and ends with Z, not {text!r}")
    return time.astimezone(UTC)


def _read_frame(frame: Any) -> bytes:
    if isinstance(frame, str):
        return frame.encode()
    if isinstance(frame, dict) and isinstance(frame.get("base64"), str):
        try:
            return base64.b64decode(frame["base64"], validate=True)
        except binascii.Error as error:
            raise ValueError(f"base64 of a frame: {error}") from error
    raise ValueError(f'a frame is text or {{"base64": text}}, not {str(frame)[:40]}')
