"""Spectra as JSON, the `json` format of SpecTcl and Rustogramer: one object for each, with its cells
that are not zero, those of the flow, too.

Rustogramer has the lower edges of bins as coordinates, SpecTcl, with `description` in the place of
`definition`, their centres. Numbers of bins that do not agree with the edge are not believed:
rounding makes those of Rustogramer one too low.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import orjson

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumFileError
from histogrammer.spectra import KINDS, sides
from histogrammer.spectra.channels import Channels, channel_pieces
from histogrammer.spectra.definition import Definition, SpectrumKind
from histogrammer.spectrumfiles.saved import FileCells, Saved, define, make_axis, whole_counts

__all__ = ["described", "read_definition", "read_json", "write_json"]

_BIN, _UNDER, _OVER = "Bin", "Underflow", "Overflow"
_T = TypeVar("_T")


def write_json(spectra: Iterable[Saved]) -> str:
    """Return a file of spectra, in the form of Rustogramer; values are cut to integers."""
    return "[" + ",".join("".join(_object(saved)) for saved in spectra) + "]"


def _object(saved: Saved) -> Iterator[str]:
    yield f'{{"definition":{_text(described(saved.definition))},"channels":['
    pieces = channel_pieces(saved.definition, saved.cells, flow=True)
    yield ",".join(_text(some)[1:-1] for piece in pieces if (some := _channels(saved, piece)))
    yield "]}"


def _text(value: object) -> str:
    return orjson.dumps(value).decode()


def described(definition: Definition) -> dict[str, object]:
    """Return a definition as files have it."""
    xs, ys = sides(definition)
    described: dict[str, object] = {
        "name": definition.name,
        "type_string": definition.kind,
        "x_parameters": list(xs),
        "y_parameters": list(ys),
        "x_axis": _axis(definition.x_axis),
        "y_axis": None if definition.y_axis is None else _axis(definition.y_axis),
    }
    if _has_strips(KINDS[definition.kind]):
        described["groups"] = [list(group) for group in definition.groups]
    return described


def _has_strips(kind: SpectrumKind) -> bool:
    """Tell whether its parameters are told by a key `groups` of ours, too: those of `gs`, which
    Rustogramer does not have."""
    return kind.nested and not kind.two_sided


def _axis(axis: Axis) -> list[float]:
    return [float(axis.low), float(axis.high), axis.cells]


def _channels(saved: Saved, channels: Channels) -> list[dict[str, object]]:
    x_axis, y_axis = saved.definition.x_axis, saved.definition.y_axis
    x_bins, y_bins = channels.x_numbers + 1, channels.y_numbers + 1
    words = _words(x_bins, x_axis)
    if y_axis is None:
        y_bins = np.zeros_like(x_bins)
    else:
        words = np.where(words == _BIN, _words(y_bins, y_axis), words)
    rows = zip(
        words.tolist(),
        channels.x.tolist(),
        channels.y.tolist(),
        x_bins.tolist(),
        y_bins.tolist(),
        whole_counts(channels.values).tolist(),
        strict=True,
    )
    return [
        {
            "chan_type": word,
            "x_coord": x,
            "y_coord": y,
            "x_bin": x_bin,
            "y_bin": y_bin,
            "value": value,
        }
        for word, x, y, x_bin, y_bin, value in rows
        if value
    ]


def _words(bins: npt.NDArray[np.int64], axis: Axis) -> npt.NDArray[np.str_]:
    """Return the words for cells of an axis."""
    return np.where(bins == 0, _UNDER, np.where(bins > axis.bins, _OVER, _BIN))


def read_json(text: str) -> list[Saved]:
    """Read a file of spectra, of Rustogramer or SpecTcl.

    Raises:
        SpectrumFileError: It is none; says the place.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise SpectrumFileError(f"line {error.lineno}", f"no JSON: {error.msg}") from error
    cells = FileCells()
    return [
        _read_object(f"spectrum {number}", one, cells)
        for number, one in enumerate(_is(document, list, "the file", "an array of spectra"))
    ]


def _is(value: object, kind: type[_T], where: str, what: str) -> _T:
    if not isinstance(value, kind):
        raise SpectrumFileError(where, f"{_shown(value)} is not {what}")
    return value


def _shown(value: object) -> str:
    """Return the beginning of a value, as the file has it."""
    try:
        return orjson.dumps(value)[:80].decode("utf-8", "ignore")
    except orjson.JSONEncodeError:  # it reads deeper nests than it writes
        return "what has so many levels"


def _get(table: dict[str, Any], key: str, where: str) -> object:
    try:
        return table[key]
    except KeyError:
        raise SpectrumFileError(where, f"the key {key} is missing") from None


def _read_object(where: str, value: object, file_cells: FileCells) -> Saved:
    table: dict[str, Any] = _is(value, dict, where, "an object")
    has_centres = "definition" not in table and "description" in table
    key = "description" if has_centres else "definition"
    definition = read_definition(
        f"{where}.{key}", _is(_get(table, key, where), dict, where, "an object")
    )
    channels = _is(_get(table, "channels", where), list, where, "an array of channels")
    cells = file_cells.make(where, definition)
    for number, channel in enumerate(channels):
        _put(f"{where}.channels {number}", channel, definition, cells, has_centres)
    return Saved(definition, cells)


