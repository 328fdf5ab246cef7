"""Closed polygons and the points inside them: even-odd rule, exact on the border. Pure.

A raster tells most points at once: 128 x 128 cells over the box around the polygon, inside, outside,
or border if an edge comes near. Only points in border cells are tested edge by edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from histogrammer.compiling import compiled, compiled_or
from histogrammer.errors import ConditionError
from histogrammer.events.blocks import Values
from histogrammer.flavors import PolygonRule
from histogrammer.gates.condition import Point, Truth
from histogrammer.gates.points import finite
from histogrammer.gates.turns import UNSURE, Floats, Marks, turn, turn_by_fractions, turns

__all__ = ["Polygon"]

Counts = npt.NDArray[np.int64]

CELLS = 128
_OUTSIDE, _INSIDE, _BORDER = 0, 1, 3  # and UNSURE of points
_BEYOND = CELLS * CELLS
"""Number of the cell of all points outside of the box."""

_MARGIN = 1e-6
"""Cells; rounding moves points and edges of the raster by less than 1e-7."""

_FLAT = 1e-3
"""Cells; how far an edge of less height reaches in a row is not computed: it is there all along."""


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """A closed polygon, which may cross itself; its last point is joined to the first.

    Attributes:
        edges: Shape (edges, 4): lower x and y, upper x and y of each that is not horizontal.
        corners: Shape (corners, 2): points that are inside whatever the edges say.
        side: 1 counts edges at the right of a point, -1 those at its left; those through it too.
        box: Least x and y, greatest x and y.
        grid: Origin x and y of the raster, and its cells per unit along x and y. They are 0 if the
            box has no width to divide.
        raster: Class of each cell, rows of equal y after another; then that of all outside.
    """

    edges: Floats
    corners: Floats
    side: int
    box: Floats
    grid: Floats
    raster: Marks

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
        right = rule is PolygonRule.RIGHT_EDGES
        return cls(
            edges=np.ascontiguousarray(edges[edges[:, 1] < edges[:, 3]]),
            corners=corners if right else np.empty((0, 2)),
            side=1 if right else -1,
            box=box,
            grid=grid,
            raster=_rasterize((edges - np.tile(grid[:2], 2)) * np.tile(grid[2:], 2)),
        )

    def holds(self, x: Values, y: Values) -> Truth:
        """Tell which points are inside. Those without a finite x and y are outside.

        Args:
            x: Shape (points,), float64 or float32.
            y: The same.
        """
        marks, unsure = _marks(
            x, y, self.edges, self.corners, self.side, self.box, self.grid, self.raster
        )
        if unsure:
            for at in np.flatnonzero(marks == UNSURE):
                marks[at] = self._holds_by_fractions(float(x[at]), float(y[at]))
        return marks.view(np.bool_)

    def _holds_by_fractions(self, x: float, y: float) -> bool:
        """Tell whether a point of the box is inside; it is no corner."""
        signs = [
            turn_by_fractions(xa, ya, xb, yb, x, y)
            for xa, ya, xb, yb in self.edges.tolist()
            if ya <= y < yb
        ]
        return sum(self.side * sign >= 0 for sign in signs) % 2 == 1


def _rasterize(edges: Floats) -> Marks:
    """Return the class of each cell, by the edges that come near it, or cross its row at its right.

    Args:
        edges: Shape (edges, 4), in cells: lower x and y, upper x and y.
    """
    near = np.zeros((CELLS, CELLS + 1), np.int64)  # how many more there are than one cell before
    crossings = np.zeros((CELLS, CELLS), np.int64)
    for part in np.array_split(edges, len(edges) // 1000 + 1):  # few at once: each has 128 rows
        _enter_edges(part, near, crossings)
    border = np.cumsum(near, axis=1)[:, :CELLS] > 0
    at_right = crossings.sum(axis=1, keepdims=True) - np.cumsum(crossings, axis=1)
    classes = np.where(border, _BORDER, at_right % 2).astype(np.uint8)
    return np.append(classes.ravel(), np.uint8(_OUTSIDE))


def _enter_edges(edges: Floats, near: Counts, crossings: Counts) -> None:
    xa, ya, xb, yb = (end[:, None] for end in edges.T)
    flat = yb - ya < _FLAT
    low = np.arange(CELLS, dtype=np.float64)

    def across(y: Floats) -> Floats:
        """Return x of each edge at y, or at the end that is nearer; of a flat one it is anywhere
        between its ends."""
        along = np.clip((y - ya) / np.where(flat, 1.0, yb - ya), 0.0, 1.0)
        x: Floats = xa + along * (xb - xa)
        return x

    begin, end = (
        np.where(flat, xa, across(low - _MARGIN)),
        np.where(flat, xb, across(low + 1 + _MARGIN)),
    )
    edge, row = np.nonzero((low + 1 >= ya - _MARGIN) & (low <= yb + _MARGIN))
    np.add.at(near, (row, _columns(np.minimum(begin, end) - _MARGIN)[edge, row]), 1)
    np.add.at(near, (row, _columns(np.maximum(begin, end) + _MARGIN)[edge, row] + 1), -1)

    middle = low + 0.5
    edge, row = np.nonzero((ya <= middle) & (middle < yb))
    np.add.at(crossings, (row, _columns(across(middle))[edge, row]), 1)


def _columns(x: Floats) -> npt.NDArray[np.intp]:
    return np.clip(np.floor(x), 0, CELLS - 1).astype(np.intp)


def _marks_by_numpy(
    x: Values,
    y: Values,
    edges: Floats,
    corners: Floats,
    side: int,
    box: Floats,
    grid: Floats,
    raster: Marks,
) -> tuple[Marks, int]:
    x, y = x.astype(np.float64, copy=False), y.astype(np.float64, copy=False)
    events = len(x)
    (in_box,) = np.nonzero((x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3]))
    x, y = x[in_box], y[in_box]
    column, row = (
        np.minimum((at * scale).astype(np.intp), CELLS - 1)
        for at, scale in ((x - grid[0], grid[2]), (y - grid[1], grid[3]))
    )
    found = raster[row * CELLS + column]
    border = found == _BORDER
    found[border] = _exact_marks(x[border], y[border], edges, corners, side)
    marks = np.zeros(events, np.uint8)
    marks[in_box] = found
    return marks, int(np.count_nonzero(found == UNSURE))


def _exact_marks(x: Floats, y: Floats, edges: Floats, corners: Floats, side: int) -> Marks:
    inside, unsure = np.zeros(len(x), np.bool_), np.zeros(len(x), np.bool_)
    for xa, ya, xb, yb in edges:
        (at,) = np.nonzero((ya <= y) & (y < yb))
        signs = turns(xa, ya, xb, yb, x[at], y[at])
        unsure[at] |= signs == UNSURE
        inside[at] ^= side * signs >= 0
    marks = np.where(unsure, UNSURE, inside).astype(np.uint8)
    for corner_x, corner_y in corners:
        marks[(x == corner_x) & (y == corner_y)] = _INSIDE
    return marks


@compiled
def _mark(x: float, y: float, edges: Floats, corners: Floats, side: int) -> int:
    """Return the mark of a point in a border cell."""
    for i in range(corners.shape[0]):
        if x == corners[i, 0] and y == corners[i, 1]:
            return _INSIDE
    inside = _OUTSIDE
    for i in range(edges.shape[0]):
        if edges[i, 1] <= y < edges[i, 3]:
            sign = turn(edges[i, 0], edges[i, 1], edges[i, 2], edges[i, 3], x, y)
            if sign == UNSURE:
                return UNSURE
            if side * sign >= 0:
                inside = 1 - inside
    return inside


@compiled_or(_marks_by_numpy)
def _marks(
    x: Values,
    y: Values,
    edges: Floats,
    corners: Floats,
    side: int,
    box: Floats,
    grid: Floats,
    raster: Marks,
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
    marks, unsure = np.empty(events, np.uint8), 0
    for i in range(events):
        mark = raster[cells[i]]
        if mark == _BORDER:
            mark = _mark(np.float64(x[i]), np.float64(y[i]), edges, corners, side)
            unsure += mark == UNSURE
        marks[i] = mark
    return marks, unsure
