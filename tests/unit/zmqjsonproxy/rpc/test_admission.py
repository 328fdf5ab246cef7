"""Rights of a message, the decision on a handshake, and roles as marks and texts."""

from __future__ import annotations

import pytest
import zmq
from support.keyring import ServerRing, new_pair
from zmq.utils import z85

from zmqjsonproxy.caller import OF_THE_ORIGINAL, Caller
from zmqjsonproxy.errors import RevokedKeyError, RoleTooLowError, UnknownKeyError
from zmqjsonproxy.interface import Interface, Mark, MethodKind, command, operation, query
from zmqjsonproxy.protocol.request import Request
from zmqjsonproxy.rights import KeyPair, Role, read_role
from zmqjsonproxy.rpc.admission import ADMIN, Admission, Grant, ProvenId
from zmqjsonproxy.rpc.authenticator import decide
from zmqjsonproxy.rpc.curve import LIBZMQ_LEAST, needs_keys, why_no_keys

NATIVE = Request("bank.add", [], {}, True, 1)
OLD = Request("bank.add", [], {}, False)


def proven(public: str) -> ProvenId:
    rid = ProvenId(b"id")
    rid.public = public
    return rid


@pytest.mark.parametrize("role", Role)
def test_roles_are_ordered_and_have_texts(role: Role) -> None:
    assert read_role(str(role)) is role
    assert Role.OBSERVE < Role.OPERATE < Role.ADMIN


def test_another_text_is_no_role() -> None:
    with pytest.raises(ValueError, match="'root' is no role; write one of observe, operate, admin"):
        read_role("root")


@pytest.mark.parametrize(
    ("mark", "needs"),
    [
        (Mark(kind=MethodKind.QUERY), Role.OBSERVE),
        (Mark(kind=MethodKind.COMMAND), Role.OPERATE),
        (Mark(kind=MethodKind.OPERATION), Role.OPERATE),
        (Mark(kind=MethodKind.QUERY, role=Role.ADMIN), Role.ADMIN),
        (Mark(kind=MethodKind.COMMAND, role=Role.OBSERVE), Role.OBSERVE),
    ],
)
def test_what_a_method_needs_is_its_kinds_unless_it_says_otherwise(mark: Mark, needs: Role) -> None:
    assert mark.needs is needs


def test_each_mark_takes_a_role() -> None:
    class Host:
        @query(role=Role.ADMIN)
        def secret(self) -> None: ...

        @command(role=Role.ADMIN)
        def reboot(self) -> None: ...

        @operation(role=Role.ADMIN, is_read_only=True)
        def update(self) -> None: ...

    methods = Interface.of("host", Host()).methods
    assert {method.mark.needs for method in methods.values()} == {Role.ADMIN}


def test_an_operation_that_changes_nothing_needs_neither_role_nor_control() -> None:
    class Files:
        @operation(is_read_only=True)
        def checksum(self) -> None: ...

    mark = Interface.of("files", Files()).methods["checksum"].mark
    assert (mark.needs, mark.needs_control, mark.journaled) == (Role.OBSERVE, False, False)


def test_without_keys_native_clients_are_admin_and_others_have_the_role_that_is_set() -> None:
    admission = Admission(None, Role.OBSERVE)
    assert admission.key_of(b"id") is None
    assert admission.grant(NATIVE, None) is ADMIN
    assert admission.grant(OLD, None) == Grant(Role.OBSERVE)
    assert ADMIN.dress(Caller("ann")) == Caller("ann")
    assert admission.grant(OLD, None).dress(OF_THE_ORIGINAL).role is Role.OBSERVE


def test_a_key_gives_its_role_and_name_as_long_as_it_is_known_and_not_revoked() -> None:
    ring = ServerRing()
    ann = ring.client("ann", Role.OPERATE)
    admission = Admission(ring.keys(), Role.OPERATE)
    rid = proven(ann.pair.public)
    grant = admission.grant(NATIVE, admission.key_of(rid))
    assert grant.dress(Caller("a@b:1")) == Caller("a@b:1", True, "ann", Role.OPERATE)
    ring.of(ann).is_revoked = True
    with pytest.raises(RevokedKeyError, match="the key of ann was revoked"):
        admission.key_of(rid)
    ring.known.clear()
    with pytest.raises(RevokedKeyError, match="is not known at this server any more"):
        admission.key_of(rid)


