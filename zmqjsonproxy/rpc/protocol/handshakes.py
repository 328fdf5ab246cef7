"""Failed handshakes: what came of one, and what its caller is told. No sockets, no clock.

A socket tells which key was refused, and sometimes that the two ends want different mechanisms; as
often it tells only that the other end hung up, for both find out at the same time. Then the
greeting says it, with which every ZeroMQ peer begins (ZMTP 3.0, ZeroMQ RFC 23): it names the
mechanism, to whoever asks. Behind ZeroMQ's handshake the hellos of both ends may say that they have
no version of the protocol in common.
"""

from __future__ import annotations

from enum import Enum

from groundwork.values import JsonObject
from zmqjsonproxy.errors import (
    AccessError,
    KeysNeededError,
    NoKeysThereError,
    UnknownKeyError,
    VersionMismatchError,
    WrongServerKeyError,
)

__all__ = [
    "GREETING_BYTES",
    "NATIVE_VERSION",
    "OPENING",
    "Mechanism",
    "check_version",
    "denial",
    "read_greeting",
    "unknown_key",
]

OPENING = b"\xff" + bytes(7) + b"\x01\x7f\x03"
"""Begin of a greeting, up to the version: enough for a peer to send all of its own."""
GREETING_BYTES = 64
NATIVE_VERSION = 1
"""Of the native dialect; peers that speak later ones only say so as `oldest` in the hello."""
_MECHANISM = slice(12, 32)


class Mechanism(Enum):
    """Security mechanism that a peer demands."""

    NONE = "NULL"
    CURVE = "CURVE"
    UNKNOWN = "no ZeroMQ, or of a mechanism that is none of ours"


def read_greeting(data: bytes) -> Mechanism | None:
    """Return what a peer demands, by the begin of all that it sends; None: there is too little of
    it yet."""
    if data[:1] not in (b"", b"\xff") or (len(data) > 9 and data[9] != 0x7F):
        return Mechanism.UNKNOWN
    if len(data) < GREETING_BYTES:
        return None
    name = data[_MECHANISM].rstrip(b"\0")
    return next((each for each in Mechanism if each.value.encode() == name), Mechanism.UNKNOWN)


def denial(mechanism: Mechanism, *, is_keyed: bool) -> tuple[type[AccessError], str] | None:
    """Return the error that a failed handshake means, and its text; None: it is not about keys.

    Args:
        mechanism: What the peer demands.
        is_keyed: This end came with keys.
    """
    if is_keyed and mechanism is Mechanism.CURVE:
        return WrongServerKeyError, (
            "the server has another key than the one that is known here: it was given a new one, or "
            "another program serves there. Compare fingerprints with its administrator "
            "(`player keys show` there), then `dealer keys trust HOST --replace`"
        )
    if is_keyed and mechanism is Mechanism.NONE:
        return NoKeysThereError, (
            "the server demands no keys, though its key is known here; nothing is said to a server "
            "that does not prove who it is. Have it serve with keys, or take its line out of "
            "servers.toml"
        )
    if mechanism is Mechanism.CURVE:
        return KeysNeededError, (
            "the server demands keys, and none for it are known here: `dealer keys trust HOST`, and "
            "`dealer keys import BUNDLE` with what its administrator gives you"
        )
    return None


def unknown_key(public: str) -> tuple[type[AccessError], str]:
    """Return the error of a key that the server does not know, and its text."""
    return UnknownKeyError, (
        f"the server does not know the key of this client ({public}): have its administrator make "
        "one (`player keys new NAME` there), then `dealer keys import BUNDLE`"
    )


def check_version(said: JsonObject) -> None:
    """Check the versions that a peer speaks, as its hello or the answer to one says.

    Raises:
        VersionMismatchError: None of them is spoken here.
    """
    oldest = said.get("oldest", NATIVE_VERSION)
    if type(oldest) is int and oldest > NATIVE_VERSION:
        text = f"one end speaks version {NATIVE_VERSION} of the protocol, and the other {oldest} or later"
        raise VersionMismatchError(f"{text}; install the same release of dealer-player at both")
