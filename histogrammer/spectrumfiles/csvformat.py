"""Spectra as lines of CSV: for each a head, then its cells that are not zero. Pure.

    #spectrum,e7,1
    #parameters,det.e7
    #axis,0.0,50.0,100
    x_bin,x,counts
    3,1.5,12

Of two dimensions `y_bin` and `y` are there, too, and an axis for each. Bins count from 0, -1 is
underflow, the number of bins overflow; x and y are lower edges. Each group of parameters has a line.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumError, SpectrumFileError
from histogrammer.spectra import given_axes
from histogrammer.spectra.channels import channel_pieces, set_channel
from histogrammer.spectra.definition import Definition
from histogrammer.spectrumfiles.saved import CSV_MARK, FileCells, Saved, define, make_axis

__all__ = ["read_csv", "write_csv"]

_PARAMETERS, _AXIS = "#parameters", "#axis"
_FLAT, _PLANE = ["x_bin", "x", "counts"], ["x_bin", "y_bin", "x", "y", "counts"]


def write_csv(spectra: Iterable[Saved]) -> str:
    """Return a file of spectra."""
    out = io.StringIO()
    writer = csv.writer(out)  # ends of lines of two signs: either of them in a name is quoted then
    for saved in spectra:
        definition = saved.definition
        writer.writerow([CSV_MARK, definition.name, definition.kind])
        writer.writerows([_PARAMETERS, *group] for group in definition.groups)
        writer.writerows([_AXIS, axis.low, axis.high, axis.bins] for axis in given_axes(definition))
        writer.writerow(_FLAT if definition.y_axis is None else _PLANE)
        writer.writerows(_cells(definition, saved.cells))
    return out.getvalue()


def _cells(definition: Definition, cells: npt.NDArray[np.float64]) -> Iterator[Iterable[object]]:
    for piece in channel_pieces(definition, cells, flow=True):
        counts = [int(v) if v.is_integer() else v for v in piece.values.tolist()]
        x_bins, xs = piece.x_numbers.tolist(), piece.x.tolist()
        if definition.y_axis is None:
            yield from zip(x_bins, xs, counts, strict=True)
        else:
            y_bins, ys = piece.y_numbers.tolist(), piece.y.tolist()
            yield from zip(x_bins, y_bins, xs, ys, counts, strict=True)


def read_csv(text: str) -> list[Saved]:
    """Read a file of spectra; cells are found by their bins.

    Raises:
        SpectrumFileError: A line is none of such a file, or there is no head.
    """
    reader = csv.reader(io.StringIO(text, newline=""))
    file_cells, found = FileCells(), list[Saved]()
    head: list[list[str]] = []
    try:
        for row in reader:
            where = f"line {reader.line_num}"
            if not row:
                continue
            if row[0] == CSV_MARK:
                head = [row]
            elif not head:
                raise SpectrumFileError(where, f"it has to begin with {CSV_MARK}")
            elif row[0] in (_PARAMETERS, _AXIS):
                head.append(row)
            elif row in (_FLAT, _PLANE):
                definition = _define(where, head)
                found.append(Saved(definition, file_cells.make(where, definition)))
                head.append(row)
            elif head[-1] not in (_FLAT, _PLANE):
                raise SpectrumFileError(
                    where, f"{','.join(_FLAT)} or {','.join(_PLANE)} is missing"
                )
            else:
                _put(where, row, found[-1])
    except csv.Error as error:
        raise SpectrumFileError(f"line {reader.line_num}", str(error)) from error
    if head and head[-1] not in (_FLAT, _PLANE):
        raise SpectrumFileError(f"line {reader.line_num}", "the file ends within a head")
    return found


def _define(where: str, head: list[list[str]]) -> Definition:
    if len(head[0]) != 3:
        raise SpectrumFileError(where, f"{CSV_MARK} needs a name and a type")
    _, name, letters = head[0]
    groups = [row[1:] for row in head if row[0] == _PARAMETERS]
    return define(
        where, letters, name, groups, [_axis(where, row) for row in head if row[0] == _AXIS]
    )


def _axis(where: str, row: list[str]) -> Axis:
    try:
        _, low, high, bins = row
        return make_axis(where, float(low), float(high), int(bins))
    except ValueError as error:
        raise SpectrumFileError(where, f"{_AXIS} needs low, high and bins: {error}") from error


def _put(where: str, row: list[str], saved: Saved) -> None:
    is_flat = saved.definition.y_axis is None
    if len(row) != len(_FLAT if is_flat else _PLANE):
        raise SpectrumFileError(where, f"{len(row)} values are no cell")
    try:
        x, y = int(row[0]), None if is_flat else int(row[1])
        counts = float(row[-1])
        if not math.isfinite(counts):
            raise ValueError(f"{row[-1]} is no number of counts")
        set_channel(saved.definition, saved.cells, x, y, counts)
    except (ValueError, SpectrumError) as error:
        raise SpectrumFileError(where, str(error)) from error
