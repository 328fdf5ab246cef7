"""Files of records in a folder: bounds on disk, old ones, damaged ones, foreign readers and writers."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from support.clocks import SettableClock
from support.full_disk import room_for
from support.records import ALL, MIB, QUICK, adding, folder_of, numbers

from player.dataroot import Mounts
from player.recordfolder import RecordFolder, RecordFolderError, Retention, network_file_system

TEXT = "x" * 500


def on_disk(path: Path) -> int:
    return sum(part.stat().st_size for part in path.iterdir())


def fill(folder: RecordFolder, count: int) -> int:
    """Add so many times 100 records; the most bytes that were on disk."""
    most = 0
    for _ in range(count):
        folder.add(adding(100, TEXT))
        folder.care()
        most = max(most, on_disk(folder.folder))
    return most


def test_bytes_on_disk_are_bounded_and_the_newest_records_are_kept(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, size=4 * MIB)
    assert fill(folder, 150) <= 4 * MIB  # 7.5 MB went through
    assert folder.size == on_disk(tmp_path) > 2 * MIB
    kept = numbers(folder)
    assert kept == list(range(kept[0], 15_001))
    assert kept[0] > 5000
    folder.close()


def test_a_cursor_that_is_left_open_holds_up_nothing_and_lets_nothing_grow(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, size=4 * MIB)
    fill(folder, 1)
    first = min(tmp_path.glob("*.sqlite"))
    reader = sqlite3.connect(first)
    cursor = reader.execute("SELECT number FROM records")
    assert cursor.fetchone() == (1,)
    assert fill(folder, 150) <= 4 * MIB
    logs = [path.stat().st_size for path in tmp_path.glob("*-wal")]
    assert all(size <= MIB for size in logs)
    assert len(cursor.fetchall()) == 99  # it saw what there was
    reader.close()
    assert numbers(folder)[-1] == 15_100
    folder.close()


def test_old_records_go_by_days_and_their_bytes_with_them(tmp_path: Path) -> None:
    clock = SettableClock()
    folder = folder_of(tmp_path, clock, days=16)
    for _ in range(40):
        folder.add(adding(10, TEXT, round(clock.time() * 1e6)))
        folder.care()
        clock.advance(86400)
    kept = numbers(folder)
    assert kept[-1] == 400
    # Those of 16 days, and of the day of which the file goes as a whole.
    assert 160 <= len(kept) <= 190
    assert on_disk(tmp_path) < 30 * 100_000
    folder.close()


def test_a_clock_that_jumps_by_years_removes_little(tmp_path: Path) -> None:
    clock = SettableClock()
    folder = folder_of(tmp_path, clock, days=16)
    for _ in range(8):
        folder.add(adding(10, TEXT, round(clock.time() * 1e6)))
        folder.care()
        clock.advance(86400)
    clock.set_by(3e8)
    for _ in range(5):
        folder.add(adding(10, TEXT, round(clock.time() * 1e6)))
        folder.care()
    kept = numbers(folder)
    assert kept[-1] == 130
    assert len(kept) >= 100  # one file went, of three days
    folder.close()


def test_a_damaged_file_is_set_aside_and_numbers_go_on_rising(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    folder.add(adding(500, TEXT))
    folder.close()
    path = min(tmp_path.glob("*.sqlite"))
    with path.open("r+b") as raw:
        raw.seek(4096 * 5)
        raw.write(os.urandom(4096))
    again = folder_of(tmp_path)
    again.add(adding(3))
    assert [said.partition(" was damaged")[0] for said in again.set_aside] == [str(path)]
    assert path.with_suffix(".damaged").exists()
    assert not path.exists()
    assert min(numbers(again)) > 500
    again.close()


def test_damage_that_a_reader_finds_is_set_aside_by_the_writer(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    fill(folder, 20)
    oldest = min(tmp_path.glob("*.sqlite"))
    with oldest.open("r+b") as raw:
        raw.write(b"nothing of the kind" * 10)
    kept = numbers(folder)
    assert kept[-1] == 2000
    assert kept[0] > 1
    folder.add(adding(1))
    assert oldest.with_suffix(".damaged").exists()
    assert len(folder.set_aside) == 1
    folder.close()


def test_a_file_that_is_taken_away_is_made_anew(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    folder.add(adding(7))
    for path in tmp_path.iterdir():
        path.unlink()
    folder.add(adding(1))
    assert len(numbers(folder)) == 1
    folder.close()


def test_two_writers_of_a_folder_go_on_to_the_same_new_file(tmp_path: Path) -> None:
    one, other = folder_of(tmp_path), folder_of(tmp_path)
    for _ in range(20):
        fill(one, 1)
        fill(other, 1)
    assert numbers(one) == list(range(1, 4001))
    one.close()
    other.close()


def test_a_full_disk_takes_nothing_and_then_goes_on(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    folder.add(adding(10, TEXT))
    with room_for(60_000):
        for _ in range(3):
            with pytest.raises((sqlite3.Error, OSError)):
                folder.add(adding(1000, TEXT))
    folder.add(adding(1, TEXT))
    assert numbers(folder) == list(range(1, 12))
    folder.close()


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "ceph", "9p"])
def test_network_file_systems_are_refused_with_what_to_do(tmp_path: Path, kind: str) -> None:
    mounts = Mounts(frozenset({Path("/"), tmp_path}), frozenset(), {tmp_path: kind})
    retention = Retention(days=1, bytes=4 * MIB)
    folder = RecordFolder(tmp_path / "records", QUICK, retention, SettableClock(), mounts)
    with pytest.raises(RecordFolderError, match=rf"network file system \({kind}\).*XDG_STATE_HOME"):
        folder.add(adding(1))
    assert list((tmp_path / "records").iterdir()) == []


def test_file_systems_are_told_apart_by_the_table_of_the_system(tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/home {tmp_path} nfs4 rw 0 0\n")
    mounts = Mounts.read(table, tmp_path / "none")
    assert network_file_system(tmp_path / "state", mounts) == "nfs4"
    assert network_file_system(Path("/var"), mounts) == ""


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    folder = folder_of(Path("/dev/null/records"))
    with pytest.raises(RecordFolderError, match=r"/dev/null/records cannot be made"):
        folder.add(adding(1))


def test_a_folder_that_is_not_there_has_no_records(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "none")
    assert numbers(folder) == numbers(folder, newest=True) == list(folder.answers("SELECT 1")) == []
    assert folder.size == 0


def test_pages_of_records_have_each_of_them_once_in_both_directions(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    fill(folder, 20)
    found: list[int] = []
    while page := folder.select(ALL, after=found[-1] if found else 0, most=300):
        found += [number for number, _ in page]
    assert found == list(range(1, 2001))
    assert [n for n, _ in folder.select(ALL, most=300, newest=True)] == list(range(1701, 2001))
    folder.close()
