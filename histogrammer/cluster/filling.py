"""Tasks of a sort on many workers: histograms of parts of files, and their sums.

A task returns a value, has no side effects, and changes none of its arguments: one that runs twice counts
once. It fills one set of spectra, in the thread that calls it, block by block.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from groundwork.regularfiles import NotRegularError, open_regular, real_path
from histogrammer.analyzer import KEPT, take_variables
from histogrammer.cluster.fileparts import FilePart
from histogrammer.contents import Counts
from histogrammer.definitions import Definitions
from histogrammer.engine import Engine
from histogrammer.errors import EventFileError, RingItemError
from histogrammer.events.accounts import Account
from histogrammer.events.blocks import EventBlock
from histogrammer.events.decoder import Decoder, Part
from histogrammer.events.protocol.paramitems import Variables
from histogrammer.filling import Filler
from histogrammer.flavors import FLAVORS

__all__ = ["Filled", "SortJob", "enter", "fill", "merge"]

Narrow: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class SortJob:
    """Description of a sort, as every worker has it.

    Attributes:
        definitions: Whatever is booked.
        flavor: Name of the program whose rules hold.
        spectra: Names of those that are filled.
    """

    definitions: Definitions
    flavor: str
    spectra: frozenset[str]

    def of_kind(self, letters: str) -> SortJob:
        """Return the same for the spectra of a kind alone."""
        booked = self.definitions.spectra
        kinds = {name for name in self.spectra if booked[name].definition.kind == letters}
        return replace(self, spectra=frozenset(kinds))

    def book(self) -> Engine:
        """Return an engine with these spectra; ConfigError, SpectrumError: they cannot be booked."""
        flavor = FLAVORS[self.flavor]
        engine = Engine(filler=Filler(threads=1, flavor=flavor), flavor=flavor)
        self.definitions.book(engine)
        for name in set(engine.spectra) - self.spectra:
            engine.delete_spectrum(name)
        return engine


@dataclass(frozen=True, slots=True)
class Filled:
    """Histograms of parts of files.

    Attributes:
        cells: Contents by name of the spectrum, in the smallest type that holds them: they travel.
        moved: Bins by which axes of strip charts have moved.
        accounts: What was read, used and left out, by number of the file.
        errors: Why a file was left early, by number of the file.
    """

    cells: Mapping[str, Narrow] = field(default_factory=dict)
    moved: Mapping[str, int] = field(default_factory=dict)
    accounts: Mapping[int, Account] = field(default_factory=dict)
    errors: Mapping[int, str] = field(default_factory=dict)


def fill(
    job: SortJob, parts: Sequence[FilePart], tell: Callable[[str, int, int], object] | None = None
) -> Filled:
    """Fill spectra from parts of files that follow each other.

    Args:
        job: Spectra and rules.
        parts: In order.
        tell: Called after each block with the file, the byte that was reached, and the bytes of
            all parts until now.
    """
    with job.book() as engine:
        decoder = Decoder(kept=KEPT)
        accounts: dict[int, Account] = {}
        errors: dict[int, str] = {}
        _assume(parts[0], decoder, engine)
        before = 0
        for part in parts:
            account = Account(part.file.name, bytes=part.start)
            told = part.in_force.format if part.start else 0
            decoder.begin(account, told)
            try:
                for piece in _pieces(decoder, part):
                    _take(piece, engine)
                    if tell is not None:
                        tell(part.file.name, account.bytes, before + account.bytes - part.start)
            except (RingItemError, NotRegularError, OSError) as error:
                errors[part.number] = _told(part, account, error)
            for block in decoder.flush():
                engine.fill(block)
            account.bytes -= part.start
            before += part.size
            accounts[part.number] = account
        spectra = engine.spectra
        return Filled(
            {name: _narrow(each.contents.cells) for name, each in spectra.items()},
            {name: each.contents.moved for name, each in spectra.items() if each.contents.moved},
            accounts,
            errors,
        )


def merge(some: Sequence[Filled]) -> Filled:
    """Return the sum of histograms of parts that follow each other."""
    accounts: dict[int, Account] = {}
    errors: dict[int, str] = {}
    cells = {}
    for name, first in some[0].cells.items():
        counts = first.astype(np.float64)
        for one in some[1:]:
            counts += one.cells[name]
        cells[name] = _narrow(counts)
    for one in some:
        for number, account in one.accounts.items():
            accounts.setdefault(number, Account(account.source)).add(account)
        errors |= {number: why for number, why in one.errors.items() if number not in errors}
    return Filled(cells, {}, accounts, errors)


def enter(filled: Filled, engine: Engine) -> None:
    """Have spectra of the same definitions hold these contents."""
    for name, counts in filled.cells.items():
        spectrum = engine.spectrum(name)
        spectrum.contents.cells[...] = counts
        spectrum.contents.moved = filled.moved.get(name, 0)
        spectrum.version += 1


def _narrow(counts: Counts) -> Narrow:
    """Return counts in the smallest type that holds all of them."""
    most = counts.max(initial=0.0)
    for kind in (np.uint8, np.uint16, np.uint32):
        if most <= np.iinfo(kind).max:
            narrow: Narrow = counts.astype(kind)
            return narrow if np.array_equal(narrow, counts) else counts
    return counts


def _assume(first: FilePart, decoder: Decoder, engine: Engine) -> None:
    """Have hold what holds for the first part."""
    if first.in_force.definitions is not None:
        decoder.define(first.in_force.definitions)
    take_variables(Variables(tuple(first.in_force.variables.values())), engine)


def _take(piece: Part, engine: Engine) -> None:
    if isinstance(piece, EventBlock):
        engine.fill(piece)
    elif isinstance(piece, Variables):
        take_variables(piece, engine)


def _pieces(decoder: Decoder, part: FilePart) -> Iterator[Part]:
    """Yield blocks and items of a part, but the last block."""
    file = open_regular(real_path(Path(part.file.path)))
    try:
        at = part.start
        while part.stop is None or at < part.stop:
            room = decoder.room()
            count = os.preadv(file, [room if part.stop is None else room[: part.stop - at]], at)
            if not count:
                break
            decoder.filled(count)
            at += count
            yield from decoder.parts()
        decoder.end()
        if part.stop is not None and at < part.stop:
            raise RingItemError(at, "the file became shorter")
    finally:
        os.close(file)


def _told(part: FilePart, account: Account, error: Exception) -> str:
    if isinstance(error, RingItemError):
        return str(EventFileError(part.file.name, error.offset, error.reason))
    reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    return str(EventFileError(part.file.name, account.bytes, reason))
