"""Connections of the HTTP endpoint that are ended."""

from __future__ import annotations

import asyncio
import socket
from asyncio import sslproto
from types import SimpleNamespace
from typing import Any, cast

import pytest

from player.endpoints.http import connections
from player.endpoints.http.connections import (
    ASKS_NOTHING_S,
    TAKES_NOTHING_S,
    ConnectionWatch,
    listen,
)


class FakeTransport:
    def __init__(self, protocol: object) -> None:
        self.protocol, self.waiting, self.closing, self.aborted = protocol, 0, False, False

    def set_write_buffer_limits(self, high: int) -> None:
        assert high == 1

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def get_protocol(self) -> object:
        return self.protocol

    def is_closing(self) -> bool:
        return self.closing

    def get_extra_info(self, _name: str) -> None:
        return None

    def abort(self) -> None:
        self.aborted = self.closing = True


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> ConnectionWatch:
    monkeypatch.setattr("player.endpoints.http.connections.time.monotonic", lambda: 0.0)
    return ConnectionWatch()


def connected(watch: ConnectionWatch, *, answers: bool) -> FakeTransport:
    cycle = SimpleNamespace(response_complete=False) if answers else None
    made = FakeTransport(SimpleNamespace(cycle=cycle))
    watch.take(cast(asyncio.Transport, made), made.protocol)
    return made


def test_a_peer_that_takes_nothing_is_ended_and_a_slow_one_is_not(watch: ConnectionWatch) -> None:
    frozen, slow, idle = (connected(watch, answers=True) for _ in range(3))
    for second in range(int(TAKES_NOTHING_S) + 3):
        frozen.waiting, slow.waiting = 5000, 5000 - second
        watch.look(float(second))
    assert (frozen.aborted, slow.aborted, idle.aborted) == (True, False, False)
    assert (len(watch), watch.ended) == (2, 1)


def test_a_connection_over_tls_that_was_closed_twice_leaves_the_others_watched(
    watch: ConnectionWatch,
) -> None:
    made = sslproto._SSLProtocolTransport(None, None)  # type: ignore[attr-defined]
    made._ssl_protocol = SimpleNamespace(
        _set_write_buffer_limits=lambda _high, _low: None,
        _control_app_writing=lambda: None,
        _start_shutdown=lambda: None,
    )
    watch.take(made, SimpleNamespace(cycle=None))
    later = connected(watch, answers=False)
    made.close()
    made.close()
    watch.cut(("192.0.2.1", 80))  # asyncio's raises AttributeError whatever it is asked
    watch.look(2.0 + ASKS_NOTHING_S)
    watch.look(3.0 + 2 * ASKS_NOTHING_S)
    assert (later.aborted, len(watch)) == (True, 0)


def test_a_peer_that_asks_nothing_is_ended_and_one_that_is_answered_is_not(
    watch: ConnectionWatch,
) -> None:
    silent, served = connected(watch, answers=False), connected(watch, answers=True)
    upgraded = connected(watch, answers=False)
    upgraded.protocol = object()  # a WebSocket by now
    watch.look(1.0)
    watch.look(2.0 + ASKS_NOTHING_S)
    assert (silent.aborted, served.aborted, upgraded.aborted) == (True, False, False)
    cast(Any, served.protocol).cycle.response_complete = True
    watch.look(3.0 + ASKS_NOTHING_S)
    watch.look(4.0 + 2 * ASKS_NOTHING_S)
    assert served.aborted


def test_connections_are_bounded_and_those_that_went_leave_room(
    watch: ConnectionWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 2)
    first, _, third = (connected(watch, answers=True) for _ in range(3))
    assert (first.aborted, third.aborted, watch.refused) == (False, True, 1)
    first.closing = True
    assert not connected(watch, answers=True).aborted
    watch.abort()
    assert len(watch) == 0


def test_a_listening_socket_has_the_kernel_find_peers_out_of_reach() -> None:
    with listen("127.0.0.1", 0) as made, socket.create_connection(made.getsockname()) as peer:
        accepted, _ = made.accept()
        with accepted:
            timeout = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert timeout == TAKES_NOTHING_S * 1000
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 128 * 1024
        assert peer.recv(1) == b""
