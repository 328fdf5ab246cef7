"""Filling of spectra, of boost-histogram on the same events in the same process, one thread.

(a) is one 1-D spectrum of 4096 bins; (b) 32 of them and 16 2-D ones of 256 x 256, of 32 parameters
that 60 % of the events have; (c) the same with 8 gates: slices, contours of 10 corners, compounds.
The floor takes the events as columns of float64, the values that are there, which it finds out
itself, and of (c) those for which numpy says that the gate is true. Ours takes them as columns, as
tables of events, or as the ring items of a file, and reads and transposes as much as that needs.

Two threads are compared with one, and decoding ring items with reading their bytes from a file.
"""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import boost_histogram as bh
import numpy as np
import numpy.typing as npt

from benchmarks.floors import cores, in_pinned_process
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from histogrammer.axes import Axis
from histogrammer.contents import Contents
from histogrammer.events.blocks import ABSENT32, ABSENT64, BLOCK_EVENTS, EventBlock, Values
from histogrammer.events.decoder import BUFFER_BYTES, Decoder
from histogrammer.events.protocol.paramitems import ParameterNames, write_definitions, write_events
from histogrammer.events.protocol.ringitems import write_item
from histogrammer.events.tables import block_of_table
from histogrammer.filling import FilledSpectrum, Filler
from histogrammer.flavors import RUSTOGRAMER
from histogrammer.gates import KINDS as GATE_KINDS
from histogrammer.gates.condition import Condition, Context, Given
from histogrammer.spectra import KINDS

PARAMETERS, OCCUPANCY, BLOCKS = 32, 0.6, 8
NAMES = tuple(f"p{number:02}" for number in range(PARAMETERS))
RANGE = 4096.0
REPEATS = 12
UNIT = "Mevents/s"
FLOOR, OURS = "floor", "ours"

Columns: TypeAlias = npt.NDArray[np.float64]
Masks: TypeAlias = npt.NDArray[np.bool_]
Work: TypeAlias = Callable[[int], object]
"""Fills from one of the blocks, by its number."""

GATES = tuple(f"g{number}" for number in range(8))
LIMITS = ((500.0, 3000.0), (1000.0, 3500.0), (200.0, 2500.0))


