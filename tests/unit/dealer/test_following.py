"""What is said of a subscription that brought less than was wanted."""

from __future__ import annotations

import pytest

from dealer.following import End, Follower

ALL = {"A", "B"}


@pytest.mark.parametrize(
    ("end", "there", "most", "text"),
    [
        (End.INTERRUPTED, set(), 3, ""),
        (End.ENOUGH, {"A"}, 3, ""),
        (End.TIME, ALL, None, ""),
        (End.TIME, ALL, 3, "2 of 3 updates came within 5 s"),
        (End.TIME, {"A"}, 3, "B: no Player answered; `dealer doctor` says what puts it right"),
        (End.GIVEN_UP, ALL, None, r"nothing will come: B: it has\x1b gone"),
    ],
)
def test_what_was_wanted_and_did_not_come_is_told(
    end: End, there: set[str], most: int | None, text: str
) -> None:
    follower = Follower(
        wanted={"A": ["*"], "B": ["*"]},
        most=most,
        seconds=5.0,
        taken=2,
        there=there,
        given_up={"B": "it has\x1b gone"},
    )
    assert follower.complaint(end) == text
