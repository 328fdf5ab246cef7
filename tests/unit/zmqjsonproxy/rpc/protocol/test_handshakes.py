"""Failed handshakes: the mechanism in a greeting, and the errors that callers get."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmqjsonproxy.errors import (
    KeysNeededError,
    NoKeysThereError,
    UnknownKeyError,
    VersionMismatchError,
    WrongServerKeyError,
)
from zmqjsonproxy.rpc.protocol.handshakes import (
    GREETING_BYTES,
    Mechanism,
    check_version,
    denial,
    read_greeting,
    unknown_key,
)


def greeting(mechanism: bytes) -> bytes:
    """Greeting as RFC 23 has it: signature, version, mechanism, as-server, filler."""
    return b"\xff" + bytes(8) + b"\x7f\x03\x01" + mechanism.ljust(20, b"\0") + b"\x01" + bytes(31)


@pytest.mark.parametrize(
    ("mechanism", "meant"),
    [
        (b"NULL", Mechanism.NONE),
        (b"CURVE", Mechanism.CURVE),
        (b"PLAIN", Mechanism.UNKNOWN),
        (b"", Mechanism.UNKNOWN),
    ],
)
def test_a_greeting_is_read_when_it_is_whole(mechanism: bytes, meant: Mechanism) -> None:
    whole = greeting(mechanism)
    assert len(whole) == GREETING_BYTES
    assert {read_greeting(whole[:n]) for n in range(GREETING_BYTES)} == {None}
    assert read_greeting(whole) is read_greeting(whole + b"more") is meant


@given(st.binary(min_size=1, max_size=200))
def test_what_does_not_begin_as_a_greeting_is_none(data: bytes) -> None:
    if data[:1] != b"\xff":
        assert read_greeting(data) is Mechanism.UNKNOWN


@pytest.mark.parametrize(
    ("mechanism", "is_keyed", "error"),
    [
        (Mechanism.CURVE, True, WrongServerKeyError),
        (Mechanism.NONE, True, NoKeysThereError),
        (Mechanism.CURVE, False, KeysNeededError),
        (Mechanism.NONE, False, None),
        (Mechanism.UNKNOWN, False, None),
        (Mechanism.UNKNOWN, True, None),
    ],
)
def test_each_failure_about_keys_has_an_error_with_a_remedy(
    mechanism: Mechanism, is_keyed: bool, error: type[Exception] | None
) -> None:
    denied = denial(mechanism, is_keyed=is_keyed)
    assert (denied and denied[0]) is error
    assert denied is None or "`dealer keys" in denied[1] or "servers.toml" in denied[1]


def test_an_unknown_key_is_told_with_the_key() -> None:
    error, text = unknown_key("public")
    assert error is UnknownKeyError
    assert "(public)" in text
    assert "player keys new" in text


@pytest.mark.parametrize("oldest", [None, 0, 1, "2", True])
def test_a_peer_that_speaks_our_version_is_taken(oldest: object) -> None:
    check_version({} if oldest is None else {"oldest": oldest})


def test_a_peer_that_speaks_only_later_versions_is_not() -> None:
    with pytest.raises(VersionMismatchError, match="same release"):
        check_version({"oldest": 2})
