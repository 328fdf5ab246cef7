"""Large answers as JSON, made of arrays at once and not of an object for each channel. Pure."""

from __future__ import annotations

import json
from collections.abc import Generator

import numpy as np
import numpy.typing as npt
import orjson

from histogrammer.analysis.statistics import FlowSums
from histogrammer.rest.protocol.answers import sums
from histogrammer.rest.protocol.channelobjects import channel_objects
from histogrammer.rest.protocol.spectclanswers import numbered_sums, whole_number
from histogrammer.spectra.channels import Region
from histogrammer.spectra.definition import Definition

__all__ = ["contents_pieces", "numbered_pieces", "write_answer", "write_object"]

_HEAD = b'{"status":"OK","detail":'
_COMMA, _BLANK = b", "
_MAX_COUNT_BYTES = 32
"""Of the end of an object, from its count on."""


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
    definition: Definition,
    cells: npt.NDArray[np.float64],
    flow: FlowSums,
    region: Region | None = None,
    *,
    most: int,
) -> Generator[bytes | memoryview, None, None]:
    """Yield the JSON of an answer that tells of contents of a spectrum, piece by piece.

    Args:
        definition: The spectrum.
        cells: Its cells.
        flow: Sums of its flow cells.
        region: Part of it that is told.
        most: Cells that are looked through for a piece.
    """
    told = write_object(sums(definition, flow))
    yield b"".join((_HEAD, b'{"statistics":', told, b',"channels":['))
    last = None
    for objects in channel_objects(definition, cells, region or Region(), most):
        if last is not None:
            yield last.data
        last = objects
    if last is not None:
        end = last[-_MAX_COUNT_BYTES:]
        end[np.flatnonzero(end == _COMMA)[-1]] = _BLANK  # there is no object after the last one
        yield last.data
    yield b"]}}"


def numbered_pieces(
    definition: Definition, cells: npt.NDArray[np.float64], flow: FlowSums, *, most: int
) -> Generator[bytes | memoryview, None, None]:
    """Yield the JSON of the same answer as SpecTcl has it: integers by numbers of channels.

    Args:
        definition: The spectrum.
        cells: Its cells.
        flow: Sums of its flow cells.
        most: Cells that are looked through for a piece, one row at least.
    """
    told = write_object(numbered_sums(definition, flow))
    yield b"".join((_HEAD, b'{"statistics":', told, b',"channels":['))
    rows = cells[np.newaxis, 1:-1] if cells.ndim == 1 else cells[1:-1, 1:-1]
    step, is_first = max(1, most // rows.shape[1]), True
    for start in range(0, len(rows), step):
        objects = _numbered(rows[start : start + step], start, cells.ndim == 1)
        if objects:
            yield objects if is_first else b"," + objects
            is_first = False
    yield b"]}}"


def _numbered(rows: npt.NDArray[np.float64], start: int, is_flat: bool) -> bytes:
    """Return the objects of channels that are not zero, of rows from a number on."""
    y, x = np.nonzero(rows)
    counts = map(whole_number, rows[y, x].tolist())
    if is_flat:
        found = [{"x": x, "v": v} for x, v in zip(x.tolist(), counts, strict=True)]
    else:
        places = zip(x.tolist(), (y + start).tolist(), counts, strict=True)
        found = [{"x": x, "y": y, "v": v} for x, y, v in places]
    return write_object(found)[1:-1]