def events() -> list[Columns]:
    """Return blocks of events; absent values have their own bits."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(BLOCKS):
        columns = rng.uniform(0, RANGE, (PARAMETERS, BLOCK_EVENTS)).astype(np.float32)
        block = columns.astype(np.float64)
        block.view(np.uint64)[rng.uniform(size=block.shape) >= OCCUPANCY] = ABSENT64
        found.append(block)
    return found


def corners(number: int) -> tuple[Columns, Columns]:
    """Return the ten corners of a contour, x and y."""
    turns = np.linspace(0, 2 * np.pi, 10, endpoint=False) + number
    radius = np.where(np.arange(10) % 2, 900.0, 1700.0)
    return RANGE / 2 + radius * np.cos(turns), RANGE / 2 + radius * np.sin(turns)


def conditions() -> dict[str, Condition]:
    """Return the gates of (c)."""
    found: dict[str, Condition] = {}
    context = Context(flavor=RUSTOGRAMER, parameters=NAMES, conditions=found)
    for number, (low, high) in enumerate(LIMITS):
        given = Given(parameters=(NAMES[number],), low=low, high=high)
        found[GATES[number]] = GATE_KINDS["s"].create(given, context)
    for number in (3, 4, 5):
        x, y = corners(number)
        given = Given(
            x_parameter=NAMES[number],
            y_parameter=NAMES[number + 3],
            x_coordinates=tuple(x.tolist()),
            y_coordinates=tuple(y.tolist()),
        )
        found[GATES[number]] = GATE_KINDS["c"].create(given, context)
    found[GATES[6]] = GATE_KINDS["*"].create(Given(gates=(GATES[0], GATES[3])), context)
    found[GATES[7]] = GATE_KINDS["+"].create(Given(gates=(GATES[1], GATES[4])), context)
    return found


def truths_by_numpy(block: Columns) -> list[Masks]:
    """Return the truths of the same gates."""
    found = [(low <= block[n]) & (block[n] <= high) for n, (low, high) in enumerate(LIMITS)]
    for number in (3, 4, 5):
        x, y = block[number], block[number + 3]
        inside = np.zeros(len(x), bool)
        ends = list(zip(*corners(number), strict=True))
        for (x0, y0), (x1, y1) in itertools.pairwise([*ends, ends[0]]):
            inside ^= ((y0 <= y) != (y1 <= y)) & (x <= x0 + (y - y0) * (x1 - x0) / (y1 - y0))
        found.append(inside)
    return [*found, found[0] & found[3], found[1] | found[4]]


def spectra(gates: Sequence[str | None]) -> list[FilledSpectrum]:
    """Return the spectra of (b), each with the next of some gates."""
    line, side = Axis(0, RANGE, 4096), Axis(0, RANGE, 256)
    made = [KINDS["1"].define(name, [[name]], [line]) for name in NAMES]
    made += [
        KINDS["2"].define(f"{x} {y}", [[x], [y]], [side, side])
        for x, y in zip(NAMES[::2], NAMES[1::2], strict=True)
    ]
    each = zip(made, itertools.cycle(gates))
    return [FilledSpectrum(one, Contents.zeros(one.shape), gate) for one, gate in each]


class BoostHistogram:
    """The floor."""

    def __init__(self, blocks: Sequence[Columns], *, gated: bool) -> None:
        self._blocks, self._gated = blocks, gated
        line, side = bh.axis.Regular(4096, 0, RANGE), bh.axis.Regular(256, 0, RANGE)
        self._lines = [bh.Histogram(line) for _ in NAMES]
        self._maps = [bh.Histogram(side, side) for _ in NAMES[::2]]

    def fill(self, number: int) -> None:
        """Fill from a block."""
        block = self._blocks[number]
        present = ~np.isnan(block)
        truths = truths_by_numpy(block) if self._gated else None
        for row, line in enumerate(self._lines):
            mask = present[row] if truths is None else present[row] & truths[row % len(GATES)]
            line.fill(block[row, mask])
        for row, map_ in enumerate(self._maps):
            x, y = 2 * row, 2 * row + 1
            mask = present[x] & present[y]
            if truths is not None:
                mask &= truths[row % len(GATES)]
            map_.fill(block[x, mask], block[y, mask])

    def counts(self) -> list[float]:
        """Return the counts of all spectra."""
        return [float(each.sum(flow=True)) for each in [*self._lines, *self._maps]]


def ring_bytes(block: Columns) -> bytes:
    """Return the events of a block as items of a file."""
    present = ~np.isnan(block.T)
    ids = np.broadcast_to(np.arange(PARAMETERS), present.shape)[present]
    return write_events(np.arange(len(present)), present.sum(axis=1), ids, block.T[present])


class Decoding:
    """Ring items as blocks of float32 columns."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces, self._decoder = pieces, Decoder()
        names = ParameterNames(tuple(enumerate(NAMES)))
        list(self._blocks(write_item(write_definitions(names))))

    def _blocks(self, data: bytes | memoryview) -> Iterator[EventBlock]:
        data = memoryview(data)
        while data:
            room = self._decoder.room()
            size = min(len(room), len(data))
            room[:size] = data[:size]
            self._decoder.filled(size)
            data = data[size:]
            for part in self._decoder.parts():
                if isinstance(part, EventBlock):
                    yield part

    def blocks(self, number: int) -> Iterator[EventBlock]:
        """Yield the block of a piece."""
        return self._blocks(self._pieces[number])


def single(block: Columns) -> npt.NDArray[np.float32]:
    """Return the same in float32."""
    found = block.astype(np.float32)
    found.view(np.uint32)[np.isnan(block)] = ABSENT32
    return found


