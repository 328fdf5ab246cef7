"""Patterns of names: `status.*`. Pure."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache

__all__ = ["LONGEST_PATTERN", "is_wild", "matches"]

LONGEST_PATTERN = 500


def is_wild(pattern: str) -> bool:
    """Tell whether a pattern may mean several names."""
    return any(sign in pattern for sign in "*?[")


def matches(pattern: str, name: str) -> bool:
    """Tell whether a pattern means a name: letter by letter, or by `*`, `?`, `[...]` in it."""
    return pattern == name or (is_wild(pattern) and _compiled(pattern).match(name) is not None)


@lru_cache(10_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))
