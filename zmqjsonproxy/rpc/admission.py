"""Admission: what a message may do, by the key that its connection has proven and the token in it.
No sockets.

What ZeroMQ's handshake has admitted is looked at anew with each message, so that revocation holds
from the next one on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from groundwork.errors import text_of
from zmqjsonproxy.caller import Caller
from zmqjsonproxy.errors import (
    AccessError,
    RevokedKeyError,
    RoleTooLowError,
    UnknownKeyError,
)
from zmqjsonproxy.protocol.request import Request
from zmqjsonproxy.rights import KnownKey, Role, ServerKeys

__all__ = ["ADMIN", "TOKEN", "Admission", "Grant", "ProvenId"]

TOKEN = "token"
"""Member of `dealer`: on whose behalf a client calls."""
log = logging.getLogger(__name__)

_ASK = "ask an administrator of the server for one (`player keys new NAME --role ROLE` there)"


class ProvenId(bytes):
    """Routing id of a connection, with its public key as text; empty: it has none."""

    public = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """Rights that a message has.

    Attributes:
        role: What it may do; None: nothing.
        key: Name of the key that they come from; empty: there is none.
        through: Name of the key of the connection, if it is another one.
    """

    role: Role | None
    key: str = ""
    through: str = ""

    def dress(self, caller: Caller) -> Caller:
        """Return a caller with these rights."""
        role = self.role or Role.OBSERVE
        if not self.key and role is caller.role:
            return caller
        return replace(caller, key=self.key, role=role, through=self.through)


ADMIN = Grant(Role.ADMIN)
"""Native clients where no keys are needed."""


class Admission:
    """Rights of the messages of a server.

    Args:
        keys: Those that it knows; None: nobody has one.
        original_role: Of clients of the original; None: they may do nothing.
    """

    def __init__(self, keys: ServerKeys | None, original_role: Role | None) -> None:
        self._find: Callable[[str], KnownKey | None] = _nothing if keys is None else keys.find
        self._find_token = None if keys is None else keys.find_token
        self._of_original = Grant(original_role)
        self._last = Grant(None)

    def key_of(self, client: bytes) -> KnownKey | None:
        """Return the key of a connection; None: it has none.

        Raises:
            RevokedKeyError: It is not valid any more.
            AccessError: It could not be looked up.
        """
        public = client.public if type(client) is ProvenId else ""
        if not public:
            return None
        try:
            key = self._find(public)
        except Exception as error:  # whoever reads keys is anybody's code
            log.exception("a key could not be looked up; its owner is refused")
            text = f"the server could not look the key of this client up: {text_of(error)}"
            raise AccessError(f"{text}; its log tells more") from error
        if key is None:
            text = (
                "the key of this client is not known at this server any more: it was removed, or "
            )
            raise RevokedKeyError(
                f"{text}its file cannot be used, which the server's log tells; {_ASK}"
            )
        if key.is_revoked:
            raise _revoked(key.name)
        return key

    def grant(self, request: Request, key: KnownKey | None) -> Grant:
        """Return what a request may do.

        Args:
            request: The request.
            key: Of its connection; None: it has none.

        Raises:
            AccessError: It may do nothing.
        """
        extra = request.extra
        if extra is not None and request.native and TOKEN in extra:
            return self._of_token(extra[TOKEN], "" if key is None else key.name)
        if key is not None:
            last = self._last  # most calls are of the client of the one before
            if last.role is not key.role or last.key != key.name:
                last = self._last = Grant(key.role, key.name)
            return last
        return ADMIN if request.native or extra is not None else self._of_original

    def tried(self, request: Request, key: KnownKey | None) -> Grant:
        """Return whose request it is that is refused, and the rights it has, if any; arguments as
        of `grant`."""
        try:
            return self.grant(request, key)
        except AccessError:
            return Grant(None, "" if key is None else key.name)

    def known_as(self, client: bytes) -> Grant:
        """Return who has a connection over which nothing may be asked."""
        try:
            key = self._find(client.public) if type(client) is ProvenId else None
        except Exception:  # it was told when the connection was refused
            key = None
        return Grant(None, "" if key is None else key.name)

    def _of_token(self, token: object, through: str) -> Grant:
        find = self._find_token
        key = find(token) if find is not None and isinstance(token, str) else None
        if key is None:
            text = "the token of this call belongs to no key of this server"
            raise UnknownKeyError(f"{text}; {_ASK}, or log in again")
        if key.is_revoked:
            raise _revoked(key.name)
        return Grant(key.role, key.name, through)

    def check(self, grant: Grant, needs: Role) -> None:
        """Check that what a request may do is enough for the role that it needs.

        Raises:
            RoleTooLowError: It is not.
        """
        role = grant.role
        if role is not None and role >= needs:
            return
        if grant.key:
            text = f"the role {needs} is needed, and key {grant.key!r} has {role}; {_ASK}"
        else:
            has = f"have the role {role}" if role else "may do nothing"
            text = f"the role {needs} is needed, and clients of the original {has} here "
            text += "([instrument] original_role); call with a client of this package"
        raise RoleTooLowError(text)


def _revoked(name: str) -> AccessError:
    return RevokedKeyError(f"the key of {name} was revoked at this server; {_ASK}")


def _nothing(_public: str) -> KnownKey | None:
    return None
