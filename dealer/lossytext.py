"""Text of a log of which only pieces of whole characters can be had, as supervisord gives them. No
sockets.

A piece that holds a byte that is no UTF-8, or begins or ends within a character, is refused as a
whole: it is halved until the bytes that are in the way are found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__ = ["MAX_PIECES", "Fetch", "read_lossy"]

Fetch = Callable[[Sequence[tuple[int, int]]], Sequence[str | None]]
"""Pieces, (first byte, length) -> the text of each; None: refused. A piece beyond the end is empty
or shorter."""
MAX_PIECES = 512
"""Pieces that are asked for at once; where more are refused, the rest is told by its length."""
LONGEST_CHARACTER = 4  # bytes of UTF-8
NO_TEXT = "\ufffd"


def read_lossy(fetch: Fetch, begin: int, length: int) -> tuple[str, int]:
    """Read a part of a log, with U+FFFD in the place of each byte that is no text.

    Args:
        fetch: Reads pieces.
        begin: First byte.
        length: Bytes.

    Returns:
        The text, and how many bytes it is of: a character that is not complete at the end is left
        for later.
    """
    texts, refused = _halve(fetch, begin, length)
    end, left = begin + length, 0
    for run_begin, run_end in _runs(refused):
        if run_end - run_begin > MAX_PIECES:
            texts[run_begin] = f"[{run_end - run_begin} bytes that are no text]"
        else:
            texts[run_begin], left = _read_run(fetch, run_begin, run_end, may_go_on=run_end == end)
    return "".join(texts[at] for at in sorted(texts)), length - left


def _halve(fetch: Fetch, begin: int, length: int) -> tuple[dict[int, str], list[tuple[int, int]]]:
    """Return the texts of what can be read, by first byte, and the refused pieces of single bytes,
    or too many."""
    texts: dict[int, str] = {}
    refused: list[tuple[int, int]] = []
    pieces = [(begin, length)] if length > 0 else []
    while pieces:
        halves: list[tuple[int, int]] = []
        for (first, size), text in zip(pieces, fetch(pieces), strict=True):
            if text is not None:
                texts[first] = text
            elif size == 1:
                refused.append((first, size))
            else:
                halves += [(first, size // 2), (first + size // 2, size - size // 2)]
        refused += halves[MAX_PIECES:]
        pieces = halves[:MAX_PIECES]
    return texts, refused


def _runs(pieces: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join pieces that touch each other: (first byte, byte after the last)."""
    runs: list[tuple[int, int]] = []
    for first, size in sorted(pieces):
        if runs and runs[-1][1] == first:
            runs[-1] = runs[-1][0], first + size
        else:
            runs.append((first, first + size))
    return runs


def _read_run(fetch: Fetch, begin: int, end: int, *, may_go_on: bool) -> tuple[str, int]:
    """Return the characters of some bytes that cannot be read singly, and how many at their end may
    become one."""
    sizes = range(2, LONGEST_CHARACTER + 1)
    pieces = [(first, size) for first in range(begin, end) for size in sizes if first + size <= end]
    known: dict[tuple[int, int], str] = {}
    for at in range(0, len(pieces), MAX_PIECES):
        asked = pieces[at : at + MAX_PIECES]
        known.update(
            (p, text) for p, text in zip(asked, fetch(asked), strict=True) if text is not None
        )
    text, at = "", begin
    while at < end:
        size = next((size for size in sizes if (at, size) in known), 0)
        if (
            not size
            and may_go_on
            and end - at < LONGEST_CHARACTER
            and not any(first >= at for first, _ in known)
        ):
            return text, end - at
        text += known[at, size] if size else NO_TEXT
        at += size or 1
    return text, 0
