"""Spectra as HDF5: a dataset for each in the group `spectra`, with its cells as they are. Pure.

    /spectra/0    float64, shape (x,) or (y, x), flow cells at both ends of each axis
      attributes: name, definition (JSON, as files `json` have it), x_axis and y_axis (low, high)

Needs h5py, of the extra `hdf5`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from histogrammer.errors import SpectrumFileError
from histogrammer.spectrumfiles.jsonformat import described, read_definition
from histogrammer.spectrumfiles.saved import FileCells, Saved, in_a_line

__all__ = ["read_hdf5", "write_hdf5"]

_GROUP, _DEFINITION = "spectra", "definition"
_COMPRESSED = 1 << 10
"""Cells from which on compression pays."""


def write_hdf5(spectra: Iterable[Saved]) -> bytes:
    """Return a file of spectra."""
    import h5py  # late: of an extra

    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        group = file.create_group(_GROUP)
        for number, saved in enumerate(spectra):
            definition = saved.definition
            how = {"compression": "gzip", "shuffle": True} if definition.size > _COMPRESSED else {}
            dataset = group.create_dataset(str(number), data=saved.cells, **how)
            dataset.attrs["name"] = definition.name.replace("\0", "")  # HDF5 has none in texts
            dataset.attrs[_DEFINITION] = json.dumps(described(definition))
            for axis, name in ((definition.x_axis, "x_axis"), (definition.y_axis, "y_axis")):
                if axis is not None:
                    dataset.attrs[name] = [axis.low, axis.high]
    return out.getvalue()


def read_hdf5(content: bytes) -> list[Saved]:
    """Read a file of spectra that `write_hdf5` wrote.

    Raises:
        SpectrumFileError: It is none.
    """
    import h5py

    file_cells = FileCells()
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            group = file.get(_GROUP)
            if not isinstance(group, h5py.Group):
                raise SpectrumFileError("/", f"there is no group {_GROUP}")
            return [_read(group[name], file_cells) for name in sorted(group, key=_number)]
    except SpectrumFileError:
        raise
    except Exception as error:  # whatever a damaged file makes of the library
        raise SpectrumFileError("/", f"it is damaged: {in_a_line(error)}") from error


def _number(name: str) -> tuple[int, str]:
    return (int(name) if name.isdecimal() else 0, name)


def _read(dataset: Any, file_cells: FileCells) -> Saved:
    where = str(dataset.name)
    try:
        table = json.loads(dataset.attrs[_DEFINITION])
    except (KeyError, ValueError, TypeError) as error:
        raise SpectrumFileError(where, f"it has no {_DEFINITION} as JSON") from error
    if not isinstance(table, dict):
        raise SpectrumFileError(where, f"its {_DEFINITION} is no object")
    definition = read_definition(where, table)
    cells = file_cells.make(where, definition)
    if dataset.shape != cells.shape:
        raise SpectrumFileError(
            where, f"it has shape {dataset.shape}, and its definition {cells.shape}"
        )
    cells[...] = np.asarray(dataset[...], np.float64)
    return Saved(definition, cells)
