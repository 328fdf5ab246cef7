"""Order and choice of the allocations that are listed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from portmanager.allocation import Allocation

__all__ = ["SORTS", "glob"]

SORTS: dict[str, Callable[[Allocation], Any]] = {
    "service": lambda one: (one.service, one.user, one.port),
    "port": lambda one: one.port,
    "user": lambda one: (one.user, one.service, one.port),
}


def glob(pattern: str) -> re.Pattern[str]:
    """Return what matches as Tcl's `string match`: `*`, `?`, `[a-z]`, and a backslash that
    quotes."""
    parts, at = [], 0
    while at < len(pattern):
        character, at = pattern[at], at + 1
        if character == "*":
            parts.append(".*")
        elif character == "?":
            parts.append(".")
        elif character == "\\" and at < len(pattern):
            parts.append(re.escape(pattern[at]))
            at += 1
        elif character == "[" and (end := pattern.find("]", at)) > at:
            parts.append(_one_of(pattern[at:end]))
            at = end + 1
        else:
            parts.append(re.escape(character))
    return re.compile("".join(parts), re.DOTALL)


def _one_of(inside: str) -> str:
    """Return what matches one of the characters and ranges between brackets; the ends of a range in
    any order."""
    ranges = []
    while inside:
        first, last = inside[0], inside[2] if inside[1:2] == "-" and inside[2:] else inside[0]
        inside = inside[3:] if inside[1:2] == "-" and inside[2:] else inside[1:]
        ranges.append(f"{re.escape(min(first, last))}-{re.escape(max(first, last))}")
    return f"[{''.join(ranges)}]"
