"""One call to N Players, of N bare REQ/REP round trips made one after the other; wall time.

Ours is `Dealer.outcomes`. Two processes, as for the floor: the Dealer's, and one with a single
thread for N servers, each of which has a socket and address of its own (`floors.side_by_side` says
why). One core: both share it; two cores: one each. With a process for every Player, as on N hosts,
but all on the cores of this one, the rows without a "must" show how much worse the processor's
caches make it.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.floors import (
    Echo,
    Pairs,
    Served,
    asking,
    cores,
    echo,
    in_pinned_process,
    pairs,
    serving,
    side_by_side,
)
from benchmarks.rows import Row
from benchmarks.subject import player, serve
from dealer import AsyncDealer, Dealer
from zmqjsonproxy import wirejson
from zmqjsonproxy.rpc.protocol import jsonrpc

TARGETS = {
    8: ((1.05, 0.75), (0.75, 0.55)),
    64: ((0.75, 0.50), (0.34, 0.28)),
    256: ((0.62, 0.40), (0.33, 0.24)),
    1000: ((0.65, 0.40), (0.34, 0.28)),
}
"""Players -> (must, aim) on one core, on two."""
WORKING = {8: 14.0, 64: 18.0, 1000: 80.0}
"""Players that take 10 ms each -> must, ms."""

CONNECT_WITHIN = 30.0
"""s."""

PORTION = 50
"""Players that begin their threads at a time."""

SILENT = {64: 1.02, 1000: 1.03}
"""Players of which one never answers -> must, s."""


def rows() -> list[Row]:
    """Measure with 8 to 1000 Players."""
    here, *others = cores()
    found = []
    for count, bounds in TARGETS.items():
        for core, bound in zip([here, *others[:1]], bounds, strict=False):
            found.append(_row(count, here, core, _both_side_by_side, *bound))
    found += [_row(64, here, core, _both_processes, None, None) for core in [here, *others[:1]]]
    for count in (8, 64):
        with _side_by_side(here, count, player) as urls:
            one, other = in_pinned_process(here, _both_dealers, urls)
        what = f"AsyncDealer, fan-out to {count} Players, one core, of a Dealer's"
        found.append(Row(what, 1e3 * one, 1e3 * other, other / one, None, 1.3, "ms"))
    last = cores()[-1]
    for count, must in WORKING.items():
        with _side_by_side(last, count, player, 0.010) as urls:
            taken = in_pinned_process(here, _working, urls)
        found.append(
            Row(f"{count} Players that take 10 ms each", None, 1e3 * taken, None, must, None, "ms")
        )
    for count, must in SILENT.items():
        with (
            _side_by_side(last, 1, player, 30.0) as silent,
            _side_by_side(last, count - 1, player) as quick,
        ):
            taken = in_pinned_process(here, _silent, silent + quick)
        found.append(
            Row(f"one of {count} never answers, deadline 1 s", None, taken, None, must, 1.005, "s")
        )
    return found


Hosted = contextlib.AbstractContextManager[list[str]]
"""Servers that run meanwhile: their URLs."""


@contextlib.contextmanager
def _side_by_side(
    core: int, count: int, make: Callable[..., Served], *args: Any
) -> Iterator[list[str]]:
    with serving(core, 1, side_by_side, count, make, *args) as ((urls, _),):
        yield urls.split()


@contextlib.contextmanager
def _processes(
    core: int, count: int, target: Callable[..., None], *args: Any
) -> Iterator[list[str]]:
    with serving(core, count, target, *args) as served:
        yield [url for url, _ in served]


def _both_side_by_side(core: int, count: int) -> tuple[Hosted, Hosted]:
    return _side_by_side(core, count, Echo, jsonrpc.reply(1000, 5)), _side_by_side(
        core, count, player
    )


def _both_processes(core: int, count: int) -> tuple[Hosted, Hosted]:
    return _processes(core, count, echo, jsonrpc.reply(1000, 5)), _processes(core, count, serve)


def _row(
    count: int,
    client: int,
    server: int,
    host: Callable[[int, int], tuple[Hosted, Hosted]],
    must: float | None,
    aim: float | None,
) -> Row:
    floor_host, player_host = host(server, count)
    with floor_host as floors, player_host as players:
        times = in_pinned_process(client, _pair, floors, players)
        assert isinstance(times, Pairs)
    floor, ours, ratio = times.quantile(0.5)
    where = "one core" if client == server else "two cores"
    what = f"fan-out to {count} Players, {where}{', a process each' if host is _both_processes else ''}"
    return Row(what, 1e3 * floor, 1e3 * ours, ratio, must, aim, "ms")


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


def _pair(floor_urls: list[str], player_urls: list[str]) -> Pairs:
    request = wirejson.dumps(
        {
            "jsonrpc": "2.0",
            "method": "bank.add",
            "id": 1000,
            "params": [2, 3],
            "dealer": {"deadline_s": 180.0},
        }
    )
    asks = [asking(url, request) for url in floor_urls]

    def floor() -> None:
        for ask in asks:
            ask()

    with _dealer(player_urls) as dealer:
        count = max(2000 // len(player_urls), 8)
        return pairs(floor, lambda: dealer.outcomes("add", 2, 3), count, blocks=12)


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


def _begin_lanes(dealer: Dealer, banks: list[str]) -> None:
    """Have Players carry out their first command, by which each begins a thread; some at a time.

    A thousand threads that begin at once in one process leave ZeroMQ's own no time to say that it
    is alive.
    """
    for n in range(0, len(banks), PORTION):
        dealer.outcomes("work", _timeout=CONNECT_WITHIN, _banks=banks[n : n + PORTION])


def _working(urls: list[str]) -> float:
    with _dealer(urls) as dealer:
        _begin_lanes(dealer, list(dealer.players))
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


def _silent(urls: list[str]) -> float:
    """Time of a call that the first server does not answer within its deadline of 1 s; all others
    answered it."""
    taken = []
    with _dealer(urls) as dealer:
        _begin_lanes(dealer, list(dealer.players)[1:])
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
