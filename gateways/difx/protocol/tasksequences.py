"""Sub-packets of all tasks but jobs and the monitor, in the order that clients know.

Each function returns the sub-packets of one step, each as its items.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, IntEnum

from gateways.difx.errors import PayloadError
from gateways.difx.protocol.items import integer, read_integer, sub_packet, text
from gateways.difx.protocol.taskids import (
    CopyPacket,
    DirectoryPacket,
    FilelistPacket,
    MachinesPacket,
    StatusPacket,
    UnitPacket,
)

__all__ = [
    "MachinesRefusal",
    "copy_ended",
    "copy_file",
    "copy_info",
    "copy_started",
    "directory_failed",
    "directory_generated",
    "directory_generating",
    "directory_info",
    "directory_read",
    "directory_started",
    "filelist_cancelled",
    "filelist_ended",
    "filelist_exists",
    "filelist_refused",
    "filelist_result",
    "filelist_started",
    "filelist_writing",
    "machines_accepted",
    "machines_failed",
    "machines_files",
    "machines_refused",
    "machines_tested",
    "machines_testing",
    "machines_written",
    "read_overwrite",
    "status_ended",
    "status_of_file",
    "status_started",
    "unit_answer",
    "unit_ended",
    "unit_fault",
    "unit_started",
]

SubPacket = tuple[bytes, ...]


def _row(*numbers: IntEnum) -> list[SubPacket]:
    return [sub_packet(number) for number in numbers]


def _told(number: IntEnum, value: str) -> SubPacket:
    return sub_packet(number, text(value))


# DifxMachinesDefinition


class MachinesRefusal(Enum):
    """Reasons why no machines file is written."""

    NO_HEADNODE = MachinesPacket.FAILURE_NO_HEADNODE
    NO_DATASOURCES = MachinesPacket.FAILURE_NO_DATASOURCES
    NO_PROCESSORS = MachinesPacket.FAILURE_NO_PROCESSORS
    NO_FILES = MachinesPacket.FAILURE_NO_FILES_SPECIFIED


def machines_accepted() -> list[SubPacket]:
    """Return the first sub-packets: 102 103."""
    return _row(MachinesPacket.TASK_STARTED, MachinesPacket.PARAMETER_CHECK_IN_PROGRESS)


def machines_refused(refusal: MachinesRefusal) -> list[SubPacket]:
    """Return the end of a task that is refused: 105, 106, 107 or 112, then 100."""
    return _row(refusal.value, MachinesPacket.TASK_TERMINATED)


def machines_files(
    machines: str, threads: str, *, machines_guessed: bool, threads_guessed: bool
) -> list[SubPacket]:
    """Return the names of the files: [108] 111 [109] 110 104.

    Args:
        machines: Path.
        threads: Path.
        machines_guessed: The client did not name it.
        threads_guessed: The client did not name it.
    """
    row: list[SubPacket] = []
    if machines_guessed:
        row += _row(MachinesPacket.WARNING_NO_MACHINES_FILE_SPECIFIED)
    row.append(_told(MachinesPacket.MACHINES_FILE_NAME, machines))
    if threads_guessed:
        row += _row(MachinesPacket.WARNING_NO_THREADS_FILE_SPECIFIED)
    row.append(_told(MachinesPacket.THREADS_FILE_NAME, threads))
    return row + _row(MachinesPacket.PARAMETER_CHECK_SUCCESS)


def machines_testing() -> list[SubPacket]:
    """Return the beginning of the tests of processing nodes: 122."""
    return _row(MachinesPacket.RUNNING_MPIRUN_TESTS)


def machines_tested(node: str, *, passed: bool) -> list[SubPacket]:
    """Return the outcome of the test of a node: 120 or 119."""
    packet = MachinesPacket.SUCCESS_MPIRUN if passed else MachinesPacket.FAILURE_MPIRUN
    return [_told(packet, node)]


def machines_written() -> list[SubPacket]:
    """Return the end when both files are there: 115 116 101."""
    return _row(
        MachinesPacket.MACHINES_FILE_CREATED,
        MachinesPacket.THREADS_FILE_CREATED,
        MachinesPacket.TASK_ENDED_GRACEFULLY,
    )


def machines_failed(reason: str, *, machines_are_written: bool) -> list[SubPacket]:
    """Return the end when a file cannot be written: 113 100 for that of machines, else 115 114
    100."""
    if not machines_are_written:
        row = [_told(MachinesPacket.FAILURE_OPEN_MACHINES_FILE, reason)]
    else:
        row = _row(MachinesPacket.MACHINES_FILE_CREATED)
        row.append(_told(MachinesPacket.FAILURE_OPEN_THREADS_FILE, reason))
    return row + _row(MachinesPacket.TASK_TERMINATED)


# DifxGetDirectory. The GUI client waits for 302, also behind a fault.


def directory_started(path: str) -> list[SubPacket]:
    """Return the first sub-packets, with the path of the directory's file: 301 303."""
    return [
        sub_packet(DirectoryPacket.GETDIRECTORY_STARTED),
        _told(DirectoryPacket.GETDIRECTORY_FULLPATH, path),
    ]


