"""Clients that a mirror server takes. All else of it: tests/integration/test_mirror_server.py."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest

from groundwork.peers import Peers
from histogrammer.display.protocol.directory import MirrorDirectory
from histogrammer.mirror.server import MirrorServer, MirrorServerSettings
from histogrammer.mirror.updates import Updates

LOG = logging.LoggerAdapter(logging.getLogger("tests"))


def server(*networks: str) -> MirrorServer:
    settings = MirrorServerSettings(peers=Peers(networks))
    return MirrorServer(Updates(cast(Any, None)), MirrorDirectory(), LOG, settings)


@pytest.mark.parametrize(
    ("networks", "host", "is_refused"),
    [
        ([], "127.0.0.1", False),
        ([], "::1", False),
        ([], "::ffff:127.0.0.1", False),
        ([], "192.0.2.7", True),
        (["192.0.2.0/24"], "192.0.2.7", False),
        (["192.0.2.0/24=operate"], "192.0.2.7", False),
        (["192.0.2.0/24"], "::ffff:192.0.2.7", False),
        (["192.0.2.0/24"], "192.0.3.7", True),
        (["192.0.2.0/24"], "127.0.0.1", False),
    ],
)
def test_this_host_and_peers_are_served(networks: list[str], host: str, is_refused: bool) -> None:
    assert ("none of the `peers`" in server(*networks)._refusal(host)) == is_refused


def test_clients_of_one_host_leave_room_for_others() -> None:
    one = server("192.0.2.0/24")
    one._hosts["192.0.2.7"] = 64
    assert "64 clients of 192.0.2.7 are connected" in one._refusal("192.0.2.7")
    assert one._refusal("192.0.2.8") == ""
