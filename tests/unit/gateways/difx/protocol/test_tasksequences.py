"""Sub-packets of tasks: the recorded sequences."""

from __future__ import annotations

import pytest
from support.subpackets import ids_of, read_sub_packets

from gateways.difx.errors import PayloadError
from gateways.difx.protocol import tasksequences as task
from gateways.difx.protocol.taskids import FilelistPacket
from gateways.difx.protocol.tasksequences import MachinesRefusal


def test_machines_and_threads_are_written() -> None:
    row = [
        *task.machines_accepted(),
        *task.machines_files(
            "/j.machines", "/j.threads", machines_guessed=False, threads_guessed=False
        ),
        *task.machines_written(),
    ]
    assert read_sub_packets(row) == [
        (102, b""),
        (103, b""),
        (111, b"/j.machines"),
        (110, b"/j.threads"),
        (104, b""),
        (115, b""),
        (116, b""),
        (101, b""),
    ]


def test_names_that_were_guessed_are_warned_of_and_nodes_are_tested() -> None:
    row = [
        *task.machines_accepted(),
        *task.machines_files("/m", "/t", machines_guessed=True, threads_guessed=True),
        *task.machines_testing(),
        *task.machines_tested("p1", passed=True),
        *task.machines_tested("p2", passed=False),
        *task.machines_written(),
    ]
    assert ids_of(row) == "102 103 108 111 109 110 104 122 120 119 115 116 101"
    assert read_sub_packets(row)[8:10] == [(120, b"p1"), (119, b"p2")]


@pytest.mark.parametrize(
    ("refusal", "ids"),
    [
        (MachinesRefusal.NO_HEADNODE, "102 103 105 100"),
        (MachinesRefusal.NO_DATASOURCES, "102 103 106 100"),
        (MachinesRefusal.NO_PROCESSORS, "102 103 107 100"),
        (MachinesRefusal.NO_FILES, "102 103 112 100"),
    ],
)
def test_a_definition_of_machines_is_refused(refusal: MachinesRefusal, ids: str) -> None:
    assert ids_of([*task.machines_accepted(), *task.machines_refused(refusal)]) == ids


def test_a_file_that_cannot_be_written_is_named() -> None:
    first = task.machines_failed("disk full", machines_are_written=False)
    assert read_sub_packets(first) == [(113, b"disk full"), (100, b"")]
    second = task.machines_failed("disk full", machines_are_written=True)
    assert read_sub_packets(second) == [(115, b""), (114, b"disk full"), (100, b"")]


def test_a_directory_is_read() -> None:
    row = [*task.directory_started("/dir/V1.dir"), *task.directory_read("Nov 21 02:00", ["a", "b"])]
    assert read_sub_packets(row) == [
        (301, b""),
        (303, b"/dir/V1.dir"),
        (307, b"Nov 21 02:00"),
        (309, b""),
        (310, b"a"),
        (310, b"b"),
        (302, b""),
    ]


@pytest.mark.parametrize(("had_errors", "end"), [(False, 313), (True, 314)])
def test_a_directory_is_made_anew(had_errors: bool, end: int) -> None:
    row = [
        *task.directory_started("/d"),
        *task.directory_generating(),
        *task.directory_info("Number of scans = 2"),
        *task.directory_generated(had_errors=had_errors),
        *task.directory_read("date", []),
    ]
    assert ids_of(row) == f"301 303 311 312 {end} 307 309 302"


def test_a_directory_that_cannot_be_had_ends_for_the_gui_client_as_well() -> None:
    assert read_sub_packets(task.directory_failed("gone")) == [
        (305, b"gone"),
        (304, b""),
        (302, b""),
    ]


def test_recordings_are_copied() -> None:
    row = [
        *task.copy_started(),
        *task.copy_info("1 of 2"),
        *task.copy_file("/d/a"),
        *task.copy_ended(),
    ]
    assert read_sub_packets(row) == [
        (301, b""),
        (312, b"1 of 2"),
        (305, b"outName = /d/a"),
        (302, b""),
    ]
    assert ids_of([*task.copy_started(), *task.copy_ended("disk full")]) == "301 305 314 302"


def test_a_unit_answers_in_lines() -> None:
    row = [
        *task.unit_started(),
        *task.unit_answer("ok"),
        *task.unit_fault("no"),
        *task.unit_ended(),
    ]
    assert read_sub_packets(row) == [(102, b""), (108, b"ok\n"), (110, b"no\n"), (101, b"")]


def test_states_of_jobs_are_told_or_that_there_is_none() -> None:
    now = "Tue Nov 21 02:00:10 2026"
    record = "Tue Nov 21 02:00:09 2026Done  all ok"
    row = [
        *task.status_started(now),
        *task.status_of_file("/a.input", [record]),
        *task.status_of_file("/b.input", [], has_log=False),
        *task.status_of_file("/c.input", []),
        *task.status_ended(),
    ]
    assert read_sub_packets(row) == [
        (102, b""),
        (110, now.encode()),
        (104, b"/a.input"),
        (106, record.encode()),
        (104, b"/b.input"),
        (105, b""),
        (104, b"/c.input"),
        (108, b""),
        (101, b""),
    ]


def test_a_list_of_recordings_is_made() -> None:
    row = [
        *task.filelist_started(),
        *task.filelist_writing("/l"),
        *task.filelist_result("/a 60000.1 60000.2"),
        *task.filelist_ended(1, had_errors=False),
    ]
    assert read_sub_packets(row) == [
        (102, b""),
        (104, b"/l"),
        (111, b"/a 60000.1 60000.2"),
        (110, b"\0\0\0\1"),
        (101, b""),
    ]
    assert ids_of(task.filelist_ended(2, had_errors=True)) == "110 112 101"


@pytest.mark.parametrize(
    ("reason", "number"),
    [
        (FilelistPacket.BAD_FORMAT, 109),
        (FilelistPacket.PATH_ACCESS_FAILURE, 105),
        (FilelistPacket.OPEN_ERROR, 108),
    ],
)
def test_a_list_is_refused(reason: FilelistPacket, number: int) -> None:
    row = [*task.filelist_started(), *task.filelist_refused(reason, "XYZ")]
    assert read_sub_packets(row) == [(102, b""), (number, b"XYZ"), (100, b"")]


def test_a_list_that_exists_is_asked_for_and_cancelled() -> None:
    row = [*task.filelist_started(), *task.filelist_exists("/l"), *task.filelist_cancelled()]
    assert read_sub_packets(row) == [(102, b""), (103, b"/l"), (100, b"")]


def test_the_answer_is_one_bare_integer() -> None:
    assert task.read_overwrite(bytes.fromhex("0000006a")) is True
    assert task.read_overwrite(bytes.fromhex("0000006b")) is False
    for answer in (bytes(4), bytes.fromhex("0000006c"), b"\0\0\0"):
        with pytest.raises(PayloadError):
            task.read_overwrite(answer)
