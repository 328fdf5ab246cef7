"""Texts, times and numbers that any server can hold."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.values import JsonValue
from player.sinks.texts import moment, number_of, shown_value, without_nul

VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))


@given(VALUES)
def test_a_value_is_kept_exactly_in_ascii(value: JsonValue) -> None:
    text = shown_value(value)
    back = json.loads(text)
    assert text.isascii()
    assert (type(back), repr(back)) == (type(value), repr(value))


@pytest.mark.parametrize(
    ("value", "number"),
    [(True, 1.0), (3, 3.0), (2.5, 2.5), ("3", None), (None, None), (10**400, None)],
)
def test_what_can_be_calculated_with_is_a_number(value: JsonValue, number: float | None) -> None:
    assert number_of(value) == number


def test_numbers_that_are_none_stay_so() -> None:
    assert math.isnan(number_of(math.nan) or 0.0)


@pytest.mark.parametrize(
    ("time_us", "expected"),
    [
        (1_700_000_000_123_456, datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)),
        (10**19, datetime(9999, 12, 31, tzinfo=UTC)),
        (-(10**19), datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_exact_and_one_of_a_clock_set_to_nonsense_is_an_end(
    time_us: int, expected: datetime
) -> None:
    assert moment(time_us) == expected


def test_texts_have_no_character_that_databases_refuse() -> None:
    assert without_nul("a\0b") == "a\\x00b"
    assert without_nul("plain") == "plain"
