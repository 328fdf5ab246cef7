"""Machines and threads files of a job, written beside its input, or where a client says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateways.difx.errors import JobError
from gateways.difx.files import DifxFiles
from gateways.difx.players import DifxPlayers
from gateways.difx.protocol.jobs import JobNodes, Refusal
from gateways.difx.protocol.machinefiles import (
    MACHINES_SUFFIX,
    THREADS_SUFFIX,
    beside_input,
    without_nodes,
    write_machines,
    write_threads,
)

__all__ = ["Assignment", "AssignmentRefusedError"]


class AssignmentRefusedError(JobError):
    """No files are written.

    Attributes:
        refusal: NO_MANAGER, NO_SOURCES, NO_PROCESSORS, or NO_INPUT: no file is named.
    """

    def __init__(self, text: str, refusal: Refusal) -> None:
        super().__init__(text)
        self.refusal = refusal


@dataclass(slots=True)
class Assignment:
    """The nodes of a job, and the files that tell them.

    Attributes:
        files: Where they are written.
        players: Those that are tested.
        nodes: Of the job; after the test those that passed.
        machines: Path of the machines file.
        threads: Path of the threads file.
        machines_guessed: The path was made of that of the input.
        threads_guessed: Likewise.
    """

    files: DifxFiles
    players: DifxPlayers
    nodes: JobNodes
    machines: str
    threads: str
    machines_guessed: bool
    threads_guessed: bool

    @classmethod
    def plan(
        cls,
        files: DifxFiles,
        players: DifxPlayers,
        input: str,
        nodes: JobNodes,
        machines: str = "",
        threads: str = "",
    ) -> Assignment:
        """Return an assignment that can be written; AssignmentRefusedError: something is missing."""
        _refuse_missing(input, nodes)
        if not (input or (machines and threads)):
            raise AssignmentRefusedError("machines: no input file is named", Refusal.NO_INPUT)
        for name in (nodes.manager, *nodes.sources, *(name for name, _ in nodes.processors)):
            if not name.isprintable() or len(name.split()) != 1:
                raise JobError(f"{name!r:.80}: is no name of a node; it has a space, or a line end")
        return cls(
            files,
            players,
            nodes,
            machines or beside_input(input, MACHINES_SUFFIX),
            threads or beside_input(input, THREADS_SUFFIX),
            not machines,
            not threads,
        )

    def check(self) -> None:
        """Raise AssignmentRefusedError if the test has left no processor."""
        _refuse_missing(self.machines, self.nodes)

    def test(self) -> Iterator[tuple[str, bool]]:
        """Ping the processors; yield each with whether it answers. Those that do not are left out."""
        answers = self.players.ping(name for name, _ in self.nodes.processors)
        failed = [name for name, answered in answers.items() if not answered]
        self.nodes = without_nodes(self.nodes, failed)
        yield from answers.items()

    def write_machines(self) -> None:
        """Write the machines file; FileFaultError: it cannot be."""
        self.files.put(self.machines, write_machines(self.nodes).encode())

    def write_threads(self) -> None:
        """Write the threads file; FileFaultError: it cannot be."""
        self.files.put(self.threads, write_threads(self.nodes).encode())


def _refuse_missing(path: str, nodes: JobNodes) -> None:
    """Raise AssignmentRefusedError for nodes that are missing."""
    for is_there, refusal, what in (
        (nodes.manager, Refusal.NO_MANAGER, "head node"),
        (nodes.sources, Refusal.NO_SOURCES, "data source"),
        (any(n > 0 for _, n in nodes.processors), Refusal.NO_PROCESSORS, "processor"),
    ):
        if not is_there:
            raise AssignmentRefusedError(f"{path:.300}: there is no {what}", refusal)
