"""Channels of a spectrum as JSON objects, by the million: records of equal length, made at once. Pure.

Numbers have as much room as the longest one of their kind; what is left is filled with blanks, which
JSON allows between its tokens. Counts that are integers are written by compiled code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import orjson

from histogrammer.axes import Axis
from histogrammer.compiling import compiled, compiled_or
from histogrammer.spectra.channels import Region, wanted_cells
from histogrammer.spectra.definition import Definition

__all__ = ["channel_objects"]

_X_FORM, _Y_FORM, _COUNT_FORM = b'{"x":%b,"y":', b'%b,"v":', b"%b},"
_COUNT_END = b".0},"
_BLANK, _ZERO = b" 0"
_WHOLE = 2.0**53
"""Counts below are integers without loss, and written as such."""
_AXIS_CELLS_KEPT = 1 << 15
_MAX_DIGITS = 16
"""Of a count."""
_OVERRUN = 32
"""Bytes behind the objects: letters are written by eights."""

_EIGHT = np.uint64(8)
_ZEROS, _LOW_BITS = np.uint64(0x3030303030303030), np.uint64(0x1010101010101010)
"""Eight digits 0; what is taken from each to make it a blank."""
_EIGHT_BLANKS = np.uint64(0x2020202020202020)
_END_WORD = np.uint64(int.from_bytes(_COUNT_END, "little"))

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Texts = npt.NDArray[np.bytes_]
Words = npt.NDArray[np.uint64]
Letters = npt.NDArray[np.uint8]
Edges = tuple[Words, int]
"""Texts as words, and the letters of each."""


def channel_objects(
    definition: Definition, cells: Floats, region: Region, most: int
) -> Iterator[Letters]:
    """Yield the objects of the channels that are not zero, a comma after each, piece by piece.

    Args:
        definition: Definition of the spectrum.
        cells: Its cells.
        region: Only those whose lower edges are in it; none of the flow.
        most: Cells that are looked through for a piece, one row of a spectrum of two dimensions.
    """
    rows, columns = wanted_cells(definition, region)
    cells = cells if cells.ndim > 1 else cells[np.newaxis]
    step = max(1, most // max(1, len(columns)))
    for y in range(rows.start, rows.stop, step):
        for x in range(columns.start, columns.stop, most):
            part = np.ascontiguousarray(
                cells[y : min(y + step, rows.stop), x : min(x + most, columns.stop)]
            )
            if filled := int(np.count_nonzero(part)):
                yield _objects(definition, part, x, y, filled)


def _objects(definition: Definition, part: Floats, x: int, y: int, filled: int) -> Letters:
    """Return the objects of a part of the cells.

    Args:
        definition: Definition of the spectrum.
        part: Shape (rows, columns).
        x: Cell of its first column.
        y: Cell of its first row.
        filled: How many are not zero.
    """
    axes = definition.x_axis, definition.y_axis
    if all(axis is None or axis.cells <= _AXIS_CELLS_KEPT for axis in axes):
        largest = part.max()
        if part.min() >= 0 and largest < _WHOLE:
            at_x, at_y = _kept(definition.x_axis, _X_FORM), _kept(definition.y_axis, _Y_FORM)
            digits = len(str(int(largest)))
            length = filled * (at_x.width + at_y.width + digits + len(_COUNT_END))
            out = np.empty(length + _OVERRUN, np.uint8)
            edges = (at_x.words[x:], at_x.width), (at_y.words[y:], at_y.width)
            if _write(part, *edges, digits, out):
                return out[:length]
    rows, columns = np.nonzero(part)
    return _joined(
        _edges(definition.x_axis, columns + x, _X_FORM),
        _edges(definition.y_axis, rows + y, _Y_FORM),
        _texts(part[rows, columns], _COUNT_FORM),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """Texts of the cells of an axis, of equal length.

    Attributes:
        texts: Shape (cells,).
        width: Of each.
        words: Shape (cells, words): the same by eight letters, the first one in the lowest bits.
    """

    texts: Texts
    width: int
    words: Words


@lru_cache(256)
def _kept(axis: Axis | None, form: bytes) -> _Kept:
    """Return the edges of all cells of an axis in a form, 2 MiB at most; None: that of 0.0 only."""
    texts = _texts(np.zeros(1) if axis is None else axis.coordinates(), form)
    width = texts.dtype.itemsize
    eights = -(-width // 8)
    words = texts.astype(f"S{8 * eights}").view("<u8").reshape(-1, eights)
    return _Kept(texts, width, words.astype(np.uint64))


def _edges(axis: Axis | None, cells: Integers, form: bytes) -> Texts:
    """Return the edges of some cells in a form."""
    if axis is None or axis.cells <= _AXIS_CELLS_KEPT:
        found: Texts = _kept(axis, form).texts[cells]
        return found
    return _texts(axis.edges_of(cells), form)


def _texts(values: Floats, form: bytes) -> Texts:
    """Return numbers in a form, filled up with blanks."""
    listed = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    made = np.array([form % text for text in listed[1:-1].split(b",")])
    letters = made.view(np.uint8)
    letters[letters == 0] = _BLANK
    return made


def _joined(*columns: Texts) -> Letters:
    """Return texts side by side."""
    record = np.dtype([(f"f{n}", column.dtype) for n, column in enumerate(columns)])
    out = np.empty(len(columns[0]) * record.itemsize, np.uint8)
    records = out.view(record)
    for n, column in enumerate(columns):
        records[f"f{n}"] = column
    return out


def _write_by_numpy(part: Floats, x: Edges, y: Edges, digits: int, out: Letters) -> bool:
    rows, columns = np.nonzero(part)
    values = part[rows, columns]
    if (values != np.floor(values)).any():
        return False
    joined = _joined(
        _of_words(*x)[columns],
        _of_words(*y)[rows],
        _whole_counts(values, digits),
    )
    out[: len(joined)] = joined
    return True


def _of_words(words: Words, width: int) -> Texts:
    """Return the texts of words."""
    letters = words.astype("<u8").view(np.uint8)[:, :width]
    return np.ascontiguousarray(letters).view(f"S{width}")[:, 0]


def _whole_counts(values: Floats, digits: int) -> Texts:
    """Return integers of at most so many digits, each with the end of its object behind it."""
    left = values.astype(np.uint32 if digits < 10 else np.uint64)
    letters = np.empty((len(values), digits + len(_COUNT_END)), np.uint8)
    letters[:, digits:] = np.frombuffer(_COUNT_END, np.uint8)
    for place in reversed(range(digits)):
        higher = left // 10
        letters[:, place] = np.subtract(left, higher * 10) + _ZERO
        if place < digits - 1:
            letters[left == 0, place] = _BLANK
        left = higher
    return letters.view(f"S{letters.shape[1]}")[:, 0]


@compiled
def _eight_digits(number: np.uint64) -> np.uint64:
    """Return the eight digits of a number below 10^8, the first one in the lowest byte: halves,
    quarters and eighths of it are divided at once."""
    high = number // np.uint64(10_000)
    word = high | (number - high * np.uint64(10_000)) << np.uint64(32)
    high = (word * np.uint64(10_486)) >> np.uint64(20) & np.uint64(0x7F_0000_007F)  # by 100
    word = high | (word - high * np.uint64(100)) << np.uint64(16)
    high = (word * np.uint64(103)) >> np.uint64(10) & np.uint64(0xF_000F_000F_000F)  # by 10
    return high | (word - high * np.uint64(10)) << _EIGHT


@compiled
def _aligned(digits: np.uint64) -> np.uint64:
    """Return the letters of eight digits, not all 0, with blanks in the place of the first zeros."""
    lowest_bit = digits & (np.uint64(0) - digits)
    return digits + _ZEROS - ((lowest_bit - np.uint64(1)) & _LOW_BITS)


@compiled
def _put(out: Letters, at: np.uint64, word: np.uint64) -> None:
    """Write eight letters; the compiler makes one store of it."""
    out[at] = np.uint8(word)
    out[at + np.uint64(1)] = np.uint8(word >> _EIGHT)
    out[at + np.uint64(2)] = np.uint8(word >> np.uint64(16))
    out[at + np.uint64(3)] = np.uint8(word >> np.uint64(24))
    out[at + np.uint64(4)] = np.uint8(word >> np.uint64(32))
    out[at + np.uint64(5)] = np.uint8(word >> np.uint64(40))
    out[at + np.uint64(6)] = np.uint8(word >> np.uint64(48))
    out[at + np.uint64(7)] = np.uint8(word >> np.uint64(56))


@compiled
def _put_count(out: Letters, at: np.uint64, number: np.uint64, digits: int) -> None:
    """Write a number, filled up to so many letters."""
    high = number // np.uint64(100_000_000)
    low = _eight_digits(number - high * np.uint64(100_000_000))
    if digits <= 8:
        _put(out, at, _aligned(low) >> np.uint64(8 * (8 - digits)))
        return
    first, last = _EIGHT_BLANKS, _aligned(low)
    if high:
        first, last = _aligned(_eight_digits(high)), low + _ZEROS
    _put(out, at, first >> np.uint64(8 * (_MAX_DIGITS - digits)))
    _put(out, at + np.uint64(digits - 8), last)


@compiled_or(_write_by_numpy)
def _write(part: Floats, x: Edges, y: Edges, digits: int, out: Letters) -> bool:
    """Write the objects of cells that are not zero; tell whether all counts are integers.

    What is written beyond the end of a text is written over by the next one.

    Args:
        part: Shape (rows, columns): 0 to `_WHOLE`.
        x: Texts of its columns.
        y: Texts of its rows.
        digits: Of the largest count.
        out: Room for the objects, and for `_OVERRUN` more letters.
    """
    x_words, x_width = x
    y_words, y_width = y
    at = np.uint64(0)
    for row in range(part.shape[0]):
        for column in range(part.shape[1]):
            value = part[row, column]
            if value != 0:
                number = np.int64(value)
                if np.float64(number) != value:
                    return False
                for k in range(x_words.shape[1]):
                    _put(out, at + np.uint64(8 * k), x_words[column, k])
                at += np.uint64(x_width)
                for k in range(y_words.shape[1]):
                    _put(out, at + np.uint64(8 * k), y_words[row, k])
                at += np.uint64(y_width)
                _put_count(out, at, np.uint64(number), digits)
                at += np.uint64(digits)
                _put(out, at, _END_WORD)
                at += np.uint64(len(_COUNT_END))
    return True
