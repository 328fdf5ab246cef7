"""Texts of strangers as a terminal or a log may have them: nothing of them steers it."""

from __future__ import annotations

__all__ = ["printable"]


def printable(text: str) -> str:
    """Return a text with control characters, line breaks and the like as their escapes."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
