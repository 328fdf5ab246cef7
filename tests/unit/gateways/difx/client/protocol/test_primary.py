"""Client-side state of a primary connection; packets as the sheet of the protocol has them."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.difx.client.protocol.primary import FIRST_CHANNEL, Diagnostic, Level, Primary
from gateways.difx.errors import FrameError


def packet(number: int, payload: bytes = b"") -> bytes:
    return struct.pack(">ii", number, len(payload)) + payload


HANDSHAKE = b"".join(
    packet(number, payload)
    for number, payload in (
        *((8, b"3.1"), (11, b"/opt/difx"), (16, b"difx"), (10, b"DIFX-2.6"), (10, b"DIFX-DEVEL")),
        *((12, b"DIFX_BASE=/opt/difx"), (12, b"OPTIONS=a=b"), (18, b"")),
    )
)


def cut_at(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(edges)]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 10_000), max_size=8))
def test_a_handshake_is_read_however_it_is_cut(places: list[int]) -> None:
    primary = Primary()
    assert primary.begin_handshake() == 0
    for piece in cut_at(HANDSHAKE, places):
        primary.receive(piece)
    info = primary.info
    assert info is not None
    assert primary.handshakes == 1
    assert (info.version, info.base, info.user) == ("3.1", "/opt/difx", "difx")
    assert info.versions == ["DIFX-2.6", "DIFX-DEVEL"]
    assert info.environment == {"DIFX_BASE": "/opt/difx", "OPTIONS": "a=b"}
    assert info.can_multiplex


def test_a_second_handshake_begins_anew() -> None:
    primary = Primary()
    primary.receive(HANDSHAKE + HANDSHAKE)
    assert primary.info is not None
    assert primary.info.versions == ["DIFX-2.6", "DIFX-DEVEL"]
    assert primary.handshakes == 2


def test_unknown_packets_are_skipped() -> None:
    primary = Primary()
    primary.receive(packet(77, b"x" * 100) + packet(-3) + packet(23, b"?") + packet(8, b"3.1"))
    assert primary.info is not None
    assert primary.info.version == "3.1"


def test_diagnostics_are_counted_and_returned() -> None:
    primary = Primary()
    primary.receive(packet(6, b"before"))
    found = primary.receive(packet(4, b"a line\n") + packet(5, b"\xff") + packet(6, b"bad"))
    assert found == [
        Diagnostic(Level.INFORMATION, "a line"),
        Diagnostic(Level.WARNING, "�"),
        Diagnostic(Level.ERROR, "bad"),
    ]
    assert primary.said_since(1) == ["a line", "�", "bad"]
    assert primary.said_since(1, Level.ERROR) == ["bad"]
    assert primary.said_since(4) == []


@settings(max_examples=30)
@given(st.binary(min_size=1, max_size=200), st.lists(st.integers(0, 1000), max_size=6))
def test_the_bytes_of_a_channel_come_in_order_whatever_the_chunks(
    data: bytes, places: list[int]
) -> None:
    primary = Primary()
    channel = primary.open_channel()
    number = struct.pack(">i", channel.number)
    assert not channel.is_connected
    primary.receive(packet(21, number))
    assert channel.is_connected
    for chunk in cut_at(data, places):
        primary.receive(packet(22, number + chunk))
    assert primary.waiting == len(data)
    assert channel.take_between(len(data) + 1, 5000) is None
    assert channel.take_between(1, 5000) == data
    assert primary.waiting == 0


def test_channels_have_numbers_of_their_own_and_late_chunks_are_dropped() -> None:
    primary = Primary()
    first, second = primary.open_channel(), primary.open_channel()
    assert (first.number, second.number) == (FIRST_CHANNEL, FIRST_CHANNEL + 1)
    primary.close_channel(first)
    primary.receive(packet(22, struct.pack(">i", first.number) + b"late"))
    assert (primary.strays, primary.waiting) == (1, 0)
    assert primary.open_channel().number == FIRST_CHANNEL + 2


def test_relayed_messages_are_bounded_and_counted() -> None:
    primary = Primary(keep_messages=2)
    primary.receive(b"".join(packet(1, b"%d" % n) for n in range(5)))
    assert list(primary.messages) == [b"3", b"4"]
    assert primary.lost_messages == 3


@pytest.mark.parametrize(
    "data",
    [
        packet(22, b"ab"),
        packet(21, b""),
        struct.pack(">ii", 4, -1),
        struct.pack(">ii", 4, 2**31 - 1),
    ],
)
def test_what_is_no_packet_ends_the_connection(data: bytes) -> None:
    with pytest.raises(FrameError):
        Primary().receive(data)
