"""Sub-packets of the DiFX protocol as a test sees them, read by `struct` alone."""

from __future__ import annotations

import struct
from collections.abc import Iterable


def read_sub_packets(packets: Iterable[tuple[bytes, ...]]) -> list[tuple[int, bytes]]:
    """Return id and payload of each; its items have the sizes of the protocol, and are not empty."""
    read = []
    for number, length, *payload in packets:
        assert len(number) == len(length) == 4
        assert all(payload)
        joined = b"".join(payload)
        assert struct.unpack(">i", length) == (len(joined),)
        read.append((struct.unpack(">i", number)[0], joined))
    return read


def ids_of(packets: Iterable[tuple[bytes, ...]]) -> str:
    """Return their ids in one line."""
    return " ".join(str(number) for number, _ in read_sub_packets(packets))