def directory_generating() -> list[SubPacket]:
    """Return the beginning of a new reading of the medium: 311."""
    return _row(DirectoryPacket.GENERATE_DIRECTORY_STARTED)


def directory_info(line: str) -> list[SubPacket]:
    """Return a line of it: 312. The GUI client looks for `Number of scans = N` in it."""
    return [_told(DirectoryPacket.GENERATE_DIRECTORY_INFO, line)]


def directory_generated(*, had_errors: bool) -> list[SubPacket]:
    """Return its end: 313 or 314."""
    completed, errors = (
        DirectoryPacket.GENERATE_DIRECTORY_COMPLETED,
        DirectoryPacket.GENERATE_DIRECTORY_ERRORS,
    )
    return _row(errors if had_errors else completed)


def directory_read(date: str, lines: Iterable[str]) -> list[SubPacket]:
    """Return the directory and the end: 307 309 310... 302.

    Args:
        date: 12 characters.
        lines: Of the file: module, number of scans, bank, signature, version, mode, fast mark; then
            one line per scan.
    """
    return [
        _told(DirectoryPacket.GETDIRECTORY_DATE, date),
        sub_packet(DirectoryPacket.GETDIRECTORY_FILESTART),
        *(_told(DirectoryPacket.GETDIRECTORY_FILEDATA, line) for line in lines),
        sub_packet(DirectoryPacket.GETDIRECTORY_COMPLETED),
    ]


def directory_failed(reason: str) -> list[SubPacket]:
    """Return the end when the recorder cannot be asked: 305 304 302."""
    return [
        _told(DirectoryPacket.MPIRUN_ERROR, reason),
        *_row(DirectoryPacket.GETDIRECTORY_FAILED, DirectoryPacket.GETDIRECTORY_COMPLETED),
    ]


# DifxMark5Copy


def copy_started() -> list[SubPacket]:
    """Return the first sub-packet: 301."""
    return _row(CopyPacket.STARTED)


def copy_info(line: str) -> list[SubPacket]:
    """Return a line of progress: 312."""
    return [_told(CopyPacket.INFO, line)]


def copy_file(path: str) -> list[SubPacket]:
    """Return the name of a file that is being written: 305."""
    return [_told(CopyPacket.MPIRUN_ERROR, f"outName = {path}")]


def copy_ended(fault: str = "") -> list[SubPacket]:
    """Return the end: 302, with a fault 305 314 302."""
    row: list[SubPacket] = []
    if fault:
        row = [_told(CopyPacket.MPIRUN_ERROR, fault), sub_packet(CopyPacket.ERRORS)]
    return row + _row(CopyPacket.COMPLETED)


# DifxMk5Control


