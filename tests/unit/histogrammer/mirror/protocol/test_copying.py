"""Messages that the keeper of a copy takes from a server, and its times."""

from __future__ import annotations

import struct

import pytest

from histogrammer.errors import MirrorProtocolError
from histogrammer.mirror.protocol.copying import Expected, Pace, Retry


def header(size: int, kind: int) -> bytes:
    return struct.pack("=II", size, kind)


def test_updates_of_both_kinds_are_read_in_their_order() -> None:
    expected = Expected(most_channels=4096)
    assert expected.read(header(5_602_056, 3)) == (5_600_000, 2048)
    assert expected.read(header(2056, 4)) == (0, 2048)
    assert expected.read(header(8, 4)) == (0, 0)
    assert expected.read(header(5_600_008 + 4096, 3)) == (5_600_000, 4096)


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ((8, 4), "where a full update was expected"),
        ((8, 2), "where a full update was expected"),
        ((8, 3), "an update of 8 bytes"),
        ((5_600_007, 3), "an update of 5600007 bytes"),
        ((5_600_008 + 4097, 3), "4096 bytes of channels"),
        ((0xFFFFFFFF, 3), "4096 bytes of channels"),
        ((0, 3), "a message of 0 bytes"),
        ((8, 77), "which does not exist"),
    ],
)
def test_what_the_copy_cannot_take_is_an_error(first: tuple[int, int], told: str) -> None:
    with pytest.raises(MirrorProtocolError, match=told):
        Expected(most_channels=4096).read(header(*first))


def test_updates_are_asked_for_after_a_second_or_five_times_their_duration() -> None:
    pace = Pace()
    pace.ask(now=100.0)
    assert pace.wait_after(now=100.1) == 1.0
    pace.ask(now=200.0)
    assert pace.wait_after(now=202.0) == 10.0


def test_attempts_come_less_often_until_one_succeeds() -> None:
    retry = Retry(first=0.5, most=10.0)
    assert [retry.wait() for _ in range(7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    retry.succeed()
    assert retry.wait() == 0.5
