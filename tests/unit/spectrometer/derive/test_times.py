"""Start times: full UTC seconds, never too early."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from spectrometer.derive.times import (
    as_list,
    ceil_to_second,
    earliest_start,
    mjd,
    read_time,
    start_time,
)
from spectrometer.errors import StartTimeError

NOW = datetime(2026, 3, 1, 23, 59, 50, 250_000, UTC)


def test_seconds_are_rounded_up_unless_they_are_full() -> None:
    assert ceil_to_second(NOW) == datetime(2026, 3, 1, 23, 59, 51, tzinfo=UTC)
    assert ceil_to_second(NOW.replace(microsecond=0)) == datetime(
        2026, 3, 1, 23, 59, 50, tzinfo=UTC
    )


def test_earliest_start_is_the_arm_delay_and_a_little_ahead() -> None:
    assert as_list(earliest_start(NOW, 4)) == [2026, 3, 1, 23, 59, 55, 0]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, [2026, 3, 1, 23, 59, 55, 0]),
        ([2026, 3, 1, 23, 59, 55, 0], [2026, 3, 1, 23, 59, 55, 0]),
        ([2026, 3, 1, 23, 59, 57, 1], [2026, 3, 1, 23, 59, 58, 0]),
        ([2026, 3, 2, 0, 0, 0], [2026, 3, 2, 0, 0, 0, 0]),
        (
            datetime(2026, 3, 2, 1, 0, 5, tzinfo=timezone(timedelta(hours=1))),
            [2026, 3, 2, 0, 0, 5, 0],
        ),
    ],
)
def test_start_time_is_a_full_second(asked: Any, expected: list[int]) -> None:
    assert as_list(start_time(asked, NOW, 4)) == expected


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ([2026, 3, 1, 23, 59, 54, 0], "23:59:54 UTC is too early; the earliest start is 23:59:55"),
        ("now", "expected \\[Y, M, D"),
        ([2026, 13, 1, 0, 0, 0, 0], "is none"),
        ([2026, 3], "expected \\[Y, M, D"),
        (datetime(2026, 3, 2), "no time zone"),
    ],
)
def test_what_is_no_start_time_says_why(asked: Any, text: str) -> None:
    with pytest.raises(StartTimeError, match=text):
        start_time(asked, NOW, 4)


def test_modified_julian_day() -> None:
    assert mjd(datetime(2026, 11, 21, 7, 44, 15, tzinfo=UTC)) == (61365, 27855.0)


def test_a_time_of_another_year_is_refused_before_anything_waits_for_it() -> None:
    now = datetime(2026, 7, 1, 3, 0, 0, tzinfo=UTC)
    for asked in ([2027, 7, 1, 3, 0, 10, 0], [9999, 12, 31, 23, 59, 59, 500000]):
        with pytest.raises(StartTimeError, match="more than 7 days ahead; is the date right"):
            start_time(asked, now, 4)


@pytest.mark.parametrize(
    "asked",
    [
        None, "x", 5, [], [1, 2], [[1]] * 7, [2026, 13, 1, 0, 0, 0, 0], {"a": 1}, b"1234567", ["2026"] * 7,
        [0, 1, 1, 0, 0, 0, 0], [-1, 1, 1, 0, 0, 0, 0], [10000, 1, 1, 0, 0, 0, 0], [2026, True, 1, 0, 0, 0, 0],
        [2026, 3, 1, 12, 0, 0.5, 0], [2026, 3, 1, 12, 0, math.nan, 0], [math.inf, 3, 1, 12, 0, 0, 0],
        [2026, 3, 1, 12, 0, 0, 10**6], [10**30, 1, 1, 0, 0, 0, 0], [10**5000, 1, 1, 0, 0, 0, 0], [10**5000],
        [2026, 3, 1, 12, 0, 1e300, 0], [2026, 3, 1, 12, 0, None, 0], [2026, 2, 29, 0, 0, 0, 0],
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), datetime.max,
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
    ],
)  # fmt: skip
def test_what_is_no_time_is_told_in_a_sentence(asked: object) -> None:
    for read in (
        read_time,
        lambda asked: start_time(asked, NOW, 4) if asked is not None else read_time(asked),
    ):
        with pytest.raises(StartTimeError, match=r"^the start time .{1,200}$"):
            read(asked)


def test_whole_numbers_of_any_kind_are_a_time() -> None:
    assert read_time([2026.0, 3, 1, 12, 0, 0, 0]) == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert read_time((2026, 3, 1, 12, 0, 59)) == datetime(2026, 3, 1, 12, 0, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "asked", [[9999, 12, 31, 23, 59, 59, 999_999], datetime.max.replace(tzinfo=UTC)]
)
def test_the_last_moment_of_the_calendar_is_a_time_that_is_refused(asked: Any) -> None:
    assert read_time(asked).year == 9999
    with pytest.raises(StartTimeError, match="9999-12-31 23:59:59 UTC is more than 7 days ahead"):
        start_time(asked, NOW, 4)
    with pytest.raises(StartTimeError, match="is too early"):
        start_time([1, 1, 1, 0, 0, 0, 0], NOW, 4)
