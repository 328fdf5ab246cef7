"""Parts of files of ring items, cut between items, with the definitions in force where each begins.

A survey steps over the items of a file without decoding them; parts are made of the surveys of all
files, as definitions of one file hold in the next until it has its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from groundwork.closing import Closing
from groundwork.regularfiles import NotRegularError, open_regular, real_path
from histogrammer.errors import RingItemError
from histogrammer.events.itemwalk import Raw, Stretch, stretches
from histogrammer.events.protocol.acquisitionitems import RingFormat, read_acquisition_item
from histogrammer.events.protocol.paramitems import (
    ParameterNames,
    Variable,
    read_definitions,
    read_variables,
)
from histogrammer.events.protocol.ringitems import ItemType, RingItem

__all__ = ["FilePart", "InForce", "SortedFile", "Survey", "are_independent", "parts_of", "survey"]

BUFFER_BYTES = 1 << 20
LOOK_BYTES = 1 << 14
"""Read first of a file of which only the beginning matters."""


@dataclass(frozen=True, slots=True)
class InForce:
    """Whatever items of a source hold for those behind them.

    Attributes:
        definitions: The last ones; None: there were none.
        variables: By name.
        format: Format that the file has told; 0: none.
    """

    definitions: ParameterNames | None = None
    variables: Mapping[str, Variable] = field(default_factory=dict)
    format: int = 0

    def after(self, item: RingItem) -> InForce:
        """Return what holds behind an item that can be read."""
        if item.type == ItemType.PARAMETER_DEFINITIONS:
            return replace(self, definitions=read_definitions(item))
        if item.type == ItemType.VARIABLE_VALUES:
            found = {each.name: each for each in read_variables(item).variables}
            return replace(self, variables={**self.variables, **found})
        if item.type == ItemType.RING_FORMAT:
            try:
                told = read_acquisition_item(item, self.format or item.version)
            except RingItemError:
                return self
            if isinstance(told, RingFormat) and told.major in (11, 12):
                return replace(self, format=told.major)
        return self

    def followed_by(self, later: InForce) -> InForce:
        """Return what holds after items of the next file, or of a part of it."""
        return InForce(
            later.definitions or self.definitions,
            {**self.variables, **later.variables},
            later.format,
        )


@dataclass(frozen=True, slots=True)
class SortedFile:
    """A file to be sorted.

    Attributes:
        name: As it was given, for errors and accounts.
        path: Where it is, on all workers.
        size: Its bytes.
    """

    name: str
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Survey:
    """Places at which a file may be cut.

    Attributes:
        cuts: Byte at which an item begins, and what items of the file before it hold for it.
        end: What holds behind the last good item.
    """

    cuts: tuple[tuple[int, InForce], ...]
    end: InForce


@dataclass(frozen=True, slots=True)
class FilePart:
    """A part of a file.

    Attributes:
        number: Of the file, from 0.
        file: The file.
        start: Byte of its first item.
        stop: Byte behind its last item; None: it goes to the end of the file, whatever is there.
        in_force: What holds for its first item.
    """

    number: int
    file: SortedFile
    start: int
    stop: int | None
    in_force: InForce

    @property
    def size(self) -> int:
        """Its bytes."""
        return max(0, (self.file.size if self.stop is None else self.stop) - self.start)


class _Window(Closing):
    """Bytes of a file that are looked at; it grows for a larger item, as far as its bytes arrive.

    Args:
        path: Of the file.
        size: Bytes that are read at once.

    Attributes:
        position: Byte of the file at which the next item begins.
        seen: Bytes that were read.
    """

    def __init__(self, path: str, size: int) -> None:
        self._file = open_regular(real_path(Path(path)))
        self._data: Raw = np.empty(size, np.uint8)
        self._at = self._end = 0
        self.position = self.seen = 0

    def read(self) -> bool:
        """Read on; False: nothing follows."""
        data, left = self._data, self._end - self._at
        data[:left] = data[self._at : self._end].copy()
        if left == len(data):
            self._data = data = np.concatenate([data, np.empty_like(data)])
        count = os.readv(self._file, [data.data[left:]])
        self._at, self._end = 0, left + count
        self.seen += count
        return count > 0

    def stretches(self, until: int) -> Iterator[Stretch]:
        """Yield whole items that begin before a byte of the file, and step over them."""
        first = self.position - self._at
        for each in stretches(self._data, self._at, self._end, offset=first, until=until - first):
            self._at, self.position = each.stop, first + each.stop
            yield each

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def survey(path: str, every: int, most_bytes: int | None = None) -> Survey:
    """Look for places at which a file may be cut.

    A file that is broken, or cannot be read, is surveyed up to there: who reads it will say so.

    Args:
        path: Of the file.
        every: About so many bytes lie between two places.
        most_bytes: Bytes that are looked at, about; None: all.
    """
    cuts: list[tuple[int, InForce]] = []
    holds = InForce()
    due = every
    try:
        with _Window(path, BUFFER_BYTES) as window:
            while (most_bytes is None or window.position < most_bytes) and window.read():
                while True:
                    for each in window.stretches(due):
                        if each.needed is not None:
                            holds = holds.after(each.needed)
                    if window.position < due:
                        break
                    cuts.append((window.position, holds))
                    due = window.position // every * every + every
    except (NotRegularError, OSError, RingItemError):
        pass
    return Survey(tuple(cuts), holds)


def begins_with_definitions(path: str) -> bool:
    """Tell if a file has definitions of its own before its first event, soon; False, too, if it
    cannot be read."""
    try:
        with _Window(path, LOOK_BYTES) as window:
            while window.seen < BUFFER_BYTES and window.read():
                for each in window.stretches(BUFFER_BYTES):
                    if each.events:
                        return False
                    if each.needed and each.needed.type == ItemType.PARAMETER_DEFINITIONS:
                        return True
    except (NotRegularError, OSError, RingItemError):
        pass
    return False


def are_independent(files: Sequence[SortedFile], *, has_computed: bool) -> bool:
    """Tell if nothing that a file holds matters for the next one.

    Args:
        files: In their order.
        has_computed: Parameters are computed, so that variables matter.
    """
    return not has_computed and all(begins_with_definitions(file.path) for file in files)


def parts_of(
    files: Sequence[SortedFile], surveys: Sequence[Survey], wanted: Callable[[int], int]
) -> list[tuple[FilePart, ...]]:
    """Share files out: parts that follow each other.

    Args:
        files: In their order.
        surveys: Of each.
        wanted: Tells about how many bytes the next share has, by the bytes that are left.
    """
    shares: list[tuple[FilePart, ...]] = []
    share: list[FilePart] = []
    before = InForce()
    left = sum(file.size for file in files)
    most, size = wanted(left), 0
    for number, (file, seen) in enumerate(zip(files, surveys, strict=True)):
        begins = [(0, InForce()), *((at, told) for at, told in seen.cuts if at < file.size)]
        stops = [*(at for at, _ in begins[1:]), None]
        for (start, told), stop in zip(begins, stops, strict=True):
            size += FilePart(number, file, start, stop, told).size
            if share and share[-1].number == number:
                share[-1] = replace(share[-1], stop=stop)
            else:
                share.append(FilePart(number, file, start, stop, before.followed_by(told)))
            if size >= most:
                shares.append(tuple(share))
                left -= size
                share, most, size = [], wanted(left), 0
        before = before.followed_by(seen.end)
    return [*shares, tuple(share)] if share else shares
