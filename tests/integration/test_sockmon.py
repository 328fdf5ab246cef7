"""The monitor of a socket: whose end an event tells of."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import zmq

from zmqjsonproxy.protocol.transitions import PeerEvent, Transition
from zmqjsonproxy.sockmon import SocketMonitor

WITHIN_MS = 30_000


@pytest.fixture
def full() -> Iterator[str]:
    """URL of a listener that takes no more connections: whoever connects to it goes on trying."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def nobody() -> Iterator[str]:
    """URL of a port that is taken and refuses."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"tcp://127.0.0.1:{bound.getsockname()[1]}"


@pytest.mark.skipif(
    not hasattr(socket, "SO_PEERCRED"), reason="of Linux: what a full listener does"
)
def test_the_end_of_what_was_given_up_is_not_that_of_the_next(full: str, nobody: str) -> None:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        router.linger = 0
        router.set(zmq.RECONNECT_IVL, -1)
        monitor = SocketMonitor(router)

        def told_until_refused() -> list[PeerEvent]:
            """Events until the other port has refused, which is tried behind all that was asked for."""
            monitor.begin(nobody)
            router.connect(nobody)
            told: list[PeerEvent] = []
            while not any(event.endpoint == nobody for event in told):
                assert monitor.socket.poll(WITHIN_MS)
                told += monitor.read()
            monitor.end(nobody)
            router.disconnect(nobody)
            return told

        for _ in range(3):
            monitor.begin(full)
            router.connect(full)
            assert [event.endpoint for event in told_until_refused()] == [nobody]
            monitor.end(full)
            router.disconnect(full)
        assert told_until_refused() == [PeerEvent(nobody, Transition.REFUSED)]
        monitor.close()
