"""Groups of a Bank's values by their names, those of the page. No clock, no terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

__all__ = ["INTERNAL", "StatusEntry", "ValueGroup", "groups_of", "has_members"]

FAMILY, MIN_FAMILY, MAX_MEMBERS = 3, 3, 60
"""Letters that a family has in common; members that make one; members that are shown one by one."""
OTHERS, INTERNAL = "others", "tables"
_FIRST, _LAST = ("scan", "daq", "mode"), ("host_load", "control")


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """A value, or a member of one.

    Attributes:
        name: As it is shown in its group.
        key: In the topic of values.
        member: Of the value; None: all of it.
    """

    name: str
    key: str
    member: str | None = None

    @property
    def row_name(self) -> str:
        """Name among all of the Bank."""
        return self.key if self.member is None else f"{self.key}.{self.member}"

    def value_in(self, value: Any) -> Any:
        """Return what it is of a value of its key."""
        if self.member is None:
            return value
        return value.get(self.member) if isinstance(value, Mapping) else None


@dataclass(frozen=True, slots=True)
class ValueGroup:
    """Entries under one title."""

    name: str
    entries: Sequence[StatusEntry]


def has_members(value: Any) -> bool:
    """Tell whether a value is shown member by member."""
    return (
        isinstance(value, Mapping)
        and not value.get("left_out")
        and "base64" not in value
        and len(value) <= MAX_MEMBERS
    )


def groups_of(values: Mapping[str, Any]) -> list[ValueGroup]:
    """Return values with members first, then single ones, then each part with a dot, by families.

    Args:
        values: Key -> value.
    """
    whole: list[ValueGroup] = []
    single: list[StatusEntry] = []
    parts: dict[str, list[str]] = {}
    for key, value in values.items():
        part, dot, name = key.rpartition(".")
        if has_members(value):
            whole.append(ValueGroup(key, [StatusEntry(str(each), key, each) for each in value]))
        elif dot:
            parts.setdefault(part, []).append(name)
        else:
            single.append(StatusEntry(key, key))
    whole.sort(key=lambda group: _place(group.name))
    if single:
        whole.append(ValueGroup("bank", single))
    for part, names in parts.items():
        for title, some in _families(names).items():
            entries = [StatusEntry(name, f"{part}.{name}") for name in some]
            whole.append(ValueGroup(f"{part} {title}", entries))
    return whole


def _place(name: str) -> int:
    """Return where a group stands: what an observer asks for first comes first."""
    if name in _FIRST:
        return _FIRST.index(name)
    return len(_FIRST) + (1 + _LAST.index(name) if name in _LAST else 0)


def _families(names: Iterable[str]) -> dict[str, list[str]]:
    """Return title -> names by their first letters; registers and tables, `_NAME_01`, are one."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(INTERNAL if name.startswith("_") else name[:FAMILY], []).append(name)
    internal = found.pop(INTERNAL, None)
    told: dict[str, list[str]] = {}
    others: list[str] = []
    for _, some in sorted(found.items()):
        if len(some) < MIN_FAMILY:
            others += some
        else:
            told[_common(some)] = some
    if others:
        told[OTHERS] = others
    if internal:
        told[INTERNAL] = internal
    return told


def _common(names: Sequence[str]) -> str:
    """Return what all names begin with."""
    alike = takewhile(lambda signs: len(set(signs)) == 1, zip(*names, strict=False))
    return "".join(signs[0] for signs in alike)
