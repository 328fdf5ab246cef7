"""Times inside messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmqjsonproxy.recording.protocol.shiftedtimes import shifted, without_times

TIME = [2026, 11, 21, 9, 30, 59, 250000]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3000, 3000)
    | st.floats(allow_nan=False)
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=7) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
)


@pytest.mark.parametrize(
    ("by_s", "later"),
    [
        (0.0, TIME),
        (0.1, [2026, 11, 21, 9, 31, 0, 250000]),
        (1.0, [2026, 11, 21, 9, 31, 0, 250000]),
        (86400.0, [2026, 11, 22, 9, 30, 59, 250000]),
    ],
)
def test_a_time_moves_by_full_seconds_wherever_it_stands(by_s: float, later: list[int]) -> None:
    by = timedelta(seconds=by_s)
    assert shifted(TIME, by) == later
    assert shifted([True, {"a": TIME[:6]}], by) == [True, {"a": later[:6]}]


@pytest.mark.parametrize(
    "value",
    [
        [2026, 13, 21, 9, 30, 59, 0],
        [2026, 11, 31, 9, 30, 59, 0],
        [1026, 11, 21, 9, 30, 59, 0],
        TIME[:5],
        [*TIME, 1],
        [2026, 11, 21, 9, 30, 59, 0.5],
        [2026, 11, 21, 9, 30, 59, True],
        [2026, 11, 21, 9, 30, 59, 2_000_000],
        [None] * 7,
        ["2026"] * 6,
        "2026-11-21T09:30:59Z",
        2026,
    ],
)
def test_what_is_no_time_stays(value: Any) -> None:
    assert shifted(value, timedelta(days=1)) == value
    assert without_times(value) == value


def test_starts_are_alike_whatever_their_identity() -> None:
    one, other = (
        ["3d321b3f314bd974", {"id": "00000000deadbeef"}],
        ["9f86d081884c7d65", {"id": "ffffffffffffffff"}],
    )
    assert (
        without_times(one) == without_times(other) != without_times(["MODE1", {"id": "deadbeef"}])
    )
    assert shifted(one, timedelta(days=1)) == one


@given(JSON)
def test_nothing_but_times_changes(value: Any) -> None:
    assert shifted([value, TIME], timedelta()) == [value, TIME]
    assert without_times([value, TIME]) == [without_times(value), "any time"]
    assert without_times(shifted(value, timedelta(days=400))) == without_times(value)
