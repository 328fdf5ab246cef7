"""Replies for clients that do not take them: how much of them the socket is given."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import zmq

from zmqjsonproxy.channels.protocol.notices import MessagePart, encode, encode_frame, write_update
from zmqjsonproxy.protocol.arrays import size_of
from zmqjsonproxy.rpc import sendqueues
from zmqjsonproxy.rpc.protocol import jsonrpc
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
        part = MessagePart(b'{"method":"%b"}' % body, 20)
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


def sent_together(
    monkeypatch: pytest.MonkeyPatch,
    parts: Sequence[MessagePart],
    clients: int,
    full: Sequence[bytes] = (),
) -> tuple[dict[bytes, list[bytes]], Counter[bytes]]:
    """Return the messages of each client to whom parts were posted, and what each has missed."""
    sent: dict[bytes, list[bytes]] = {}
    missed: Counter[bytes] = Counter()

    def send(envelope: Sequence[bytes], body: bytes, _track: bool = False) -> None:
        sent.setdefault(envelope[0], []).append(body)

    monkeypatch.setattr(sendqueues, "sender", lambda *_: send)
    monkeypatch.setattr(sendqueues, "_UPDATES_FOR_S", 60.0)
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        queues = SendQueues(socket, lambda: None, 64 * MIB, "here")
        monkeypatch.setattr(queues, "is_full", lambda client: client in full)
        for part in parts:
            envelopes = [[b"client %d" % number] for number in range(clients)]
            queues.post_update(envelopes, part, lambda client, _gone: missed.update([client]))
        queues.flush()
        queues.close()
    return sent, missed


def counts(messages: Sequence[bytes]) -> list[list[int]]:
    """Return the counts of the updates in each message."""
    return [jsonrpc.read_reply(body)["params"][1::4] for body in messages]


def test_updates_go_together_in_their_order_but_frames_with_frames(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number, small = encode(1.5), encode_frame(np.zeros(1000), 0.0, 1.0)
    large = encode_frame(np.zeros(10_000), 0.0, 1.0)
    values = [number, number, small, small, large, small, number]
    parts = [write_update(1, n, 17, value) for n, value in enumerate(values, 1)]
    sent, missed = sent_together(monkeypatch, parts, 3, full=[b"client 1"])
    assert sent.keys() == {b"client 0", b"client 2"}
    for messages in sent.values():
        assert counts(messages) == [[1, 2], [3, 4], [5], [6], [7]]
    assert missed == {b"client 1": 7}
    frames = [[bytes(f) for body in m for f in getattr(body, "frames", ())] for m in sent.values()]
    assert frames[0] == [bytes(8000), bytes(8000), bytes(80_000), bytes(8000)]
    assert frames[0] == frames[1]


class Ahead:
    """Send queues of this thread, which has sent an update.

    Attributes:
        queues: The queues.
        sent: Counts of the updates in each message.
        missed: Who did not get some.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, stack: ExitStack) -> None:
        self.sent: list[list[int]] = []
        self.missed: list[bytes] = []
        monkeypatch.setattr(sendqueues, "sender", lambda *_: self._send)
        monkeypatch.setattr(sendqueues, "_UPDATES_FOR_S", 60.0)
        context = stack.enter_context(zmq.Context())
        socket = stack.enter_context(context.socket(zmq.ROUTER))
        self.queues = SendQueues(socket, lambda: None, 64 * MIB, "here")
        stack.callback(self.queues.close)
        self.post(0, 0)
        self.queues.flush()
        self.sent.clear()

    def _send(self, _envelope: Sequence[bytes], body: bytes, _track: bool = False) -> None:
        self.sent.append(counts([body])[0])

    def post(self, first: int, last: int) -> None:
        """Post updates."""
        for number in range(first, last + 1):
            part = write_update(1, number, 17, encode(1.5))
            self.queues.post_update([[b"client"]], part, lambda c, _gone: self.missed.append(c))


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ahead]:
    with ExitStack() as stack:
        yield Ahead(monkeypatch, stack)


def test_of_many_updates_of_one_call_the_first_are_sent_before_its_end(ahead: Ahead) -> None:
    ahead.post(1, 250)
    first = [number for message in ahead.sent for number in message]
    assert first == list(range(1, len(first) + 1))
    assert 100 <= len(first) < 250
    ahead.queues.flush()
    assert ahead.sent[-1] == list(range(len(first) + 1, 251))


def test_another_thread_sends_nothing(ahead: Ahead) -> None:
    thread = threading.Thread(target=ahead.post, args=(1, 250))
    thread.start()
    thread.join()
    assert ahead.sent == []


def test_nothing_is_sent_ahead_of_an_answer_that_tells_of_it(ahead: Ahead) -> None:
    with ahead.queues.hold:
        ahead.post(1, 250)
        assert ahead.sent == []
    ahead.post(251, 251)
    assert ahead.sent == [list(range(1, 252))]


def test_who_gets_no_update_is_told_when_no_lock_is_held(
    ahead: Ahead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead.queues, "is_full", lambda _client: True)
    ahead.post(1, 250)
    assert (ahead.sent, ahead.missed) == ([], [])
    ahead.queues.flush()
    assert ahead.missed == 250 * [b"client"]


def test_what_goes_together_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = encode_frame(np.zeros(20_000, np.uint8), 0.0, 1.0)
    parts = [write_update(1, n, 17, frame) for n in range(1, 31)]
    sent, _ = sent_together(monkeypatch, parts, 1)
    (messages,) = sent.values()
    assert [each for some in counts(messages) for each in some] == list(range(1, 31))
    assert len(messages) == 5
    assert all(size_of(body) < sendqueues.MAX_COPIED for body in messages)
