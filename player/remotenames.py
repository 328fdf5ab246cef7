"""Names of properties that a Player publishes of remotes: `wind@weather`. No sockets.

No property of a Bank has an `@` in its name, and none that has one is followed: what two Players
publish of each other comes back to neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from zmqjsonproxy.channels.protocol.patterns import LONGEST_PATTERN, is_wild, matches

__all__ = ["SIGN", "Item", "local_names", "read_item"]

SIGN = "@"


class Item(NamedTuple):
    """Properties of a remote that are followed.

    Attributes:
        remote: Name there, or a pattern.
        local: What it is called here, before the `@`; empty: the same.
    """

    remote: str
    local: str = ""


def read_item(text: str) -> Item:
    """Read `REMOTE`, a name or pattern, or `LOCAL=REMOTE`.

    Raises:
        ValueError: It is neither.
    """
    local, renamed, remote = text.rpartition("=")
    if SIGN in text:
        raise ValueError(
            f"{text!r}: what a Player publishes of others is not followed; follow the one it is from"
        )
    if not remote or len(remote) > LONGEST_PATTERN or bool(renamed) != bool(local):
        raise ValueError(f"{text!r} is no property; write a name, status.*, or LOCAL=REMOTE")
    if local and (is_wild(remote) or is_wild(local) or "=" in local):
        raise ValueError(f"{text!r}: one name stands for one, so neither is a pattern")
    return Item(remote, local)


def local_names(items: Sequence[Item], name: str, into: str) -> list[str]:
    """Return what a property of a remote is called here; nothing if it is not followed.

    Args:
        items: What is followed.
        name: Of the property, there.
        into: What stands behind the `@`.
    """
    if SIGN in name:
        return []
    found = (item.local or name for item in items if matches(item.remote, name))
    return [f"{local}{SIGN}{into}" for local in dict.fromkeys(found)]
