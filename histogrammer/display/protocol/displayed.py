"""Spectra of a display memory, as displays read them: views, no copies. Pure.

Memories of other programs are read, too, so nothing in the tables is believed before it is checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from histogrammer.display.protocol.layout import SLOTS, ChannelType, Header
from histogrammer.errors import DisplayMemoryError

__all__ = ["Counts", "DisplayAxis", "DisplayedSpectrum", "names_of", "read_slot"]

Counts: TypeAlias = npt.NDArray[np.unsignedinteger[Any]]

_CHANNELS: dict[ChannelType, tuple[int, np.dtype[np.unsignedinteger[Any]]]] = {
    ChannelType.BYTES_2D: (2, np.dtype("=u1")),
    ChannelType.WORDS_1D: (1, np.dtype("=u2")),
    ChannelType.WORDS_2D: (2, np.dtype("=u2")),
    ChannelType.LONGS_1D: (1, np.dtype("=u4")),
    ChannelType.LONGS_2D: (2, np.dtype("=u4")),
}
"""Type -> dimensions, and type of a count."""


@dataclass(frozen=True, slots=True)
class DisplayAxis:
    """An axis.

    Attributes:
        low: Lower limit of the first bin.
        high: Upper limit of the last bin.
        bins: Number of bins.
        label: Its text; empty in most memories.
    """

    low: float
    high: float
    bins: int
    label: str


@dataclass(frozen=True, slots=True)
class DisplayedSpectrum:
    """A spectrum in a slot. Its arrays change with the memory, and cannot be written.

    Attributes:
        slot: Its number, the `binding` of REST.
        name: Of the spectrum.
        title: The same, or a longer text.
        x: Its x axis.
        y: Its y axis; None: it has one dimension.
        cells: Counts with those of the flow around them, shape (x,) or (y, x).
        overflows: Counts above the axes, x and y.
        underflows: Counts below the axes, x and y.
    """

    slot: int
    name: str
    title: str
    x: DisplayAxis
    y: DisplayAxis | None
    cells: Counts
    overflows: tuple[int, int]
    underflows: tuple[int, int]

    @property
    def counts(self) -> Counts:
        """Counts of the bins, shape (x,) or (y, x)."""
        return self.cells[(slice(1, -1),) * self.cells.ndim]


def names_of(header: Header) -> dict[str, int]:
    """Return name -> slot of what is in the slots; of equal names the first slot."""
    found: dict[str, int] = {}
    for slot in np.flatnonzero(header["types"]):
        found.setdefault(_text(header["info"][slot]), int(slot))
    return found


def read_slot(header: Header, channels: npt.NDArray[np.uint8], slot: int) -> DisplayedSpectrum:
    """Return the spectrum of a slot.

    Args:
        header: Tables of the memory.
        channels: Its channel area, as bytes.
        slot: Number.

    Raises:
        DisplayMemoryError: There is none, or its description cannot be.
    """
    if not 0 <= slot < SLOTS:
        raise DisplayMemoryError(f"slot {slot}: there are 0 to {SLOTS - 1}")
    kind = int(header["types"][slot])
    if kind not in _CHANNELS:
        what = "is empty" if kind == 0 else f"has the type {kind}, which does not exist"
        raise DisplayMemoryError(f"slot {slot} {what}")
    dimensions, dtype = _CHANNELS[ChannelType(kind)]
    nx, ny = (int(number) for number in header["xy"][slot])
    shape = (nx,) if dimensions == 1 else (ny, nx)
    first = int(header["offsets"][slot]) * dtype.itemsize
    last = first + nx * (ny if dimensions == 2 else 1) * dtype.itemsize
    if min(shape) < 2 or last > len(channels):
        raise DisplayMemoryError(
            f"slot {slot}: {nx} x {ny} channels from byte {first} on are not in the "
            f"{len(channels)} bytes of channels"
        )
    cells = channels[first:last].view(dtype).reshape(shape)
    cells.flags.writeable = False
    limits = header["map"][slot]
    told = [int(number) for number in header["statistics"][slot]]
    over_x, over_y, under_x, under_y = told if any(told) else _flow(cells)
    return DisplayedSpectrum(
        slot,
        _text(header["info"][slot]),
        _text(header["titles"][slot]),
        _axis(limits, "x", nx),
        None if dimensions == 1 else _axis(limits, "y", ny),
        cells,
        (over_x, over_y),
        (under_x, under_y),
    )


def _axis(limits: Any, name: str, channels: int) -> DisplayAxis:
    low, high = float(limits[f"{name}min"]), float(limits[f"{name}max"])
    return DisplayAxis(low, high, channels - 2, _text(limits[f"{name}label"]))


def _flow(cells: Counts) -> tuple[int, int, int, int]:
    """Return overflow x and y, underflow x and y, of the cells themselves: few programs tell them."""
    above, below = int(cells[..., -1].sum()), int(cells[..., 0].sum())
    if cells.ndim == 1:
        return above, 0, below, 0
    return above, int(cells[-1].sum()), below, int(cells[0].sum())


def _text(data: bytes) -> str:
    return bytes(data).partition(b"\0")[0].decode("utf-8", "replace")
