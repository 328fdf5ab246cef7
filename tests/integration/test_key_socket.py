"""The socket that tells a public key, and nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from zmqjsonproxy.keys import TrustError
from zmqjsonproxy.keys.pair import new_pair
from zmqjsonproxy.keys.trust import KeySocket, fetch_key

WITHIN_S = 60.0
KEY = new_pair().public


@contextmanager
def told(key: str = KEY, port: int = 0) -> Iterator[int]:
    with KeySocket(key, "127.0.0.1", port, again=0.05) as served:
        yield served.wait(WITHIN_S)


def test_key_is_told_to_all_who_ask() -> None:
    with told() as port:
        for _ in range(3):
            assert fetch_key("localhost", port, WITHIN_S) == KEY


def test_whatever_a_client_sends_it_gets_the_key_and_the_end() -> None:
    with told() as port:
        with socket.create_connection(("127.0.0.1", port), WITHIN_S) as client:
            client.settimeout(WITHIN_S)
            line = f"dealer-player key 1 {KEY}\n".encode()
            with suppress(ConnectionError):  # it may be closed before
                client.sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
                assert client.recv(1000) == line
                assert client.recv(1000) == b""
        assert fetch_key("127.0.0.1", port, WITHIN_S) == KEY


def test_clients_that_neither_read_nor_leave_keep_nobody_waiting() -> None:
    with told() as port:
        silent = [socket.create_connection(("127.0.0.1", port), WITHIN_S) for _ in range(20)]
        assert fetch_key("127.0.0.1", port, WITHIN_S) == KEY
        for each in silent:
            each.close()


def test_second_player_takes_over_when_the_first_ends() -> None:
    other = new_pair().public
    with told() as port:
        second = KeySocket(other, "127.0.0.1", port, again=0.05)
        assert second.wait(0.2) == 0
        assert fetch_key("127.0.0.1", port, WITHIN_S) == KEY
    assert second.wait(WITHIN_S) == port
    assert fetch_key("127.0.0.1", port, WITHIN_S) == other
    second.close()
    second.close()
    with pytest.raises(TrustError, match="no key is told there"):
        fetch_key("127.0.0.1", port, WITHIN_S)


@contextmanager
def answering(line: bytes) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            peer, _ = server.accept()
            with peer:
                peer.sendall(line)

        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1]
        thread.join(WITHIN_S)


@pytest.mark.parametrize(
    "line",
    [b"", b"SSH-2.0\r\n", b"dealer-player key 2 x\n", b"dealer-player key 1 \n", b"\xff" * 10**5],
)
def test_other_servers_tell_no_key(line: bytes) -> None:
    with answering(line) as port, pytest.raises(TrustError, match=r"tells no key|reset"):
        fetch_key("127.0.0.1", port, WITHIN_S)


def test_server_that_says_nothing_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(TrustError, match=r"no answer within 0\.1 s"):
            fetch_key("127.0.0.1", port, 0.1)
