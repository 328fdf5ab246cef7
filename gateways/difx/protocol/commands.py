"""Commands of clients, one class for each type of document. Their bytes: `documents`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gateways.difx.protocol.jobs import JobMode, JobNodes

__all__ = [
    "Command",
    "FileAction",
    "FileOperation",
    "FileTransfer",
    "GetDirectory",
    "JobFunction",
    "MachinesDefinition",
    "Mark5Copy",
    "MulticastCommand",
    "StartJob",
    "StopJob",
    "TransferDirection",
    "UnitCommand",
    "Vex2DifxRun",
]


class FileAction(StrEnum):
    """Operations on files."""

    MKDIR = "mkdir"
    RMDIR = "rmdir"
    TOUCH = "touch"
    RM = "rm"
    MV = "mv"
    CP = "cp"
    LS = "ls"


class TransferDirection(StrEnum):
    """Directions of a transfer, as the client that asks sees them."""

    DOWNLOAD = "from DiFX"
    UPLOAD = "to DiFX"


class JobFunction(StrEnum):
    """Ways to run a job.

    USNO runs it, RUN_MONITOR with live products; CONFIG_ONLY only checks it, BAIL_ON_CONFIG_FAIL
    runs it unless the check fails. The others run it, whatever the check says.
    """

    DEFAULT = "default"
    UNKNOWN = "unknown"
    NRAO = "NRAO"
    USNO = "USNO"
    RUN_MONITOR = "RUN_MONITOR"
    CONFIG_ONLY = "CONFIG_ONLY"
    BAIL_ON_CONFIG_FAIL = "BAIL_ON_CONFIG_FAIL"


_MODES = {
    JobFunction.RUN_MONITOR: JobMode.MONITOR,
    JobFunction.CONFIG_ONLY: JobMode.CHECK,
    JobFunction.BAIL_ON_CONFIG_FAIL: JobMode.RUN_IF_VALID,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOperation:
    """DifxFileOperation.

    Attributes:
        path: Only `ls` may lack it, and then lists nothing: its client waits for an answer.
        argument: Options of `ls` and `rm`, the second path of `mv` and `cp`.
        address: With `port`, the task connection of `ls`.
    """

    operation: FileAction
    path: str = ""
    argument: str = ""
    address: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTransfer:
    """DifxFileTransfer."""

    direction: TransferDirection
    origin: str = ""
    destination: str = ""
    address: str = ""
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StartJob:
    """DifxStart.

    Attributes:
        input: Path of the `.input` file; empty: none is named.
        force: Existing output is removed first, not an error.
        restart_seconds: The job starts that far into its time.
        sender: `from` of the header, no part of the command; empty: none, as of the script client.
    """

    input: str = ""
    nodes: JobNodes = field(default_factory=JobNodes)
    force: bool = False
    restart_seconds: int = 0
    function: JobFunction = JobFunction.DEFAULT
    mpi_wrapper: str = "mpirun"
    mpi_options: str = ""
    program: str = "mpifxcorr"
    environment: tuple[str, ...] = ()
    version: str = ""
    sender: str = field(default="", compare=False)
    address: str = ""
    port: int

    @property
    def mode(self) -> JobMode:
        """Parts of the course, check and run, that its function asks for."""
        return _MODES.get(self.function, JobMode.RUN)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopJob:
    """DifxStop."""

    input: str
    mpi_wrapper: str = "mpirun"
    program: str = "mpifxcorr"
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinesDefinition:
    """DifxMachinesDefinition.

    Attributes:
        test_processors: Each processing node is tried first, and left out if it fails.
        machines_file: Empty: by the name of the input file.
        threads_file: Empty: by the name of the input file.
    """

    input: str = ""
    nodes: JobNodes = field(default_factory=JobNodes)
    test_processors: bool = False
    machines_file: str = ""
    threads_file: str = ""
    mpi_wrapper: str = "mpirun"
    mpi_options: str = ""
    version: str = ""
    address: str = ""
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vex2DifxRun:
    """DifxVex2DifxRun.

    Attributes:
        folder: Jobs are prepared there.
        file: A `.v2d` file, or with `model_only` a job or pattern of jobs without suffix.
        model_only: Jobs are there, and only their delay models are made.
    """

    folder: str
    file: str
    model_only: bool = False
    model_program: str = "calcif2"
    user: str = ""
    node: str = ""
    version: str = ""
    address: str = ""
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDirectory:
    """DifxGetDirectory.

    Attributes:
        unit: Host of the recorder.
        medium: Its module.
        generate: The directory is made anew from the medium.
    """

    unit: str
    medium: str
    generate: bool = False
    mpi_wrapper: str = "mpirun"
    version: str = ""
    address: str = ""
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark5Copy:
    """DifxMark5Copy: recordings of a medium as files.

    Attributes:
        sender: As of StartJob.
    """

    unit: str
    medium: str
    scans: str = ""
    destination: str
    mpi_wrapper: str = "mpirun"
    version: str = ""
    sender: str = field(default="", compare=False)
    address: str = ""
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCommand:
    """DifxMk5Control: a command for a recorder."""

    command: str
    target: str = ""
    address: str = ""
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MulticastCommand:
    """DifxCommand: a command for all that listen.

    Attributes:
        to: Names in the header; empty: nobody in particular.
    """

    command: str
    to: tuple[str, ...] = ()


Command = (
    FileOperation
    | FileTransfer
    | StartJob
    | StopJob
    | MachinesDefinition
    | Vex2DifxRun
    | GetDirectory
    | Mark5Copy
    | UnitCommand
    | MulticastCommand
)
