"""One call to N Players, of N bare REQ/REP round trips made one after the other; wall time.

Ours is `Dealer.outcomes`. Two processes, as for the floor and the bare design: the Dealer's, and
one with a single thread for N servers, each of which has a socket and address of its own
(`floors.side_by_side` says why). One core: both share it; two cores: one each. With a process for
every Player, as on N hosts, but all on the cores of this one, the rows without a "must" show how
much worse the processor's caches make it.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from benchmarks.bare import BareFanOut, bare_player
from benchmarks.comparison import Program, Work, compare
from benchmarks.floors import (
    Echo,
    Served,
    asking,
    cores,
    echo,
    in_pinned_process,
    reply,
    request,
    serving,
    side_by_side,
)
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from benchmarks.subject import player, serve
from dealer import AsyncDealer, Dealer

__all__ = ["PARTS"]

TARGETS = {
    8: ((1.25, 1.12), (0.75, 0.55)),
    64: ((1.20, 1.12), (0.34, 0.28)),
    256: ((1.20, 1.12), (0.33, 0.24)),
    1000: ((1.25, 1.12), (0.34, 0.28)),
}
"""Players -> (must, aim) on one core, of the bare design, and on two, of the floor."""
WORKING = {8: (14.0, None), 64: (18.0, None), 1000: (110.0, 70.0)}
"""Players that take 10 ms each -> (must, aim), ms."""
SPREAD_OVER = 4
"""Processes that have the Players that take 10 ms each."""

CONNECT_WITHIN = 30.0
"""s."""

PORTION = 50
"""Players that begin their threads at a time."""

SILENT = {64: 1.02, 1000: 1.03}
"""Players of which one never answers -> must, s."""


@contextlib.contextmanager
def _asking_each(urls: str) -> Iterator[Work]:
    asks = [asking(url, request("bank.add", 2, 3)) for url in urls.split()]

    def floor() -> None:
        for ask in asks:
            ask()

    yield floor


@contextlib.contextmanager
def _bare_fan_out(urls: str) -> Iterator[Work]:
    client = BareFanOut(urls.split())
    try:
        yield lambda: client.call_each("add", 2, 3)
    finally:
        client.close()


@contextlib.contextmanager
def _fan_out(urls: str) -> Iterator[Work]:
    with _dealer(urls.split()) as dealer:
        yield lambda: dealer.outcomes("add", 2, 3)


def _together(
    client: Callable[[str], contextlib.AbstractContextManager[Work]],
    count: int,
    make: Callable[..., Served],
    *args: Any,
) -> Program:
    return Program(side_by_side, client, (count, make, *args))


def _calls(count: int) -> int:
    return max(2000 // count, 8)


def _one_core(count: int, effort: Effort) -> list[Row]:
    core, (must, aim) = cores()[0], TARGETS[count][0]
    programs = {
        "floor": _together(_asking_each, count, Echo, reply(5)),
        "bare": _together(_bare_fan_out, count, bare_player),
        "ours": _together(_fan_out, count, player),
    }
    times = compare(core, core, programs, effort, _calls(count))
    return [times.row(f"fan-out to {count} Players, one core", must, aim, unit="ms")]


def _two_cores(count: int, effort: Effort) -> list[Row]:
    here, *others = cores()
    if not others:
        return []
    programs = {
        "floor": _together(_asking_each, count, Echo, reply(5)),
        "ours": _together(_fan_out, count, player),
    }
    times = compare(here, others[0], programs, effort.once(), _calls(count), 12)
    return [
        times.row(f"fan-out to {count} Players, two cores", *TARGETS[count][1], unit="ms"),
    ]


def _processes(effort: Effort) -> list[Row]:
    here, *others = cores()
    found, count = [], 64
    for core in [here, *others[:1]]:
        programs = {
            "floor": Program(echo, _asking_each, (reply(5),), count),
            "ours": Program(serve, _fan_out, (), count),
        }
        times = compare(here, core, programs, effort.once(), _calls(count), 12)
        where = "one core" if core == here else "two cores"
        what = f"fan-out to {count} Players, {where}, a process each"
        found.append(times.row(what, unit="ms"))
    return found


@contextlib.contextmanager
def _side_by_side(
    core: int, count: int, make: Callable[..., Served], *args: Any, processes: int = 1
) -> Iterator[list[str]]:
    """Servers that run meanwhile: their URLs."""
    share = count // processes
    with serving(core, processes, side_by_side, share, make, *args) as served:
        yield [url for urls, _ in served for url in urls.split()]


def _asyncio(_effort: Effort) -> list[Row]:
    here, found = cores()[0], []
    for count in (8, 64):
        with _side_by_side(here, count, player) as urls:
            one, other = in_pinned_process(here, _both_dealers, urls)
        what = f"AsyncDealer, fan-out to {count} Players, one core, of a Dealer's"
        found.append(Row(what, 1e3 * one, 1e3 * other, other / one, None, 1.3, "ms"))
    return found


def _working(count: int, effort: Effort) -> list[Row]:
    here, last, taken = cores()[0], cores()[-1], []
    for _ in range(effort.runs):
        with _side_by_side(last, count, player, 0.010, processes=SPREAD_OVER) as urls:
            taken.append(1e3 * in_pinned_process(here, _work, urls))
    return [
        Row(
            f"{count} Players that take 10 ms each, in {SPREAD_OVER} processes",
            None,
            statistics.median(taken),
            None,
            *WORKING[count],
            "ms",
            spread=(min(taken), max(taken)) if len(taken) > 1 else None,
        )
    ]


def _silent(count: int, _effort: Effort) -> list[Row]:
    here, last = cores()[0], cores()[-1]
    with (
        _side_by_side(last, 1, player, 30.0) as silent,
        _side_by_side(last, count - 1, player) as quick,
    ):
        taken = in_pinned_process(here, _until_deadline, silent + quick)
    what = f"one of {count} never answers, deadline 1 s"
    return [Row(what, None, taken, None, SILENT[count], 1.005, "s")]


def _dealer(urls: list[str]) -> Dealer:
    """A Dealer all of whose Players are active and connected."""
    dealer = Dealer({f"BANK{n}": url for n, url in enumerate(urls)})
    dealer.add_active_player(*dealer.available_players)
    failed: dict[str, object] = dict.fromkeys(dealer.players)
    end = time.monotonic() + CONNECT_WITHIN
    while (
        failed and time.monotonic() < end
    ):  # a thousand at once do not all get through within a Player's time-out
        tried = dealer.outcomes("add", 1, 1, _timeout=CONNECT_WITHIN, _banks=list(failed))
        failed = {bank: o.error for bank, o in tried.items() if o.error is not None}
    if failed:
        bank, error = failed.popitem()
        raise RuntimeError(
            f"{1 + len(failed)} of {len(urls)} are not connected, among them {bank}: {error}"
        )
    return dealer


def _both_dealers(urls: list[str]) -> tuple[float, float]:
    """Medians of a fan-out by a Dealer and by an AsyncDealer, s; in turns of 20."""
    blocking: list[float] = []
    awaited: list[float] = []

    async def measure() -> None:
        async with AsyncDealer({f"BANK{n}": url for n, url in enumerate(urls)}) as later:
            later.add_active_player(*later.available_players)
            await later.outcomes("add", 1, 1, _timeout=30)
            for _ in range(max(100 // len(urls), 10)):
                for _ in range(20):
                    begun = time.perf_counter()
                    dealer.outcomes("add", 2, 3)
                    blocking.append(time.perf_counter() - begun)
                for _ in range(20):
                    begun = time.perf_counter()
                    await later.outcomes("add", 2, 3)
                    awaited.append(time.perf_counter() - begun)

    with _dealer(urls) as dealer:
        asyncio.run(measure())
    return statistics.median(blocking), statistics.median(awaited)


def _begin_queues(dealer: Dealer, banks: list[str]) -> None:
    """Have Players carry out their first command, by which each begins a thread; some at a time.

    A thousand threads that begin at once in one process leave ZeroMQ's own no time to say that it
    is alive.
    """
    for n in range(0, len(banks), PORTION):
        dealer.outcomes("work", _timeout=CONNECT_WITHIN, _banks=banks[n : n + PORTION])


def _work(urls: list[str]) -> float:
    with _dealer(urls) as dealer:
        _begin_queues(dealer, list(dealer.players))
        taken = []
        for _ in range(20):
            begun = time.perf_counter()
            outcomes = dealer.outcomes("work", _timeout=30)
            taken.append(time.perf_counter() - begun)
            failed = [str(o.error) for o in outcomes.values() if not o.ok]
            if failed:
                raise RuntimeError(
                    f"{len(failed)} of {len(urls)} Players did not answer; the first: {failed[0]}"
                )
    return statistics.median(taken)


def _until_deadline(urls: list[str]) -> float:
    """Time of a call with a deadline of 1 s that all servers but the first answer."""
    taken = []
    with _dealer(urls) as dealer:
        _begin_queues(dealer, list(dealer.players)[1:])
        for _ in range(3):
            begun = time.perf_counter()
            outcomes = dealer.outcomes("work", _timeout=1.0)
            taken.append(time.perf_counter() - begun)
            late = [bank for bank, o in outcomes.items() if not o.ok]
            if late != ["BANK0"]:
                raise RuntimeError(
                    f"{len(late)} of {len(urls)} were late, not BANK0 alone: {late[:3]} ..."
                )
    return statistics.median(taken)


PARTS: dict[str, Part] = {
    **{str(count): partial(_one_core, count) for count in TARGETS},
    **{f"{count}_two_cores": partial(_two_cores, count) for count in TARGETS},
    "processes": _processes,
    "asyncio": _asyncio,
    **{f"{count}_working": partial(_working, count) for count in WORKING},
    **{f"{count}_silent": partial(_silent, count) for count in SILENT},
}
