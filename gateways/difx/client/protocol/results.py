"""Results of the commands of the protocol, put together from the events of their tasks. No I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum

from gateways.difx.protocol.taskids import (
    CopyPacket,
    DirectoryPacket,
    FilelistPacket,
    JobPacket,
    MachinesPacket,
    StatusPacket,
    UnitPacket,
)

__all__ = [
    "CopyResult",
    "FilelistResult",
    "JobEnd",
    "JobResult",
    "JobStatus",
    "ListedFile",
    "MachinesResult",
    "MediumDirectory",
    "TaskEvent",
    "UnitAnswer",
    "copy_result",
    "directory_result",
    "filelist_result",
    "job_result",
    "job_statuses",
    "machines_result",
    "read_entries",
    "unit_answer",
]

_TIME_CHARACTERS = 24
_LONG = re.compile(
    r"(?P<mode>[-a-zA-Z]\S{9,10})\s+\d+\s+\S+\s+\S+\s+(?P<size>\d+)\s+"
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\s(?P<path>.*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """A sub-packet of a task.

    Attributes:
        id: Its number.
        name: As the protocol calls it; the number of one that it does not know.
        data: Its payload.
    """

    id: int
    name: str
    data: bytes = b""

    @property
    def text(self) -> str:
        """The payload as text, without the line feed at its end."""
        return self.data.decode(errors="replace").rstrip("\n")

    @classmethod
    def read(cls, ids: type[IntEnum], number: int, data: bytes) -> TaskEvent:
        """Return the event of a sub-packet of the task with these ids."""
        known = number in ids.__members__.values()
        return cls(number, ids(number).name if known else str(number), data)


class JobEnd(Enum):
    """Ends of a job."""

    DONE = "done"
    CHECKED = "checked"
    """Only the check was wanted, and it passed."""
    BAD_CONFIGURATION = "bad configuration"
    DONE_WITH_ERRORS = "done with errors"
    FAILED = "failed"
    STOPPED = "stopped"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class JobResult:
    """End of a job.

    Attributes:
        end: Kind of it.
        reason: Sentence of what refused it, or the last error that it had; empty: none.
        warnings: Number of them.
        errors: Number of them.
    """

    end: JobEnd
    reason: str = ""
    warnings: int = 0
    errors: int = 0


_REFUSALS = {
    JobPacket.FAILURE_NO_HEADNODE: "no head node is named",
    JobPacket.FAILURE_NO_DATASOURCES: "no data sources are named",
    JobPacket.FAILURE_NO_PROCESSORS: "no processing nodes are named",
    JobPacket.FAILURE_NO_INPUTFILE_SPECIFIED: "no input file is named",
    JobPacket.FAILURE_INPUTFILE_NOT_FOUND: "the input file does not exist",
    JobPacket.FAILURE_INPUTFILE_NAME_TOO_LONG: "the name of the input file is too long",
    JobPacket.FAILURE_OUTPUT_EXISTS: "its output exists already, and is kept unless force is wanted",
}
_PLAIN_ENDS = {
    JobPacket.JOB_ENDED_GRACEFULLY: JobEnd.DONE,
    JobPacket.JOB_ENDED_WITH_ERRORS: JobEnd.DONE_WITH_ERRORS,
    JobPacket.JOB_FAILED: JobEnd.FAILED,
}


def job_result(events: Sequence[TaskEvent]) -> JobResult:
    """Return the end that the events of a job tell of; the last of them is the one that ends it."""
    ids = {event.id for event in events}
    errors = [event.text for event in events if event.id == JobPacket.DIFX_ERROR]
    warnings = sum(event.id == JobPacket.DIFX_WARNING for event in events)
    reason = errors[-1] if errors else ""
    refusals = [text for number, text in _REFUSALS.items() if number in ids]
    last = JobPacket(events[-1].id)
    if last in _PLAIN_ENDS:
        end = _PLAIN_ENDS[last]
    elif last is JobPacket.STOPPED_AFTER_CONFIG:
        is_bad = JobPacket.FAILURE_INPUTFILE_BAD_CONFIG in ids
        end = JobEnd.BAD_CONFIGURATION if is_bad else JobEnd.CHECKED
    elif refusals:
        end, reason = JobEnd.REFUSED, refusals[0]
    else:
        end = JobEnd.STOPPED if JobPacket.JOB_STARTED in ids else JobEnd.REFUSED
    return JobResult(end, reason, warnings, len(errors))


@dataclass(frozen=True, slots=True)
class JobStatus:
    """State of a job.

    Attributes:
        input: Path of its `.input` file.
        time: When it had the state, 24 characters as the server writes it; None: not known.
        state: As `Running`; None: the job has no record.
        text: Remark with it.
    """

    input: str
    time: str | None = None
    state: str | None = None
    text: str = ""


def job_statuses(events: Sequence[TaskEvent]) -> list[JobStatus]:
    """Return the states of jobs, each job's in the order in which it had them."""
    found: list[JobStatus] = []
    path = ""
    for event in events:
        if event.id == StatusPacket.INPUT_FILE_NAME:
            path = event.text
        elif event.id in (StatusPacket.NO_DIFXLOG, StatusPacket.NO_STATUS):
            found.append(JobStatus(path))
        elif event.id == StatusPacket.STATUS:
            time, rest = event.text[:_TIME_CHARACTERS], event.text[_TIME_CHARACTERS:]
            state, _, remark = rest.strip().partition(" ")
            found.append(JobStatus(path, time, state, remark.strip()))
    return found


