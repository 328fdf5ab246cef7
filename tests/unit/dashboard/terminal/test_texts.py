"""Numbers, times and texts of the terminal."""

from __future__ import annotations

import math
from typing import Any

import pytest

from dashboard.terminal import texts


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.34, "0.3 s"),
        (-1.0, "0.0 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (83.0, "1 m 23 s"),
        (11400.0, "3 h 10 m"),
        (266400.0, "3 d 02 h"),
        (None, "-"),
        (math.inf, "-"),
    ],
)
def test_a_length_of_time_has_seven_signs_at_most(seconds: float | None, told: str) -> None:
    assert texts.span(seconds) == told


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (12, "12"),
        (2**53 + 1, "9007199254740993"),
        (12.0, "12"),
        (0.1 + 0.2, "0.3"),
        (1420.405751768, "1420.406"),
        (123456789.5, "123456800"),
        (6.02e23, "6.02e23"),
        (1.5e-7, "1.5e-7"),
        (math.nan, "nan"),
    ],
)
def test_numbers_have_digits_that_make_sense(number: float, told: str) -> None:
    assert texts.number_text(number) == told


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("since", 1796008447.0, "2026-11-30 03:14:07 UTC"),
        ("start", [2026, 11, 30, 3, 14, 7, 0], "2026-11-30 03:14:07 UTC"),
        ("memory_bytes", 412e6, "412 MB"),
        ("received_per_s", 3500, "3.5 k/s"),
        ("is_over", True, "yes"),
        ("text", "", "(empty)"),
        ("text", "a\x1b[2Jb\u202ec", "a\\x1b[2Jb\\u202ec"),
        ("table", {"a": [1, 2]}, '{"a": [1, 2]}'),
        ("table", {"left_out": True, "characters": 70000}, "(70000 characters)"),
        ("nothing", None, "-"),
    ],
)
def test_values_are_told_as_what_they_are(name: str, value: Any, told: str) -> None:
    assert texts.member_text(name, value) == told


def test_times_of_the_site_and_of_the_stars_stand_beside_utc() -> None:
    assert texts.utc(1796008447.98) == "2026-11-30 03:14:07"
    assert texts.utc_near(1796008447.0, 1796008500.0) == "03:14:07"
    assert texts.utc_near(1795990000.0, 1796008500.0) == "2026-11-29 22:06:40"
    assert texts.site_time(1796008447.0, "America/New_York") == "22:14 EST"
    assert texts.site_time(1796008447.0, "No/Where") == ""
    # GMST of 2000-01-01 12:00 UT1 is 18 h 41 min 50.5 s (Astronomical Almanac).
    assert texts.sidereal(946728000.0, 0.0) == "18:41"
    assert texts.sidereal(946728000.0, None) == ""