def test_a_token_counts_alone_over_a_key_of_any_role() -> None:
    ring = ServerRing()
    ring.client("ann", Role.OBSERVE, token="T")
    admission, key = Admission(ring.keys(), None), ring.of(ring.client("dashboard", Role.ADMIN))
    call = Request("bank.add", [], {}, True, 1, extra={"token": "T"})
    assert admission.grant(call, key) == Grant(Role.OBSERVE, "ann", "dashboard")
    for token in ("t", "", 5, None):
        with pytest.raises(UnknownKeyError):
            admission.grant(Request("bank.add", [], {}, True, 1, extra={"token": token}), key)


@pytest.mark.parametrize(
    ("grant", "text"),
    [
        (Grant(Role.OBSERVE, "ann"), "key 'ann' has observe"),
        (Grant(Role.OBSERVE), "clients of the original have the role observe"),
        (Grant(None), "clients of the original may do nothing here"),
    ],
)
def test_a_role_that_is_too_low_is_told_with_whose_it_is(grant: Grant, text: str) -> None:
    with pytest.raises(RoleTooLowError, match=text):
        Admission(None, None).check(grant, Role.OPERATE)


def ask(mechanism: bytes, *credentials: bytes) -> list[bytes]:
    return [b"1.0", b"1", b"domain", b"127.0.0.1", b"", mechanism, *credentials]


def test_handshakes_of_known_keys_succeed_also_of_revoked_ones() -> None:
    ring = ServerRing()
    ann, stranger = ring.client("ann").pair, new_pair()
    for is_revoked in (False, True):
        ring.known[ann.public].is_revoked = is_revoked
        raw = z85.decode(ann.public.encode())
        assert decide(ask(b"CURVE", raw), ring.known.get) == (b"200", b"OK", ann.public.encode())
    for request in (
        ask(b"CURVE", z85.decode(stranger.public.encode())),
        ask(b"CURVE", b"short"),
        ask(b"CURVE"),
        ask(b"PLAIN", b"ann", b"password"),
    ):
        assert decide(request, ring.known.get)[0::2] == (b"400", b"")
    assert decide(ask(b"NULL"), ring.known.get) == (b"200", b"OK", b"")
    assert decide(ask(b"NULL"), None)[0] == b"400"


@pytest.mark.parametrize(
    ("version", "has_curve", "why"),
    [
        (LIBZMQ_LEAST, True, ""),
        ((5, 0, 0), True, ""),
        ((4, 3, 2), True, "libzmq 4.3.2 is not safe with keys, which need 4.3.3"),
        (LIBZMQ_LEAST, False, "this libzmq has no CURVE"),
    ],
)
def test_a_zeromq_that_is_not_fit_for_keys_is_refused(
    version: tuple[int, ...], has_curve: bool, why: str
) -> None:
    told = why_no_keys(version, has_curve)
    assert told.startswith(why) if why else told == ""


@pytest.mark.parametrize(
    ("url", "on_loopback", "needed"),
    [
        ("tcp://127.0.0.1:1", False, False),
        ("tcp://127.0.0.1:1", True, True),
        ("tcp://[::1]:1", False, False),
        ("tcp://10.0.0.1:1", False, True),
        ("tcp://0.0.0.0:1", False, True),
        ("tcp://*:1", False, True),
        ("inproc://here", True, False),
    ],
)
def test_keys_are_needed_beyond_loopback_or_where_it_is_said(
    url: str, on_loopback: bool, needed: bool
) -> None:
    assert needs_keys(url, ServerRing().keys(on_loopback=on_loopback)) is needed


def test_secrets_are_in_no_text() -> None:
    pair, keys = new_pair(), ServerRing().keys()
    assert pair.secret not in f"{pair} {pair!r}"
    assert keys.secret not in f"{keys} {keys!r}"
    assert isinstance(pair, KeyPair)


def test_this_zeromq_is_fit_for_keys() -> None:
    assert why_no_keys(zmq.zmq_version_info(), zmq.has("curve")) == ""
