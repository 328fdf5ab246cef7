"""Blocks of events by column, as filling takes them. Pure.

A parameter that an event lacks holds a NaN with bits of its own, so that kernels tell it from a
value by one comparison of integers; NaN as a value is another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["ABSENT32", "ABSENT64", "BLOCK_EVENTS", "EventBlock", "Values", "absent_bits", "as_type"]

BLOCK_EVENTS = 16384
"""A spectrum of 256 x 256 stays in the cache while it is filled from so many."""

ABSENT64 = np.uint64(0x7FF8_DEAD_0000_0000)
ABSENT32 = np.uint32(0x7FC6_F568)
"""Bits of an absent value. Readers give a NaN in a file the bits of `np.nan`."""

Values = npt.NDArray[np.float32] | npt.NDArray[np.float64]


def absent_bits(values: Values) -> np.uint32 | np.uint64:
    """Return the bits of an absent value in an array of this precision."""
    return ABSENT32 if values.dtype == np.float32 else ABSENT64


def as_type(values: Values, dtype: npt.DTypeLike) -> Values:
    """Return a copy of values in another precision; absent ones are absent in it."""
    absent = values.view(absent_bits(values).dtype) == absent_bits(values)
    others: Values = values.astype(dtype)
    others.view(absent_bits(others).dtype)[absent] = absent_bits(others)
    return others


@dataclass(frozen=True, slots=True)
class EventBlock:
    """Events by column.

    Attributes:
        rows: Name of a parameter -> its row. One that has no row is absent in all events.
        values: Shape (rows, events), C order; float64, or float32 if that changes no value.
    """

    rows: Mapping[str, int]
    values: Values

    def __len__(self) -> int:
        return int(self.values.shape[1])

    def part(self, start: int, stop: int) -> EventBlock:
        """Return the events from one number up to another; they are copied."""
        return EventBlock(self.rows, self.values[:, start:stop].copy())

    def present(self, parameter: str) -> npt.NDArray[np.bool_]:
        """Tell which events have a parameter; shape (events,)."""
        row = self.rows.get(parameter)
        if row is None:
            return np.zeros(len(self), bool)
        column = self.values[row]
        present: npt.NDArray[np.bool_] = column.view(absent_bits(column).dtype) != absent_bits(
            column
        )
        return present

    def row(self, parameter: str) -> Values:
        """Return the values of a parameter in the precision of the block, shape (events,); absent
        ones are NaN. It is no copy."""
        row = self.rows.get(parameter)
        if row is None:
            return np.full(len(self), absent_bits(self.values)).view(self.values.dtype)
        values: Values = self.values[row]
        return values

    def column(self, parameter: str) -> npt.NDArray[np.float64]:
        """Return a copy of the values of a parameter, shape (events,); absent ones are NaN."""
        return self.row(parameter).astype(np.float64)

    @classmethod
    def of(
        cls, events: Sequence[Mapping[str, float]], dtype: npt.DTypeLike = np.float64
    ) -> EventBlock:
        """Make a block of events that are mappings, for tests and small sources."""
        names = dict.fromkeys(name for event in events for name in event)
        rows = {name: row for row, name in enumerate(names)}
        values: Values = np.empty((len(rows), len(events)), dtype)
        values.view(absent_bits(values).dtype)[:] = absent_bits(values)
        for number, event in enumerate(events):
            for name, value in event.items():
                values[rows[name], number] = value
        return cls(rows, values)
