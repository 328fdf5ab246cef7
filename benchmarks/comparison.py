"""Programs that do the same, measured in turns in one run, and the figures of several runs."""

from __future__ import annotations

import contextlib
import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.bare import BareClient
from benchmarks.floors import asking, in_pinned_process, serving
from benchmarks.parts import Effort
from benchmarks.rows import Cpu, Row

__all__ = ["Blocks", "Comparison", "Program", "Work", "bare_client", "compare", "cpu_s", "echoed"]

Work = Callable[[], object]
"""One call, or as many as are counted together."""
FLOOR, BARE, OURS = "floor", "bare", "ours"
SCALES = {"us": 1e6, "ms": 1e3, "s": 1.0}


@dataclass(frozen=True, slots=True)
class Program:
    """One of the programs that are compared.

    Attributes:
        serve: Its server, in a process of its own: `serve(connection, *args)`.
        client: Called with the URLs of the servers, joined by blanks; yields what is called over
            and over.
        args: Further arguments of `serve`.
        servers: Number of its server processes.
    """

    serve: Callable[..., None]
    client: Callable[[str], AbstractContextManager[Work]]
    args: tuple[Any, ...] = ()
    servers: int = 1


@dataclass(slots=True)
class Blocks:
    """Figures of a program in one run, s: times of each block's calls, and CPU time of a call."""

    times: list[list[float]] = field(default_factory=list)
    client_cpu: list[float] = field(default_factory=list)
    server_cpu: list[float] = field(default_factory=list)

    def quantiles(self, part: float) -> list[float]:
        """Return a quantile of each block (0.5: p50)."""
        return [_quantile(block, part) for block in self.times]


