"""Filling of all spectra from blocks of events: a plan, made once, and threads that share it out.

A spectrum is filled by one thread at a time, and a gate evaluated once a block for all that use it.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from graphlib import TopologicalSorter
from threading import RLock
from typing import TypeAlias

from groundwork.closing import Closing
from histogrammer.contents import Contents
from histogrammer.events.blocks import EventBlock
from histogrammer.fallback import Numbers
from histogrammer.fillplan import (
    AT_ONCE,
    Columns,
    CountingPart,
    PartialFill,
    Times,
    Together,
    parts,
)
from histogrammer.flavors import RUSTOGRAMER, Flavor
from histogrammer.gates.condition import Condition, Truth
from histogrammer.gates.conditions import BlockTruths
from histogrammer.gates.folds import fold_counts, is_fold
from histogrammer.kernels import numbers_of
from histogrammer.spectra.definition import Definition
from histogrammer.workers import Job, Workers

__all__ = ["FilledSpectrum", "Filler", "default_threads"]

NO_LOCK = nullcontext()
MAX_THREADS = 4
"""More wait for memory, and the reader and the REST server want cores, too."""

SHORT = 4.0
"""Passes over a column of a spectrum that waits for its turn among others."""

TRUTH_BYTES = 5
"""Of an event for which a gate is true: its truth, and its number."""

MAX_TRUTH_BYTES = 1 << 29
"""Of all gates that are used. With more than 6553 of them a block of 16384 events is cut."""


@dataclass(frozen=True, slots=True)
class FilledSpectrum:
    """A spectrum as it is filled.

    Attributes:
        definition: Its definition.
        contents: Its contents, of the shape of its definition.
        gate: Name of a condition; None: ungated. Of one that does not exist nothing is filled.
        fold: Name of a condition; None: not folded. One that does not exist has no effect.
    """

    definition: Definition
    contents: Contents
    gate: str | None = None
    fold: str | None = None


def default_threads() -> int:
    """Return the number of threads for this process: of its cores, at most `MAX_THREADS`."""
    return min(len(os.sched_getaffinity(0)), MAX_THREADS)


class Filler(Closing):
    """Fills spectra. One caller at a time; he may change definitions between blocks only.

    Args:
        threads: Threads that share out the spectra, the caller's among them.
        compiled: Use numba, where it is installed; else numpy and boost-histogram.
        flavor: Its rule for folds holds.
    """

    def __init__(
        self, *, threads: int | None = None, compiled: bool = True, flavor: Flavor = RUSTOGRAMER
    ) -> None:
        self._workers = Workers(default_threads() if threads is None else threads)
        self._compiled, self._flavor = compiled, flavor
        self._spectra: tuple[FilledSpectrum, ...] = ()
        self._conditions: Mapping[str, Condition] = {}
        self._plan: _Plan | None = None

    def define(
        self, spectra: Iterable[FilledSpectrum], conditions: Mapping[str, Condition]
    ) -> None:
        """Take other spectra and conditions. It is cheap: the plan is made with the next block."""
        self._spectra, self._conditions = tuple(spectra), dict(conditions)
        self._plan = None

    def fill(self, block: EventBlock) -> None:
        """Fill all spectra.

        Raises:
            Exception: What a condition raised; spectra without it are filled.
        """
        if not len(block):
            return
        plan = self._plan
        if plan is None or plan.rows != block.rows:
            plan = self._plan = _Plan(
                block.rows, list(self._planned(block.rows)), self._conditions, self._workers.threads
            )
        most = max(1, MAX_TRUTH_BYTES // (TRUTH_BYTES * max(1, len(plan.locks))))
        errors: list[Exception] = []
        for start in range(0, len(block), most):
            piece = block if len(block) <= most else block.part(start, start + most)
            try:
                self._fill(plan, piece)
            except Exception as error:  # raised when all that can be filled is
                errors.append(error)
        if errors:
            raise errors[0]

    def _fill(self, plan: _Plan, block: EventBlock) -> None:
        truths = _SharedTruths(self._conditions, block, plan.locks, self._numbers_of)
        self._workers.run(plan.jobs(Columns.of(block), truths))

    def _numbers_of(self, truth: Truth) -> Numbers:
        return (numbers_of.loaded() if self._compiled else numbers_of.fallback)(truth)

    def _planned(self, rows: Mapping[str, int]) -> Iterator[_Planned]:
        for spectrum in self._spectra:
            found = parts(
                spectrum.definition,
                spectrum.contents,
                rows,
                compiled=self._compiled,
                folded=self._folded(spectrum),
            )
            if planned := list(found):
                yield spectrum.gate, planned

    def _folded(self, spectrum: FilledSpectrum) -> Times | None:
        fold = self._conditions.get(spectrum.fold or "")
        if spectrum.fold is None or not is_fold(fold):
            return None
        return partial(fold_counts, fold, spectrum.definition, rule=self._flavor.folds)

    def close(self) -> None:
        """End the threads. Blocks are then filled by the caller's."""
        self._workers.close()


_Planned: TypeAlias = tuple[str | None, Sequence[PartialFill]]
"""Gate of a spectrum, and the parts of it that blocks fill."""


class _Stage(IntEnum):
    """Order of tasks. What is ungated comes before what needs gates, so that those are ready."""

    GATE = 0
    COMPOUND = 1
    UNGATED = 2
    GATED = 3


