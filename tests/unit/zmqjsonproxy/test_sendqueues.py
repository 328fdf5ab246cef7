"""Replies for clients that do not take them: how much of them the socket is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import zmq

from zmqjsonproxy.channels.protocol.notices import Part
from zmqjsonproxy.rpc import sendqueues
from zmqjsonproxy.rpc.sendqueues import SendQueues

MIB = 2**20


def test_the_socket_is_given_a_bounded_part_whoever_else_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: Counter[bytes] = Counter()
    marks: list[SimpleNamespace] = []

    def send(envelope: Sequence[bytes], body: bytes, track: bool = False) -> Any:
        given[envelope[0]] += len(body)
        marks.append(SimpleNamespace(done=False))
        return marks[-1] if track else None

    monkeypatch.setattr(sendqueues, "sender", lambda *_: send)
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        queues = SendQueues(socket, lambda: None, 64 * MIB, "here")
        for number in range(20):
            queues.send([b"still"], bytes(MIB))
            queues.send([b"other %d" % number], bytes(MIB))
        assert given[b"still"] == 8 * MIB
        for mark in marks:
            mark.done = True
        queues._ring()  # as its timer does
        queues.flush()
        assert given[b"still"] > 8 * MIB
        queues.close()


def test_an_update_that_is_sent_with_others_leaves_the_next_one_its_ring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rings: list[None] = []
    sent: list[bytes] = []

    def post(body: bytes) -> None:
        part = Part(b'{"method":"%b"}' % body, 20)
        assert queues.post_update([[b"client"]], part, lambda _client, _gone: None)

    def send(_envelope: Sequence[bytes], body: bytes, _track: bool = False) -> None:
        sent.append(bytes(body))
        if len(sent) == 1:
            post(b"second")  # by another thread, while the first is sent

    monkeypatch.setattr(sendqueues, "sender", lambda *_: send)
    monkeypatch.setattr(sendqueues, "_UPDATES_FOR_S", 60.0)
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        queues = SendQueues(socket, lambda: rings.append(None), 64 * MIB, "here")
        post(b"first")
        for number in range(1, 4):
            assert len(rings) >= number, "updates wait, and nobody rings"
            queues.flush()
            if number == 2:
                post(b"third")
        assert b"third" in sent[-1]
        queues.close()