class Ours:
    """Our spectra, and ways to fill them.

    Args:
        blocks: Events.
        gated: Each spectrum has a gate.
        threads: Threads that fill.
    """

    def __init__(self, blocks: Sequence[Columns], *, gated: bool, threads: int = 1) -> None:
        self._spectra = spectra(GATES if gated else (None,))
        self._filler = Filler(threads=threads)
        self._filler.define(self._spectra, conditions() if gated else {})
        self._blocks = blocks

    def by_columns(self) -> Work:
        """Return filling from columns of float32."""
        rows = {name: row for row, name in enumerate(NAMES)}
        found = [EventBlock(rows, single(block)) for block in self._blocks]
        return lambda number: self._filler.fill(found[number])

    def by_tables(self, dtype: npt.DTypeLike) -> Work:
        """Return filling from tables of events."""
        found: Iterator[Values] = (
            single(block) if dtype == np.float32 else block for block in self._blocks
        )
        tables = [block.T.copy() for block in found]
        return lambda number: self._filler.fill(block_of_table(NAMES, tables[number]))

    def by_ring_items(self) -> Work:
        """Return filling from ring items."""
        decoding = Decoding([ring_bytes(block) for block in self._blocks])

        def fill(number: int) -> None:
            for block in decoding.blocks(number):
                self._filler.fill(block)

        return fill

    def counts(self) -> list[float]:
        """Return the counts of all spectra."""
        return [float(spectrum.contents.cells.sum()) for spectrum in self._spectra]

    def close(self) -> None:
        """End the threads."""
        self._filler.close()


Seconds: TypeAlias = dict[str, list[float]]


def in_turns(works: Mapping[str, Work], effort: Effort) -> Seconds:
    """Return the times of all blocks, by each work in turn, s."""
    found: Seconds = {name: [] for name in works}
    for repeat in range(REPEATS + 1):
        for name, work in works.items():
            begun = time.perf_counter()
            for number in range(BLOCKS):
                work(number)
            found[name].append(time.perf_counter() - begun)
        if repeat:
            effort.pass_on()
    return {name: times[1:] for name, times in found.items()}  # the first one compiles


def row(
    what: str,
    seconds: Seconds,
    name: str,
    must: float | None,
    aim: float | None,
    *,
    floor: str = FLOOR,
    amount: float = BLOCKS * BLOCK_EVENTS / 1e6,
    unit: str = UNIT,
) -> Row:
    """Return the row of a work: a rate, and its ratio to that of the floor."""
    ours, floors = seconds[name], seconds.get(floor)
    if floors is None:
        return Row(what, None, amount / statistics.median(ours), None, must, aim, unit)
    ratios = [theirs / own for theirs, own in zip(floors, ours, strict=True)]
    rates = amount / statistics.median(floors), amount / statistics.median(ours)
    return Row(what, *rates, statistics.median(ratios), must, aim, unit)


def check(floor: BoostHistogram, ours: Iterable[Ours]) -> None:
    """Check that all have counted the same from a block.

    Raises:
        RuntimeError: They have not.
    """
    floor.fill(0)
    for each in ours:
        each.by_columns()(0)
        if each.counts() != floor.counts():
            raise RuntimeError("the spectra of floor and ours differ")


def _one_line(effort: Effort) -> Seconds:
    rng = np.random.default_rng(2)
    blocks = [rng.uniform(0, RANGE, (1, BLOCK_EVENTS)) for _ in range(BLOCKS)]
    line = bh.Histogram(bh.axis.Regular(4096, 0, RANGE))
    one = spectra([None])[0]
    found = [EventBlock({NAMES[0]: 0}, single(block)) for block in blocks]
    with Filler(threads=1) as filler:
        filler.define([one], {})
        works: dict[str, Work] = {OURS: lambda number: filler.fill(found[number])}
        if effort.floors:
            works[FLOOR] = lambda number: line.fill(blocks[number][0])
        return in_turns(works, effort)


