"""The data-taking program killed at random moments: no row that was reported is lost, and what is
there is whole."""

from __future__ import annotations

from benchmarks.kills import kills


def test_kill_at_any_moment_loses_no_reported_row() -> None:
    found = list(kills(10, seed=2, longest_s=0.2))
    assert [kill.fault for kill in found] == [""] * 10
    assert all(kill.readable >= kill.reported for kill in found)
    assert (
        sum(kill.reported > 0 for kill in found) == 8
    )  # the others died before anything was reported
