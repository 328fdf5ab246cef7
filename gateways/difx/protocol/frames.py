"""Frames of all connections: id, length, payload. No sockets."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gateways.difx.errors import FrameError

__all__ = ["HEADER_BYTES", "MAX_PACKET_BYTES", "Frame", "FrameReader", "pack_frame"]

HEADER_BYTES = 8
MAX_PACKET_BYTES = 10_485_760
"""Payload that the GUI client takes; above it, it loses the framing."""

_HEADER = struct.Struct(">ii")


class Frame(NamedTuple):
    """A packet, or a sub-packet of a task."""

    id: int
    payload: bytes


def pack_frame(number: int, payload: bytes = b"") -> bytes:
    """Return a frame as its bytes, to be sent in one call.

    Raises:
        FrameError: The payload is longer than clients take.
    """
    if len(payload) > MAX_PACKET_BYTES:
        raise FrameError(
            f"packet {number}: {len(payload)} bytes of payload are more than the"
            f" {MAX_PACKET_BYTES} that clients take"
        )
    return _HEADER.pack(number, len(payload)) + payload


class FrameReader:
    """Puts frames together from pieces of any size.

    Args:
        limit: Bytes of a payload; a header that tells of more, or of less than none, raises
            `FrameError` before any of that payload is waited for.
        extra: Bytes beyond the limit that payloads of an id may have.
    """

    def __init__(
        self, *, limit: int = MAX_PACKET_BYTES, extra: Mapping[int, int] | None = None
    ) -> None:
        self._limit, self._extra = limit, dict(extra or {})
        self._held = bytearray()

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete yet."""
        return len(self._held)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take a piece, and return the frames that are complete now, one after the other.

        Frames that are not taken from the iterator come with the next piece.

        Raises:
            FrameError: From the iterator, behind the frames before; the framing is lost then.
        """
        self._held += data
        return self._frames()

    def _frames(self) -> Iterator[Frame]:
        while len(self._held) >= HEADER_BYTES:
            number, length = _HEADER.unpack_from(self._held)
            self._check(number, length)
            end = HEADER_BYTES + length
            if len(self._held) < end:
                return
            payload = bytes(memoryview(self._held)[HEADER_BYTES:end])
            del self._held[:end]
            yield Frame(number, payload)

    def _check(self, number: int, length: int) -> None:
        limit = self._limit + self._extra.get(number, 0)
        if not 0 <= length <= limit:
            raise FrameError(
                f"packet {number}: a length of {length} bytes is not within 0..{limit}"
                " (max_packet); the connection ends"
            )