@dataclass(frozen=True, slots=True)
class MachinesResult:
    """Files of machines and threads of a job.

    Attributes:
        machines_file: Path; empty: it was not written.
        threads_file: Path; empty: it was not written.
        tested: Processing node -> whether it passed its test.
        fault: Sentence of what refused it; empty: nothing.
    """

    machines_file: str = ""
    threads_file: str = ""
    tested: tuple[tuple[str, bool], ...] = ()
    fault: str = ""


_MACHINES_FAULTS = {
    MachinesPacket.FAILURE_NO_HEADNODE: "no head node is named",
    MachinesPacket.FAILURE_NO_DATASOURCES: "no data sources are named",
    MachinesPacket.FAILURE_NO_PROCESSORS: "no processing nodes are named",
    MachinesPacket.FAILURE_NO_FILES_SPECIFIED: "neither an input file nor the files are named",
    MachinesPacket.FAILURE_OPEN_MACHINES_FILE: "the machines file cannot be written",
    MachinesPacket.FAILURE_OPEN_THREADS_FILE: "the threads file cannot be written",
}


def machines_result(events: Sequence[TaskEvent]) -> MachinesResult:
    """Return the files that the events tell of, or why there are none."""
    names = {event.id: event.text for event in events}
    faults = [
        f"{text}: {names[number]}" if names[number] else text
        for number, text in _MACHINES_FAULTS.items()
        if number in names
    ]
    if not faults and events[-1].id == MachinesPacket.TASK_TERMINATED:
        faults = ["the server ended it"]
    tests = (MachinesPacket.SUCCESS_MPIRUN, MachinesPacket.FAILURE_MPIRUN)
    return MachinesResult(
        _if_made(names, MachinesPacket.MACHINES_FILE_CREATED, MachinesPacket.MACHINES_FILE_NAME),
        _if_made(names, MachinesPacket.THREADS_FILE_CREATED, MachinesPacket.THREADS_FILE_NAME),
        tuple((event.text, event.id == tests[0]) for event in events if event.id in tests),
        faults[0] if faults else "",
    )


def _if_made(names: dict[int, str], made: int, name: int) -> str:
    return names.get(name, "") if made in names else ""


@dataclass(frozen=True, slots=True)
class MediumDirectory:
    """Directory of a recorder's medium.

    Attributes:
        path: Of its file at the server.
        date: When it was made, as the server writes it.
        lines: Of the file.
        fault: Sentence; empty: there is a directory.
    """

    path: str = ""
    date: str = ""
    lines: tuple[str, ...] = ()
    fault: str = ""


_DIRECTORY_FAULTS = {
    DirectoryPacket.NO_ENVIRONMENT_VARIABLE: "MARK5_DIR_PATH is not set at the recorder",
    DirectoryPacket.FILE_NOT_FOUND: "there is no directory of this medium",
    DirectoryPacket.GENERATE_DIRECTORY_ERRORS: "making it anew had errors",
    DirectoryPacket.MPIRUN_ERROR: "the recorder reports an error",
    DirectoryPacket.GETDIRECTORY_FAILED: "it failed",
}


def directory_result(events: Sequence[TaskEvent]) -> MediumDirectory:
    """Return the directory that the events tell of, or why there is none."""
    texts = {event.id: event.text for event in events}
    has_failed = DirectoryPacket.GETDIRECTORY_FAILED in texts
    fault = next((f for n, f in _DIRECTORY_FAULTS.items() if n in texts), "") if has_failed else ""
    more = texts.get(DirectoryPacket.MPIRUN_ERROR, "") if has_failed else ""
    return MediumDirectory(
        texts.get(DirectoryPacket.GETDIRECTORY_FULLPATH, ""),
        texts.get(DirectoryPacket.GETDIRECTORY_DATE, ""),
        tuple(e.text for e in events if e.id == DirectoryPacket.GETDIRECTORY_FILEDATA),
        f"{fault}: {more}" if more else fault,
    )


