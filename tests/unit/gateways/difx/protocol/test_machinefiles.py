"""Files of nodes."""

from __future__ import annotations

import pytest

from gateways.difx.protocol.jobs import JobNodes
from gateways.difx.protocol.machinefiles import (
    MACHINES_SUFFIX,
    THREADS_SUFFIX,
    beside_input,
    read_machines,
    read_threads,
    without_nodes,
    write_machines,
    write_threads,
)

EXAMPLE = JobNodes(manager="head", sources=("ds1", "ds2"), processors=(("p1", 3), ("head", 2)))
MACHINES = "head\nds1\nds2\np1\nhead\n"
THREADS = "NUMBER OF CORES:    2\n3\n1\n"


def test_the_example_of_the_protocol_is_written_and_read() -> None:
    assert write_machines(EXAMPLE) == MACHINES
    assert write_threads(EXAMPLE) == THREADS
    assert read_machines(MACHINES) == ("head", "ds1", "ds2", "p1", "head")
    assert read_threads(THREADS) == (3, 1)


def test_nodes_without_threads_are_left_out() -> None:
    nodes = JobNodes(manager="h", processors=(("h", 1), ("p", 0), ("q", 1)))
    assert write_machines(nodes) == "h\nq\n"
    assert write_threads(nodes) == "NUMBER OF CORES:    1\n1\n"


def test_nodes_that_failed_their_test_are_left_out() -> None:
    left = without_nodes(EXAMPLE, {"p1"})
    assert left.processors == (("head", 2),)
    assert left.sources == EXAMPLE.sources


def test_files_lie_beside_the_input() -> None:
    assert beside_input("/d/j.input", MACHINES_SUFFIX) == "/d/j.machines"
    assert beside_input("/d/j", THREADS_SUFFIX) == "/d/j.threads"


@pytest.mark.parametrize(
    "text", ["", "2\n", "NUMBER OF CORES:    2\n3\n", "NUMBER OF CORES: x\n", "a\nb\n"]
)
def test_what_is_no_threads_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no threads file|invalid literal"):
        read_threads(text)
