"""CURVE key pairs as texts of 40 characters (Z85), and their fingerprints. No files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

__all__ = ["KeyPair", "fingerprint", "is_key"]


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A public key and its secret one, each 40 characters in Z85."""

    public: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> Self:
        """Return a pair that nobody has."""
        raise NotImplementedError

    @classmethod
    def of_secret(cls, secret: str) -> Self:
        """Return the pair of a secret key; ValueError: it is none."""
        raise NotImplementedError


def is_key(text: object) -> bool:
    """Tell whether a value is a key: 40 characters of Z85 that stand for 32 bytes."""
    raise NotImplementedError


def fingerprint(public: str) -> str:
    """Return what people compare of a public key: `1f3a-99b0-...`, 128 bits of its SHA-256."""
    raise NotImplementedError
