"""A viewer that hardly reads, among many: the others get each batch, and it the newest of what there is."""

from __future__ import annotations

import json
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from support.dashboards import Peer, make_page, serving
from support.publishing_bank import PublishingBank
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from dashboard.config import Array
from player.testing import HostedBank

OTHERS, BATCHES, POINTS = 49, 12, 1_000_000
READS_BYTES = 1024
"""With each batch."""
TOPIC = "values:BANKA"


class SlowViewer:
    """A WebSocket whose client takes as few bytes as it likes."""

    def __init__(self, peer: Peer) -> None:
        host, _, port = peer.host.partition(":")
        self._socket = socket.socket()
        self._socket.settimeout(60)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect((host, int(port)))
        uri = parse_uri(f"ws://{peer.host}/ws")
        self._protocol = ClientProtocol(uri, origin=f"http://{peer.host}", max_size=None)  # type: ignore[arg-type]  # a NewType of str
        self._protocol.send_request(self._protocol.connect())
        self._send()
        while self._protocol.state is not State.OPEN:
            self._protocol.receive_data(self._socket.recv(1))

    def _send(self) -> None:
        for data in self._protocol.data_to_send():
            self._socket.sendall(data)

    def want(self, **wish: Any) -> None:
        """Say what it wants."""
        self._protocol.send_text(json.dumps(wish).encode())
        self._send()

    def take(self, size: int) -> list[bytes]:
        """Read so many bytes at most, and return the frames of pipes that are whole by now."""
        self._protocol.receive_data(self._socket.recv(size))
        self._send()
        events = self._protocol.events_received()
        frames = [each for each in events if isinstance(each, Frame)]
        return [bytes(each.data) for each in frames if each.opcode is Opcode.BINARY]

    def close(self) -> None:
        """End it."""
        self._socket.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Any, Peer]]:
    with ExitStack() as stack:
        bank = stack.enter_context(HostedBank(PublishingBank, folder=tmp_path))
        page = make_page(tmp_path / "page")
        yield bank, stack.enter_context(serving(Array(urls={"BANKA": bank.url}), page))


def merged(peer: Peer, way: str) -> int:
    """Return how many messages viewers of a way were too slow for."""
    text = peer.ask("/metrics").body.decode()
    found = re.search(rf'dashboard_messages_merged\w*{{way="{way}"}} (\d+)', text)
    return int(found[1]) if found else 0


def points_of(frame: bytes) -> int:
    """Return how many numbers a whole frame of the trace has."""
    (length,) = struct.unpack("<I", frame[:4])
    (data,) = json.loads(frame[4 : 4 + length])["arrays"]
    return int(data["shape"][0])


def test_one_that_hardly_reads_costs_the_others_no_batch(site: tuple[Any, Peer]) -> None:
    bank, peer = site
    with ExitStack() as stack:
        others = [stack.enter_context(closing(peer.events(TOPIC))) for _ in range(OTHERS)]
        places = [other.next("changes", topic=TOPIC)["to"] for other in others]
        slow = stack.enter_context(closing(SlowViewer(peer)))
        slow.want(topics=[TOPIC], frames=[{"bank": "BANKA", "name": "trace"}])
        for batch in range(1, BATCHES + 1):
            bank.proxy.draw(POINTS + batch)
            bank.proxy.set_level(float(batch))
            for number, other in enumerate(others):
                level = None
                while level != batch:
                    told = other.next("changes", topic=TOPIC)
                    assert told["from"] == places[number]
                    places[number] = told["to"]
                    level = told["values"].get("level", [None])[0]
            slow.take(READS_BYTES)
        assert merged(peer, "events") == 0
        had: list[int] = []
        while not had or had[-1] < POINTS + BATCHES:
            had += [points_of(frame) for frame in slow.take(1 << 20)]
        assert had == sorted(had)
        assert len(had) <= BATCHES // 2
        assert merged(peer, "websocket") >= BATCHES - len(had)
