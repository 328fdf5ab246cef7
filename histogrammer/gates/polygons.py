"""Closed polygons and the points inside them: even-odd rule, exact on the border. Pure.

A raster tells most points at once. Points in its border cells are tested against the edges that come
near the cell, and by heights against those that end in its row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from histogrammer.compiling import compiled, compiled_or
from histogrammer.errors import ConditionError
from histogrammer.events.blocks import Values
from histogrammer.flavors import PolygonRule
from histogrammer.gates.condition import Point, Truth
from histogrammer.gates.points import finite
from histogrammer.gates.rasters import BORDER, CELLS, INSIDE, Indices, Raster
from histogrammer.gates.turns import UNSURE, Floats, Marks, turn, turn_by_fractions, turns

__all__ = ["Polygon"]

Integers = npt.NDArray[np.intp]
_Arguments: TypeAlias = (
    "tuple[Floats, bool, int, Floats, Floats, Marks, Indices, Indices, Floats, Indices, Indices]"
)

_BEYOND = CELLS * CELLS
"""Number of the cell of all points outside of the box."""

_PAIRS_AT_ONCE = 1 << 18
"""Of points and edges, by numpy."""


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """A closed polygon, which may cross itself; its last point is joined to the first.

    Attributes:
        edges: Shape (edges, 4): lower x and y, upper x and y.
        has_corners: Ends of edges are inside whatever the edges say.
        side: 1 counts edges at the right of a point, -1 those at its left; those through it too.
        box: Least x and y, greatest x and y.
        grid: Origin x and y of the raster, and its cells per unit along x and y. They are 0 if the
            box has no width to divide.
        raster: Of the box.
    """

    edges: Floats
    has_corners: bool
    side: int
    box: Floats
    grid: Floats
    raster: Raster

    @classmethod
    def of(cls, points: Sequence[Point], rule: PolygonRule) -> Polygon:
        """Make a polygon of its points.

        Raises:
            ConditionError: Fewer than three points, or one that is not finite.
        """
        if len(points) < 3:
            raise ConditionError("Too few points for a contour")
        corners = finite(points)
        edges = np.hstack([corners, np.roll(corners, -1, axis=0)])
        down = edges[:, 1] > edges[:, 3]
        edges[down] = edges[down][:, [2, 3, 0, 1]]
        box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
        with np.errstate(over="ignore", divide="ignore"):
            scale = CELLS / (box[2:] - box[:2])
        divided = np.isfinite(scale) & (scale > 0)
        grid = np.concatenate([np.where(divided, box[:2], 0.0), np.where(divided, scale, 0.0)])
        placed = (edges - np.tile(grid[:2], 2)) * np.tile(grid[2:], 2)
        side = 1 if rule is PolygonRule.RIGHT_EDGES else -1
        return cls(
            edges=edges,
            has_corners=rule is PolygonRule.RIGHT_EDGES,
            side=side,
            box=box,
            grid=grid,
            raster=Raster.of(edges, placed, side),
        )

    def holds(self, x: Values, y: Values) -> Truth:
        """Tell which points are inside. Those without a finite x and y are outside.

        Args:
            x: Shape (points,), float64 or float32.
            y: The same.
        """
        marks, unsure = _marks(x, y, *self._arguments())
        if unsure:
            for at in np.flatnonzero(marks == UNSURE):
                marks[at] = self._holds_by_fractions(float(x[at]), float(y[at]))
        return marks.view(np.bool_)

    def _arguments(self) -> _Arguments:
        """Return what `_marks` takes besides the points."""
        raster = self.raster
        return (
            self.edges,
            self.has_corners,
            self.side,
            self.box,
            self.grid,
            raster.classes,
            raster.near,
            raster.near_starts,
            raster.ends,
            raster.end_columns,
            raster.end_starts,
        )

    def _holds_by_fractions(self, x: float, y: float) -> bool:
        """Tell whether a point of the box is inside; it is no corner."""
        signs = [
            turn_by_fractions(xa, ya, xb, yb, x, y)
            for xa, ya, xb, yb in self.edges.tolist()
            if ya <= y < yb
        ]
        return sum(self.side * sign >= 0 for sign in signs) % 2 == 1


def _marks_by_numpy(
    x: Values,
    y: Values,
    edges: Floats,
    has_corners: bool,
    side: int,
    box: Floats,
    grid: Floats,
    classes: Marks,
    near: Indices,
    near_starts: Indices,
    ends: Floats,
    end_columns: Indices,
    end_starts: Indices,
) -> tuple[Marks, int]:
    x, y = x.astype(np.float64, copy=False), y.astype(np.float64, copy=False)
    marks = np.zeros(len(x), np.uint8)
    (in_box,) = np.nonzero((x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3]))
    x, y = x[in_box], y[in_box]
    columns, rows = (
        np.minimum((at * scale).astype(np.intp), CELLS - 1)
        for at, scale in ((x - grid[0], grid[2]), (y - grid[1], grid[3]))
    )
    cells = rows * CELLS + columns
    found = classes[cells]
    is_unsure, is_corner = np.zeros(len(x), np.bool_), np.zeros(len(x), np.bool_)
    for at, edge in _pairs(np.flatnonzero(found >= BORDER), cells, near_starts):
        xa, ya, xb, yb = edges[near[edge]].T
        x_at, y_at = x[at], y[at]
        is_corner[at[((x_at == xa) & (y_at == ya)) | ((x_at == xb) & (y_at == yb))]] = has_corners
        beside = (ya <= y_at) & (y_at < yb)
        xa, ya, xb, yb, at = xa[beside], ya[beside], xb[beside], yb[beside], at[beside]
        signs = turns(xa, ya, xb, yb, x[at], y[at])
        is_unsure[at[signs == UNSURE]] = True
        np.bitwise_xor.at(found, at[side * signs >= 0], np.uint8(INSIDE))
    for at, end in _pairs(np.flatnonzero(found >= BORDER), rows, end_starts):
        counts = side * end_columns[end] > side * columns[at]
        at, (low, high) = at[counts], ends[end[counts]].T
        np.bitwise_xor.at(found, at[(low <= y[at]) & (y[at] < high)], np.uint8(INSIDE))
    found &= INSIDE
    found[is_unsure] = UNSURE
    found[is_corner] = INSIDE
    marks[in_box] = found
    return marks, int(np.count_nonzero(found == UNSURE))


def _pairs(
    points: Integers, groups: Integers, starts: Indices
) -> Iterator[tuple[Integers, Integers]]:
    """Yield pairs of a point and a place in the list of its group, many at once."""
    counts = np.diff(starts)[groups[points]]
    parts = np.cumsum(counts, dtype=np.int64) // _PAIRS_AT_ONCE
    for part in np.unique(parts):
        some = points[parts == part]
        lengths = counts[parts == part]
        first = starts[groups[some]] - (np.cumsum(lengths) - lengths)
        yield np.repeat(some, lengths), np.arange(lengths.sum()) + np.repeat(first, lengths)


@compiled
def _mark_border(
    x: Values,
    y: Values,
    border: Indices,
    cells: Indices,
    marks: Marks,
    edges: Floats,
    has_corners: bool,
    side: int,
    near: Indices,
    near_starts: Indices,
    ends: Floats,
    end_columns: Indices,
    end_starts: Indices,
) -> int:
    """Replace the classes of points in border cells by their marks; how many are UNSURE. All in
    one call, as what counts references to arrays takes longer than a point.

    Args:
        x: Of all points.
        y: Of all points.
        border: Numbers of those in border cells.
        cells: Cell of each point.
        marks: Class of the cell of each point, replaced for those.
        edges: As of `_marks`, and all that follows.
    """
    unsure = 0
    for at in border:
        at_x, at_y, cell = np.float64(x[at]), np.float64(y[at]), cells[at]
        is_corner, is_unsure, crossed = False, False, marks[at] & INSIDE
        for i in range(near_starts[cell], near_starts[cell + 1]):
            k = near[i]
            low, high = edges[k, 1], edges[k, 3]
            if has_corners and (
                (at_y == low and at_x == edges[k, 0]) or (at_y == high and at_x == edges[k, 2])
            ):
                is_corner = True
                break
            if low <= at_y < high:
                sign = turn(edges[k, 0], low, edges[k, 2], high, at_x, at_y)
                is_unsure |= sign == UNSURE
                crossed += side * sign >= 0
        if is_corner:
            marks[at] = INSIDE
        elif is_unsure:
            marks[at] = UNSURE
            unsure += 1
        else:
            row, column = cell // CELLS, side * (cell % CELLS)
            for i in range(end_starts[row], end_starts[row + 1]):  # without a branch: vector code
                is_beyond = side * end_columns[i] > column
                crossed += is_beyond & (ends[i, 0] <= at_y) & (at_y < ends[i, 1])
            marks[at] = crossed & 1
    return unsure


@compiled_or(_marks_by_numpy)
def _marks(
    x: Values,
    y: Values,
    edges: Floats,
    has_corners: bool,
    side: int,
    box: Floats,
    grid: Floats,
    classes: Marks,
    near: Indices,
    near_starts: Indices,
    ends: Floats,
    end_columns: Indices,
    end_starts: Indices,
) -> tuple[Marks, int]:
    """Return the mark of each point, and how many are UNSURE."""
    events = x.shape[0]
    cells = np.empty(events, np.int32)
    left, low, right, high = box[0], box[1], box[2], box[3]
    origin_x, origin_y, scale_x, scale_y = grid[0], grid[1], grid[2], grid[3]
    for i in range(events):  # without a branch, so that it becomes vector code
        at_x, at_y = np.float64(x[i]), np.float64(y[i])
        in_box = (at_x >= left) & (at_x <= right) & (at_y >= low) & (at_y <= high)
        column = np.int32((at_x - origin_x) * scale_x if in_box else 0.0)
        row = np.int32((at_y - origin_y) * scale_y if in_box else 0.0)
        cell = min(row, np.int32(CELLS - 1)) * CELLS + min(column, np.int32(CELLS - 1))
        cells[i] = cell if in_box else _BEYOND
    marks, border, count = np.empty(events, np.uint8), np.empty(events, np.int32), np.uint64(0)
    places = cells.view(np.uint32)  # without a sign that would be looked at
    for i in range(events):
        mark = classes[places[i]]
        marks[i] = mark
        if mark >= BORDER:
            border[count] = i
            count += np.uint64(1)
    unsure = _mark_border(
        x,
        y,
        border[:count],
        cells,
        marks,
        edges,
        has_corners,
        side,
        near,
        near_starts,
        ends,
        end_columns,
        end_starts,
    )
    return marks, unsure
