"""Directory of the copies of a display memory on other hosts, by those who keep them. Pure.

One thread changes it; any may read it.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MirrorDirectory", "MirrorEntry"]


@dataclass(frozen=True, slots=True)
class MirrorEntry:
    """A copy that displays of a host may use.

    Attributes:
        host: Address of the host, without port.
        key: Place of the copy there.
    """

    host: str
    key: str


class MirrorDirectory:
    """Copies, in the order in which they were told."""

    def __init__(self) -> None:
        self._owners: dict[MirrorEntry, object] = {}
        self._entries: tuple[MirrorEntry, ...] = ()

    @property
    def entries(self) -> tuple[MirrorEntry, ...]:
        """All of them, as they are now."""
        return self._entries

    def add(self, entry: MirrorEntry, owner: object) -> bool:
        """Add a copy of an owner; False: it is there already."""
        if entry in self._owners:
            return False
        self._owners[entry] = owner
        self._entries = tuple(self._owners)
        return True

    def remove_all(self, owner: object) -> None:
        """Remove the copies of an owner, which has gone."""
        self._owners = {entry: one for entry, one in self._owners.items() if one is not owner}
        self._entries = tuple(self._owners)
