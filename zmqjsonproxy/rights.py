"""Rights: roles, and what servers and clients know of keys. No sockets, no files.

Keys are CURVE keys, texts of 40 characters (Z85). Whoever keeps them in files fulfils the protocols
here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple, Protocol

__all__ = ["ClientKeys", "KeyPair", "KnownKey", "Role", "ServerKeys", "read_role"]


class Role(IntEnum):
    """Rights of a client; each has those below it, too."""

    OBSERVE = 1
    """Queries and subscriptions."""
    OPERATE = 2
    """Commands and operations."""
    ADMIN = 3
    """Methods that are about the host, and others' control."""

    def __str__(self) -> str:
        return self.name.lower()


def read_role(text: str) -> Role:
    """Return a role by its name.

    Raises:
        ValueError: There is none of that name; the text names them.
    """
    for role in Role:
        if text == str(role):
            return role
    raise ValueError(f"{text!r} is no role; write one of {', '.join(map(str, Role))}")


class KnownKey(Protocol):
    """The key of a client, as a server knows it."""

    @property
    def name(self) -> str:
        """Name of whoever has it."""

    @property
    def role(self) -> Role:
        """Rights of whoever has it."""

    @property
    def is_revoked(self) -> bool:
        """Whether it is refused from now on; it is known, so that its owner can be told."""


def _no_token(_token: str) -> KnownKey | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerKeys:
    """Keys of a server: its own, and those of its clients.

    Attributes:
        public: Its public key.
        secret: Its secret key.
        find: Returns the key of a client by its public key; None: it is not known. Called for each
            message, from two threads, so that what is revoked is so at once; soon back.
        find_token: Returns the key that a token belongs to; None: it is not known. Likewise.
        on_loopback: Clients of the same host need keys, too.
    """

    public: str
    secret: str = field(repr=False)
    find: Callable[[str], KnownKey | None]
    find_token: Callable[[str], KnownKey | None] = _no_token
    on_loopback: bool = False


class KeyPair(NamedTuple):
    """A client's own keys."""

    public: str
    secret: str

    def __repr__(self) -> str:
        return f"KeyPair(public={self.public!r})"


class ClientKeys(Protocol):
    """Keys of a client: its own, and those of the servers it knows. Asked anew with each
    connection."""

    @property
    def pair(self) -> KeyPair:
        """Its own keys."""

    def for_server(self, url: str) -> str | None:
        """Return the public key of the server at `tcp://HOST:PORT`; None: none is known, and it is
        called without keys."""
