"""Consecutive event items, scattered into the columns of a block: compiled, and with numpy.

Columns and tile are bits: uint64 of float64, or uint32 of float32. Events are collected in a tile
that stays in the cache, and copied to the columns tile by tile: the columns of a block lie a power
of two apart, where single values would push each other out of the cache. Whatever is
unusual ends a run of events; the reader looks at it.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from histogrammer.compiling import compiled, compiled_or
from histogrammer.events.blocks import ABSENT32, ABSENT64
from histogrammer.events.protocol.paramitems import VALUE_BYTES
from histogrammer.events.protocol.ringitems import HEAD_BYTES, ItemType

__all__ = ["TILE_EVENTS", "Counted", "RunEnding", "scatter", "word"]

TILE_EVENTS = 64
"""A line of the cache of float32, four times."""

Bits: TypeAlias = npt.NDArray[np.uint32] | npt.NDArray[np.uint64]
Raw: TypeAlias = npt.NDArray[np.uint8]
Integers: TypeAlias = npt.NDArray[np.int64]
Integer: TypeAlias = int | np.int64


class RunEnding(IntEnum):
    """Reason for the end of a run of events."""

    CUT = 0  # less than an item is left
    FULL = 1  # the block is full
    OTHER = 2  # an item that is no event, or a bad one
    INEXACT = 3  # an event with a value that float32 cannot hold, not taken


class Counted(IntEnum):
    """Places in the array of what was counted."""

    VALUES = 0  # ids with a value, used or not
    UNKNOWN = 1  # of them, those whose id is not defined
    REPEATED = 2  # of them, those whose parameter comes again in the same event
    TRAILING = 3  # events with bytes behind their values
    INEXACT = 4  # values that float32 cannot hold


_DATA = np.uint64(ItemType.PARAMETER_DATA)
_HEAD = HEAD_BYTES
_VALUE = VALUE_BYTES
_CUT, _FULL, _OTHER, _INEXACT = (int(each) for each in RunEnding)
_VALUES, _UNKNOWN, _REPEATED, _TRAILING, _WIDE = (int(each) for each in Counted)
_NAN64 = np.uint64(0x7FF8_0000_0000_0000)
_NAN32 = np.uint32(0x7FC0_0000)
_1, _2, _3, _4, _8, _16, _24, _32 = (np.uint64(n) for n in (1, 2, 3, 4, 8, 16, 24, 32))


def scatter_numpy(
    data: Raw,
    at: int,
    end: int,
    dense: Integers,
    ids: Integers,
    rows: Integers,
    columns: Bits,
    tile: Bits,
    count: int,
    counted: Integers,
) -> tuple[int, int, int]:
    """Do the same with numpy. Arguments and results as of `scatter`; the tile is not used."""
    columns[:, count:] = ABSENT32 if columns.dtype == np.uint32 else ABSENT64
    starts, sizes, first_value, numbers, ending = _walk(data, at, end, columns.shape[1] - count)
    event = np.repeat(np.arange(len(starts)), numbers)
    place = np.arange(len(event)) - np.repeat(np.cumsum(numbers) - numbers, numbers)
    place = np.repeat(first_value, numbers) + _VALUE * place
    raw = np.zeros((0, _VALUE), np.uint8)
    if len(place):
        raw = np.lib.stride_tricks.sliding_window_view(data, _VALUE)[place]
    file_ids = raw[:, :4].copy().view("<u4")[:, 0].astype(np.int64)
    bits = raw[:, 4:].copy().view("<u8")[:, 0].astype(np.uint64)
    row = _rows_numpy(file_ids, dense, ids, rows)
    values = bits.view(np.float64)
    bits = np.where(np.isnan(values), _NAN64, bits)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        single = values.astype(np.float32)
        wide = (row >= 0) & (single.astype(np.float64) != values) & ~np.isnan(values)
    taken = len(starts)
    if columns.dtype == np.uint32:
        single[np.isnan(values)] = _NAN32.view(np.float32)
        bits = single.view(np.uint32)
        if wide.any():
            taken, ending = int(event[wide.argmax()]), _INEXACT
    in_taken = event < taken
    known = in_taken & (row >= 0)
    # of a parameter that comes again the last one counts: the first when looked at from the end
    cells, last = np.unique(
        (row[known] * columns.shape[1] + count + event[known])[::-1], return_index=True
    )
    columns.reshape(-1)[cells] = bits[known][::-1][last]
    counted[_VALUES] += in_taken.sum()
    counted[_UNKNOWN] += in_taken.sum() - known.sum()
    counted[_REPEATED] += known.sum() - len(cells)
    counted[_WIDE] += (wide & known).sum()
    counted[_TRAILING] += (first_value + _VALUE * numbers < starts + sizes)[:taken].sum()
    at += int(sizes[:taken].sum())
    return at, count + taken, ending


def _walk(
    data: Raw, at: int, end: int, most: int
) -> tuple[Integers, Integers, Integers, Integers, int]:
    """Find events; of each where it begins, its size, where its values begin and how many there
    are, and what ended the run."""
    found: list[tuple[int, int, int, int]] = []
    read_head, read_count = struct.Struct("<III").unpack_from, struct.Struct("<I").unpack_from
    for _ in range(most):
        if end - at < _HEAD:
            ending = _CUT
            break
        size, number, header = read_head(data.data, at)
        count_at = at + 16 + max(4, header)
        if number != ItemType.PARAMETER_DATA or count_at + 4 > at + size:
            ending = _OTHER
            break
        if size > end - at:
            ending = _CUT
            break
        (values,) = read_count(data.data, count_at)
        if count_at + 4 + _VALUE * values > at + size:
            ending = _OTHER
            break
        found.append((at, size, count_at + 4, values))
        at += size
    else:
        ending = _FULL
    table = np.array(found, np.int64).reshape(-1, 4)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3], ending


def _rows_numpy(file_ids: Integers, dense: Integers, ids: Integers, rows: Integers) -> Integers:
    """Return the rows of ids; -1 of unknown ones."""
    row = np.full(len(file_ids), -1, np.int64)
    is_small = file_ids < len(dense)
    row[is_small] = dense[file_ids[is_small]]
    if len(ids):
        place = np.minimum(np.searchsorted(ids, file_ids), len(ids) - 1)
        is_there = ~is_small & (ids[place] == file_ids)
        row[is_there] = rows[place[is_there]]
    return row


@compiled
def word(data: Raw, at: np.uint64) -> np.uint64:
    """Return four bytes as a number. Places are unsigned: no index is looked at for a sign, and
    the compiler makes one load of all."""
    return (
        np.uint64(data[at])
        | np.uint64(data[at + _1]) << _8
        | np.uint64(data[at + _2]) << _16
        | np.uint64(data[at + _3]) << _24
    )


@compiled
def _high_row(number: np.int64, ids: Integers, rows: Integers) -> int:
    """Return the row of an id that is searched for; -1: it is not defined."""
    low, high = 0, len(ids)
    while low < high:
        middle = (low + high) // 2
        if ids[middle] < number:
            low = middle + 1
        else:
            high = middle
    if low < len(ids) and ids[low] == number:
        return int(rows[low])
    return -1


@compiled
def _look(data: Raw, at: Integer, end: int) -> tuple[Integer, Integer, Integer]:
    """Look at an item; its size, the number of its values, and where in it they begin.

    Instead of the number it is the ending, less 10, where no whole event begins here.
    """
    if end - at < _HEAD:
        return 0, _CUT - 10, 0
    start = np.uint64(at)
    size = np.int64(word(data, start))
    first = 20 + max(np.int64(4), np.int64(word(data, start + _8)))
    if word(data, start + _4) != _DATA or first > size:
        return size, _OTHER - 10, first
    if size > end - at:
        return size, _CUT - 10, first
    number = np.int64(word(data, start + np.uint64(first) - _4))
    if first + _VALUE * number > size:
        return size, _OTHER - 10, first
    return size, number, first


@compiled
def _take_usual(
    data: Raw,
    at: Integer,
    end: int,
    dense: Integers,
    tile: Bits,
    most: int,
    counted: Integers,
) -> tuple[Integer, int]:
    """Take events from the first column of the tile on, until there are so many, or something is
    unusual about one, of which nothing is left; where that one begins, and how many were taken.

    A call for each event would cost more than to take it: what counts references to arrays is
    done at each.
    """
    # known to the compiler, unlike `itemsize`, which it reads from the array
    is_single = np.uint64(tile.dtype.type(ABSENT64)) != ABSENT64
    absent = ABSENT32 if is_single else ABSENT64
    event, low_ids = 0, np.uint64(len(dense))
    while event < most:
        size, number, first = _look(data, at, end)
        if number < 0 or first + _VALUE * number != size:
            break
        column, place, left, inexact = np.uint64(event), np.uint64(at + first), number, 0
        while left > 0:
            file_id = word(data, place)
            if file_id >= low_ids:
                break
            row = dense[file_id]
            bits = np.uint64(word(data, place + _4) | word(data, place + _8) << _32)
            value = bits.view(np.float64)
            single = np.float32(value)
            is_exact = np.float64(single) == value
            cell = np.uint64(row)  # without a sign that would be looked at
            if row < 0 or not (is_exact if is_single else value == value):
                break
            if tile[cell, column] != absent:
                break
            tile[cell, column] = single.view(np.uint32) if is_single else bits
            inexact += not is_exact
            place += np.uint64(_VALUE)
            left -= 1
        if left > 0:
            for row in range(tile.shape[0]):
                tile[row, column] = absent
            break
        counted[_VALUES] += number
        counted[_WIDE] += inexact
        at += size
        event += 1
    return at, event


@compiled
def _take(
    data: Raw,
    at: Integer,
    number: Integer,
    dense: Integers,
    ids: Integers,
    rows: Integers,
    tile: Bits,
    event: int,
) -> tuple[int, int, int]:
    """Take the values of an event; how many are unknown, repeated, and not exact in float32.

    The first that is not exact ends it where the tile has float32.
    """
    is_single = np.uint64(tile.dtype.type(ABSENT64)) != ABSENT64
    absent = ABSENT32 if is_single else ABSENT64
    column = np.uint64(event)
    place = np.uint64(at)
    unknown = repeated = inexact = 0
    for _ in range(number):
        file_id = word(data, place)
        if file_id < np.uint64(len(dense)):
            row = dense[file_id]
        else:
            row = _high_row(np.int64(file_id), ids, rows)
        bits = np.uint64(word(data, place + _4) | word(data, place + _8) << _32)
        place += np.uint64(_VALUE)
        if row < 0:
            unknown += 1
            continue
        value = bits.view(np.float64)
        single = np.float32(value)
        is_nan = value != value
        if np.float64(single) != value and not is_nan:
            inexact += 1
            if is_single:
                break
        cell = np.uint64(row)  # without a sign that would be looked at
        if tile[cell, column] != absent:
            repeated += 1
        if is_single:
            tile[cell, column] = _NAN32 if is_nan else np.float32(single).view(np.uint32)
        else:
            tile[cell, column] = _NAN64 if is_nan else bits
    return unknown, repeated, inexact


@compiled
def _take_any(
    data: Raw,
    at: Integer,
    end: int,
    dense: Integers,
    ids: Integers,
    rows: Integers,
    tile: Bits,
    event: int,
    counted: Integers,
) -> tuple[Integer, Integer]:
    """Take one event, whatever it is like; its size, or zero, and the ending."""
    size, number, first = _look(data, at, end)
    if number < 0:
        return 0, number + 10
    unknown, repeated, inexact = _take(data, at + first, number, dense, ids, rows, tile, event)
    if inexact and tile.itemsize == 4:
        return 0, _INEXACT
    counted[_VALUES] += number
    counted[_UNKNOWN] += unknown
    counted[_REPEATED] += repeated
    counted[_WIDE] += inexact
    if first + _VALUE * number < size:
        counted[_TRAILING] += 1
    return size, _FULL


@compiled
def _clear(tile: Bits) -> None:
    """Make all values of a tile absent."""
    absent = ABSENT32 if np.uint64(tile.dtype.type(ABSENT64)) != ABSENT64 else ABSENT64
    for row in range(tile.shape[0]):
        line = tile[row]
        for event in range(line.size):
            line[event] = absent


@compiled
def _flush(tile: Bits, events: int, columns: Bits, count: int) -> None:
    """Copy events of a tile to the columns."""
    for row in range(columns.shape[0]):
        line, there = tile[row, :events], columns[row, count : count + events]
        for event in range(events):
            there[event] = line[event]


@compiled_or(scatter_numpy)
def scatter(
    data: Raw,
    at: int,
    end: int,
    dense: Integers,
    ids: Integers,
    rows: Integers,
    columns: Bits,
    tile: Bits,
    count: int,
    counted: Integers,
) -> tuple[int, int, int]:
    """Scatter consecutive event items into columns.

    Args:
        data: Bytes.
        at: Where in them an item begins.
        end: Where they end.
        dense: Row of each id of a file, -1 of one that is not defined, for the lower ids.
        ids: Higher ids, sorted.
        rows: Rows of them.
        columns: Shape (rows, events); bits of float64, or of float32.
        tile: Room for `TILE_EVENTS` events; shape (rows, events).
        count: Events that the columns have already.
        counted: What is counted goes here, at the places of `Counted`.

    Returns:
        Where the first item begins that was not taken, the number of events that the columns have
        now, and an `RunEnding`.
    """
    capacity, tiled = columns.shape[1], 0
    place: Integer = at
    ending: Integer = _FULL
    _clear(tile)
    while count + tiled < capacity:
        if tiled == 0:
            most = min(TILE_EVENTS, capacity - count)
            place, tiled = _take_usual(data, place, end, dense, tile, most, counted)
        if tiled < TILE_EVENTS and count + tiled < capacity:
            size, ending = _take_any(data, place, end, dense, ids, rows, tile, tiled, counted)
            if size == 0:
                break
            place += size
            tiled += 1
        if tiled == TILE_EVENTS:
            _flush(tile, tiled, columns, count)
            _clear(tile)
            count += tiled
            tiled = 0
    _flush(tile, tiled, columns, count)
    return int(place), count + tiled, int(ending)
