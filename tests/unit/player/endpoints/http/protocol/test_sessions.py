"""Sessions: their ends, and the end of their rights."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from player.endpoints.http.protocol.sessions import Sessions, SessionSettings

HOUR, MINUTE = 3600.0, 60.0


def test_a_session_is_found_by_its_secret_and_by_nothing_else() -> None:
    made = Sessions()
    digest = made.open("secret", "ann", "token", 0.0)
    assert made.find("secret") == digest
    assert digest != "secret"
    for other in "", "Secret", digest, "\ud800":
        assert made.find(other) == ""
    assert "'token'" not in repr(made.use(digest, 1.0, is_act=True))


def test_a_session_that_nothing_uses_ends_after_twelve_hours() -> None:
    made = Sessions()
    digest = made.open("secret", "ann", "token", 0.0)
    assert made.use(digest, 11.9 * HOUR, is_act=False) is not None
    assert made.use(digest, 23.8 * HOUR, is_act=False) is not None
    assert made.use(digest, 35.9 * HOUR, is_act=False) is None
    assert made.use(digest, 35.9 * HOUR, is_act=True) is None


def test_its_rights_end_half_an_hour_after_the_last_act_and_do_not_come_back() -> None:
    made = Sessions()
    digest = made.open("secret", "ann", "token", 0.0)
    acts = [(29, True), (58, True), *((minute, False) for minute in range(59, 88))]
    for minutes, is_act in acts:  # a stream goes on after the last act
        session = made.use(digest, minutes * MINUTE, is_act=is_act)
        assert session is not None
        assert not session.is_lowered
    for minutes, is_act in (89, False), (90, True), (91, True):
        session = made.use(digest, minutes * MINUTE, is_act=is_act)
        assert session is not None
        assert session.is_lowered


def test_a_session_that_was_ended_is_gone() -> None:
    made = Sessions()
    digest = made.open("secret", "ann", "token", 0.0)
    made.close(digest)
    made.close(digest)
    assert made.find("secret") == ""
    assert made.use(digest, 0.0, is_act=True) is None


def test_sessions_are_bounded_and_one_key_does_not_push_out_others() -> None:
    made = Sessions(SessionSettings(most=4, most_of_key=2))
    for number in range(3):
        made.open(f"ann{number}", "ann", "t", number)
    made.open("bob", "bob", "t", 3.0)
    assert [bool(made.find(f"ann{number}")) for number in range(3)] == [False, True, True]
    made.use(made.find("ann1"), 4.0, is_act=False)
    for name in "eve", "joe":
        made.open(name, name, "t", 5.0)
    left = [name for name in ("ann1", "ann2", "bob", "eve", "joe") if made.find(name)]
    assert left == ["ann1", "bob", "eve", "joe"]


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.floats(0, 20 * HOUR), st.sampled_from(["open", "use", "act"])), max_size=20
    )
)
def test_none_is_used_after_its_end_whatever_comes_before(steps: list[tuple[float, str]]) -> None:
    made, now = Sessions(), 0.0
    used_at: float | None = None
    for pause, step in steps:
        now += pause
        if step == "open":
            made.open("secret", "ann", "token", now)
            used_at = now
            continue
        session = made.use(made.find("secret"), now, is_act=step == "act")
        expected = used_at is not None and now - used_at <= 12 * HOUR
        assert (session is not None) == expected
        used_at = now if expected else None
        made.forget_old(now)
        assert len(made) == expected