def _quantile(values: Sequence[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(part * len(ordered)), len(ordered) - 1)]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Figures of all programs.

    Attributes:
        runs: Of each run the blocks of each program: "ours", and "floor" and "bare" if they ran.
    """

    runs: Sequence[Mapping[str, Blocks]]

    def without(self, program: str) -> Comparison:
        """Return the same of the other programs."""
        return Comparison(
            [{name: run[name] for name in run if name != program} for run in self.runs]
        )

    def figure(self, program: str, part: float = 0.5) -> float | None:
        """Return the median over runs and blocks of a quantile, s; None: it did not run."""
        if program not in self.runs[0]:
            return None
        return statistics.median(
            statistics.median(run[program].quantiles(part)) for run in self.runs
        )

    def ratios(self, program: str, part: float = 0.5) -> list[float]:
        """Return ours of a program: of each run the median over the pairs of blocks."""
        if program not in self.runs[0]:
            return []
        return [
            statistics.median(
                ours / other
                for other, ours in zip(
                    run[program].quantiles(part), run[OURS].quantiles(part), strict=True
                )
            )
            for run in self.runs
        ]

    def cpu(self, program: str) -> tuple[float, float] | None:
        """Return the CPU time of a call at client and at server, s."""
        if program not in self.runs[0]:
            return None
        return (
            statistics.median(statistics.median(run[program].client_cpu) for run in self.runs),
            statistics.median(statistics.median(run[program].server_cpu) for run in self.runs),
        )

    def row(
        self,
        what: str,
        must: float | None = None,
        aim: float | None = None,
        *,
        part: float = 0.5,
        unit: str = "us",
        calls: int = 1,
    ) -> Row:
        """Return the row; `must` and `aim` are of the bare design if that ran, else of the floor.

        Args:
            what: Its name.
            must: Worst ratio that is accepted.
            aim: Ratio that it ought to be.
            part: Quantile of a block.
            unit: Of the figures.
            calls: Calls that ours and the bare design make at a time, of one of the floor.
        """
        scale = SCALES[unit]

        def scaled(seconds: float | None, count: int) -> float | None:
            return None if seconds is None else scale * seconds / count

        ours = self.figure(OURS, part)
        to_floor, to_bare = self.ratios(FLOOR, part), self.ratios(BARE, part)
        assert ours is not None
        shown = to_bare or [ratio / calls for ratio in to_floor]
        return Row(
            what,
            scaled(self.figure(FLOOR, part), 1),
            scale * ours / calls,
            statistics.median(to_floor) / calls if to_floor else None,
            must,
            aim,
            unit,
            bare=scaled(self.figure(BARE, part), calls),
            of_bare=statistics.median(to_bare) if to_bare else None,
            spread=(min(shown), max(shown)) if len(shown) > 1 else None,
            cpu=self._cpus(scale / calls) if part == 0.5 else None,
        )

    def _cpus(self, scale: float) -> Cpu:
        ours, bare = self.cpu(OURS), self.cpu(BARE)
        assert ours is not None
        ends = [scale * seconds for seconds in [*ours, *(bare or ())]]
        return Cpu(*ends)


def compare(
    client: int,
    server: int,
    programs: Mapping[str, Program],
    effort: Effort,
    count: int,
    blocks: int = 10,
) -> Comparison:
    """Run programs, each time in processes of their own: in blocks of `count` calls, in turn.

    Args:
        client: Processor of the process that has all clients.
        server: Processor of all servers.
        programs: "ours", and those beside it.
        effort: Number of runs, and whether others than ours run.
        count: Calls in a block.
        blocks: Blocks in a run.
    """
    if not effort.floors:
        programs = {OURS: programs[OURS]}
    return Comparison(
        [_run(client, server, programs, effort, count, blocks) for _ in range(effort.runs)]
    )


_Hosted = tuple[Callable[[str], AbstractContextManager[Work]], str, list[int]]


def _run(
    client: int,
    server: int,
    programs: Mapping[str, Program],
    effort: Effort,
    count: int,
    blocks: int,
) -> dict[str, Blocks]:
    with ExitStack() as stack:
        hosted: dict[str, _Hosted] = {}
        for name, program in programs.items():
            served = stack.enter_context(
                serving(server, program.servers, program.serve, *program.args)
            )
            urls = " ".join(url for url, _ in served)
            hosted[name] = program.client, urls, [process for _, process in served]
        found = in_pinned_process(client, _in_turns, hosted, effort, count, blocks)
        assert isinstance(found, dict)
        return found


def _in_turns(
    hosted: Mapping[str, _Hosted], effort: Effort, count: int, blocks: int
) -> dict[str, Blocks]:
    with ExitStack() as stack:
        works = {
            name: (stack.enter_context(client(urls)), processes)
            for name, (client, urls, processes) in hosted.items()
        }
        for work, _ in works.values():
            _block(work, max(count // 4, 20))
        gc.collect()
        found = {name: Blocks() for name in works}
        for number in range(blocks):
            if number:
                effort.pass_on()
            for name, (work, processes) in works.items():
                into, servers, own = found[name], cpu_s(processes), time.process_time()
                into.times.append(_block(work, count))
                into.client_cpu.append((time.process_time() - own) / count)
                into.server_cpu.append((cpu_s(processes) - servers) / count)
    return found


def _block(work: Work, count: int) -> list[float]:
    clock, times = time.perf_counter, []
    for _ in range(count):
        begun = clock()
        work()
        times.append(clock() - begun)
    return times


def cpu_s(processes: Sequence[int]) -> float:
    """CPU time of processes, s: by the clocks that clock_getcpuclockid(3) names on Linux."""
    return sum(time.clock_gettime((~process << 3) | 2) for process in processes)


@contextlib.contextmanager
def echoed(request: bytes, url: str) -> Iterator[Work]:
    """A client of the floor: one REQ/REP round trip."""
    yield asking(url, request)


@contextlib.contextmanager
def bare_client(method: str, args: tuple[Any, ...], url: str) -> Iterator[Work]:
    """A client of the bare design: `BareClient.<method>(*args)`."""
    client = BareClient(url)
    try:
        call = getattr(client, method)
        yield lambda: call(*args)
    finally:
        client.close()
