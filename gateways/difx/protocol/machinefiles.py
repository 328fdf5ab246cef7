"""Files of a job's nodes: `.machines`, a node per line, and `.threads`, their threads."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from gateways.difx.protocol.jobs import INPUT_SUFFIX, JobNodes

__all__ = [
    "MACHINES_SUFFIX",
    "THREADS_SUFFIX",
    "beside_input",
    "read_machines",
    "read_threads",
    "without_nodes",
    "write_machines",
    "write_threads",
]

MACHINES_SUFFIX = ".machines"
THREADS_SUFFIX = ".threads"
_FIRST_LINE = "NUMBER OF CORES:    {}"
_COUNT = re.compile(r"NUMBER OF CORES:\s*([0-9]{1,6})\s*", re.ASCII)


def beside_input(path: str, suffix: str) -> str:
    """Return the path of a file of a job, by that of its input file."""
    return path.removesuffix(INPUT_SUFFIX) + suffix


def without_nodes(nodes: JobNodes, failed: Collection[str]) -> JobNodes:
    """Return the nodes without the processing nodes that failed a test."""
    kept = tuple(each for each in nodes.processors if each[0] not in failed)
    return replace(nodes, processors=kept)


def write_machines(nodes: JobNodes) -> str:
    """Return the machines file: head node, sources, and processing nodes that have threads left."""
    names = [nodes.manager, *nodes.sources, *(name for name, _ in _working(nodes))]
    return "".join(f"{name}\n" for name in names)


def write_threads(nodes: JobNodes) -> str:
    """Return the threads file, of the processing nodes of the machines file."""
    working = _working(nodes)
    lines = [_FIRST_LINE.format(len(working)), *(str(threads) for _, threads in working)]
    return "".join(f"{line}\n" for line in lines)


def read_machines(text: str) -> tuple[str, ...]:
    """Read a machines file: all nodes, in order."""
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def read_threads(text: str) -> tuple[int, ...]:
    """Read a threads file; ValueError: it is none."""
    first, *lines = text.split("\n")
    counts = tuple(int(line) for line in lines if line.strip())
    found = _COUNT.fullmatch(first)
    if found is None or int(found[1]) != len(counts):
        raise ValueError(f"no threads file: {first[:80]!r}, then {len(counts)} lines")
    return counts


def _working(nodes: JobNodes) -> list[tuple[str, int]]:
    """Return processing nodes with their threads; the head node needs one for itself."""
    left = [(name, threads - (name == nodes.manager)) for name, threads in nodes.processors]
    return [(name, threads) for name, threads in left if threads > 0]
