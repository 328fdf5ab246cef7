"""Sums of values by time, with an axis that follows the time: `S`, SpecTcl's strip chart.

A time beyond the axis moves the contents left, so that the axis goes on by a quarter of its range
at a time; a time before the axis clears them, and the axis begins there. Nothing counts as flow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError
from histogrammer.spectra.definition import (
    Definition,
    Fill,
    FillStrip,
    SpectrumKind,
    flat,
    take_axes,
)

__all__ = ["FARTHEST", "KIND", "add_at_times", "moved_axis"]

FARTHEST = 1 << 48
"""Bins from the axis as it was defined. A time farther away cannot be told from its neighbours."""

Values = npt.NDArray[np.float64]


class StripChart(SpectrumKind):
    """Sums of the values of one parameter, by the times that another one holds."""

    letters = "S"
    title = "Strip chart"
    two_sided = True

    def define(
        self, name: str, groups: Sequence[Sequence[str]], axes: Sequence[Axis]
    ) -> Definition:
        """Return a definition of two parameters, time and value, and the axis of the time."""
        names = flat(groups)
        if len(names) != 2:
            raise SpectrumError(
                f"Spectrum {name}: type {self.letters} needs two parameters, time and value, "
                f"{len(names)} given"
            )
        (x_axis,) = take_axes(self, name, axes)
        farther_limit = max(abs(x_axis.low), abs(x_axis.high))
        if x_axis.width * FARTHEST < farther_limit:
            raise SpectrumError(
                f"Spectrum {name}: bins of {x_axis.width:g} are too narrow for times near "
                f"{farther_limit:g}"
            )
        time, value = names
        return Definition(name=name, kind=self.letters, groups=((time,), (value,)), x_axis=x_axis)

    def fills(self, definition: Definition) -> tuple[Fill, ...]:
        """Return one fill."""
        (time,), (value,) = definition.groups
        return (FillStrip(time, value),)


KIND = StripChart()


def moved_axis(axis: Axis, moved: int) -> Axis:
    """Return the axis that was defined, moved by a number of bins."""
    distance = moved * axis.width
    return Axis(axis.low + distance, axis.high + distance, axis.bins)


def add_at_times(
    cells: Values, moved: int, low: float, width: float, times: Values, values: Values
) -> int:
    """Add values to the channels of their times, one after the other.

    Times and values that are not finite, and times that are `FARTHEST` or farther, add nothing and
    move nothing. In words that numba compiles, too.

    Args:
        cells: Cells of a strip chart, changed in place; shape (bins + 2,).
        moved: Bins by which its axis has moved from where it was defined.
        low: Lower limit of the axis as it was defined.
        width: Width of its bins.
        times: Shape (events,); those of the events that count.
        values: The same of the values.

    Returns:
        `moved` after the last event.
    """
    bins = len(cells) - 2
    quarter = max(1, bins // 4)
    for number in range(len(times)):
        place = (float(times[number]) - low) / width
        if not abs(place) < FARTHEST or not math.isfinite(values[number]):
            continue
        channel = math.floor(place) - moved
        if channel < 0:
            cells[:] = 0.0
            moved += channel
            channel = 0
        elif channel >= bins:
            shift = ((channel - bins) // quarter + 1) * quarter
            kept = max(0, bins - shift)
            cells[1 : 1 + kept] = cells[1 + bins - kept : 1 + bins].copy()
            cells[1 + kept : 1 + bins] = 0.0
            moved += shift
            channel -= shift
        cells[1 + channel] += values[number]
    return moved
