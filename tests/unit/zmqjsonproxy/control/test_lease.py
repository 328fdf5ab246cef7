"""The lease as a state machine: whatever is asked at whatever times, never two owners."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from zmqjsonproxy.control.protocol.lease import (
    LONGEST_TERM_S,
    Credential,
    Holder,
    Lease,
    LeaseEnding,
    Terms,
)
from zmqjsonproxy.errors import NotInControlError, RefusedError

WALL = 1_800_000_000.0
ANN = "ann@hpc1:1"
BEN = "ben@hpc2:2"


def terms(owner: str = ANN, seconds: float = 100.0, silent_s: float | None = 15.0) -> Terms:
    return Terms(owner=owner, reason="pointing run", seconds=seconds, silent_s=silent_s)


def take(lease: Lease, now: float, token: str, **more: object) -> Credential:
    holder = lease.take(now, WALL + now, terms(**more), token)  # type: ignore[arg-type]
    return Credential(holder.number, token)


def may(lease: Lease, now: float, credential: Credential | None) -> bool:
    try:
        lease.check(now, str(credential or ""))
    except NotInControlError:
        return False
    return True


# the machine


class Leases(RuleBasedStateMachine):
    """Clients take, renew, release and break; the Player looks, or not, and is started again."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.wall = WALL
        self.lease = Lease("BANKA")
        self.given: list[tuple[Credential, float, float]] = []  # with its end, and time of silence
        self.owner: int | None = None  # of `given`; None: nobody
        self.heard = 0.0
        self.highest = 0

    def _owns(self, which: int) -> bool:
        _, ends, silent = self.given[which]
        return which == self.owner and self.now < min(ends, self.heard + silent)

    @rule(seconds=st.sampled_from([0.0, 1.0, 5.0, 14.9, 15.1, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds

    @rule(step=st.sampled_from([-86400.0, -30.0, 30.0, 86400.0]))
    def the_clock_is_set(self, step: float) -> None:
        self.wall += step

    @rule()
    def the_player_looks(self) -> None:
        self.lease.tick(self.now, self.wall)

    @rule()
    def the_player_is_started_again(self) -> None:
        self.lease = Lease("BANKA", self.lease.number, self.lease.holder)

    @rule(seconds=st.sampled_from([2.0, 20.0, 100.0]), silent=st.sampled_from([4.0, 15.0, None]))
    def somebody_takes(self, seconds: float, silent: float | None) -> None:
        token = f"token{len(self.given)}"
        is_held = self.owner is not None and self._owns(self.owner)
        try:
            holder = self.lease.take(
                self.now, self.wall, terms(seconds=seconds, silent_s=silent), token
            )
        except NotInControlError:
            assert is_held
            return
        assert not is_held
        self.given.append(
            (Credential(holder.number, token), self.now + seconds, silent or LONGEST_TERM_S)
        )
        self.owner, self.heard = len(self.given) - 1, self.now

    @precondition(lambda self: self.given)
    @rule(data=st.data())
    def somebody_renews(self, data: st.DataObject) -> None:
        which = data.draw(st.integers(0, len(self.given) - 1))
        try:
            holder = self.lease.renew(self.now, self.wall, self.given[which][0])
        except NotInControlError:
            assert not self._owns(which)
        else:
            assert self._owns(which)
            assert holder.ends == self.given[which][1], "a sign of life makes no lease longer"
            self.heard = self.now

    @precondition(lambda self: self.given)
    @rule(data=st.data())
    def somebody_releases(self, data: st.DataObject) -> None:
        which = data.draw(st.integers(0, len(self.given) - 1))
        try:
            self.lease.release(self.now, self.wall, self.given[which][0])
        except NotInControlError:
            assert not self._owns(which)
        else:
            assert self._owns(which)
            self.owner = None

    @rule()
    def an_admin_breaks(self) -> None:
        ended = self.lease.break_it(self.now, self.wall, "admin@hpc3:3", "urgent")
        assert (ended is not None) == (self.owner is not None and self._owns(self.owner))
        self.owner = None

    @invariant()
    def one_owner_passes_and_no_other(self) -> None:
        passing = [
            n for n, (credential, _, _) in enumerate(self.given) if may_pass(self, credential)
        ]
        assert passing == (
            [self.owner] if self.owner is not None and self._owns(self.owner) else []
        )
        assert may(self.lease, self.now, None) == (not passing)
        assert self.lease.number >= self.highest
        self.highest = self.lease.number

    @invariant()
    def numbers_rise(self) -> None:
        numbers = [credential.number for credential, _, _ in self.given]
        assert numbers == sorted(set(numbers))


def may_pass(machine: Leases, credential: Credential) -> bool:
    return may(machine.lease, machine.now, credential)


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)


# one by one


def test_others_are_refused_with_who_why_and_until_when() -> None:
    lease = Lease("BANKA")
    take(lease, 0.0, "t", seconds=60.0)
    with pytest.raises(NotInControlError) as refused:
        lease.check(1.0, "")
    assert ANN in refused.value.text
    assert "pointing run" in refused.value.text
    assert "2027-01-15 08:01:00 UTC" in refused.value.text  # WALL is 2027-01-15 08:00:00
    assert refused.value.control["owner"] == ANN
    assert refused.value.control["host"] == "hpc1"
    assert refused.value.control["until"] == WALL + 60.0


def test_an_owner_that_was_frozen_past_the_end_is_refused_when_it_goes_on() -> None:
    lease = Lease("BANKA")
    late = take(lease, 0.0, "t", seconds=60.0, silent_s=None)
    with pytest.raises(NotInControlError, match="its time was over"):
        lease.check(60.0, str(late))
    lease.tick(60.0, WALL + 60.0)
    with pytest.raises(NotInControlError, match="its time was over"):
        lease.check(61.0, str(late))
    second = take(lease, 62.0, "u", owner=BEN)
    with pytest.raises(NotInControlError, match="now ben@hpc2:2 has control"):
        lease.check(63.0, str(late))
    assert may(lease, 63.0, second)


def test_the_release_of_a_late_owner_frees_nothing_in_either_order() -> None:
    lease = Lease("BANKA")
    late = take(lease, 0.0, "t", seconds=10.0)
    with pytest.raises(NotInControlError):  # before the successor takes
        lease.release(11.0, WALL, late)
    second = take(lease, 12.0, "u", owner=BEN)
    with pytest.raises(NotInControlError):  # and after
        lease.release(13.0, WALL, late)
    assert may(lease, 13.0, second)


def test_a_lease_that_has_ended_cannot_be_renewed() -> None:
    lease = Lease("BANKA")
    late = take(lease, 0.0, "t", seconds=10.0, silent_s=None)
    with pytest.raises(NotInControlError, match="its time was over"):
        lease.renew(10.0, WALL + 10.0, late)
    assert lease.holder is None


def test_a_silent_owner_loses_control_after_its_own_time_of_silence() -> None:
    lease = Lease("BANKA")
    owner = take(lease, 0.0, "t", silent_s=15.0)
    lease.renew(14.0, WALL, owner)
    assert not lease.tick(28.9, WALL)
    assert lease.tick(29.0, WALL)
    assert lease.ended is not None
    assert lease.ended.why is LeaseEnding.SILENT


def test_an_owner_that_says_it_stays_may_be_silent_until_its_time() -> None:
    lease = Lease("BANKA")
    owner = take(lease, 0.0, "t", seconds=100.0, silent_s=15.0)
    lease.renew(1.0, WALL, owner, stays=True)
    assert may(lease, 99.0, owner)
    assert lease.tick(100.0, WALL)


def test_an_end_that_nobody_has_looked_at_yet_is_told() -> None:
    lease = Lease("BANKA")
    take(lease, 0.0, "t", seconds=100.0, silent_s=15.0)
    told = lease.describe(15.5)
    assert told["owner"] is None
    assert "ended at 2027-01-15 08:00:15 UTC: its owner was silent" in str(told["ended"])


def test_shorter_terms_of_the_next_in_line_change_nothing() -> None:
    lease = Lease("BANKA")
    owner = take(lease, 0.0, "t", seconds=100.0, silent_s=None)
    with pytest.raises(NotInControlError):
        take(lease, 1.0, "u", owner=BEN, seconds=2.0, silent_s=1.0)
    assert may(lease, 99.0, owner)


def test_whoever_has_control_may_take_it_anew_with_other_terms() -> None:
    lease = Lease("BANKA")
    first = take(lease, 0.0, "t", seconds=10.0)
    holder = lease.take(5.0, WALL, terms(seconds=50.0), "u", first)
    assert holder.number == first.number + 1
    assert holder.ends == 55.0
    assert not may(lease, 6.0, first)


def test_ten_thousand_renewals_are_one_lease() -> None:
    lease = Lease("BANKA")
    owner = take(lease, 0.0, "t", seconds=100_000.0)
    for n in range(10_000):
        lease.renew(float(n), WALL, owner)
    assert lease.number == 1


def test_the_right_number_with_a_wrong_token_proves_nothing() -> None:
    lease = Lease("BANKA")
    owner = take(lease, 0.0, "t")
    assert not may(lease, 1.0, Credential(owner.number, "T"))


def test_a_token_that_is_no_text_proves_nothing() -> None:
    lease = Lease("BANKA")
    take(lease, 0.0, "t")
    with pytest.raises(NotInControlError):
        lease.check(1.0, "1:\ud800")


def test_a_broken_lease_tells_its_owner_by_whom_and_why() -> None:
    lease = Lease("BANKA")
    owner = take(lease, 0.0, "t")
    lease.break_it(1.0, WALL, "admin@hpc3:3", "dome is closing")
    with pytest.raises(NotInControlError, match="broken by admin@hpc3:3: dome is closing"):
        lease.check(2.0, str(owner))


def test_nobody_breaks_without_a_reason() -> None:
    lease = Lease("BANKA")
    owner = take(lease, 0.0, "t")
    with pytest.raises(RefusedError, match="reason"):
        lease.break_it(1.0, WALL, "admin@hpc3:3", "two\nlines")
    assert may(lease, 1.0, owner)


def test_where_control_is_required_nobody_commands_without() -> None:
    lease = Lease("BANKA", is_required=True)
    with pytest.raises(NotInControlError, match="require_control"):
        lease.check(0.0, "")
    owner = take(lease, 0.0, "t")
    assert may(lease, 1.0, owner)


@pytest.mark.parametrize("text", ["", ":", "7", "7:", ":t", "x:t", "-7:t", "٣:t", "7:\ud800"])
def test_what_is_no_credential_is_none(text: str) -> None:
    assert Credential.read(text) is None


def test_a_credential_reads_as_it_is_written_and_shows_no_token() -> None:
    credential = Credential(7, "secret")
    assert Credential.read(str(credential)) == credential
    assert "secret" not in repr(credential)


@pytest.mark.parametrize(
    ("reason", "seconds", "silent_s"),
    [
        ("", 60.0, 15.0),
        ("two\nlines", 60.0, 15.0),
        ("x" * 201, 60.0, 15.0),
        ("run", 0.0, 15.0),
        ("run", float("nan"), 15.0),
        ("run", float("inf"), 15.0),
        ("run", True, 15.0),
        ("run", 60.0, 0.1),
    ],
)
def test_terms_that_make_no_sense_are_refused(
    reason: str, seconds: float, silent_s: float | None
) -> None:
    with pytest.raises(RefusedError, match="control: "):
        Terms(owner=ANN, reason=reason, seconds=seconds, silent_s=silent_s)


def test_a_lease_kept_over_three_restarts_just_before_its_end_ends_when_it_would_have() -> None:
    lease = Lease("BANKA")
    owner = take(lease, 0.0, "t", seconds=60.0, silent_s=15.0)
    for sign_of_life in (14.0, 28.0, 42.0, 56.0):
        lease.renew(sign_of_life, WALL, owner)
    for restart in (57.0, 58.0, 59.9):
        held: Holder | None = lease.holder
        lease = Lease("BANKA", lease.number, held)
        assert may(lease, restart, owner)
    assert not may(lease, 60.0, owner)
    assert may(lease, 60.0, None)


@pytest.mark.parametrize("key", ["", "bert"])
def test_control_that_was_taken_with_a_key_is_that_of_its_key_alone(key: str) -> None:
    lease = Lease("BANKA")
    terms = Terms(owner="ann@hpc1:1", key="ann", reason="run", seconds=60.0)
    proof = Credential(lease.take(0.0, 0.0, terms, "token").number, "token")
    lease.check(1.0, str(proof), "ann")
    for tried in (
        lambda: lease.check(1.0, str(proof), key),
        lambda: lease.renew(1.0, 0.0, proof, key=key),
        lambda: lease.release(1.0, 0.0, proof, key=key),
        lambda: lease.take(1.0, 0.0, replace(terms, key=key), "other", proof),
    ):
        with pytest.raises(NotInControlError, match=r"\(key ann\) has control"):
            tried()
    lease.release(1.0, 0.0, proof, key="ann")
