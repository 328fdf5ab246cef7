"""Keys as texts, against ZeroMQ's own coding of them."""

from __future__ import annotations

import hashlib

import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st
from zmq.utils import z85

from zmqjsonproxy.keys.pair import new_pair, pair_of_secret
from zmqjsonproxy.keys.protocol.keytexts import fingerprint, is_key, key_bytes


@settings(max_examples=30)
@given(st.binary(min_size=32, max_size=32))
def test_bytes_of_a_key_are_those_of_zeromq(data: bytes) -> None:
    text = z85.encode(data).decode()
    assert is_key(text)
    assert key_bytes(text) == data


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a" * 39,
        "a" * 41,
        "#" * 40,  # each five of them stand for more than 32 bits
        '"' * 40,
        "a" * 39 + "\n",
        "ä" * 40,
        "a" * 39 + "٣",
        None,
        40,
        b"a" * 40,
    ],
)
def test_what_is_no_key_is_told_from_one(value: object) -> None:
    assert not is_key(value)


def test_error_about_a_key_does_not_show_it() -> None:
    secret = zmq.curve_keypair()[1].decode()
    with pytest.raises(ValueError, match="not a key") as caught:
        pair_of_secret(secret + "x")
    assert secret not in str(caught.value)


def test_pair_comes_of_its_secret_key() -> None:
    pair = new_pair()
    assert pair_of_secret(pair.secret) == pair
    assert pair.secret not in repr(pair)
    assert new_pair() != pair


def test_fingerprint_is_the_first_half_of_the_sha256_in_groups() -> None:
    data = bytes(range(32))
    digest = hashlib.sha256(data).hexdigest()
    shown = fingerprint(z85.encode(data).decode())
    assert shown.replace("-", "") == digest[:32]
    assert [len(group) for group in shown.split("-")] == [4] * 8
