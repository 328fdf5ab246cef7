"""Questions and conclusions of a client, without a socket."""

from __future__ import annotations

import asyncio
import struct

import pytest
from support.difx_talk import Played

from gateways.difx.client.errors import NoGatewayAnswerError, RequestRefusedError


def packet(number: int, payload: bytes = b"") -> bytes:
    return struct.pack(">ii", number, len(payload)) + payload


def test_a_server_of_the_published_page_is_one_without_channels() -> None:
    info = asyncio.run(Played(packet(8, b"1.0") + packet(11, b"/difx")).info())
    assert (info.version, info.base, info.can_multiplex) == ("1.0", "/difx", False)


def test_a_server_that_does_not_shake_hands_does_not_answer() -> None:
    with pytest.raises(
        NoGatewayAnswerError, match="handshake: no answer from correlator:50200 within 5 s"
    ):
        asyncio.run(Played(b"").info())


@pytest.mark.parametrize(
    ("said", "path"),
    [
        (packet(11, b"/difx/"), b"/difx/bin/rungeneric.A"),
        (packet(11, b"") + packet(12, b"DIFX_BASE=/env"), b"/env/bin/rungeneric.A"),
        (packet(11, b""), b"rungeneric.A"),
    ],
)
def test_a_version_is_selected_as_both_clients_do(said: bytes, path: bytes) -> None:
    talk = Played(packet(8, b"3") + said + packet(10, b"A") + packet(18))
    asyncio.run(talk.select_version("A"))
    assert talk.sent == packet(8) + packet(13, path) + packet(15, b"A")


def test_a_version_that_is_not_offered_is_not_sent() -> None:
    talk = Played(packet(8, b"3") + packet(18))
    with pytest.raises(RequestRefusedError, match="those are: none"):
        asyncio.run(talk.select_version("A"))
    assert talk.sent == packet(8)
