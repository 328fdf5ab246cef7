"""Hosts and URLs as texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.addresses import (
    bind_address,
    checked_host,
    checked_network,
    is_by_name,
    is_loopback_host,
    is_of_others,
    split_url,
    tcp_url,
)

URLS = [
    ("tcp://127.0.0.1:6667", "127.0.0.1", 6667),
    ("tcp://hpc1.shao.ac.cn:1", "hpc1.shao.ac.cn", 1),
    ("tcp://[::1]:6667", "::1", 6667),
]


@pytest.mark.parametrize(("url", "host", "port"), URLS)
def test_a_url_is_host_and_port(url: str, host: str, port: int) -> None:
    assert split_url(url) == (host, port)
    assert tcp_url(host, port) == url


@pytest.mark.parametrize(
    "url", ["", "tcp://", "tcp://h", "tcp://h:", "tcp://h:x", "tcp://h:65536", "ipc:///x", "h:1"]
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"tcp://HOST:PORT|at most 65535"):
        split_url(url)


def test_a_star_is_any_port() -> None:
    assert split_url("tcp://127.0.0.1:*") == ("127.0.0.1", 0)


@given(st.text(max_size=30))
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    try:
        host, port = split_url(text)
    except ValueError:
        return
    assert host
    assert 0 <= port <= 65535


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("hpc1", "hpc1"),
        ("vegas-hpc1.gb.nrao.edu", "vegas-hpc1.gb.nrao.edu"),
        ("HPC_1", "HPC_1"),
        ("h.", "h."),
        ("10.0.0.1", "10.0.0.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("fd00::2", "fd00::2"),
        ("[fd00::2]", "fd00::2"),
    ],
)
def test_a_host_is_a_name_or_an_address_of_either_kind(text: str, host: str) -> None:
    assert checked_host(text) == host


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tcp://hpc1:6667", "is a URL; write the host alone"),
        ("http://hpc1", "is a URL"),
        ("hpc1:6667", "has a port; write the host alone, as hpc1: a port has a key of its own"),
        ("[::1]:6667", r"has a port; write the host alone, as \[::1\]"),
        ("höhe.example.org", "is not ASCII; .* as xn--hhe-sna.example.org"),
        ("hpc١", "is not ASCII"),
        ("", "is no host"),
        (" ", "is no host"),
        ("hpc 1", "is no host"),
        ("hpc1 ", "is no host"),
        ("hpc1\n", "is no host"),
        ("-h", "is no host"),
        ("h/x", "is no host"),
        ("user@hpc1", "is no host"),
        ("::g", "is no host"),
        ("[hpc1]", "is no host"),
    ],
)
def test_what_is_no_host_is_told_with_what_to_write(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        checked_host(text)


@given(st.text(max_size=30))
def test_a_host_that_is_taken_stands_in_a_url(text: str) -> None:
    try:
        host = checked_host(text)
    except ValueError:
        return
    assert split_url(tcp_url(host, 6667)) == (host, 6667)


@pytest.mark.parametrize(
    ("text", "address", "is_loopback"),
    [
        ("lo", "127.0.0.1", True),
        ("localhost", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("[::1]", "::1", True),
        ("eth0", "eth0", False),
        ("0.0.0.0", "0.0.0.0", False),
        ("*", "*", False),
    ],
)
def test_the_loopback_interface_is_its_address(text: str, address: str, is_loopback: bool) -> None:
    assert bind_address(text) == address
    assert is_loopback_host(text) is is_loopback


@pytest.mark.parametrize(
    ("url", "is_it"),
    [
        ("tcp://hpc1:1", True),
        ("tcp://127.0.0.1:1", False),
        ("tcp://[::1]:1", False),
        ("ipc:///x", False),
    ],
)
def test_a_name_may_stand_for_several_addresses(url: str, is_it: bool) -> None:
    assert is_by_name(url) is is_it


@pytest.mark.parametrize(
    ("host", "is_it"),
    [("10.0.0.1", True), ("0.0.0.0", True), ("127.0.0.2", False), ("::1", False), ("eth0", False)],
)
def test_an_address_of_others_is_a_number_beyond_this_host(host: str, is_it: bool) -> None:
    assert is_of_others(host) is is_it


def test_a_network_is_one_or_is_refused_with_a_form() -> None:
    assert checked_network("10.1.0.0/16") == "10.1.0.0/16"
    with pytest.raises(ValueError, match=r"'10.1.2.3/16' is no network: .*write one as"):
        checked_network("10.1.2.3/16")
