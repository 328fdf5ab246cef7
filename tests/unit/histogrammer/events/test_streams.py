"""Live streams: items of every connection, events skipped and counted when they come too fast,
bytes that are no items, ends."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import zmq
from support.ringfiles import Event, definitions, event, events_of

from histogrammer.events import live, streams
from histogrammer.events.sources import EventSource
from histogrammer.events.streams import make_stream

HEAD = definitions([(1, "a")])
BAD = struct.pack("<III", 5, 30, 4)


def numbered(*values: int) -> bytes:
    """Return events of `a`."""
    return b"".join(event(k, [(1, float(k))]) for k in values)


def read_until(source: EventSource, enough: Callable[[list[Event]], bool]) -> list[Event]:
    """Read till there is enough, at most 60 s."""
    found: list[Event] = []
    late = threading.Timer(60.0, source.stop)
    late.start()
    for part in source:
        found += events_of([part])
        if enough(found):
            source.stop()
    late.cancel()
    return found


@contextmanager
def listening() -> Iterator[tuple[socket.socket, str]]:
    """Listen at a free port; the socket and HOST:PORT."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60.0)
        yield server, f"127.0.0.1:{server.getsockname()[1]}"


def test_stream_goes_on_with_whole_items_after_connections_that_were_lost_or_spoilt() -> None:
    with listening() as (server, place), EventSource([make_stream(place)], kept=()) as source:

        def send() -> None:
            for data in (
                HEAD + numbered(1, 2) + numbered(3)[:20],
                numbered(4) + BAD + numbered(5),
                HEAD + numbered(6),
            ):
                link, _ = server.accept()
                link.sendall(data)
                if BAD in data:  # closed by the reader, who says so in its counts
                    while source.live is None or not source.live.refused:
                        link.recv(1)
                if data.startswith(HEAD + numbered(6)):
                    server.close()  # no fourth connection
                link.close()

        sender = threading.Thread(target=send)
        sender.start()
        found = read_until(source, lambda events: len(events) == 4)
        sender.join()
        counts = source.live
    assert found == [{"a": 1.0}, {"a": 2.0}, {"a": 4.0}, {"a": 6.0}]
    assert counts is not None
    assert (counts.events, counts.skipped_events, counts.refused) == (4, 0, 1)
    assert (counts.connections, counts.lost_bytes) == (3, 20 + len(BAD + numbered(5)))
    assert counts.is_connected is False or counts.trouble


def test_sender_never_waits_and_what_was_read_and_skipped_is_what_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "READ_BYTES", 1 << 14)
    sent = 100_000
    tail = definitions([(1, "last")]) + event(0, [(1, 1.0)])
    with listening() as (server, place):
        one = make_stream(place, most_waiting=1 << 16)
        with EventSource([one], kept={32768}) as source:
            link, _ = server.accept()
            link.settimeout(60.0)
            link.sendall(HEAD + numbered(*range(sent)))  # nobody reads meanwhile
            sender = threading.Thread(target=link.sendall, args=(tail * 200 + HEAD,))
            sender.start()
            found = read_until(source, lambda _: source.accounts[0].definitions == 202)
            sender.join()
            link.close()
            account = source.accounts[0]
    counts = one.live
    assert 0 < counts.skipped_events < counts.events == sent + 200
    assert account.events == len(found) == counts.events - counts.skipped_events
    assert (account.definitions, account.bytes) == (202, counts.bytes - counts.skipped_bytes)
    numbers = [each["a"] for each in found if "a" in each]
    assert numbers == sorted(set(numbers))  # none twice, all in order


@pytest.mark.parametrize("kind", ["pull", "sub"])
def test_frames_of_zeromq_are_taken_as_a_whole_or_not_at_all(kind: str) -> None:
    context = zmq.Context()
    sender = context.socket(zmq.PUSH if kind == "pull" else zmq.XPUB)
    sender.set(zmq.LINGER, 0)
    port = sender.bind_to_random_port("tcp://127.0.0.1")
    with EventSource([make_stream(f"{kind}:tcp://127.0.0.1:{port}")], kept=()) as source:
        if kind == "sub":
            assert sender.recv() == b"\1"  # it has subscribed
        sender.send(HEAD)
        sender.send(numbered(1) + BAD)
        sender.send(numbered(2)[:-1])
        sender.send(b"")
        sender.send_multipart([numbered(3, 4), numbered(5)])
        found = read_until(source, lambda events: len(events) == 3)
        counts = source.live
    sender.close()
    context.term()
    assert found == [{"a": 3.0}, {"a": 4.0}, {"a": 5.0}]
    assert counts is not None
    assert (counts.events, counts.refused, counts.is_connected) == (3, 2, None)
    assert "a frame ends within an item" in "\n".join(counts.lines()) or "cut" in counts.trouble


def test_stream_that_nobody_serves_is_tried_until_it_is_closed() -> None:
    with listening() as (_, place):
        pass
    one = make_stream(place)
    one.open()
    one.open()
    while not one.live.trouble:
        assert one.read_into(memoryview(bytearray(10))) is None
    assert "refused" in one.live.trouble
    one.close()
    one.close()
    assert one._thread is not None
    one._thread.join(30.0)
    assert not one._thread.is_alive()


def test_names_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_NAMES", 3)
    with listening() as (server, place), EventSource([make_stream(place)], kept=()) as source:
        link, _ = server.accept()
        link.sendall(definitions([(1, "a"), (2, "b")]) + definitions([(1, "c"), (2, "d")]))
        while source.live is None or not source.live.refused:
            link.settimeout(60.0)
            if not link.recv(1):
                break
        link.close()
        while not source.live or not source.live.refused:
            pass
        assert "more than 3 different parameters" in source.live.trouble


def test_items_that_are_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as (server, place):
        one = make_stream(place)
        one._buffer = np.empty(64, np.uint8)  # type: ignore[attr-defined]
        with EventSource([one], kept=()):
            link, _ = server.accept()
            link.settimeout(60.0)
            link.sendall(event(1, [(1, 1.0)] * 10))
            with link:
                try:
                    assert link.recv(1) == b""
                except ConnectionResetError:
                    pass
            while not one.live.refused:
                pass
    assert "an item of more than" in one.live.trouble


@pytest.mark.parametrize(
    "text", ["", "host", "host:0", "host:70000", "pull:host:1", "tcp://h:1", "sub:ipc://x"]
)
def test_texts_that_name_no_stream_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no stream: HOST:PORT"):
        make_stream(text)