def unit_started() -> list[SubPacket]:
    """Return the first sub-packet: 102."""
    return _row(UnitPacket.TASK_STARTED)


def unit_answer(answer: str) -> list[SubPacket]:
    """Return what the recorder said: 108."""
    return [_told(UnitPacket.INFORMATION, f"{answer}\n")]


def unit_fault(fault: str) -> list[SubPacket]:
    """Return why the command failed, or is refused: 110."""
    return [_told(UnitPacket.ERROR, f"{fault}\n")]


def unit_ended() -> list[SubPacket]:
    """Return the end: 101."""
    return _row(UnitPacket.TASK_ENDED_GRACEFULLY)


# GET_JOB_STATUS


def status_started(time: str) -> list[SubPacket]:
    """Return the first sub-packets, with the time at the server as 24 characters: 102 110."""
    return [
        sub_packet(StatusPacket.TASK_STARTED),
        _told(StatusPacket.TIME_STRING, time),
    ]


def status_of_file(path: str, records: Iterable[str], *, has_log: bool = True) -> list[SubPacket]:
    """Return the states of a job: 104, then 106..., 108 or 105.

    Args:
        path: Of its input file.
        records: Of `difxlog.StatusLine`, the last of the job or all.
        has_log: Anything was ever recorded of it.
    """
    row = [_told(StatusPacket.INPUT_FILE_NAME, path)]
    states = [_told(StatusPacket.STATUS, record) for record in records]
    none = StatusPacket.NO_STATUS if has_log else StatusPacket.NO_DIFXLOG
    return row + (states or _row(none))


def status_ended() -> list[SubPacket]:
    """Return the end: 101."""
    return _row(StatusPacket.TASK_ENDED_GRACEFULLY)


# GENERATE_FILELIST


def filelist_started() -> list[SubPacket]:
    """Return the first sub-packet: 102."""
    return _row(FilelistPacket.TASK_STARTED)


def filelist_refused(reason: FilelistPacket, told: str) -> list[SubPacket]:
    """Return the end of a task that is refused: 105 with a path, 108 with a text or 109 with the
    format, then 100."""
    return [_told(reason, told), *_row(FilelistPacket.TASK_TERMINATED)]


def filelist_exists(path: str) -> list[SubPacket]:
    """Return the question whether a file is to be replaced: 103. Its answer: `read_overwrite`."""
    return [_told(FilelistPacket.DESTINATION_EXISTS, path)]


def read_overwrite(answer: bytes) -> bool:
    """Read the client's answer, one bare integer; False: the task is cancelled."""
    number = read_integer(answer)
    if number not in (FilelistPacket.OVERWRITE, FilelistPacket.CANCEL):
        raise PayloadError(
            f"GENERATE_FILELIST: the answer {number} is neither {FilelistPacket.OVERWRITE:d}"
            f" (overwrite) nor {FilelistPacket.CANCEL:d} (cancel)"
        )
    return number == FilelistPacket.OVERWRITE


def filelist_cancelled() -> list[SubPacket]:
    """Return the end when the client cancels: 100."""
    return _row(FilelistPacket.TASK_TERMINATED)


def filelist_writing(path: str) -> list[SubPacket]:
    """Return the name of the list's file: 104."""
    return [_told(FilelistPacket.FINAL_NAME, path)]


def filelist_result(line: str) -> list[SubPacket]:
    """Return the line of a recording, `FILE START_MJD STOP_MJD`: 111."""
    return [_told(FilelistPacket.FILE_RESULT, line)]


def filelist_ended(processed: int, *, had_errors: bool) -> list[SubPacket]:
    """Return the end, with the number of recordings: 110 [112] 101."""
    row = [sub_packet(FilelistPacket.PROCESSED_COUNT, integer(processed))]
    if had_errors:
        row += _row(FilelistPacket.ERRORS_ENCOUNTERED)
    return row + _row(FilelistPacket.TASK_ENDED_GRACEFULLY)