@dataclass(slots=True, eq=False)
class _Task:
    """Evaluation of a gate, or what a gate lets fill.

    Attributes:
        stage: Its place.
        gate: Name of the gate; None: ungated.
        what: Spectra that one call fills, parts of one spectrum, or nothing.
        took: Time of it for the last block, s.
    """

    stage: _Stage
    gate: str | None
    what: Together | Sequence[PartialFill] = ()
    took: float = 0.0

    def place(self) -> tuple[_Stage, int]:
        """Return what tells its place among others: what takes twice as long comes before; all
        else as planned, and gates of others after those."""
        return self.stage, 0 if self.stage is _Stage.COMPOUND else -math.frexp(self.took)[1]

    def do(self, columns: Columns, truths: _SharedTruths) -> None:
        """Do it for a block."""
        begun = time.perf_counter()
        if isinstance(self.what, Together):
            self.what.fill(columns, None if self.gate is None else truths(self.gate))
        elif not self.what:
            truths(self.gate or "")
        else:
            events = None if self.gate is None else truths.events(self.gate)
            if events is None or len(events):
                for part in self.what:
                    part.fill(columns, events)
        self.took = time.perf_counter() - begun


class _Plan:
    """Spectra and gates that blocks with certain parameters fill.

    Args:
        rows: Names of the parameters -> their rows.
        spectra: Those that are filled.
        conditions: Name -> condition.
        threads: Threads that share them out.
    """

    def __init__(
        self,
        rows: Mapping[str, int],
        spectra: Sequence[_Planned],
        conditions: Mapping[str, Condition],
        threads: int,
    ) -> None:
        self.rows, self._threads = dict(rows), threads
        gates = _in_order({gate for gate, _ in spectra if gate is not None}, conditions)
        self.locks = {gate: RLock() for gate in gates}
        self._tasks = [
            *(
                _Task(_Stage.COMPOUND if conditions[gate].gates else _Stage.GATE, gate)
                for gate in gates
            ),
            *_grouped(spectra, threads),
        ]
        self._tasks.sort(key=lambda task: task.stage)

    def jobs(self, columns: Columns, truths: _SharedTruths) -> Iterator[Job]:
        """Return the jobs for a block. Threads get ready together if what takes long comes before
        what fills the gaps."""
        if self._threads > 1:
            self._tasks.sort(key=_Task.place)
        return (partial(task.do, columns, truths) for task in self._tasks)


def _grouped(spectra: Iterable[_Planned], threads: int) -> Iterator[_Task]:
    """Yield the tasks of spectra, long ones first. Those that one call can fill are together if
    they have the same gate, with neighbouring columns, which are in the cache then."""
    alone: list[_Planned] = []
    together: dict[str | None, list[CountingPart]] = {}
    for gate, parts_ in spectra:
        match parts_:
            case [CountingPart(together=function) as part] if function and part.cost <= SHORT:
                together.setdefault(gate, []).append(part)
            case _:
                alone.append((gate, parts_))
    alone.sort(key=lambda item: -sum(part.cost for part in item[1]))
    for gate, parts_ in alone:
        yield _Task(_stage(gate), gate, parts_)
    most = AT_ONCE
    if threads > 1:
        most = min(most, max(1, sum(map(len, together.values())) // (4 * threads)))
    for gate, some in together.items():
        some.sort(key=lambda part: part.row)
        for start in range(0, len(some), most):
            group = some[start : start + most]
            one_call = Together(group, gated=gate is not None) if len(group) > 1 else None
            yield _Task(_stage(gate), gate, one_call or group)


def _stage(gate: str | None) -> _Stage:
    return _Stage.UNGATED if gate is None else _Stage.GATED


def _in_order(wanted: set[str], conditions: Mapping[str, Condition]) -> list[str]:
    """Return gates and all that they are made of, each after its parts, simple ones first."""
    graph, seen = TopologicalSorter[str](), set(wanted)
    while wanted:
        name = wanted.pop()
        if name in conditions:
            made_of = [part for part in conditions[name].gates if part in conditions]
            graph.add(name, *made_of)
            wanted |= set(made_of) - seen
            seen |= wanted
    return sorted(graph.static_order(), key=lambda name: bool(conditions[name].gates))


class _SharedTruths(BlockTruths):
    """Truths that several threads ask for: each is made by the first of them, and others wait."""

    def __init__(
        self,
        conditions: Mapping[str, Condition],
        block: EventBlock,
        locks: Mapping[str, RLock],
        numbers_of: Callable[[Truth], Numbers],
    ) -> None:
        super().__init__(conditions, block)
        self._locks, self._numbers_of = locks, numbers_of
        self._events: dict[str, Numbers | None] = {}

    def events(self, name: str) -> Numbers | None:
        """Return the numbers of the events for which a condition is true; None: it is for all."""
        truth = self(name)
        with self._locks.get(name, NO_LOCK):
            if name not in self._events:
                numbers = self._numbers_of(truth)
                self._events[name] = None if len(numbers) == len(truth) else numbers
        return self._events[name]

    def _make(self, name: str) -> None:
        if name not in self._locks:  # there is no such condition
            super()._make(name)
            return
        with self._locks[name]:
            if name not in self._made:
                for part in self._conditions[name].gates:
                    self(part)
                super()._make(name)
