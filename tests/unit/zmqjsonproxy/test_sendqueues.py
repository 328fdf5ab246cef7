"""Replies for clients that do not take them: how much of them the socket is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import zmq

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
