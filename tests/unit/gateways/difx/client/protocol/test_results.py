"""Results of tasks, from the sequences that the sheet of the protocol records."""

from __future__ import annotations

from enum import IntEnum

import pytest

from gateways.difx.client.protocol.results import (
    JobEnd,
    JobStatus,
    TaskEvent,
    copy_result,
    directory_result,
    filelist_result,
    job_result,
    job_statuses,
    machines_result,
    read_entries,
    unit_answer,
)
from gateways.difx.protocol.taskids import (
    CopyPacket,
    DirectoryPacket,
    FilelistPacket,
    JobPacket,
    MachinesPacket,
    StatusPacket,
    UnitPacket,
)


def events(ids: type[IntEnum], text: str) -> list[TaskEvent]:
    """Read `102 114=a_line 101`."""
    found = []
    for word in text.split():
        number, _, data = word.partition("=")
        found.append(TaskEvent.read(ids, int(number), data.replace("_", " ").encode()))
    return found


@pytest.mark.parametrize(
    ("sequence", "end", "reason"),
    [
        ("102 103 127 114=a 125 104 113 114=b 117 101", JobEnd.DONE, ""),
        ("102 103 127 125 104 112 113 117 101", JobEnd.DONE, ""),
        ("102 103 127 125 128", JobEnd.CHECKED, ""),
        ("102 103 127 124 116=no_channels 128", JobEnd.BAD_CONFIGURATION, "no channels"),
        ("102 103 127 115=x 126 125 104 113 117 101", JobEnd.DONE, ""),
        ("102 103 127 124 104 113 117 101", JobEnd.DONE, ""),
        ("102 103 109 100", JobEnd.REFUSED, "the input file does not exist"),
        ("102 103 127 125 105 100", JobEnd.REFUSED, "no head node is named"),
        ("102 103 127 125 106 100", JobEnd.REFUSED, "no data sources are named"),
        ("102 103 127 125 107 100", JobEnd.REFUSED, "no processing nodes are named"),
        ("102 103 127 125 104 113 116=dead 119", JobEnd.FAILED, "dead"),
        ("102 103 127 125 104 113 116=late 114=on 117 120", JobEnd.DONE_WITH_ERRORS, "late"),
        ("102 103 127 125 104 113 114=x 100", JobEnd.STOPPED, ""),
        ("100", JobEnd.REFUSED, ""),
    ],
)
def test_each_recorded_sequence_of_a_job_has_its_end(
    sequence: str, end: JobEnd, reason: str
) -> None:
    result = job_result(events(JobPacket, sequence))
    assert (result.end, result.reason) == (end, reason)


def test_output_that_exists_refuses_a_job() -> None:
    result = job_result(events(JobPacket, "102 103 127 125 104 111 100"))
    assert result.end is JobEnd.REFUSED
    assert "force" in result.reason


def test_the_names_of_events_are_those_of_the_protocol() -> None:
    assert TaskEvent.read(JobPacket, 114, b"a line\n") == TaskEvent(
        114, "DIFX_MESSAGE", b"a line\n"
    )
    assert TaskEvent.read(JobPacket, 114, b"a line\n").text == "a line"
    assert TaskEvent.read(JobPacket, 99, b"").name == "99"


def test_a_status_is_a_time_stamp_directly_followed_by_state_and_remark() -> None:
    found = events(StatusPacket, "102 110 104=/a.input 105 104=/b.input 106 104=/c.input 108 101")
    data = b"Tue Nov 21 02:00:09 2026Done  all ok"
    found[5] = TaskEvent.read(StatusPacket, 106, data)
    assert job_statuses(found) == [
        JobStatus("/a.input"),
        JobStatus("/b.input", "Tue Nov 21 02:00:09 2026", "Done", "all ok"),
        JobStatus("/c.input"),
    ]


def test_machines_files_are_those_that_were_created() -> None:
    done = machines_result(
        events(
            MachinesPacket,
            "102 103 108 111=/j.machines 109 110=/j.threads 104 122 119=p2 120=p1 115 116 101",
        )
    )
    assert (done.machines_file, done.threads_file) == ("/j.machines", "/j.threads")
    assert done.tested == (("p2", False), ("p1", True))
    assert not done.fault
    refused = machines_result(events(MachinesPacket, "102 103 107 100"))
    assert (refused.machines_file, refused.fault) == ("", "no processing nodes are named")
    full = machines_result(events(MachinesPacket, "102 103 111=/m 110=/t 104 113=disk_full 100"))
    assert full.fault == "the machines file cannot be written: disk full"


def test_a_directory_has_its_lines_or_a_fault() -> None:
    found = directory_result(
        events(DirectoryPacket, "301 303=/d/A.dir 307=Nov_21_02:00 309 310=A_1 310=0_x 302")
    )
    assert (found.path, found.date, found.lines) == ("/d/A.dir", "Nov 21 02:00", ("A 1", "0 x"))
    assert not found.fault
    absent = directory_result(events(DirectoryPacket, "301 303=/d/A.dir 308 304"))
    assert absent.fault == "there is no directory of this medium"
    unset = directory_result(events(DirectoryPacket, "301 306 304"))
    assert "MARK5_DIR_PATH" in unset.fault


def test_a_copy_names_its_files_and_errors() -> None:
    done = copy_result(events(CopyPacket, "301 312=x 305=outName_=_/data/a 302"))
    assert (done.files, done.errors, done.is_done) == (("/data/a",), (), True)
    failed = copy_result(events(CopyPacket, "301 305=no_disk 314 302"))
    assert (failed.files, failed.errors, failed.is_done) == ((), ("no disk",), False)


def test_a_unit_answers_with_lines_and_errors() -> None:
    answer = unit_answer(events(UnitPacket, "102 108=ok 110=hot 101"))
    assert (answer.lines, answer.errors) == (("ok",), ("hot",))
    assert unit_answer(events(UnitPacket, "102 105 100")).errors == ("the target is unknown",)


@pytest.mark.parametrize(
    ("sequence", "path", "fault"),
    [
        ("102 104=/l 111=a_1_2 110 101", "/l", ""),
        ("102 103=/l 104=/l 111=a_1_2 110 101", "/l", ""),
        ("102 103=/l 100", "", "the file exists already, and is kept: /l"),
        ("102 109=TAPE 100", "", "the format is unknown: TAPE"),
        ("102 105=/x 100", "", "the folder cannot be reached: /x"),
    ],
)
def test_a_file_list_was_written_or_not(sequence: str, path: str, fault: str) -> None:
    result = filelist_result(events(FilelistPacket, sequence))
    assert (result.path, result.fault) == (path, fault)


def test_long_listings_are_read_column_by_column() -> None:
    first, second, third = read_entries(
        [
            "total 8",
            "drwxr-xr-x 1 user user 4096 2024-01-31 12:00:00 /path",
            "-rw-r--r--. 1 a-long-user group  12345678 2024-01-31 12:00:01 /a  b",
            "lrwxrwxrwx 1 user user    3 2024-01-31 12:00:02 here -> /to there",
            "ls: cannot access",
        ]
    )
    assert (first.path, first.is_folder, first.size) == ("/path", True, 4096)
    assert (second.path, second.size, second.modified) == (
        "/a  b",
        12345678,
        "2024-01-31 12:00:01",
    )
    assert (third.path, third.target, third.is_folder) == ("here", "/to there", False)
