"""Truncation of texts that may have come from a caller, where they go out, into logs or into what
is kept."""

from __future__ import annotations

__all__ = ["LONGEST", "LONGEST_TRACE", "cut"]

LONGEST = 4000
"""Characters of a text; whoever reads more of a message has been sent it by himself."""
LONGEST_TRACE = 40_000


def cut(text: str, most: int = LONGEST) -> str:
    """Return a text, with what is beyond `most` characters left out of it before its end, which
    often says what to do.

    In the place of what is left out stands how much that is.
    """
    if len(text) <= most:
        return text
    tail = most // 4
    return f"{text[: most - tail]} [... {len(text) - most} characters ...] {text[-tail:]}"
