"""Ranges of ports as texts."""

from __future__ import annotations

import pytest

from groundwork.portranges import ServerInRange, read_range, split_ports


def test_a_range_has_both_its_ends() -> None:
    assert list(read_range("6667-6669")) == [6667, 6668, 6669]
    assert list(read_range("65535-65535")) == [65535]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("6667", "write FIRST-LAST, as 6667-6680"),
        ("6680-6667", "ports go up"),
        ("0-3", "from 1 to 65535"),
        ("65530-65540", "from 1 to 65535"),
        ("6667-6767", "at most 100 ports"),
    ],
)
def test_what_is_no_range_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_range(text)


def test_ports_of_urls() -> None:
    assert split_ports("tcp://*:6667-6680") == ("*", range(6667, 6681))
    assert split_ports("tcp://[::1]:6667-6668") == ("::1", range(6667, 6669))
    assert split_ports("tcp://127.0.0.1:*") == ("127.0.0.1", range(1))
    with pytest.raises(ValueError, match="is not tcp://HOST:PORT"):
        split_ports("hpc1:6667-6680")


@pytest.mark.parametrize("host", ["hpc1", "::1"])
def test_a_server_in_a_range_reads_and_writes(host: str) -> None:
    server = ServerInRange(host, "6667-6668", "BANK/A")
    assert ServerInRange.read(server.url) == server
    assert server.addresses[1].endswith(":6668")


@pytest.mark.parametrize("url", ["ports://hpc1:6667/BANKA", "ports://hpc1:1-2", "tcp://hpc1:1-2/X"])
def test_what_is_no_server_in_a_range_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not ports://HOST:FIRST-LAST/NAME"):
        ServerInRange.read(url)
