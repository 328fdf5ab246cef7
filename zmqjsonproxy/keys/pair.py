"""CURVE key pairs: made anew, or of a secret key. No files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import zmq

from zmqjsonproxy.keys.protocol.keytexts import key_bytes

__all__ = ["KeyPair"]


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A public key and its secret one, each 40 characters in Z85."""

    public: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> Self:
        """Return a pair that nobody has."""
        public, secret = zmq.curve_keypair()
        return cls(public.decode(), secret.decode())

    @classmethod
    def of_secret(cls, secret: str) -> Self:
        """Return the pair of a secret key; ValueError: it is none, and it is not shown."""
        key_bytes(secret)
        return cls(zmq.curve_public(secret.encode()).decode(), secret)
