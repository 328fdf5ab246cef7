"""State of a link to a Player."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.protocol.liveness import LOST_S, STALE_S, Liveness, LivenessState

WALL = 1000.0
"""Of viewers' clock, where the other one begins."""


def test_a_silent_player_is_stale_then_lost_then_live_again() -> None:
    link = Liveness(since=WALL)
    assert not link.tick(0.5, WALL + 0.5)
    assert link.state is LivenessState.CONNECTING
    link.hear(1.0)
    assert link.tick(1.1, WALL + 1.1)
    assert (link.state, link.since) == (LivenessState.LIVE, WALL + 1.1)
    assert not link.tick(3.9, WALL + 3.9)
    assert link.tick(1.0 + STALE_S, WALL + 1.0 + STALE_S)
    assert (link.state, link.since) == (LivenessState.STALE, WALL + 1.0)
    assert "does not answer" in link.reason
    link.miss("no answer within 2 s")
    assert link.tick(1.0 + LOST_S, WALL + 1.0 + LOST_S)
    assert (link.state, link.since) == (LivenessState.LOST, WALL + 1.0)
    assert link.reason == "no answer within 2 s"
    link.hear(20.0)
    assert link.tick(20.0, WALL + 20.0)
    assert (link.state, link.reason) == (LivenessState.LIVE, "")


def test_a_player_that_answers_is_stale_while_its_updates_do_not_come() -> None:
    link = Liveness(since=WALL)
    link.hear(1.0)
    link.tick(1.0, WALL + 1.0)
    link.broken = "connection closed"
    for now in (2.0, 3.0, 4.0):
        link.hear(now)
        link.tick(now, WALL + now)
        assert link.state is LivenessState.STALE
        assert (link.since, link.reason) == (WALL + 2.0, "connection closed")
    link.hear(12.5)
    link.tick(12.5, WALL + 12.5)
    assert link.state is LivenessState.LOST
    link.opened(13.0)
    link.tick(13.0, WALL + 13.0)
    assert link.state is LivenessState.LIVE


def test_a_player_that_lets_nobody_in_says_why() -> None:
    link = Liveness(since=WALL)
    link.refuse("keys are needed")
    assert link.tick(1.0, WALL + 1.0)
    assert link.describe() == {"state": "refused", "since": WALL + 1.0, "reason": "keys are needed"}
    link.hear(2.0)
    link.tick(2.0, WALL + 2.0)
    assert link.state is LivenessState.LIVE


def test_a_clock_that_is_set_back_keeps_nobody_alive() -> None:
    link = Liveness(since=WALL)
    link.hear(1.0)
    link.tick(1.0, WALL + 1.0)
    assert link.tick(1.0 + STALE_S, WALL - 3600.0)
    assert (link.state, link.since) == (LivenessState.STALE, WALL - 3600.0 - STALE_S)
    link.tick(1.0 + LOST_S, WALL)
    assert link.state is LivenessState.LOST


def test_heartbeats_tell_of_silence_that_is_long_enough() -> None:
    link = Liveness(since=WALL)
    assert link.silence(5.0) is None
    link.hear(5.0)
    assert link.silence(6.0) is None
    assert link.silence(7.5) == 2.5


EVENTS = st.sampled_from(["hear", "miss", "break", "open", "refuse", "tick"])


@settings(max_examples=80, deadline=None)
@given(events=st.lists(st.tuples(EVENTS, st.floats(0, 4)), max_size=40))
def test_a_link_is_live_only_if_it_was_heard_and_its_updates_come(
    events: list[tuple[str, float]],
) -> None:
    link, now = Liveness(since=WALL), 0.0
    for event, passed in events:
        now += passed
        match event:
            case "hear":
                link.hear(now)
            case "miss":
                link.miss("no answer")
            case "break":
                link.broken = "gone"
            case "open":
                link.opened(now)
            case "refuse":
                link.refuse("no key")
        link.tick(now, WALL + now)
        is_heard = link.heard is not None and now - link.heard < STALE_S
        is_live = is_heard and not link.broken and not link.refusal
        assert (link.state is LivenessState.LIVE) is is_live
        assert link.since <= WALL + now
        assert link.reason or link.state in (LivenessState.LIVE, LivenessState.CONNECTING)
