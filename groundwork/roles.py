"""Roles of clients, whatever tells who they are: keys, or the address they come from."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Role", "read_role"]


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
