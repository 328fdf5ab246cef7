"""One file of records: two writers, settings, damage, readers that take too long."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from support.player_run import ROOT
from support.records import MIB, QUICK, SCHEMA, adding

from player.recordfile import FinishedFileError, RecordFile, RecordLayout, is_damage, read_records
from zmqjsonproxy.errors import RefusedError

WRITER = """
import sqlite3, sys
from pathlib import Path
from support.records import QUICK
from player.recordfile import RecordFile

def read_then_write(connection: sqlite3.Connection, number: int) -> None:
    total, = connection.execute("SELECT coalesce(max(text), 0) FROM records").fetchone()
    connection.execute("INSERT INTO records VALUES (?, 1, ?)", (number, total + 1))

file = RecordFile(Path(sys.argv[1]), QUICK, 1)
for _ in range(int(sys.argv[2])):
    file.add(read_then_write)
file.close()
"""


def test_two_processes_that_read_and_then_write_lose_nothing(tmp_path: Path) -> None:
    path, each = tmp_path / "tests-1.sqlite", 300
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    # The sum would fall short if one of them wrote what it had read before the other one wrote.
    schema = SCHEMA[0].replace("text TEXT", "text INTEGER")
    RecordFile(path, RecordLayout(name="tests", schema=(schema,), synchronous="OFF"), 1).close()
    command = [sys.executable, "-c", WRITER, str(path), str(each)]
    writers = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(2)]
    for writer in writers:
        _, complaint = writer.communicate(timeout=120)
        assert (writer.returncode, complaint) == (0, b"")
    rows = read_records(path, "SELECT number, text FROM records ORDER BY number", ())
    assert rows == [(number, number) for number in range(1, 2 * each + 1)]


def test_the_settings_are_those_that_were_asked_for(tmp_path: Path) -> None:
    for name, number in (("FULL", 2), ("NORMAL", 1)):
        layout = RecordLayout(name="tests", schema=SCHEMA, synchronous=name)
        file = RecordFile(tmp_path / f"{name}.sqlite", layout, 1)
        assert file.settings == {
            "journal_mode": "wal",
            "synchronous": number,
            "temp_store": 2,  # in memory
            "wal_autocheckpoint": 0,
        }
        file.close()


def test_only_its_owner_may_read_it_from_the_first_moment(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        file = RecordFile(tmp_path / "tests-1.sqlite", QUICK, 1)
        file.add(adding(1))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    file.close()
    assert set(modes.values()) == {0o600}
    assert len(modes) == 3  # the file, its log, the index of that


def test_numbers_begin_where_the_file_says_and_go_on(tmp_path: Path) -> None:
    path = tmp_path / "tests-1.sqlite"
    file = RecordFile(path, QUICK, 41)
    file.add(adding(2))
    file.close()
    again = RecordFile(path, QUICK, 1)
    assert (again.first, again.next_number) == (41, 43)
    again.close()


def test_what_fails_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "tests-1.sqlite", QUICK, 1)

    def fail(connection: sqlite3.Connection, number: int) -> None:
        adding(3)(connection, number)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        file.add(fail)
    assert file.next_number == 1
    file.add(adding(1))
    file.close()


def test_a_finished_file_takes_changes_and_no_records(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "tests-1.sqlite", QUICK, 1)
    file.add(adding(1))
    file.finish()
    with pytest.raises(FinishedFileError):
        file.add(adding(1))
    file.change(lambda connection: connection.execute("UPDATE records SET text = 'new'"))
    file.close()
    assert read_records(file.path, "SELECT text FROM records", ()) == [("new",)]


def test_a_page_that_was_overwritten_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "tests-1.sqlite"
    file = RecordFile(path, QUICK, 1)
    file.add(adding(500, "x" * 100))
    file.close()
    with path.open("r+b") as raw:
        raw.seek(4096 * 3)
        raw.write(os.urandom(4096))
    with pytest.raises(sqlite3.DatabaseError) as caught:
        RecordFile(path, QUICK, 1)
    assert is_damage(caught.value)


def test_a_reader_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "tests-1.sqlite"
    RecordFile(path, QUICK, 1).close()
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    with pytest.raises(RefusedError, match=r"took longer than 0\.02 s; ask for less"):
        read_records(path, endless, (), within=0.02)
    assert not path.with_name(f"{path.name}-shm").exists()  # no connection was left


def test_a_reader_needs_no_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SQLITE_TMPDIR", "TMPDIR"):
        monkeypatch.setenv(name, "/dev/null")
    path = tmp_path / "tests-1.sqlite"
    file = RecordFile(path, QUICK, 1)
    file.add(adding(20_000, "x" * 200))  # to be sorted: more than SQLite's cache holds
    file.close()
    assert path.stat().st_size > 4 * MIB
    question = "SELECT number FROM records ORDER BY text || (number % 97), number"
    assert len(read_records(path, question, ())) == 20_000


def test_a_file_that_is_gone_has_no_records(tmp_path: Path) -> None:
    assert read_records(tmp_path / "tests-1.sqlite", "SELECT 1", ()) == []
    assert list(tmp_path.iterdir()) == []
