"""Limits of a stream."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import pytest
from hypothesis import given

from zmqjsonproxy.channels.protocol.limits import NO_LIMITS, Limiter, Limits, read_limits


@pytest.mark.parametrize(
    "said",
    [
        {"rate": math.nan},
        {"rate": 0.0001},
        {"rate": 10**5000},
        {"rate": -1},
        {"rate": True},
        {"rate": "2"},
        {"dead_band": math.nan},
        {"dead_band": math.inf},
        {"dead_band": -1},
        {"dead_band": None},
        {"else": 1},
        [],
        "rate",
        None,
    ],
)
def test_what_is_no_limit_is_refused_in_a_line(said: object) -> None:
    with pytest.raises(ValueError) as error:
        read_limits(said)
    assert len(str(error.value)) < 120


def test_limits_travel_and_are_equal_whatever_their_numbers_are_written_as() -> None:
    assert read_limits({}) == NO_LIMITS
    assert NO_LIMITS.describe() == {}
    limits = Limits(rate=2, dead_band=0.5)
    assert read_limits(limits.describe()) == limits == Limits(2.0, 0.5)
    assert hash(limits) == hash(Limits(2.0, 0.5))


def test_the_last_of_a_burst_comes_when_its_time_has_come() -> None:
    limiter: Limiter[int] = Limiter(Limits(rate=10))
    assert limiter.offer(1, None, 0.0) == 1
    assert [limiter.offer(number, None, 0.01 * number) for number in range(2, 6)] == [None] * 4
    assert limiter.due == pytest.approx(0.1)
    assert limiter.take(0.09) is None
    assert limiter.take(0.11) == 5
    assert limiter.due is None
    assert limiter.take(9.0) is None


def test_the_dead_band_compares_with_what_was_sent() -> None:
    limiter: Limiter[float] = Limiter(Limits(dead_band=1.0))
    sent = [limiter.offer(v, v, 0.0) for v in (0.0, 0.6, 0.9, 1.0, 1.2, 1.9, 2.3)]
    assert [v for v in sent if v is not None] == [0.0, 1.2, 2.3]


@pytest.mark.parametrize(
    ("last", "value", "is_sent"),
    [
        (math.nan, math.nan, False),
        (math.inf, math.inf, False),
        (math.inf, -math.inf, True),
        (1.0, math.nan, True),
        (math.nan, 1.0, True),
        (10**400, 0.5, True),
        (0.5, 10**400, True),
        (10**400, 10**400 + 1, False),
        (True, False, True),
        ("a", "a", True),
        ([1], [1], True),
        (None, 1, True),
    ],
)
def test_the_dead_band_is_of_numbers(last: object, value: object, is_sent: bool) -> None:
    limiter: Limiter[str] = Limiter(Limits(dead_band=5.0))
    limiter.note_sent(last, 0.0)
    assert limiter.offer("it", value, 1.0) == ("it" if is_sent else None)


def test_after_forgetting_whatever_comes_is_sent() -> None:
    limiter: Limiter[float] = Limiter(Limits(rate=1.0, dead_band=1.0))
    assert limiter.compares
    assert limiter.offer(1.0, 1.0, 0.0) == 1.0
    limiter.forget()
    assert limiter.offer(1.0, 1.0, 0.0) == 1.0


steps = st.lists(st.tuples(st.floats(0, 2), st.integers(-5, 5), st.booleans()), max_size=40)


@given(steps, st.sampled_from([0.0, 1.0, 4.0]), st.sampled_from([0.0, 1.0, 3.0]))
def test_a_limiter_does_as_a_plain_model(moves, rate: float, band: float) -> None:
    """The model: at each offer, and whenever a pause is over, the newest value goes that differs."""
    if not rate and not band:
        return
    limiter: Limiter[int] = Limiter(Limits(rate, band))
    pause = 1 / rate if rate else 0.0
    now, sent, sent_at, kept = 0.0, None, -math.inf, None
    for wait, value, offers in moves:
        now += wait
        got = limiter.offer(value, value, now) if offers else limiter.take(now)
        kept = value if offers else kept
        expected = None
        if kept is not None and now >= sent_at + pause:
            if sent is None or not band or abs(kept - sent) > band:
                expected, sent, sent_at = kept, kept, now
            kept = None
        assert got == expected
        assert (limiter.due is None) == (kept is None)
    if kept is not None:
        last = limiter.take(limiter.due)
        assert last == (kept if sent is None or not band or abs(kept - sent) > band else None)
