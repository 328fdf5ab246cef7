"""Large answers as JSON, made of arrays at once and not of an object for each channel. Pure."""

from __future__ import annotations

import json
from collections.abc import Generator

import numpy as np
import numpy.typing as npt
import orjson

from histogrammer.analysis.statistics import Flow
from histogrammer.rest.protocol.answers import sums
from histogrammer.rest.protocol.channelobjects import channel_objects
from histogrammer.spectra.channels import Region
from histogrammer.spectra.definition import Definition

__all__ = ["contents_pieces", "write_answer", "write_object"]

_HEAD = b'{"status":"OK","detail":'
_COMMA, _BLANK = b", "
_COUNT_BYTES_MOST = 32
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
    flow: Flow,
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
        end = last[-_COUNT_BYTES_MOST:]
        end[np.flatnonzero(end == _COMMA)[-1]] = _BLANK  # there is no object after the last one
        yield last.data
    yield b"]}}"
