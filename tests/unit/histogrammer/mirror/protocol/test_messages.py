"""Messages of mirrors, byte by byte as the reference has them."""

from __future__ import annotations

import struct

import pytest

from histogrammer.errors import MirrorProtocolError
from histogrammer.mirror.protocol.messages import (
    REQUEST,
    MirrorMessageType,
    Prefix,
    read_prefix,
    write_info,
    write_prefix,
)

PREFIXES = [
    ("087b550003000000", Prefix(5_602_048, MirrorMessageType.FULL_UPDATE)),
    ("0808000004000000", Prefix(2048, MirrorMessageType.PARTIAL_UPDATE)),
    ("0800000004000000", Prefix(0, MirrorMessageType.PARTIAL_UPDATE)),
    ("0800000002000000", Prefix(0, MirrorMessageType.REQUEST_UPDATE)),
    ("0c00000001000000", Prefix(4, MirrorMessageType.SHM_INFO)),
]


def native(text: str) -> bytes:
    """Return two numbers of the reference, which has them little-endian, as this machine does."""
    return struct.pack("=II", *struct.unpack("<II", bytes.fromhex(text)))


@pytest.mark.parametrize(("text", "prefix"), PREFIXES)
def test_a_header_reads_and_writes(text: str, prefix: Prefix) -> None:
    assert read_prefix(native(text)) == prefix
    assert write_prefix(prefix.type, prefix.body) == native(text)


def test_what_clients_send_is_as_in_the_reference() -> None:
    assert native("0800000002000000") == REQUEST
    assert write_info("abcd") == native("0c00000001000000") + b"abcd"
    assert write_info("file:/ä") == native("1000000001000000") + "file:/ä".encode()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0700000002000000", "a message of 7 bytes; its header alone has 8"),
        ("0800000000000000", "the type 0, which does not exist"),
        ("0800000005000000", "the type 5, which does not exist"),
    ],
)
def test_what_is_no_header_is_refused(text: str, told: str) -> None:
    with pytest.raises(MirrorProtocolError, match=told):
        read_prefix(native(text))