def read_definition(where: str, table: dict[str, Any]) -> Definition:
    """Return a definition that a file describes.

    Args:
        where: Place in the file.
        table: As `described` returns it.

    Raises:
        SpectrumFileError: It is none.
    """
    name = _is(_get(table, "name", where), str, where, "a name")
    letters = _is(_get(table, "type_string", where), str, where, "a type of spectra")
    xs = _names(where, _get(table, "x_parameters", where))
    ys = _names(where, _get(table, "y_parameters", where))
    x_axis = _read_axis(f"{where}.x_axis", _get(table, "x_axis", where))
    y_axis = _read_axis(f"{where}.y_axis", _get(table, "y_axis", where))
    axes = [axis for axis in (x_axis, y_axis) if axis is not None]
    groups = [[*xs, *ys]]
    kind = KINDS.get(letters)
    if kind is not None:
        axes = axes[-kind.axes_given :]  # the x axis of a summary follows from its parameters
        if kind.two_sided:
            groups = [xs, ys]
        elif _has_strips(kind):
            given = _is(_get(table, "groups", where), list, where, "an array of groups")
            groups = [_names(where, group) for group in given]
    definition = define(where, letters, name, groups, axes)
    if (definition.y_axis is None) != (y_axis is None):
        raise SpectrumFileError(
            where, f"a spectrum of type {letters} has {'no' if y_axis else 'a'} y_axis"
        )
    return definition


def _names(where: str, value: object) -> list[str]:
    return [
        _is(name, str, where, "a name of a parameter")
        for name in _is(value, list, where, "an array of names")
    ]


def _read_axis(where: str, value: object) -> Axis | None:
    match value:
        case None:
            return None
        case [int() | float() as low, int() | float() as high, int() | float() as cells] if float(
            cells
        ).is_integer():
            return make_axis(where, float(low), float(high), int(cells) - 2)
    raise SpectrumFileError(where, f"{_shown(value)} is not an axis, [low, high, bins + 2] or null")


def _put(
    where: str,
    value: object,
    definition: Definition,
    cells: npt.NDArray[np.float64],
    has_centres: bool,
) -> None:
    """Add the counts of a channel to its cell."""
    match value:
        case {
            "chan_type": "Bin" | "Underflow" | "Overflow" as word,
            "x_coord": int() | float() as x,
            "y_coord": int() | float() as y,
            "x_bin": int() as x_bin,
            "y_bin": int() as y_bin,
            "value": int() | float() as counts,
        } if 0 <= counts <= 2.0**64:
            pass
        case _:
            raise SpectrumFileError(
                where,
                f"{_shown(value)} is not a channel: chan_type, x_coord, y_coord, x_bin, y_bin and "
                "value, which is not negative",
            )
    cell = _place(definition, word, (x, y), (x_bin, y_bin), has_centres)
    if cell is None:
        raise SpectrumFileError(where, f"{word} at x {x:g}, y {y:g} is no cell of the spectrum")
    cells[cell] += counts


def _place(
    definition: Definition,
    word: str,
    at: tuple[float, float],
    numbers: tuple[int, int],
    has_centres: bool,
) -> tuple[int, ...] | None:
    """Return the index of a cell; None: there is no such cell."""
    x_axis, y_axis = definition.x_axis, definition.y_axis
    if y_axis is None and word != _BIN:
        return (0 if word == _UNDER else x_axis.bins + 1,)
    x_cell = _cell(x_axis, word, at[0], numbers[0], has_centres)
    if y_axis is None:
        return None if x_cell is None else (x_cell,)
    y_cell = _cell(y_axis, word, at[1], numbers[1], has_centres)
    if x_cell is None or y_cell is None:
        return None
    if word == _BIN or x_cell in (0, x_axis.bins + 1) or y_cell in (0, y_axis.bins + 1):
        return (y_cell, x_cell)
    return None  # it is called flow, and is none


def _cell(axis: Axis, word: str, at: float, number: int, is_centre: bool) -> int | None:
    """Return the cell of a coordinate; None: there is none.

    Args:
        axis: The axis.
        word: Type of the channel; of another one than `Bin` it may be a flow cell.
        at: Coordinate.
        number: Cell as the file says.
        is_centre: The coordinate is that of the centre of a bin.
    """
    is_flow = word != _BIN
    if not is_centre and _agrees(axis, number, at) and (is_flow or 1 <= number <= axis.bins):
        return number
    if is_flow and at <= axis.low:
        return 0
    if is_flow and at >= axis.high:
        return axis.bins + 1
    place = (at - axis.low) / axis.width
    if not math.isfinite(place):
        return None
    bin_number = math.floor(place) if is_centre else round(place)
    return bin_number + 1 if 0 <= bin_number < axis.bins else None


def _agrees(axis: Axis, number: int, at: float) -> bool:
    """Tell whether a cell begins at a coordinate."""
    if number == 0:
        return at == axis.low
    return 1 <= number <= axis.bins + 1 and axis.edge(number - 1) == at
