"""Keys as texts: 40 characters of Z85 (ZeroMQ RFC 32) for 32 bytes, and their fingerprints."""

from __future__ import annotations

import hashlib

__all__ = ["fingerprint", "is_key", "key_bytes"]

_LENGTH = 40
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def is_key(text: object) -> bool:
    """Tell whether a value is a key."""
    try:
        return isinstance(text, str) and bool(key_bytes(text))
    except ValueError:
        return False


def key_bytes(text: str) -> bytes:
    """Return the 32 bytes of a key; ValueError: it is none, and it is not shown."""
    try:
        if len(text) == _LENGTH:
            return b"".join(_four_bytes(text[at : at + 5]) for at in range(0, _LENGTH, 5))
    except (ValueError, OverflowError):  # no digit; above 2**32
        pass
    raise ValueError(f"not a key: {_LENGTH} characters of Z85 are one")


def _four_bytes(digits: str) -> bytes:
    number = 0
    for digit in digits:
        number = number * 85 + _DIGITS.index(digit)
    return number.to_bytes(4)


def fingerprint(public: str) -> str:
    """Return what people compare of a public key: `1f3a-99b0-...`, 128 bits of its SHA-256."""
    digest = hashlib.sha256(key_bytes(public)).hexdigest()[:32]
    return "-".join(digest[at : at + 4] for at in range(0, 32, 4))
