"""URLs of Players."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.ports import is_loopback, local_url, port_of, split_url, tcp_url

URLS = [
    ("tcp://127.0.0.1:6667", "127.0.0.1", 6667),
    ("tcp://hpc1.shao.ac.cn:1", "hpc1.shao.ac.cn", 1),
    ("tcp://[::1]:6667", "::1", 6667),
]


@pytest.mark.parametrize(("url", "host", "port"), URLS)
def test_a_url_is_host_and_port(url: str, host: str, port: int) -> None:
    assert split_url(url) == (host, port)
    assert tcp_url(host, port) == url
    assert port_of(url) == port


@pytest.mark.parametrize("url", ["", "tcp://", "tcp://h", "tcp://h:", "tcp://h:x", "tcp://h:65536", "ipc:///x", "h:1"])
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"tcp://HOST:PORT|at most 65535"):
        split_url(url)


def test_a_star_is_any_port() -> None:
    assert split_url("tcp://127.0.0.1:*") == ("127.0.0.1", 0)


@pytest.mark.parametrize(
    ("url", "is_it"),
    [
        ("tcp://127.0.0.1:1", True), ("tcp://127.8.8.8:1", True), ("tcp://[::1]:1", True), ("tcp://localhost:1", True),
        ("tcp://0.0.0.0:1", False), ("tcp://*:1", False), ("tcp://10.0.0.1:1", False), ("tcp://hpc1:1", False),
        ("tcp://[::]:1", False),
    ],
)  # fmt: skip
def test_loopback_is_told_without_asking_dns(url: str, is_it: bool) -> None:
    assert is_loopback(url) is is_it


@pytest.mark.parametrize(
    ("bound", "reached"),
    [
        ("tcp://0.0.0.0:5", "tcp://127.0.0.1:5"), ("tcp://*:5", "tcp://127.0.0.1:5"), ("tcp://[::]:5", "tcp://[::1]:5"),
        ("tcp://10.0.0.1:5", "tcp://10.0.0.1:5"),
    ],
)  # fmt: skip
def test_a_server_on_all_addresses_is_reached_on_this_host(bound: str, reached: str) -> None:
    assert local_url(bound) == reached


@given(st.text(max_size=30))
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    try:
        host, port = split_url(text)
    except ValueError:
        return
    assert host
    assert 0 <= port <= 65535
