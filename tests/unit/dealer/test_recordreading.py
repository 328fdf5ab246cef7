"""Records of many Banks in one order, and moments on the command line."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealer.recordreading import in_time_order
from dealer.timearguments import moment, utc_text


def records(*times: float) -> list[Any]:
    return [{"number": number, "time": time} for number, time in enumerate(times, 1)]


def order(**banks: list[Any]) -> list[tuple[str, int]]:
    return [(bank, record["number"]) for bank, record in in_time_order(banks)]


def test_records_of_several_banks_are_in_the_order_of_their_times() -> None:
    found = order(A=records(1.0, 3.0, 9.5), B=records(2.0, 10.0))
    assert found == [("A", 1), ("B", 1), ("A", 2), ("A", 3), ("B", 2)]


def test_a_clock_that_was_an_hour_ahead_does_not_mix_up_the_others() -> None:
    found = order(A=records(1.0, 3600.0, 3601.0, 4.0, 6.0), B=records(2.0, 3.0, 5.0))
    assert found == [("A", 1), ("B", 1), ("B", 2), ("A", 2), ("A", 3), ("A", 4), ("B", 3), ("A", 5)]


@given(banks=st.dictionaries(st.sampled_from("ABC"), st.lists(st.floats(0, 9), max_size=6)))
def test_each_record_comes_once_and_those_of_a_bank_by_their_numbers(
    banks: dict[str, list[float]],
) -> None:
    found = order(**{bank: records(*times) for bank, times in banks.items()})
    for bank, times in banks.items():
        mine = [number for one, number in found if one == bank]
        assert mine == list(range(1, len(times) + 1))
    if all(times == sorted(times) for times in banks.values()):
        moments = [banks[bank][number - 1] for bank, number in found]
        assert moments == sorted(moments)


@pytest.mark.parametrize(
    ("text", "ago"), [("90s", 90), ("30min", 1800), ("1h", 3600), ("1.5h", 5400), ("2d", 172800)]
)
def test_times_ago_are_taken_from_now(text: str, ago: float) -> None:
    assert moment(text, now=1e9) == 1e9 - ago


def test_moments_are_utc_unless_they_say_otherwise() -> None:
    when = datetime(2026, 3, 29, 1, 30, tzinfo=UTC).timestamp()  # no such time in Berlin
    assert moment("2026-03-29T01:30:00") == when
    assert moment("2026-03-29 01:30:00Z") == when
    assert moment("2026-03-29T03:30:00+02:00") == when
    east = datetime(2026, 3, 29, 3, 30, tzinfo=timezone(timedelta(hours=2)))
    assert moment(east.isoformat()) == when


@pytest.mark.parametrize("text", ["", "1", "h", "-1h", "yesterday", "2026-13-01", "1h30"])
def test_what_is_no_moment_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no moment; write UTC as"):
        moment(text)


def test_moments_are_shown_with_milliseconds() -> None:
    assert utc_text(0.0) == "1970-01-01 00:00:00.000"
    assert utc_text(1e9 + 0.5) == "2001-09-09 01:46:40.500"
    assert utc_text(-1.0) == "-1.000"
    assert utc_text(1e18) == "1000000000000000000.000"