@dataclass(frozen=True, slots=True)
class CopyResult:
    """Recordings that were copied into files.

    Attributes:
        files: Their names, as the recorder tells them.
        errors: Texts of what went wrong.
        is_done: It came to its end without errors.
    """

    files: tuple[str, ...]
    errors: tuple[str, ...]
    is_done: bool


def copy_result(events: Sequence[TaskEvent]) -> CopyResult:
    """Return what was copied."""
    lines = [event.text for event in events if event.id == CopyPacket.MPIRUN_ERROR]
    files = [line.partition("outName =")[2].strip() for line in lines if "outName =" in line]
    errors = [line for line in lines if "outName =" not in line]
    faults = {
        CopyPacket.FAILED,
        CopyPacket.ERRORS,
        CopyPacket.NO_ENVIRONMENT_VARIABLE,
        CopyPacket.FILE_NOT_FOUND,
    }
    has_faults = any(event.id in faults for event in events)
    return CopyResult(tuple(files), tuple(errors), not has_faults)


@dataclass(frozen=True, slots=True)
class UnitAnswer:
    """Answer of a recorder to a command.

    Attributes:
        lines: What it said.
        errors: What it complained of, and what refused the command.
    """

    lines: tuple[str, ...]
    errors: tuple[str, ...]


def unit_answer(events: Sequence[TaskEvent]) -> UnitAnswer:
    """Return what a recorder answered."""
    said = (UnitPacket.INFORMATION, UnitPacket.WARNING)
    errors = [event.text for event in events if event.id == UnitPacket.ERROR]
    ids = {event.id for event in events}
    if UnitPacket.FAILURE_BAD_TARGETNODE in ids:
        errors.append("the target is unknown")
    if UnitPacket.FAILURE_BAD_COMMAND in ids:
        errors.append("the command is unknown")
    if UnitPacket.TASK_TERMINATED in ids and not errors:
        errors.append("the server ended it")
    return UnitAnswer(tuple(event.text for event in events if event.id in said), tuple(errors))


@dataclass(frozen=True, slots=True)
class FilelistResult:
    """List of recordings with their times.

    Attributes:
        path: Of the file that was written; empty: none was.
        lines: `FILE START_MJD STOP_MJD` of each recording, in the order of the answers.
        fault: Sentence; empty: nothing hindered it.
        had_errors: Some recordings could not be read.
    """

    path: str = ""
    lines: tuple[str, ...] = ()
    fault: str = ""
    had_errors: bool = False


def filelist_result(events: Sequence[TaskEvent]) -> FilelistResult:
    """Return the list that the events tell of, or why there is none."""
    texts = {event.id: event.text for event in events}
    fault = ""
    if events[-1].id == FilelistPacket.TASK_TERMINATED:
        fault = _filelist_fault(texts)
    return FilelistResult(
        "" if fault else texts.get(FilelistPacket.FINAL_NAME, ""),
        tuple(event.text for event in events if event.id == FilelistPacket.FILE_RESULT),
        fault,
        FilelistPacket.ERRORS_ENCOUNTERED in texts,
    )


def _filelist_fault(texts: dict[int, str]) -> str:
    for number, words in (
        (FilelistPacket.BAD_FORMAT, "the format is unknown"),
        (FilelistPacket.PATH_ACCESS_FAILURE, "the folder cannot be reached"),
        (FilelistPacket.OPEN_ERROR, "the file cannot be written"),
        (FilelistPacket.DESTINATION_EXISTS, "the file exists already, and is kept"),
    ):
        if number in texts:
            return f"{words}: {texts[number]}"
    return "the server ended it"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """A file or folder of a listing.

    Attributes:
        path: As the server lists it, without the `/` at the end of a folder.
        is_folder: It is one.
        target: Where a symbolic link leads; empty: it is none.
        size: Bytes.
        mode: As `-rw-r--r--`.
        modified: As `2024-01-31 12:00:00`, in the server's time zone.
    """

    path: str
    is_folder: bool
    target: str = ""
    size: int
    mode: str
    modified: str


def read_entries(lines: Sequence[str]) -> list[ListedFile]:
    """Read the lines of a long listing; those of other forms, as the total of a folder, are left
    out."""
    found = []
    for line in lines:
        match = _LONG.match(line)
        if match is None:
            continue
        mode, path = match["mode"], match["path"]
        target = ""
        if mode[0] == "l":
            path, _, target = path.partition(" -> ")
        found.append(
            ListedFile(
                path=path.rstrip("/") or "/",
                is_folder=mode[0] == "d",
                target=target,
                size=int(match["size"]),
                mode=mode,
                modified=match["time"],
            )
        )
    return found
