"""The second on which all start, and how far clocks are apart."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealer.errors import StartError
from dealer.outcome import Outcome
from dealer.start import (
    ClockOffset,
    as_list,
    checked_time,
    choose,
    clock_spread,
    from_list,
    latest,
    round_up,
)

NOON = datetime(2014, 3, 4, 12, 0, 0, tzinfo=UTC)
TIMES = [
    (NOON, [2014, 3, 4, 12, 0, 0, 0]),
    (datetime(2014, 3, 4, 17, 20, 30, 5, tzinfo=UTC), [2014, 3, 4, 17, 20, 30, 5]),
]


@pytest.mark.parametrize(("time", "travels"), TIMES)
def test_a_time_travels_as_seven_numbers(time: datetime, travels: list[int]) -> None:
    assert as_list(time) == travels
    assert from_list(travels) == time


def test_a_time_of_another_zone_travels_in_utc() -> None:
    china = timezone(timedelta(hours=8))
    assert as_list(datetime(2014, 3, 5, 1, 20, 30, tzinfo=china)) == [2014, 3, 4, 17, 20, 30, 0]


def test_six_numbers_are_a_full_second() -> None:
    assert from_list([2014, 3, 4, 12, 0, 0]) == NOON


@pytest.mark.parametrize(
    "value",
    [
        None, 5, "now", [], [2014], [2014, 13, 1, 0, 0, 0, 0], ["a"] * 7, [1] * 9, {}, [0, 1, 1, 0, 0, 0, 0],
        [-5, 1, 1, 0, 0, 0, 0], [10000, 1, 1, 0, 0, 0, 0], [2014, True, 4, 12, 0, 0, 0], [2014, 3, 4, 12, 0, 0.5, 0],
        [math.nan, 3, 4, 12, 0, 0, 0], [math.inf, 3, 4, 12, 0, 0, 0], [10**300, 3, 4, 12, 0, 0, 0], [[1]] * 7,
    ],
)  # fmt: skip
def test_what_is_no_time_is_shown(value: Any) -> None:
    with pytest.raises(ValueError, match=r"is not \[Y, M, D, h, m, s, us\]"):
        from_list(value)


@given(
    st.datetimes(
        min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)
    )
)
def test_rounding_up_gives_the_next_full_second_and_no_later_one(time: datetime) -> None:
    rounded = round_up(time)
    assert rounded.microsecond == 0
    assert timedelta(0) <= rounded - time < timedelta(seconds=1)
    assert from_list(as_list(time)) == time


def ready(bank: str, second: int, micro: int = 0) -> Outcome:
    return Outcome(bank, (True, [2014, 3, 4, 12, 0, second, micro]))


def test_the_latest_bank_decides() -> None:
    assert latest({"A": ready("A", 6), "B": ready("B", 9), "C": ready("C", 7)}) == NOON + timedelta(
        seconds=9
    )


def test_all_banks_that_are_not_ready_are_named() -> None:
    outcomes = {
        "A": ready("A", 6),
        "B": Outcome("B", None, RuntimeError("no mode")),
        "C": Outcome("C", None),
        "D": Outcome("D", (True, "soon")),
    }
    with pytest.raises(StartError, match="not all Banks are ready") as caught:
        latest(outcomes)
    assert list(caught.value.failed) == ["B", "C", "D"]
    assert list(caught.value.outcomes) == ["A", "B", "C", "D"]


@pytest.mark.parametrize(
    "answer", [[9999, 12, 31, 23, 59, 59, 999_999], [10**300, 1, 1, 0, 0, 0], [math.nan] * 7]
)
def test_a_bank_that_answers_with_a_time_that_nobody_can_keep_is_named(answer: list[Any]) -> None:
    with pytest.raises(
        StartError, match=r"(?s)not all Banks are ready.*B: ValueError: earliest_start: "
    ) as caught:
        latest({"A": ready("A", 6), "B": Outcome("B", (True, answer))})
    assert list(caught.value.failed) == ["B"]


def test_the_last_moment_of_the_calendar_is_told_in_a_sentence() -> None:
    with pytest.raises(
        ValueError, match=r"9999-12-31 23:59:59.999999\+00:00 has no full second behind it"
    ):
        checked_time(datetime.max.replace(tzinfo=UTC))
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # which Banks refuse, with the date
    assert choose(checked_time(last), NOON) == last
    with pytest.raises(ValueError, match="no time zone"):
        checked_time(datetime.max)


def test_no_time_given_takes_the_earliest_full_second() -> None:
    assert choose(None, NOON) == NOON
    assert choose(None, NOON + timedelta(microseconds=1)) == NOON + timedelta(seconds=1)


def test_a_given_time_is_rounded_up_and_kept_if_it_is_possible() -> None:
    wanted = checked_time(NOON + timedelta(seconds=4, microseconds=300))
    assert wanted == NOON + timedelta(seconds=5)
    assert choose(wanted, NOON + timedelta(seconds=5)) == wanted
    assert choose(wanted, NOON) == wanted


def test_a_time_that_is_too_early_is_refused_with_both_times() -> None:
    with pytest.raises(StartError, match=r"12:00:00\+00:00 is too early; .* 12:00:06\+00:00"):
        choose(NOON, NOON + timedelta(seconds=6))


def test_the_time_that_was_offered_a_moment_ago_may_be_had() -> None:
    offered = NOON - timedelta(microseconds=300)
    assert choose(NOON, NOON + timedelta(seconds=1), offered=offered) == NOON
    for wanted, earliest in (
        (NOON, NOON + timedelta(seconds=2)),
        (NOON - timedelta(seconds=1), NOON),
    ):
        with pytest.raises(StartError, match="too early"):
            choose(wanted, earliest, offered=offered)


def test_a_naive_time_is_refused_and_the_way_out_shown() -> None:
    with pytest.raises(ValueError, match="no time zone; make it with"):
        checked_time(datetime(2014, 3, 4))


def test_another_time_zone_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="the time is in CST; give it in UTC"):
        checked_time(datetime(2014, 3, 4, tzinfo=timezone(timedelta(hours=8), "CST")))


def test_any_utc_zone_object_will_do() -> None:
    assert checked_time(datetime(2014, 3, 4, 12, tzinfo=timezone(timedelta(0), "UTC"))) == NOON


@pytest.mark.parametrize("value", ["12:00", 1393934400.0, [2014, 3, 4]])
def test_what_is_no_datetime_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=f"a datetime, not a {type(value).__name__}"):
        checked_time(value)


def test_clocks_that_agree_within_what_is_known_are_not_apart() -> None:
    spread, _ = clock_spread({"A": ClockOffset(0.010, 0.012), "B": ClockOffset(-0.008, 0.010)})
    assert spread == 0.0


def test_the_two_clocks_furthest_apart_are_named() -> None:
    offsets = {
        "A": ClockOffset(2.5, 0.001),
        "B": ClockOffset(-1.0, 0.001),
        "C": ClockOffset(0.1, 0.001),
    }
    spread, sentence = clock_spread(offsets)
    assert spread == pytest.approx(3.498)
    assert sentence == "the clock of A is 3.500 s ahead of that of B"


def test_one_player_alone_is_compared_to_this_dealer() -> None:
    spread, sentence = clock_spread({"A": ClockOffset(-0.5, 0.0)})
    assert spread == pytest.approx(0.5)
    assert sentence == "the clock of this Dealer is 0.500 s ahead of that of A"
    assert clock_spread({}) == (0.0, "")
