"""Messages of mirrors: a header of 8 bytes, in the byte order of the machine, and a body. Pure.

The protocol is that of SpecTcl and Rustogramer.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from histogrammer.errors import MirrorProtocolError

__all__ = [
    "HEADER_BYTES",
    "MAX_BODY_BYTES",
    "MAX_KEY_BYTES",
    "REQUEST",
    "MirrorMessageType",
    "Prefix",
    "read_prefix",
    "write_info",
    "write_prefix",
]

_PREFIX = struct.Struct("=II")
HEADER_BYTES = _PREFIX.size
MAX_KEY_BYTES = 1024
MAX_BODY_BYTES = 2**32 - 1 - HEADER_BYTES
"""A header tells no larger one."""


class MirrorMessageType(IntEnum):
    """Types of messages."""

    SHM_INFO = 1
    REQUEST_UPDATE = 2
    FULL_UPDATE = 3
    PARTIAL_UPDATE = 4


@dataclass(frozen=True, slots=True)
class Prefix:
    """Header of a message.

    Attributes:
        body: Bytes behind it.
        type: Of the message.
    """

    body: int
    type: MirrorMessageType


def read_prefix(data: bytes | bytearray) -> Prefix:
    """Read the header that bytes begin with.

    Args:
        data: At least `HEADER_BYTES`.

    Raises:
        MirrorProtocolError: It is none.
    """
    size, number = _PREFIX.unpack_from(data)
    if size < HEADER_BYTES:
        raise MirrorProtocolError(f"a message of {size} bytes; its header alone has {HEADER_BYTES}")
    try:
        return Prefix(size - HEADER_BYTES, MirrorMessageType(number))
    except ValueError:
        raise MirrorProtocolError(f"a message of the type {number}, which does not exist") from None


def write_prefix(kind: MirrorMessageType, body: int) -> bytes:
    """Return the header of a message whose body has so many bytes."""
    return _PREFIX.pack(HEADER_BYTES + body, kind)


def write_info(key: str) -> bytes:
    """Return the message by which a client tells where its copy is."""
    body = key.encode()
    return write_prefix(MirrorMessageType.SHM_INFO, len(body)) + body


REQUEST = write_prefix(MirrorMessageType.REQUEST_UPDATE, 0)
"""The message by which a client asks for an update."""
