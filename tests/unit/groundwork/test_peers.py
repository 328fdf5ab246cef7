"""Peers: networks and roles, of which the smallest network counts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.peers import Peers, checked_peers_of, observing, read_peer
from groundwork.roles import Role

NAMED = ["10.0.0.0/8", "10.1.0.0/16=operate", "10.1.2.3=admin", "fd00::/16=operate"]


@pytest.mark.parametrize(
    ("address", "role"),
    [
        ("10.9.9.9", Role.OBSERVE),
        ("10.1.9.9", Role.OPERATE),
        ("::ffff:10.1.9.9", Role.OPERATE),
        ("10.1.2.3", Role.ADMIN),
        ("fd00::5", Role.OPERATE),
        ("fd01::5", None),
        ("11.0.0.1", None),
        ("127.0.0.1", Role.ADMIN),
        ("127.9.9.9", Role.ADMIN),
        ("::1", Role.ADMIN),
        ("fe80::1%lo", None),
        ("", None),
        ("localhost", None),
    ],
)
def test_a_host_has_the_role_of_the_smallest_network(address: str, role: Role | None) -> None:
    assert Peers(NAMED).role(address) is role


def test_this_host_may_all_unless_it_is_named() -> None:
    assert Peers(["0.0.0.0/0"]).role("127.0.0.1") is Role.ADMIN
    assert Peers(["127.0.0.0/8"]).role("127.0.0.1") is Role.OBSERVE
    assert Peers(["127.0.0.1=operate"]).role("127.0.0.1") is Role.OPERATE
    assert Peers(["::1"]).role("::1") is Role.OBSERVE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("10.0.0.0/33", "is no network"),
        ("daq1", "is no network"),
        ("10.1.2.3/8", "has host bits set"),
        ("10.0.0.0/8=", "is no role"),
        ("10.0.0.0/8=operator", "observe, operate, admin"),
        ("10.0.0.0/8=operate=admin", "is no role"),
        ("", "is no network"),
    ],
)
def test_what_is_no_peer_is_refused_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_peer(text)


def test_an_address_that_others_reach_needs_one_of_them() -> None:
    for peers in [], ["127.0.0.1"], ["::1=admin"]:
        with pytest.raises(ValueError, match=r"bind: other hosts reach 0\.0\.0\.0.*peers"):
            checked_peers_of("0.0.0.0", peers)
    checked_peers_of("0.0.0.0", ["10.0.0.0/8"])
    checked_peers_of("127.0.0.1", [])
    checked_peers_of(None, [])


def test_those_who_only_observe_are_the_same_hosts() -> None:
    before, after = Peers(NAMED), Peers(observing(NAMED))
    for address in "10.9.9.9", "10.1.9.9", "10.1.2.3", "fd00::5", "127.0.0.1", "::1":
        assert before.role(address) is not None
        assert after.role(address) is Role.OBSERVE
    assert after.role("11.0.0.1") is None


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3), st.sampled_from(list(Role)))),
    st.integers(0, 7),
)
def test_a_role_is_that_of_the_longest_prefix(rows: list[tuple[int, int, Role]], host: int) -> None:
    """The last three bits of an address, and prefixes of them, one after the other."""
    texts: list[str] = []
    best: tuple[int, Role | None] = (-1, None)
    for start, bits, role in rows:
        masked = start >> (3 - bits) << (3 - bits)
        texts.append(f"10.0.0.{masked}/{29 + bits}={role}")
        if host >> (3 - bits) << (3 - bits) == masked and bits >= best[0]:
            best = (bits, role)  # of equal ones the last
    assert Peers(texts).role(f"10.0.0.{host}") is best[1]
