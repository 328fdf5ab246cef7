"""Identity of a client: the name it gives itself, and the caller on whose behalf a method runs. No
sockets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field, replace
from functools import cache

from zmqjsonproxy.rights import Role

__all__ = [
    "OF_THE_ORIGINAL",
    "Caller",
    "KnownCallers",
    "begin_calling",
    "calling",
    "current_caller",
    "end_calling",
    "own_name",
    "read_name",
]

LONGEST_NAME = 120
UNNAMED = "a client without a name"
_MAX_NAMES = 10_000
"""Clients whose names are remembered; each connection has one."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A client, as the server knows it.

    Attributes:
        name: As it calls itself, `user@host:pid`; nothing proves it.
        native: It speaks JSON-RPC; False: the original's dialect.
        key: Name of its key, which is proven; empty: it has none.
        role: What it may do.
        through: Name of the key of the client that calls on its behalf; empty: it calls itself.
        control: Credential that came with the call, "NUMBER:TOKEN"; empty: none. For no log.
    """

    name: str = UNNAMED
    native: bool = True
    key: str = ""
    role: Role = Role.ADMIN
    through: str = ""
    control: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.name} (key {self.key})" if self.key else self.name

    def with_control(self, credential: object) -> Caller:
        """Return the same client with the credential of one of its calls."""
        text = credential[:LONGEST_NAME] if isinstance(credential, str) else ""
        return replace(self, control=text) if text else self


_UNNAMED = Caller()
OF_THE_ORIGINAL = Caller("a client of the original", native=False)


def read_name(text: object) -> str:
    """Return a name that a client gave itself, fit for logs and messages: printable, of bounded
    length, and without brackets, in which proven names stand."""
    if not isinstance(text, str):
        return UNNAMED
    return "".join(c if _is_of_names(c) else "?" for c in text[:LONGEST_NAME]) or UNNAMED


def _is_of_names(character: str) -> bool:
    if not character.isascii():
        return character.isalnum()  # there are brackets of many shapes
    return character.isprintable() and character not in "()"


class KnownCallers:
    """Clients of a server by their routing ids: the names that they gave when they connected."""

    def __init__(self) -> None:
        self._names: dict[bytes, Caller] = {}

    def take(self, client: bytes, name: object) -> None:
        """Remember the name of a client."""
        if len(self._names) >= _MAX_NAMES:
            del self._names[next(iter(self._names))]  # the one not heard of for longest
        self._names[client] = Caller(read_name(name))

    def find(self, client: bytes, named: object, native: bool) -> Caller:
        """Return whose call it is: the name that comes with it, else the one that its client
        gave."""
        if named:
            return Caller(read_name(named), native)
        known = self._names.pop(client, None)
        if known is None:
            return _UNNAMED if native else OF_THE_ORIGINAL
        self._names[client] = known
        return known if native else Caller(known.name, native=False)


@cache
def own_name() -> str:
    """Return the name of this process as a client: `user@host:pid`."""
    import getpass  # late: most importers call nobody
    import platform

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        user = str(os.getuid())
    return f"{user}@{platform.node()}:{os.getpid()}"


os.register_at_fork(after_in_child=own_name.cache_clear)

_current: ContextVar[Caller | None] = ContextVar("caller", default=None)


def current_caller() -> Caller:
    """Return the caller of the command or operation that the calling code runs in; else this
    process itself.

    Queries are not told: they change nothing that anybody would have to answer for.
    """
    return _current.get() or Caller(own_name())


def begin_calling(caller: Caller) -> Token[Caller | None]:
    """Make `caller` the current one, until `end_calling` of what is returned; as `calling`, in
    fewer steps."""
    return _current.set(caller)


end_calling = _current.reset


@contextmanager
def calling(caller: Caller) -> Iterator[None]:
    """Make `caller` the current one of the code within."""
    token = begin_calling(caller)
    try:
        yield
    finally:
        end_calling(token)
