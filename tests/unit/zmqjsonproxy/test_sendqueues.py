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


def test_an_update_that_is_left_while_others_are_sent_is_not_the_last_that_wakes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[bytes] = []
    wakes: list[None] = []

    def send(_envelope: Sequence[bytes], body: bytes, _track: bool = False) -> None:
        if not sent:  # another thread, in the middle of it
            queues.post_update([[b"client"]], b"second", lambda *_: None)
        sent.append(body)

    monkeypatch.setattr(sendqueues, "sender", lambda *_: send)
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        queues = SendQueues(socket, lambda: wakes.append(None), 64 * MIB, "here")
        queues.post_update([[b"client"]], b"first", lambda *_: None)
        while wakes:
            wakes.pop()
            queues.flush()
        assert sent == [b"first", b"second"]
        queues.post_update([[b"client"]], b"third", lambda *_: None)
        assert wakes
        queues.close()
