"""Handshake: the series in its order."""

from __future__ import annotations

from gateways.difx.protocol.frames import FrameReader
from gateways.difx.protocol.handshake import ServerFacts, handshake

FULL = ServerFacts(
    version="dealer-player 0.1",
    base="/",
    user="operator",
    versions=("DIFX-DEVEL", "DIFX-2.6"),
    environment={"DIFX_BASE": "/", "HOSTNAME": "hpc1"},
)


def series(facts: ServerFacts) -> list[tuple[int, bytes]]:
    packets = handshake(facts)
    read = [tuple(frame) for frame in FrameReader().feed(b"".join(packets))]
    assert len(read) == len(packets)
    return read


def test_the_series_has_the_order_that_clients_need() -> None:
    assert series(FULL) == [
        (8, b"dealer-player 0.1"),
        (11, b"/"),
        (16, b"operator"),
        (10, b"DIFX-2.6"),
        (10, b"DIFX-DEVEL"),
        (12, b"DIFX_BASE=/"),
        (12, b"HOSTNAME=hpc1"),
        (18, b""),
    ]


def test_the_base_is_told_even_if_it_is_empty_and_no_version_is_a_warning() -> None:
    assert series(ServerFacts(version="v", base="")) == [
        (8, b"v"),
        (11, b""),
        (5, b"no DiFX version is configured (versions)"),
        (18, b""),
    ]


def test_the_version_of_difx_is_told_if_there_is_one() -> None:
    facts = ServerFacts(version="v", difx_version="2.6", base="/", versions=("A",))
    assert series(facts) == [(8, b"v"), (9, b"2.6"), (11, b"/"), (10, b"A"), (18, b"")]
