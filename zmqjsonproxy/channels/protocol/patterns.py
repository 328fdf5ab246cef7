"""Patterns of names: `status.*`. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from fnmatch import translate
from functools import lru_cache

__all__ = ["LONGEST_PATTERN", "is_wild", "matcher", "matches", "read_patterns", "select"]

LONGEST_PATTERN = 250
_WILD = re.compile(r"[*?\[]")


def is_wild(pattern: str) -> bool:
    """Tell whether a pattern may mean several names."""
    return _WILD.search(pattern) is not None


def matches(pattern: str, name: str) -> bool:
    """Tell whether a pattern means a name: letter by letter, or by `*`, `?`, `[...]` in it."""
    return pattern == name or (is_wild(pattern) and matcher(pattern)(name) is not None)


def read_patterns(said: str | Iterable[str]) -> tuple[str, ...]:
    """Return names or patterns that a caller gives, one or several; ValueError: there is none."""
    try:
        names = (said,) if isinstance(said, str) else tuple(said)
    except TypeError:
        names = ()
    if not names or not all(isinstance(name, str) and name for name in names):
        text = "names of properties, or patterns as 'status.*', are needed"
        raise ValueError(f"{str(said)[:80]!r}: {text}")
    return names


def select(pattern: str, names: Sequence[str]) -> list[str]:
    """Return the names that a pattern means.

    Args:
        pattern: What is looked for.
        names: In order; those that begin otherwise than the pattern are not looked at.
    """
    wild = _WILD.search(pattern)
    beginning = pattern if wild is None else pattern[: wild.start()]
    first = bisect_left(names, beginning)
    if wild is None:
        return [pattern] if first < len(names) and names[first] == pattern else []
    is_meant, found = matcher(pattern), []
    for at in range(first, len(names)):
        name = names[at]
        if not name.startswith(beginning):
            break
        if name == pattern or is_meant(name) is not None:
            found.append(name)
    return found


@lru_cache(1000)
def matcher(pattern: str) -> Callable[[str], object]:
    """Return what tells whether a name matches: not None."""
    return re.compile(translate(pattern)).match
