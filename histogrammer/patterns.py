"""Patterns of names as requests have them: `*`, `?`, `[abc]`, `[a-z]`, `[!a-z]`. Pure.

Any text is a name, so a name that is written letter by letter is found first, whatever is in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import lru_cache

from histogrammer.errors import PatternError
from histogrammer.names import MAX_NAME_LETTERS

__all__ = ["one", "select"]


def select(names: Collection[str], pattern: str) -> list[str]:
    """Return the names that a pattern matches as a whole, in their order.

    The name that is equal to the pattern is among them.

    Raises:
        PatternError: The pattern is malformed or too long, and nothing has it as its name.
    """
    try:
        matches = _matcher(pattern)
    except PatternError:
        if pattern in names:
            return [pattern]
        raise
    return [name for name in names if name == pattern or matches(name)]


def one(names: Collection[str], pattern: str) -> str | None:
    """Return the name that is equal to a pattern, else the only one that it matches.

    None: it matches none or several, or is malformed.
    """
    if pattern in names:
        return pattern
    try:
        found = select(names, pattern)
    except PatternError:
        return None
    return found[0] if len(found) == 1 else None


@lru_cache(100)
def _matcher(pattern: str) -> Callable[[str], object]:
    if len(pattern) > MAX_NAME_LETTERS:  # to compile a megabyte takes 20 s
        raise PatternError(
            f"{pattern[:40]}...",
            f"it has {len(pattern)} letters, and up to {MAX_NAME_LETTERS} are possible",
        )
    pieces = [""]  # one more after each run of stars
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "*":
            at = _end_of_stars(pattern, at)
            pieces.append("")
            continue
        if letter == "?":
            pieces[-1] += "."
        elif letter == "[":
            piece, at = _read_set(pattern, at)
            pieces[-1] += piece
        else:
            pieces[-1] += re.escape(letter)
        at += 1
    first, *middle = pieces
    if not middle:
        return re.compile(first, re.DOTALL).fullmatch
    # The first place at which a piece fits is as good as any later one: atomic groups keep a
    # pattern of many stars from being tried in every other way.
    found = "".join(f"(?>.*?{piece})" for piece in middle[:-1])
    return re.compile(f"{first}{found}.*{middle[-1]}", re.DOTALL).fullmatch


def _end_of_stars(pattern: str, at: int) -> int:
    while at < len(pattern) and pattern[at] == "*":
        at += 1
    return at


def _read_set(pattern: str, start: int) -> tuple[str, int]:
    """Return a set as regular expression, and where its `]` is. One right after `[` or `[!` is
    a letter of the set."""
    negated = pattern.startswith("!", start + 1)
    begin = start + (2 if negated else 1)
    end = pattern.find("]", begin + 1)
    if end < 0:
        raise PatternError(pattern, f"the [ at position {start} is not closed")
    letters = pattern[begin:end]
    parts, at = [], 0
    while at < len(letters):
        if letters[at + 1 : at + 2] == "-" and at + 2 < len(letters):
            low, high = letters[at], letters[at + 2]
            if low <= high:  # else it holds nothing
                parts.append(f"{re.escape(low)}-{re.escape(high)}")
            at += 3
        else:
            parts.append(re.escape(letters[at]))
            at += 1
    inside = "".join(parts)
    if negated:
        return (f"[^{inside}]" if inside else "."), end
    return (f"[{inside}]" if inside else "(?!)"), end
