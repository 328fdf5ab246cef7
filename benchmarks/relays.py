"""Simulation of one call to very many Players, directly and through relays. No sockets, no clock.

A node sends to its children one after the other, then takes their answers as they come; each costs
its processor time. A relay answers when its last child has. Costs are those that RESULTS.md has for
one call of a fan-out; the network and what Players take are given. `python -m benchmarks.relays`
prints the table of docs/explanation/scale.md.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Costs", "Outcome", "call", "even_parts", "relay_levels", "simulate"]

COUNTS = (10, 100, 1000, 10_000)
RUNS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Times of one call, s.

    Attributes:
        send: Processor of who calls, to send to one; half of what a Dealer takes for each of 1,000.
        receive: Likewise, to take one answer.
        serve: Processor of a Player or relay, for one call.
        one_way: Of the network.
        jitter: Mean of what the network adds now and then, exponential.
        merge: Processor of who takes an answer of a relay, for each Player in it; as for a call in a
            batch.
    """

    send: float = 10.35e-6
    receive: float = 10.35e-6
    serve: float = 36.7e-6
    one_way: float = 100e-6
    jitter: float = 50e-6
    merge: float = 1.9e-6


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call, carried out.

    Attributes:
        took: Until the last answer was taken, s.
        busy: Processor time of who began it, s.
        connections: Of who began it.
        relays: That took part.
    """

    took: float
    busy: float
    connections: int
    relays: int


def even_parts(count: int, parts: int) -> list[int]:
    """Return the sizes of so many parts of a whole, none of which is empty, as even as they can
    be."""
    parts = min(parts, count)
    small, larger = divmod(count, parts)
    return [small + 1] * larger + [small] * (parts - larger)


def relay_levels(count: int, width: int) -> int:
    """Return how many levels of relays lie between a caller and so many Players, if none has more
    than `width` children."""
    levels, reach = 0, width
    while reach < count:
        levels, reach = levels + 1, reach * width
    return levels


def call(count: int, levels: int, costs: Costs, chance: random.Random) -> Outcome:
    """Carry out one call.

    Args:
        count: Players.
        levels: Of relays between; 0: none.
        costs: Times.
        chance: Source of the jitter.
    """
    if levels:
        width = _width(count, levels + 1)
        sizes = even_parts(count, width)
    else:
        sizes = [1] * count
    free, arrivals, relays = 0.0, [], 0
    for size in sizes:
        free += costs.send
        takes = costs.serve
        if levels:
            below = call(size, levels - 1, costs, chance)
            takes, relays = takes + below.took, relays + 1 + below.relays
        ways = 2 * costs.one_way + chance.expovariate(1 / costs.jitter)
        arrivals.append((free + ways + takes, size))
    busy = free
    for arrived, size in sorted(arrivals):
        work = costs.receive + (costs.merge * size if levels else 0.0)
        free, busy = max(free, arrived) + work, busy + work
    return Outcome(free, busy, len(sizes), relays)


def simulate(count: int, levels: int, costs: Costs, runs: int = RUNS, seed: int = 1) -> Outcome:
    """Return the medians of some calls."""
    chance = random.Random(seed)
    outcomes = [call(count, levels, costs, chance) for _ in range(runs)]
    took = statistics.median(each.took for each in outcomes)
    return Outcome(took, outcomes[0].busy, outcomes[0].connections, outcomes[0].relays)


def _width(count: int, steps: int) -> int:
    """Return the least width by which so many steps reach all."""
    width = max(1, int(count ** (1 / steps)))
    while width**steps < count:
        width += 1
    return width


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relays", description=__doc__)
    parser.add_argument("--one-way", type=float, default=Costs().one_way, help="s")
    args = parser.parse_args(argv)
    costs = Costs(one_way=args.one_way)
    print("| Players | levels of relays | relays | connections | call, ms | Dealer's CPU, ms |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for count in COUNTS:
        for levels in range(3 if count > COUNTS[0] else 1):
            one = simulate(count, levels, costs)
            figures = f"{1e3 * one.took:.2f} | {1e3 * one.busy:.2f}"
            print(f"| {count} | {levels} | {one.relays} | {one.connections} | {figures} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
