"""Points of a history, thinned for a plot: of each stretch of time what shows. No sockets, no
clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

__all__ = ["Point", "thinned"]

Point: TypeAlias = tuple[float, Any]
"""Time and value."""


def thinned(points: Sequence[Point], stretches: int, since: float, until: float) -> list[Point]:
    """Return the first, least, greatest and last number of each stretch of time; texts, and the
    place where there is no value, stay.

    Args:
        points: In the order of time.
        stretches: So many, of equal length.
        since: Where the first begins; what is earlier stays.
        until: Where the last ends.
    """
    if len(points) <= stretches or until <= since:
        return list(points)
    length = (until - since) / stretches
    found: list[Point] = []
    waiting: list[Point] = []
    place: int | None = None
    for point in points:
        here = int((point[0] - since) // length)
        if not _is_number(point[1]) or here != place:
            found.extend(_shown(waiting))
            waiting, place = [], here
        if _is_number(point[1]):
            waiting.append(point)
        else:
            found.append(point)
            place = None
    found.extend(_shown(waiting))
    return found


def _shown(points: Sequence[Point]) -> Iterator[Point]:
    if not points:
        return
    numbers = range(len(points))
    least = min(numbers, key=lambda at: points[at][1])
    greatest = max(numbers, key=lambda at: points[at][1])
    for at in sorted({0, least, greatest, len(points) - 1}):
        yield points[at]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value
