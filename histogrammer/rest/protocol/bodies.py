"""Large answers as JSON, made of arrays at once and not of an object for each channel. Pure.

Numbers have as much room as the longest one of their kind; what is left is filled with blanks, which
JSON allows between its tokens.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import orjson

from histogrammer.analysis.statistics import Flow
from histogrammer.axes import Axis
from histogrammer.rest.protocol.answers import sums
from histogrammer.spectra.channels import Channels
from histogrammer.spectra.definition import Definition

__all__ = ["contents_pieces", "write_answer", "write_object"]

_HEAD = b'{"status":"OK","detail":'
_BLANK, _ZERO = b" 0"
_WHOLE = 2.0**53
"""Counts below are integers without loss, and written as such."""
_AXIS_CELLS_KEPT = 1 << 15

Floats = npt.NDArray[np.float64]
Letters = npt.NDArray[np.bytes_]


def write_answer(status: str, detail: object) -> bytes:
    """Return the JSON of an answer."""
    return write_object({"status": status, "detail": detail})


def write_object(value: object) -> bytes:
    """Return the JSON of an object of an answer."""
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer of more than 64 bits, as sums of counts may be
        return json.dumps(value, separators=(",", ":")).encode()


def contents_pieces(
    definition: Definition, pieces: Iterable[Channels], flow: Flow
) -> Iterator[bytes]:
    """Yield the JSON of an answer that tells of contents of a spectrum, piece by piece.

    Args:
        definition: The spectrum.
        pieces: Its channels.
        flow: Sums of its flow cells.
    """
    told = write_object(sums(definition, flow))
    yield b"".join((_HEAD, b'{"statistics":', told, b',"channels":['))
    last = bytearray()
    for channels in pieces:
        if len(channels):
            if last:
                yield bytes(last)
            last = _objects(definition, channels)
    if last:
        last[last.rindex(b",")] = _BLANK  # there is no object after the last one
        yield bytes(last)
    yield b"]}}"


def _objects(definition: Definition, channels: Channels) -> bytearray:
    """Return the objects of channels, with a comma after each."""
    columns = [_edges(definition.x_axis, channels.x_numbers, channels.x, b'{"x":%b,"y":')]
    if definition.y_axis is None:
        columns[0] = _edges(
            definition.x_axis, channels.x_numbers, channels.x, b'{"x":%b,"y":0.0,"v":'
        )
    else:
        columns.append(_edges(definition.y_axis, channels.y_numbers, channels.y, b'%b,"v":'))
    columns.append(_counts(channels.values))
    record = np.dtype([(f"f{n}", column.dtype) for n, column in enumerate(columns)])
    objects = bytearray(len(channels) * record.itemsize)
    records = np.frombuffer(objects, record)
    for n, column in enumerate(columns):
        records[f"f{n}"] = column
    return objects


def _edges(axis: Axis, numbers: npt.NDArray[np.int64], at: Floats, form: bytes) -> Letters:
    """Return edges of channels in a form, filled up with blanks."""
    if axis.cells <= _AXIS_CELLS_KEPT:
        found: Letters = _axis_texts(axis, form)[numbers + 1]
        return found
    return _texts(at, form)


@lru_cache(256)
def _axis_texts(axis: Axis, form: bytes) -> Letters:
    """Return the edges of all cells of an axis in a form; 1 MiB at most."""
    return _texts(axis.coordinates(), form)


def _texts(values: Floats, form: bytes) -> Letters:
    """Return numbers in a form, filled up with blanks."""
    listed = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    made = np.array([form % text for text in listed[1:-1].split(b",")])
    letters = made.view(np.uint8)
    letters[letters == 0] = _BLANK
    return made


def _counts(values: Floats) -> Letters:
    """Return counts, each with the end of its object behind it."""
    if values.min() < 0 or values.max() >= _WHOLE or (values != np.floor(values)).any():
        return _texts(values, b"%b},")
    largest = int(values.max())
    left = values.astype(np.uint32 if largest < 1 << 32 else np.uint64)
    digits = len(str(largest))
    letters = np.empty((len(values), digits + 4), np.uint8)
    letters[:, digits:] = np.frombuffer(b".0},", np.uint8)
    for place in reversed(range(digits)):
        higher = left // 10
        letters[:, place] = np.subtract(left, higher * 10) + _ZERO
        if place < digits - 1:
            letters[left == 0, place] = _BLANK
        left = higher
    return letters.view(f"S{digits + 4}")[:, 0]
