"""Polylines and the points below them, exact on the line. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from histogrammer.compiling import compiled, compiled_or
from histogrammer.errors import ConditionError
from histogrammer.events.blocks import Values
from histogrammer.gates.condition import Point, Truth
from histogrammer.gates.points import finite
from histogrammer.gates.turns import UNSURE, Floats, Marks, turn, turn_by_fractions, turns

__all__ = ["Polyline"]


@dataclass(frozen=True, slots=True, eq=False)
class Polyline:
    """A line of segments, in the order of its points.

    Attributes:
        segments: Shape (segments, 5): x and y of the left end, x and y of the right end, and the
            last x that the segment holds.
        first_decides: The first segment that holds x decides; else the point is below if it is so
            of an odd number of segments.
        least: Sign of the turn from which on a point counts as below: 0 on the line, 1 under it.
    """

    segments: Floats
    first_decides: bool
    least: int

    @classmethod
    def of(cls, points: Sequence[Point], *, first_decides: bool) -> Polyline:
        """Make a polyline of its points.

        Args:
            points: At least two.
            first_decides: As Rustogramer, which has each segment hold both of its ends, and points
                on the line below it. Else crossings of the upward ray are counted, as SpecTcl
                does: a segment holds its left end, and its right one if the line goes no farther;
                vertical ones are never crossed.

        Raises:
            ConditionError: Fewer than two points, or one that is not finite.
        """
        if len(points) < 2:
            raise ConditionError("Too few points for  band")  # two blanks: Rustogramer's text
        ends = finite(points)
        segments = np.hstack([ends[:-1], ends[1:]])
        backward = segments[:, 0] > segments[:, 2]
        segments[backward] = segments[backward][:, [2, 3, 0, 1]]
        last = segments[:, 2].copy()
        if not first_decides:
            segments = segments[segments[:, 0] < segments[:, 2]]
            last = segments[:, 2].copy()
            inner = last < ends[:, 0].max()
            last[inner] = np.nextafter(last[inner], -math.inf)
        return cls(np.column_stack([segments, last]), first_decides, 0 if first_decides else 1)

    def holds(self, x: Values, y: Values) -> Truth:
        """Tell which points have the line above them; none that lacks x or y.

        Args:
            x: Shape (points,), float64 or float32.
            y: The same.
        """
        marks, unsure = _marks(x, y, self.segments, self.first_decides, self.least)
        if unsure:
            for at in np.flatnonzero(marks == UNSURE):
                marks[at] = self._holds_by_fractions(float(x[at]), float(y[at]))
        return marks.view(np.bool_)

    def _holds_by_fractions(self, x: float, y: float) -> bool:
        """Tell whether a point has the line above it; both coordinates are finite."""
        signs = [
            turn_by_fractions(y_left, left, y_right, right, y, x)
            for left, y_left, right, y_right, last in self.segments.tolist()
            if left <= x <= last
        ]
        counted = signs[:1] if self.first_decides else signs
        return sum(sign >= self.least for sign in counted) % 2 == 1


def _marks_by_numpy(
    x: Values, y: Values, segments: Floats, first_decides: bool, least: int
) -> tuple[Marks, int]:
    x, y = x.astype(np.float64, copy=False), y.astype(np.float64, copy=False)
    marks = np.zeros(len(x), np.uint8)
    open_points = y == y  # NaN is above no line
    for left, y_left, right, y_right, last in segments:
        (at,) = np.nonzero(open_points & (left <= x) & (x <= last))
        signs = np.where(y[at] < min(y_left, y_right), 1, -1)
        near = (y[at] >= min(y_left, y_right)) & (y[at] <= max(y_left, y_right))
        signs[near] = turns(y_left, left, y_right, right, y[at][near], x[at][near])
        unsure = signs == UNSURE
        marks[at] ^= signs >= least
        marks[at[unsure]] = UNSURE
        open_points[at] = ~unsure & (not first_decides)
    return marks, int(np.count_nonzero(marks == UNSURE))


@compiled
def _mark(x: float, y: float, segments: Floats, first_decides: bool, least: int) -> int:
    mark = 0
    for i in range(segments.shape[0]):
        if segments[i, 0] <= x <= segments[i, 4]:
            y_left, y_right = segments[i, 1], segments[i, 3]
            if y < min(y_left, y_right):
                sign = 1
            elif y > max(y_left, y_right):
                sign = -1
            else:
                sign = turn(y_left, segments[i, 0], y_right, segments[i, 2], y, x)
            if sign == UNSURE:
                return UNSURE
            if sign >= least:
                mark = 1 - mark
            if first_decides:
                break
    return mark


@compiled_or(_marks_by_numpy)
def _marks(
    x: Values, y: Values, segments: Floats, first_decides: bool, least: int
) -> tuple[Marks, int]:
    """Return the mark of each point, 1 if the line is above it, and how many are UNSURE."""
    marks, unsure = np.empty(x.shape[0], np.uint8), 0
    for i in range(x.shape[0]):
        at_x, at_y = np.float64(x[i]), np.float64(y[i])
        mark = 0
        if at_y == at_y:
            mark = _mark(at_x, at_y, segments, first_decides, least)
        unsure += mark == UNSURE
        marks[i] = mark
    return marks, unsure
