"""Sides of lines on which points lie, without any rounding: plain arithmetic where its error cannot
matter, else exact sums; by fractions what is too large or too small for those. Compiled.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from histogrammer.compiling import compiled

__all__ = ["UNSURE", "Floats", "Marks", "turn", "turn_by_fractions", "turns"]

Floats = npt.NDArray[np.float64]
Signs = npt.NDArray[np.int64]
Marks = npt.NDArray[np.uint8]

UNSURE = 2
"""In the place of a sign: numbers beyond those whose products are exact in two parts."""

_ERROR = 3.3306690738754716e-16
"""Bound of the relative error of a turn: Shewchuk, Adaptive Precision Floating-Point Arithmetic
(1997), (3 + 16 e) e with e = 2^-53."""

_UNDERFLOW = 1e-300
"""More than what is lost below the smallest numbers."""

_SMALLEST, _LARGEST = 1e-140, 1e140
_SPLITTER = 134217729.0
"""2^27 + 1, Dekker's: a double is the sum of two halves whose products are exact."""


@compiled
def _exact_turn(xa: float, ya: float, xb: float, yb: float, x: float, y: float) -> int:
    """Return the sign of a turn by an exact sum of its products, as Shewchuk's expansions."""
    for number in (xa, ya, xb, yb, x, y):
        if number != 0 and not _SMALLEST <= abs(number) <= _LARGEST:
            return UNSURE
    parts, count = np.zeros(12), 0
    for a, b in ((xb, y), (-xb, ya), (-xa, y), (-yb, x), (yb, xa), (ya, x)):
        product = a * b
        spread = _SPLITTER * a
        a_high = spread - (spread - a)
        spread = _SPLITTER * b
        b_high = spread - (spread - b)
        a_low, b_low = a - a_high, b - b_high
        rest = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
        for carry in (rest, product):
            total = carry
            for i in range(count):
                grown = total + parts[i]
                taken = grown - total
                parts[i] = (total - (grown - taken)) + (parts[i] - taken)
                total = grown
            parts[count] = total
            count += 1
    for i in range(11, -1, -1):
        if parts[i] != 0:
            return 1 if parts[i] > 0 else -1
    return 0


@compiled
def turn(xa: float, ya: float, xb: float, yb: float, x: float, y: float) -> int:
    """Return the sign of (xb - xa)(y - ya) - (yb - ya)(x - xa), or UNSURE.

    It is 1 if a line from (xa, ya) up to (xb, yb) has (x, y) at its left, 0 on the line.
    """
    left, right = (xb - xa) * (y - ya), (yb - ya) * (x - xa)
    difference, bound = left - right, _ERROR * (abs(left) + abs(right)) + _UNDERFLOW
    if difference > bound:
        return 1
    if -difference > bound:
        return -1
    return _exact_turn(xa, ya, xb, yb, x, y)


def turn_by_fractions(xa: float, ya: float, xb: float, yb: float, x: float, y: float) -> int:
    """Return the same sign of any finite numbers; slow."""
    ax, ay = Fraction(xa), Fraction(ya)
    left = (Fraction(xb) - ax) * (Fraction(y) - ay)
    right = (Fraction(yb) - ay) * (Fraction(x) - ax)
    return (left > right) - (left < right)


def turns(
    xa: float | Floats,
    ya: float | Floats,
    xb: float | Floats,
    yb: float | Floats,
    x: Floats,
    y: Floats,
) -> Signs:
    """Return `turn` of many points, each with a line of its own or all with one; shape (points,)."""
    with np.errstate(over="ignore", invalid="ignore"):
        left, right = (xb - xa) * (y - ya), (yb - ya) * (x - xa)
        difference, bound = left - right, _ERROR * (abs(left) + abs(right)) + _UNDERFLOW
        signs = (difference > bound).astype(np.int64) - (-difference > bound)
    close = np.flatnonzero(signs == 0)
    numbers = np.broadcast_arrays(xa, ya, xb, yb, x, y)
    for at, *given in zip(close, *(each[close].tolist() for each in numbers), strict=True):
        signs[at] = _exact_turn(*given)
    return signs
