"""Spectra as ROOT files: a TH1D or TH2D for each, with titles of the axes and flow. Pure.

What ROOT does not know of a spectrum, its type and groups of parameters, is in a TObjString
`definitions`: JSON, key -> definition as files `json` have it. Histograms of other programs are
spectra of type 1 or 2; their parameters are the titles of the axes, or are called after them.

Needs uproot, of the extra `root`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumFileError
from histogrammer.rootfiles import classes_in, open_root
from histogrammer.spectra import sides
from histogrammer.spectra.definition import Definition
from histogrammer.spectrumfiles.jsonformat import described, read_definition
from histogrammer.spectrumfiles.saved import FileCells, Saved, define, in_a_line, make_axis

__all__ = ["read_root", "write_root"]

_DEFINITIONS = "definitions"
_KINDS = {"TH1": "1", "TH2": "2"}
_STANDING_FOR = str.maketrans({"/": "_", ";": "_", ":": "_"})
"""Signs that have a meaning in keys of ROOT."""

Floats = npt.NDArray[np.float64]


class _Sink(io.BytesIO):
    """A file in memory whose content outlives its end."""

    content = b""

    def close(self) -> None:
        """Keep the content."""
        if not self.closed:
            self.content = self.getvalue()
        super().close()


def write_root(spectra: Iterable[Saved]) -> bytes:
    """Return a file of spectra."""
    import uproot  # late: of an extra, and a second

    sink, definitions = _Sink(), dict[str, object]()
    with uproot.recreate(sink) as file:
        for saved in spectra:
            key = _key(saved.definition.name, definitions)
            definitions[key] = described(saved.definition)
            file[key] = _histogram(saved)
        file[_DEFINITIONS] = json.dumps(definitions)
    return sink.content


def _key(name: str, taken: Mapping[str, object]) -> str:
    """Return a key for a spectrum that is its name, if ROOT can have it."""
    key = name.translate(_STANDING_FOR) or "_"
    number, made = 0, key
    while made in taken or made == _DEFINITIONS:
        number += 1
        made = f"{key}_{number}"
    return made


def _histogram(saved: Saved) -> object:
    from uproot.writing.identify import to_TH1x, to_TH2x

    definition, cells = saved.definition, saved.cells
    inside = cells[(slice(1, -1),) * cells.ndim]
    total = float(inside.sum())
    x_sums = _moments(definition.x_axis, inside.sum(axis=0) if cells.ndim > 1 else inside)
    xs, ys = sides(definition)
    known = {
        "fName": None,
        "fTitle": definition.name,
        "data": cells.ravel(),
        "fEntries": float(cells.sum()),
        "fTsumw": total,
        "fTsumw2": total,
        "fTsumwx": x_sums[0],
        "fTsumwx2": x_sums[1],
        "fSumw2": np.array([]),
        "fXaxis": _axis("xaxis", definition.x_axis, xs),
    }
    if definition.y_axis is None:
        return to_TH1x(**known)
    y_sums = _moments(definition.y_axis, inside.sum(axis=1))
    x_at, y_at = _centres(definition.x_axis), _centres(definition.y_axis)
    return to_TH2x(
        **known,
        fTsumwy=y_sums[0],
        fTsumwy2=y_sums[1],
        fTsumwxy=float(y_at @ inside @ x_at),
        fYaxis=_axis("yaxis", definition.y_axis, ys or xs),
    )


def _centres(axis: Axis) -> Floats:
    return axis.edges_of(np.arange(1, axis.bins + 1)) + axis.width / 2


def _moments(axis: Axis, counts: Floats) -> tuple[float, float]:
    at = _centres(axis)
    return float(counts @ at), float(counts @ at**2)


def _axis(name: str, axis: Axis, parameters: tuple[str, ...]) -> object:
    from uproot.writing.identify import to_TAxis

    return to_TAxis(
        fName=name,
        fTitle=", ".join(parameters),
        fNbins=axis.bins,
        fXmin=axis.low,
        fXmax=axis.high,
    )


def read_root(content: bytes) -> list[Saved]:
    """Read the histograms of a file, in all its directories; what is none is left out.

    Raises:
        SpectrumFileError: It is damaged, a histogram has bins of unequal width, or there is none.
    """
    file_cells, found = FileCells(), list[Saved]()
    try:
        with open_root(io.BytesIO(content)) as file:
            if len(content) < file.file.fEND:  # what was cut off may be a histogram
                raise SpectrumFileError(
                    "file", f"it is cut: it has {len(content)} of {file.file.fEND} bytes"
                )
            classes = classes_in(file)
            definitions = _definitions(file, classes)
            for key, name in classes.items():
                letters = _KINDS.get(name[:3])
                if letters is not None and len(name) == 4:  # TH1D, TH2F, ...
                    found.append(_read(key, letters, file[key], definitions, file_cells))
    except (SpectrumFileError, ImportError):
        raise
    except Exception as error:  # whatever a damaged file makes of the library
        raise SpectrumFileError("file", f"it is damaged: {in_a_line(error)}") from error
    if not found:
        raise SpectrumFileError("file", "there is no histogram of one or two dimensions in it")
    return found


def _definitions(file: Any, classes: Mapping[str, str]) -> dict[str, Any]:
    if classes.get(_DEFINITIONS) != "TObjString":
        return {}
    try:
        told = json.loads(str(file[_DEFINITIONS]))
    except ValueError:  # of another program
        return {}
    return told if isinstance(told, dict) else {}


def _read(
    key: str, letters: str, histogram: Any, definitions: Mapping[str, Any], file_cells: FileCells
) -> Saved:
    axes = [_read_axis(key, histogram.member(f"f{side}axis")) for side in "XY"[: int(letters)]]
    told = definitions.get(key)
    if isinstance(told, dict):
        definition = read_definition(key, told)
        if [axis for axis in (definition.x_axis, definition.y_axis) if axis is not None] != axes:
            raise SpectrumFileError(key, f"its axes are not those of {_DEFINITIONS}")
    else:
        definition = _defined(key, letters, histogram, axes)
    cells = file_cells.make(key, definition)
    values = np.asarray(histogram.values(flow=True), np.float64)
    cells[...] = values.T
    return Saved(definition, cells)


def _read_axis(key: str, axis: Any) -> Axis:
    bins, edges = int(axis.member("fNbins")), np.asarray(axis.member("fXbins"))
    low, high = float(axis.member("fXmin")), float(axis.member("fXmax"))
    if len(edges) and not np.allclose(np.diff(edges), (high - low) / bins, rtol=1e-9, atol=0):
        raise SpectrumFileError(key, "its bins have unequal widths, which no spectrum has")
    return make_axis(key, low, high, bins)


def _defined(key: str, letters: str, histogram: Any, axes: list[Axis]) -> Definition:
    """Return the definition of a histogram of another program."""
    sides_ = "XY"[: int(letters)]
    titles = [str(histogram.member(f"f{side}axis").member("fTitle")) for side in sides_]
    names = [key] if len(titles) == 1 else [f"{key}.x", f"{key}.y"]
    parameters = [title or name for title, name in zip(titles, names, strict=True)]
    return define(key, letters, key, [[parameter] for parameter in parameters], axes)