def _all_spectra(effort: Effort, gated: bool) -> Seconds:
    blocks = events()
    floor, ours = BoostHistogram(blocks, gated=gated), Ours(blocks, gated=gated)
    check(floor, [ours])
    works: dict[str, Work] = {FLOOR: floor.fill} if effort.floors else {}
    works["columns"] = ours.by_columns()
    works["ring items"] = ours.by_ring_items()
    if not gated:
        works["float32"] = ours.by_tables(np.float32)
        works["float64"] = ours.by_tables(np.float64)
    return in_turns(works, effort)


def _two_threads(effort: Effort, gated: bool, both: Sequence[int]) -> Seconds:
    os.sched_setaffinity(0, both)
    blocks = events()
    one, two = (Ours(blocks, gated=gated, threads=threads) for threads in (1, 2))
    check(BoostHistogram(blocks, gated=gated), [one, two])
    works = {OURS: two.by_columns()}
    if effort.floors:
        works[FLOOR] = one.by_columns()
    seconds = in_turns(works, effort)
    two.close()
    return seconds


def _reading(effort: Effort) -> tuple[Seconds, float]:
    pieces = [ring_bytes(block) for block in events()]
    decoding, buffer = Decoding(pieces), bytearray(BUFFER_BYTES)
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(b"".join(pieces))

        def read(number: int) -> None:
            file.seek(sum(map(len, pieces[:number])))
            for _ in range(0, len(pieces[number]), len(buffer)):
                file.readinto(buffer)

        works: dict[str, Work] = {OURS: lambda number: list(decoding.blocks(number))}
        if effort.floors:
            works[FLOOR] = read
        return in_turns(works, effort), sum(map(len, pieces)) / 1e6


def _one(effort: Effort) -> list[Row]:
    seconds = in_pinned_process(cores()[0], _one_line, effort)
    what = "one 1-d spectrum of 4096 bins, columns of float32"
    return [row(what, seconds, OURS, 2.0, 2.7, unit="Mvalues/s")]


def _many(effort: Effort) -> list[Row]:
    seconds = in_pinned_process(cores()[0], _all_spectra, effort, False)
    what = "32 1-d and 16 2-d spectra"
    return [
        row(f"{what}, columns of float32", seconds, "columns", 6, 8.5),
        row(f"{what}, tables of float32", seconds, "float32", 4.5, 6),
        row(f"{what}, tables of float64", seconds, "float64", 3.5, 4.7),
        row(f"{what}, ring items", seconds, "ring items", 3, 4),
    ]


def _gated(effort: Effort) -> list[Row]:
    seconds = in_pinned_process(cores()[0], _all_spectra, effort, True)
    what = "the same with 8 gates"
    return [
        row(f"{what}, columns of float32", seconds, "columns", 4.5, 5.7),
        row(f"{what}, ring items", seconds, "ring items", 2.3, 3),
    ]


def _threads(effort: Effort) -> list[Row]:
    both = cores()[:2]
    if len(both) < 2:
        return []
    found = []
    for gated, must, aim in ((False, 1.6, 2.0), (True, 1.3, 1.8)):
        seconds = in_pinned_process(both[0], _two_threads, effort, gated, both)
        what = f"48 spectra{' with 8 gates' if gated else ''}, two threads of one"
        found.append(row(what, seconds, OURS, must, aim))
    return found


def _decoding(effort: Effort) -> list[Row]:
    seconds, amount = in_pinned_process(cores()[0], _reading, effort)
    what = "ring items to columns, of reading the file"
    return [row(what, seconds, OURS, None, None, amount=amount, unit="MB/s")]


PARTS: dict[str, Part] = {
    "one": _one,
    "many": _many,
    "gated": _gated,
    "threads": _threads,
    "decoding": _decoding,
}
