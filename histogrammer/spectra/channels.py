"""Channels of spectra by the numbers of requests, for every kind: get, set, list. Pure.

A channel has a number on each axis: 0..n-1 are bins, -1 is underflow, n overflow. Requests, files
and displays come here for cells, so that they agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError
from histogrammer.spectra.definition import Definition

__all__ = [
    "Channels",
    "Region",
    "channel_pieces",
    "get_channel",
    "list_channels",
    "set_channel",
    "wanted_cells",
]

PIECE_CELLS = 1 << 14

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Part of a spectrum, in coordinates, both ends included. None: as far as the axis goes."""

    x_low: float | None = None
    x_high: float | None = None
    y_low: float | None = None
    y_high: float | None = None


@dataclass(frozen=True, slots=True)
class Channels:
    """Channels that are not zero, x fastest. Each array has the shape (channels,).

    Attributes:
        x_numbers: Numbers along x; -1 is underflow, the number of bins overflow.
        y_numbers: Numbers along y; 0 of a spectrum of one dimension.
        x: Lower edges along x: of underflow the lower limit of the axis, of overflow the upper one.
        y: The same along y; 0.0 of a spectrum of one dimension.
        values: Contents.
    """

    x_numbers: Integers
    y_numbers: Integers
    x: Floats
    y: Floats
    values: Floats

    def __len__(self) -> int:
        return len(self.values)


def get_channel(definition: Definition, cells: Floats, x: int, y: int | None = None) -> float:
    """Return the contents of a channel; y is ignored in one dimension.

    Raises:
        SpectrumError: There is no such channel.
    """
    if definition.y_axis is not None and y is None:
        raise SpectrumError("Must have  a ybin for a 2d spectrum")  # Rustogramer's two blanks
    return float(cells[_index(definition, x, y)])


def set_channel(definition: Definition, cells: Floats, x: int, y: int | None, value: float) -> None:
    """Replace the contents of a channel; y is ignored in one dimension.

    Rustogramer adds instead, against its manual.

    Raises:
        SpectrumError: There is no such channel.
    """
    cells[_index(definition, x, y)] = value


def list_channels(
    definition: Definition, cells: Floats, region: Region | None = None, *, flow: bool
) -> Channels:
    """Return the channels that are not zero.

    Args:
        definition: Definition of the spectrum.
        cells: Its cells.
        region: Only those whose lower edges are in it. In one dimension its limits of y mean
            nothing, and flow channels are listed whatever it says; both as in Rustogramer.
        flow: List those of under- and overflow, too.
    """
    return _listed(definition, cells, 0, region, flow)


def channel_pieces(
    definition: Definition,
    cells: Floats,
    region: Region | None = None,
    *,
    flow: bool,
    most: int = PIECE_CELLS,
) -> Iterator[Channels]:
    """Yield the same channels in the same order, piece by piece, for texts: those of a large spectrum
    take many times as much memory as its cells.

    Args:
        definition: As of `list_channels`.
        cells: The same.
        region: The same.
        flow: The same.
        most: Cells that are looked through for a piece; one row of a spectrum of two dimensions at
            least. A piece may have no channel.
    """
    rows = max(1, most // cells[0].size)
    for first in range(0, len(cells), rows):
        yield _listed(definition, cells[first : first + rows], first, region, flow)


def wanted_cells(definition: Definition, region: Region) -> tuple[range, range]:
    """Return the rows and columns of the cells that `list_channels` looks through without flow.

    Args:
        definition: Definition of the spectrum; one of one dimension has one row.
        region: As of `list_channels`.
    """
    columns = _wanted(definition.x_axis, region.x_low, region.x_high)
    if definition.y_axis is None:
        return range(1), columns
    return _wanted(definition.y_axis, region.y_low, region.y_high), columns


def _wanted(axis: Axis, low: float | None, high: float | None) -> range:
    """Return the cells of an axis, without those of its flow, whose lower edges are within limits."""
    if low is None and high is None:
        return range(1, axis.bins + 1)
    bins = np.arange(1, axis.bins + 1)
    inside = np.flatnonzero(_within(axis.edges_of(bins), low, high, axis))
    return range(inside[0] + 1, inside[-1] + 2) if len(inside) else range(0)


def _listed(
    definition: Definition, cells: Floats, first: int, region: Region | None, flow: bool
) -> Channels:
    """Return the channels of some rows of cells, the first of which has a number."""
    indices = np.nonzero(cells)
    y_cells = indices[0] + first
    x_cells = indices[1] if len(indices) > 1 else y_cells
    x_axis, y_axis = definition.x_axis, definition.y_axis
    x, x_flow = x_axis.edges_of(x_cells), _is_flow(x_cells, x_axis)
    limits = region or Region()
    inside = _within(x, limits.x_low, limits.x_high, x_axis)
    if y_axis is None:
        y, y_numbers = np.zeros(len(x)), np.zeros(len(x), np.int64)
        wanted = inside | x_flow if flow else inside & ~x_flow
    else:
        y, y_numbers = y_axis.edges_of(y_cells), y_cells - 1
        wanted = inside & _within(y, limits.y_low, limits.y_high, y_axis)
        if not flow:
            wanted &= ~(x_flow | _is_flow(y_cells, y_axis))
    return Channels(
        (x_cells - 1)[wanted], y_numbers[wanted], x[wanted], y[wanted], cells[indices][wanted]
    )


def _index(definition: Definition, x: int, y: int | None) -> tuple[int, ...]:
    """Index of a channel in the cells. The texts are those of Rustogramer."""
    x_bins = definition.x_axis.bins
    if definition.y_axis is None:
        if not -1 <= x <= x_bins:
            raise SpectrumError("X index is out of range")
        return (x + 1,)
    if y is None:
        raise SpectrumError("2d spectra need a y bin")
    y_bins = definition.y_axis.bins
    for letter, number, bins in (("X", x, x_bins), ("Y", y, y_bins)):
        if number > bins:
            raise SpectrumError(f"{letter}bin: {number} is larger than the number of bins: {bins}")
    if x < -1 or y < -1:
        raise SpectrumError("Bins are out of range")
    return (y + 1, x + 1)


def _is_flow(cells: Integers, axis: Axis) -> Booleans:
    """Tell which cells of an axis are those of its flow."""
    flow: Booleans = (cells == 0) | (cells == axis.bins + 1)
    return flow


def _within(edges: Floats, low: float | None, high: float | None, axis: Axis) -> Booleans:
    """Tell which edges are within limits; the limits of the axis take the place of None."""
    least = axis.low if low is None else low
    most = axis.high if high is None else high
    inside: Booleans = (edges >= least) & (edges <= most)
    return inside
