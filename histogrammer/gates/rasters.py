"""Raster over the box around a polygon: which cells are inside or outside, and which edges matter to
the points of a border cell. Pure.

To whether a point is inside, an edge matters in one of three ways. It comes near the cell: then the
side is told on which it has the point. It crosses the whole row of the cell, beyond it: such ones are
counted once for the cell. It ends in that row, beyond the cell: then the heights of its ends decide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from histogrammer.gates.turns import Floats, Marks

__all__ = ["BORDER", "CELLS", "INSIDE", "Indices", "Raster"]

CELLS = 128
_OUTSIDE, INSIDE, BORDER = 0, 1, 4
"""Classes of cells; a border cell has INSIDE as well if an odd number of edges crosses its row beyond
it. 2 is UNSURE of points."""

_MARGIN = 1e-6
"""Cells; rounding moves points and edges of the raster by less than 1e-7."""

_FLAT = 1e-3
"""Cells; how far an edge of less height reaches in a row is not computed: it is there all along."""

_EDGES_AT_ONCE = 1000

Indices = npt.NDArray[np.int32]
Integers = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Classes of cells, and the edges that matter to those of the border.

    Attributes:
        classes: Class of each cell, rows of equal y after another; then that of all outside.
        near: Numbers of the edges that come near a cell, cell after cell.
        near_starts: Shape (cells + 1,): where those of a cell begin in `near`.
        ends: Shape (ends, 2): lower and upper y of the edges that end in a row, row after row.
        end_columns: Their nearest column, seen from where the point is that they are beyond of.
        end_starts: Shape (rows + 1,): where those of a row begin in `ends`.
    """

    classes: Marks
    near: Indices
    near_starts: Indices
    ends: Floats
    end_columns: Indices
    end_starts: Indices

    @classmethod
    def of(cls, edges: Floats, placed: Floats, side: int) -> Raster:
        """Make a raster.

        Args:
            edges: Shape (edges, 4): lower x and y, upper x and y.
            placed: The same in cells.
            side: 1: edges at the right of a point are beyond it; -1: those at its left.
        """
        crossings = np.zeros((CELLS, CELLS), np.int64)  # of the middle of a row, by their column
        beyond = np.zeros((CELLS, CELLS), np.int64)  # edges that cross a row, by their nearest one
        cells, near, rows, enders, columns = ([] for _ in range(5))
        for first in range(0, len(edges), _EDGES_AT_ONCE):  # few at once: each has 128 rows
            part = _Part.of(placed[first : first + _EDGES_AT_ONCE])
            np.add.at(crossings, part.crossings, 1)
            edge, cell = part.near()
            near.append((edge + first).astype(np.int32))
            cells.append(cell.astype(np.uint16))  # which numpy sorts fast
            nearest = part.left if side > 0 else part.right
            whole = part.is_whole
            np.add.at(beyond, (part.row[whole], nearest[whole]), 1)
            ending = part.is_ending & (edges[part.edge + first, 1] < edges[part.edge + first, 3])
            rows.append(part.row[ending].astype(np.uint8))
            enders.append(part.edge[ending] + first)
            columns.append(nearest[ending].astype(np.int32))
        near_order, near_starts = _grouped(np.concatenate(cells), CELLS * CELLS)
        end_order, end_starts = _grouped(np.concatenate(rows), CELLS)
        at_right = crossings.sum(axis=1, keepdims=True) - np.cumsum(crossings, axis=1)
        farther = (
            np.cumsum(beyond, axis=1) - beyond
            if side < 0
            else beyond.sum(axis=1, keepdims=True) - np.cumsum(beyond, axis=1)
        )
        is_border = np.diff(near_starts) > 0
        classes = np.where(is_border, BORDER + farther.ravel() % 2, at_right.ravel() % 2)
        return cls(
            classes=np.append(classes, _OUTSIDE).astype(np.uint8),
            near=np.concatenate(near)[near_order],
            near_starts=near_starts,
            ends=np.ascontiguousarray(edges[np.concatenate(enders)[end_order]][:, [1, 3]]),
            end_columns=np.concatenate(columns)[end_order],
            end_starts=end_starts,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Some edges, row by row; each array has the shape (rows of all edges,).

    Attributes:
        edge: Number of the edge.
        row: Number of a row that it comes near.
        left: First column that it comes near there.
        right: Last one.
        is_ending: It has an end in this row.
        is_whole: It begins in a lower row and ends in a higher one.
        crossings: Row and column of each crossing of the middle of a row.
    """

    edge: Integers
    row: Integers
    left: Integers
    right: Integers
    is_ending: npt.NDArray[np.bool_]
    is_whole: npt.NDArray[np.bool_]
    crossings: tuple[Integers, Integers]

    @classmethod
    def of(cls, edges: Floats) -> _Part:
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
        lowest, highest = _cell_of(ya[edge, 0]), _cell_of(yb[edge, 0])
        middle = low + 0.5
        crossing, crossed = np.nonzero((ya <= middle) & (middle < yb))
        return cls(
            edge,
            row,
            left=_cell_of(np.minimum(begin, end)[edge, row] - _MARGIN),
            right=_cell_of(np.maximum(begin, end)[edge, row] + _MARGIN),
            is_ending=(row == lowest) | (row == highest),
            is_whole=(row > lowest) & (row < highest),
            crossings=(crossed, _cell_of(across(middle)[crossing, crossed])),
        )

    def near(self) -> tuple[Integers, Integers]:
        """Return an edge and a cell for each cell that an edge comes near."""
        counts = self.right - self.left + 1
        which = np.repeat(np.arange(len(counts)), counts)
        before = np.cumsum(counts) - counts
        column = self.left[which] + np.arange(len(which)) - before[which]
        return self.edge[which], self.row[which] * CELLS + column


def _cell_of(place: Floats) -> Integers:
    """Return columns, or rows, of places in cells."""
    return np.clip(np.floor(place), 0, CELLS - 1).astype(np.intp)


def _grouped(groups: npt.NDArray[np.unsignedinteger], count: int) -> tuple[Integers, Indices]:
    """Return the order that brings equal groups together, and where each of them begins then."""
    starts = np.zeros(count + 1, np.int32)
    np.cumsum(np.bincount(groups, minlength=count), out=starts[1:])
    return np.argsort(groups, kind="stable"), starts
