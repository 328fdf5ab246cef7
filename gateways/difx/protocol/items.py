"""Values inside payloads: integers, texts, numbers, and sub-packets made of them.

An item is the unit that travels alone where a connection is a channel, and together with its
neighbours where it is a TCP connection.
"""

from __future__ import annotations

import math
import struct

from gateways.difx.errors import PayloadError

__all__ = [
    "DECIMAL14_BYTES",
    "INTEGER_BYTES",
    "LONGEST_COUNTED",
    "MAX_INTEGER",
    "MIN_INTEGER",
    "PayloadReader",
    "counted",
    "decimal14",
    "double",
    "integer",
    "read_decimal14",
    "read_double",
    "read_integer",
    "read_text",
    "sub_packet",
    "text",
]

INTEGER_BYTES = 4
DECIMAL14_BYTES = 14
LONGEST_COUNTED = 4096
"""Bytes of a text that has its length before it: those of the longest path."""
MIN_INTEGER = -(2**31)
MAX_INTEGER = 2**31 - 1

_INTEGER = struct.Struct(">i")
_DOUBLE = struct.Struct(">d")


def integer(value: int) -> bytes:
    """Return a number of -2**31 to 2**31 - 1 as 4 bytes, big-endian."""
    try:
        return _INTEGER.pack(value)
    except struct.error:
        raise PayloadError(
            f"{value} is no 32-bit integer: within {MIN_INTEGER}..{MAX_INTEGER}"
        ) from None


def double(value: float) -> bytes:
    """Return a number as 8 bytes, big-endian."""
    return _DOUBLE.pack(value)


def text(value: str) -> bytes:
    """Return a text in UTF-8; what cannot be encoded is replaced by a question mark."""
    return value.encode(errors="replace")


def counted(value: str) -> bytes:
    """Return a text with its length before it."""
    encoded = text(value)
    return integer(len(encoded)) + encoded


def decimal14(value: float) -> bytes:
    """Return a number as 14 characters, `%14.6e`; NaN and infinities, which end the GUI's reader,
    as 0."""
    return b"%14.6e" % (value if math.isfinite(value) else 0.0)


def sub_packet(number: int, *items: bytes) -> tuple[bytes, ...]:
    """Return the items of a sub-packet: id, length, and those of its payload that are not empty."""
    payload = [item for item in items if item]
    return (integer(number), integer(sum(map(len, payload))), *payload)


def read_integer(data: bytes) -> int:
    """Read an integer that is all of the data."""
    return int(_unpacked(_INTEGER, data, "an integer"))


def read_double(data: bytes) -> float:
    """Read a double that is all of the data."""
    return float(_unpacked(_DOUBLE, data, "a double"))


def read_decimal14(data: bytes) -> float:
    """Read a number of 14 characters."""
    try:
        if len(data) == DECIMAL14_BYTES:
            return float(data)
    except ValueError:
        pass
    raise PayloadError(f"{data[:40]!r} is no number of {DECIMAL14_BYTES} characters")


def read_text(data: bytes) -> str:
    """Read a text in UTF-8; PayloadError if it is none, or has a NUL in it."""
    try:
        value = data.decode()
    except UnicodeDecodeError as error:
        raise PayloadError(f"byte {error.start} of a text is no UTF-8") from None
    if "\0" in value:
        raise PayloadError("a text has a NUL in it")
    return value


class PayloadReader:
    """Reads the fields of a payload one after the other.

    Args:
        name: Of the packet, for errors.
        payload: Its bytes.
    """

    def __init__(self, name: str, payload: bytes) -> None:
        self._name = name
        self._left = memoryview(payload)

    @property
    def left(self) -> int:
        """Bytes that are not read yet."""
        return len(self._left)

    def integer(self, field: str) -> int:
        """Read an integer."""
        return read_integer(self._take(INTEGER_BYTES, field))

    def counted(self, field: str) -> str:
        """Read a text that has its length before it."""
        length = self.integer(f"the length of {field}")
        if length > LONGEST_COUNTED:
            raise PayloadError(
                f"{self._name}: {field} is to have {length} bytes, more than {LONGEST_COUNTED}"
            )
        try:
            return read_text(self._take(length, field))
        except PayloadError as error:
            raise PayloadError(f"{self._name}: {field}: {error}") from None

    def _take(self, count: int, field: str) -> bytes:
        if not 0 <= count <= len(self._left):
            raise PayloadError(
                f"{self._name}: {field} is to have {count} bytes, where {len(self._left)} are left"
            )
        taken, self._left = bytes(self._left[:count]), self._left[count:]
        return taken


def _unpacked(form: struct.Struct, data: bytes, what: str) -> float:
    try:
        (value,) = form.unpack(data)
    except struct.error:
        raise PayloadError(f"{what} has {form.size} bytes, not {len(data)}") from None
    return value  # type: ignore[no-any-return]  # struct tells no types
