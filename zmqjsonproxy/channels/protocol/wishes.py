"""Wishes: what a subscriber wants to hear of, as it travels; many of them, found by name. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from groundwork.values import JsonValue
from zmqjsonproxy.channels.protocol.limits import Limits, read_limits
from zmqjsonproxy.channels.protocol.patterns import LONGEST_PATTERN, is_wild, matcher

__all__ = ["Wish", "WishIndex", "read_wish", "write_wishes"]

K = TypeVar("K")
V = TypeVar("V")
_MAX_SIGNS = 20
Wish = tuple[str, str, Limits]
"""Object, pattern, limits."""


def read_wish(said: JsonValue) -> Wish:
    """Read `[object, pattern, limits]`; ValueError: it is none."""
    if not isinstance(said, list) or len(said) != 3:
        raise ValueError(f"a subscription is [object, pattern, limits], not {str(said)[:80]}")
    object_name, pattern, limits = said
    if not isinstance(object_name, str) or not isinstance(pattern, str) or not pattern:
        raise ValueError(f"object and pattern are texts, not {str(said)[:80]}")
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"a pattern has at most {LONGEST_PATTERN} characters, not {len(pattern)}")
    signs = sum(map(pattern.count, "*?["))
    if signs > _MAX_SIGNS:
        raise ValueError(f"a pattern has at most {_MAX_SIGNS} of * ? [, not {signs}")
    return object_name, pattern, read_limits(limits)


def write_wishes(wishes: Sequence[Wish]) -> list[JsonValue]:
    """Write wishes as they travel."""
    return [[object_name, pattern, limits.describe()] for object_name, pattern, limits in wishes]


class WishIndex:
    """Wishes, found by the name of a property; those without `*?[` take the same time however many
    there are."""

    __slots__ = ("_exact", "_wild")

    def __init__(self) -> None:
        self._exact: dict[tuple[str, str], dict[Wish, None]] = {}
        self._wild: dict[str, dict[Wish, Callable[[str], object]]] = {}

    def add(self, wish: Wish) -> None:
        """Add one."""
        self._exact.setdefault(wish[:2], {})[wish] = None
        if is_wild(wish[1]):
            self._wild.setdefault(wish[0], {})[wish] = matcher(wish[1])

    def discard(self, wish: Wish) -> None:
        """Remove one, if it is there."""
        _discard(self._exact, wish[:2], wish)
        _discard(self._wild, wish[0], wish)

    def find(self, object_name: str, name: str) -> Iterator[Wish]:
        """Yield the wishes that mean a property."""
        exact = self._exact.get((object_name, name), {})
        yield from exact
        for wish, is_meant in self._wild.get(object_name, {}).items():
            if is_meant(name) is not None and wish not in exact:
                yield wish


def _discard(index: dict[K, dict[Wish, V]], key: K, wish: Wish) -> None:
    wishes = index.get(key, {})
    wishes.pop(wish, None)
    if not wishes:
        index.pop(key, None)
