"""Pauses after failures, and rates of requests."""

from __future__ import annotations

import pytest

from player.endpoints.http.protocol import backoff
from player.endpoints.http.protocol.backoff import Backoff, BackoffSettings, Buckets, source_of


def test_pauses_double_up_to_the_longest_and_are_forgotten() -> None:
    made = Backoff(BackoffSettings(free=2, first=1.0, longest=4.0, forget=100.0))
    pauses = []
    for now in range(0, 60, 10):
        made.fail("a", now)
        pauses.append(made.pause("a", now))
    assert pauses == [0, 0, 1, 2, 4, 4]
    assert made.pause("a", 53.0) == 1.0
    assert made.pause("b", 53.0) == 0.0  # others are not made to wait
    assert made.pause("a", 54.5) == 0.0
    made.fail("a", 54.5)
    assert made.pause("a", 54.5) == 4.0
    assert made.pause("a", 155.0) == 0.0
    made.fail("a", 155.0)
    assert made.pause("a", 155.0) == 0.0  # it begins anew


def test_a_success_ends_the_pauses() -> None:
    made = Backoff(BackoffSettings(free=0))
    made.fail("a", 0.0)
    made.succeed("a")
    assert made.pause("a", 0.0) == 0.0


def test_a_thousand_failures_make_no_longer_pause() -> None:
    made = Backoff()
    for _ in range(2000):
        made.fail("a", 0.0)
    assert made.pause("a", 0.0) == BackoffSettings().longest


def test_sources_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "MAX_SOURCES", 2)
    made, buckets = Backoff(BackoffSettings(free=0)), Buckets(1.0, 1.0)
    for source in "a", "b", "c":
        made.fail(source, 0.0)
        assert buckets.take(source, 0.0)
    assert [bool(made.pause(source, 0.0)) for source in ("a", "b", "c")] == [False, True, True]
    assert not buckets.take("c", 0.0)


@pytest.mark.parametrize(
    ("peer", "source"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_a_source_is_an_address_or_all_that_one_host_of_ipv6_has(peer: str, source: str) -> None:
    assert source_of(peer) == source


def test_a_bucket_gives_a_burst_and_then_the_rate() -> None:
    made = Buckets(rate=2.0, burst=3.0)
    assert [made.take("a", 0.0) for _ in range(5)] == [True, True, True, False, False]
    assert made.take("b", 0.0)
    assert [made.take("a", 1.0) for _ in range(3)] == [True, True, False]
    assert [made.take("a", 1000.0) for _ in range(4)] == [True, True, True, False]
