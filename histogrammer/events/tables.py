"""Events by row, as arrays of other programs have them, as a block. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from histogrammer.compiling import compiled_or
from histogrammer.events.blocks import EventBlock, Values, absent_bits

__all__ = ["block_of_table"]

TILE = 64
"""Events whose values are copied at once, and stay in the cache meanwhile."""

Bits: TypeAlias = npt.NDArray[np.uint32] | npt.NDArray[np.uint64]


def block_of_table(names: Sequence[str], table: Values) -> EventBlock:
    """Return a block with the events of a table.

    Args:
        names: Names of the parameters, each once.
        table: Shape (events, parameters), float32 or float64; absent values have the bits of
            `absent_bits`, and NaN is a value.

    Raises:
        ValueError: The table has not a column for each name.
    """
    rows = {name: row for row, name in enumerate(names)}
    if table.ndim != 2 or table.shape[1] != len(rows) or len(rows) != len(names):
        raise ValueError(
            f"table of shape {table.shape} for {len(names)} names, {len(rows)} of them different: "
            "a column for each name is needed"
        )
    values: Values = np.empty(table.shape[::-1], table.dtype)
    bits = absent_bits(table).dtype
    transpose(np.ascontiguousarray(table).view(bits), values.view(bits))
    return EventBlock(rows, values)


def transpose_by_numpy(table: Bits, columns: Bits) -> None:
    """Do the same with numpy."""
    columns[:] = table.T


@compiled_or(transpose_by_numpy)
def transpose(table: Bits, columns: Bits) -> None:
    """Copy a table into columns, tile by tile: columns lie a power of two apart, where single
    values would push each other out of the cache. Both are cut before the inner loop, so that no
    index is a sum, which may be negative for all that the compiler knows."""
    events, parameters = table.shape
    for start in range(0, events, TILE):
        end = min(start + TILE, events)
        tile = table[start:end]
        for row in range(parameters):
            column = columns[row][start:end]
            for event in range(column.size):
                column[event] = tile[event, row]
