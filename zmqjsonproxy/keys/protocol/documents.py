"""Files of keys as texts (TOML) and what they hold. No files are read here."""

from __future__ import annotations

from dataclasses import dataclass

from zmqjsonproxy.rights import Role

__all__ = ["ClientKey"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKey:
    """A client that a server knows.

    Attributes:
        name: Of the person or program, `[A-Za-z0-9][A-Za-z0-9._@-]*`.
        role: Highest right it has.
        public: Its public key.
        is_revoked: It is known, and refused.
        token_digest: SHA-256 of its token in hexadecimal; empty: it has none.
    """

    name: str
    role: Role
    public: str
    is_revoked: bool = False
    token_digest: str = ""
