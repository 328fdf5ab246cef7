"""Values of properties as commands print them."""

from __future__ import annotations

from dealer.outcome import Outcome, Outcomes
from dealer.propertycommands import _leave_wanted


def test_of_all_results_the_wanted_ones_are_left_and_what_cannot_be_read_is_said() -> None:
    unread = {"uptime": {"reason": "OSError: no\x1b sensor"}, "other": {"reason": "hangs"}}
    outcomes = Outcomes(
        A=Outcome("A", {"level": 1.0, "more": 2, "cannot_be_read": unread}),
        B=Outcome("B", {"level": 3.0}),
        C=Outcome("C", None, OSError("away")),
    )
    said = _leave_wanted(outcomes, {"A": ["level", "uptime"], "B": ["level"]})
    assert [each.value for each in outcomes.values()] == [{"level": 1.0}, {"level": 3.0}, None]
    assert len(said) == 1
    assert said[0].startswith("A.uptime could not be read: OSError: no")
    assert "\x1b" not in said[0]
