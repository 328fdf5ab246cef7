"""A spectrum as files have it, whatever their format. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groundwork.truncation import cut
from histogrammer.axes import Axis
from histogrammer.errors import AxisError, SpectrumError, SpectrumFileError
from histogrammer.spectra import kind_of
from histogrammer.spectra.definition import Definition

__all__ = [
    "CSV_MARK",
    "MAX_FILE_CELLS",
    "FileCells",
    "Saved",
    "begins_spectra",
    "define",
    "in_a_line",
    "make_axis",
    "whole_counts",
]

_MAX_COUNT = 2**64 - 1
CSV_MARK = "#spectrum"
"""Beginning of a spectrum in lines of CSV."""
MAX_FILE_CELLS = 1 << 29
"""Of all spectra of a file: 4 GiB of counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """A spectrum with its contents.

    Attributes:
        definition: Its definition.
        cells: Its cells, of its shape.
    """

    definition: Definition
    cells: npt.NDArray[np.float64]


def begins_spectra(head: bytes) -> bool:
    """Tell whether a file begins as files of spectra do: with a name, an array or a head, in text.

    Files of ROOT and HDF5 may hold anything, and are none in this sense.
    """
    begin = head.lstrip()
    is_ours = begin[:1] in (b'"', b"[") or begin.startswith(CSV_MARK.encode())
    return is_ours and b"\0" not in head


def whole_counts(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    """Return counts cut to integers without sign, as files have them; NaN is 0."""
    whole = np.zeros(counts.shape, np.uint64)
    is_large = counts >= 2.0**64
    is_whole = (counts >= 1.0) & ~is_large
    whole[is_whole] = counts[is_whole].astype(np.uint64)
    whole[is_large] = _MAX_COUNT
    return whole


def in_a_line(error: Exception) -> str:
    """Return what a library says of a file, in one line that is not too long."""
    return cut(" ".join(str(error).split()) or type(error).__name__, 300)


def make_axis(where: str, low: float, high: float, bins: int) -> Axis:
    """Return an axis that a file describes.

    Raises:
        SpectrumFileError: It cannot be.
    """
    try:
        return Axis(low, high, bins)
    except AxisError as error:
        raise SpectrumFileError(where, str(error)) from error


def define(
    where: str, letters: str, name: str, groups: Sequence[Sequence[str]], axes: Sequence[Axis]
) -> Definition:
    """Return a definition that a file describes.

    Args:
        where: Place in the file.
        letters: Kind of the spectrum.
        name: Its name.
        groups: As `SpectrumKind.define` takes them.
        axes: The same.

    Raises:
        SpectrumFileError: There is no such kind, or it is not made of these.
    """
    try:
        return kind_of(letters).define(name, groups, axes)
    except SpectrumError as error:
        raise SpectrumFileError(where, str(error)) from error


class FileCells:
    """Cells of the spectra of one file, made one after the other, up to a bound."""

    def __init__(self) -> None:
        self._made = 0

    def make(self, where: str, definition: Definition) -> npt.NDArray[np.float64]:
        """Return empty cells for the next spectrum.

        Raises:
            SpectrumFileError: All of them together have more than `MAX_FILE_CELLS`.
        """
        self._made += definition.size
        if self._made > MAX_FILE_CELLS:
            raise SpectrumFileError(
                where,
                f"the spectra so far have {self._made} cells; up to {MAX_FILE_CELLS} are possible",
            )
        return np.zeros(definition.shape)
