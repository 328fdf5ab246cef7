"""Addresses of Players as their host sees them."""

from __future__ import annotations

import pytest

from player.ports import address_of_device, is_loopback, local_url, port_of


def test_a_network_device_stands_for_its_address() -> None:
    assert [address_of_device(bind) for bind in ("lo", "10.0.0.1", "::", "*")] == [
        "127.0.0.1",
        "10.0.0.1",
        "::",
        "0.0.0.0",
    ]
    with pytest.raises(OSError, match="nosuch0 is neither an address nor a network device"):
        address_of_device("nosuch0")


def test_a_port_is_that_of_the_url() -> None:
    assert [port_of("tcp://[::1]:6667"), port_of("tcp://hpc1:*")] == [6667, 0]


@pytest.mark.parametrize(
    ("url", "is_it"),
    [
        ("tcp://127.0.0.1:1", True),
        ("tcp://127.8.8.8:1", True),
        ("tcp://[::1]:1", True),
        ("tcp://localhost:1", True),
        ("tcp://lo:1", True),
        ("tcp://0.0.0.0:1", False),
        ("tcp://*:1", False),
        ("tcp://10.0.0.1:1", False),
        ("tcp://hpc1:1", False),
        ("tcp://[::]:1", False),
    ],
)
def test_loopback_is_told_without_asking_dns(url: str, is_it: bool) -> None:
    assert is_loopback(url) is is_it


@pytest.mark.parametrize(
    ("bound", "reached"),
    [
        ("tcp://0.0.0.0:5", "tcp://127.0.0.1:5"),
        ("tcp://*:5", "tcp://127.0.0.1:5"),
        ("tcp://[::]:5", "tcp://[::1]:5"),
        ("tcp://10.0.0.1:5", "tcp://10.0.0.1:5"),
    ],
)
def test_a_server_on_all_addresses_is_reached_on_this_host(bound: str, reached: str) -> None:
    assert local_url(bound) == reached
