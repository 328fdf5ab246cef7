"""CURVE key pairs: made anew, or of a secret key. No files."""

from __future__ import annotations

import zmq

from zmqjsonproxy.keys.protocol.keytexts import key_bytes
from zmqjsonproxy.rights import KeyPair

__all__ = ["new_pair", "pair_of_secret"]


def new_pair() -> KeyPair:
    """Return a pair that nobody has."""
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret.decode())


def pair_of_secret(secret: str) -> KeyPair:
    """Return the pair of a secret key; ValueError: it is none, and it is not shown."""
    key_bytes(secret)
    return KeyPair(zmq.curve_public(secret.encode()).decode(), secret)
