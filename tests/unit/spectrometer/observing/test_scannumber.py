"""The scan number: what it may be, and that neither a spoilt file nor a full disk makes one come
twice."""

from __future__ import annotations

import errno
import logging
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from spectrometer.daq.streamingfits import create_new
from spectrometer.daq.writer import file_name
from spectrometer.observing.scannumber import FIRST, LAST, ScanNumber, scans_of
from zmqjsonproxy.errors import RefusedError

log = logging.getLogger("test")
FIRST_START = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)


def number(folder: Path) -> ScanNumber:
    """That of a Bank which is opened anew."""
    made = ScanNumber(folder, "BANKA", log)
    made.recall()
    return made


def kept(folder: Path) -> Path:
    return folder / ".BANKA.scan-number"


def write_scans(
    root: Path, numbers: range, *, project: str = "JUNK", bank: str = "BANKA", name: Any = file_name
) -> None:
    (root / project).mkdir(exist_ok=True)
    for one in numbers:
        _, file = create_new(root / project, name(FIRST_START + timedelta(minutes=one), bank, one))
        os.close(file)


@pytest.mark.parametrize("value", [-1, 2**31, 10**400, 1.5, float("nan"), True, None, "5", [5]])
def test_what_is_no_scan_number_is_refused_and_not_kept(tmp_path: Path, value: Any) -> None:
    first = number(tmp_path)
    first.set(7)
    with pytest.raises(RefusedError, match="expected a whole number from 0 to 2147483647"):
        first.set(value)
    assert number(tmp_path).value == 7


@pytest.mark.parametrize("text", ["", "x", "-3", "9" * 400, "\udcff", "7 8", "\n7"])
def test_a_spoilt_file_counts_from_the_first_and_from_the_data(tmp_path: Path, text: str) -> None:
    kept(tmp_path).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert number(tmp_path).value == FIRST
    write_scans(tmp_path, range(3, 6))
    kept(tmp_path).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert number(tmp_path).increment() == 6


def test_a_file_with_the_number_alone_is_taken(tmp_path: Path) -> None:
    kept(tmp_path).write_text("41\n")
    assert number(tmp_path).increment() == 42


def test_after_the_last_number_comes_the_first(tmp_path: Path) -> None:
    last = number(tmp_path)
    last.set(LAST)
    assert last.increment() == FIRST
    write_scans(
        tmp_path,
        range(LAST, LAST + 1),
        name=lambda _start, bank, one: file_name(FIRST_START, bank, one),
    )
    assert number(tmp_path).value == FIRST


def test_numbers_that_a_full_disk_did_not_keep_are_known_from_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = number(tmp_path)
    assert [first.increment(), first.increment()] == [2, 3]
    before = kept(tmp_path).read_text()

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr("portmanager.files.os.fsync", full)
        assert [first.increment(), first.increment()] == [4, 5]
    assert "scan number 5 is not kept" in caplog.text
    assert "No space left on device" in caplog.text
    assert kept(tmp_path).read_text() == before
    assert os.listdir(tmp_path) == [".BANKA.scan-number"]
    write_scans(tmp_path, range(2, 6))
    second = number(tmp_path)
    assert "scan number: 3 was kept, but scan 5 is in" in caplog.text
    assert second.increment() == 6


@pytest.mark.parametrize(
    "name",
    [
        file_name,
        lambda *of: file_name(*of, ".raw"),
        lambda *of: file_name(*of, "_3.fits"),
        lambda *of: file_name(*of, ".fits.gz"),
    ],
)
def test_files_of_all_types_in_all_projects_count(tmp_path: Path, name: Any) -> None:
    write_scans(tmp_path, range(2, 5))
    write_scans(tmp_path, range(5, 9), project="AGBT26A_001_01", name=name)
    write_scans(tmp_path, range(20, 22), bank="BANKAA")
    write_scans(tmp_path, range(20, 22), bank="ABANKA")
    (tmp_path / "JUNK" / "2026_07_01_12-99-00_BANKA_99").mkdir()  # no file of ours has this name
    (tmp_path / "JUNK" / "notes_BANKA_99.fits").touch()
    (tmp_path / "2026_07_01_12-00-00_BANKA_99.fits").touch()  # in no project
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert number(tmp_path).increment() == 9


def test_a_second_file_of_a_scan_and_numbers_that_cannot_be_are_no_higher_ones(
    tmp_path: Path,
) -> None:
    for _ in range(3):
        write_scans(tmp_path, range(2, 3))
    assert len(os.listdir(tmp_path / "JUNK")) == 3
    (tmp_path / "JUNK" / f"2026_07_01_12-00-00_BANKA_{LAST + 1}.fits").touch()
    assert scans_of("BANKA", tmp_path).number == 2


def test_a_number_that_was_set_counts_on_whatever_older_files_there_are(tmp_path: Path) -> None:
    write_scans(tmp_path, range(500, 502))
    first = number(tmp_path)
    assert first.value == 501
    first.set(3)
    assert first.increment() == 4
    assert number(tmp_path).value == 4
    later = datetime.now(UTC) + timedelta(seconds=2)
    (
        tmp_path / "JUNK" / file_name(later, "BANKA", 9)
    ).touch()  # scans after it, whose numbers were not kept
    assert number(tmp_path).value == 9


def test_the_look_at_many_files_is_bounded_and_the_last_project_comes_first(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scans(tmp_path, range(300, 400), project="OLD")
    write_scans(tmp_path, range(2, 5), project="NEW")
    os.utime(tmp_path / "OLD", (0, 0))
    found = scans_of("BANKA", tmp_path, names=50)
    assert (found.number >= 300, found.is_cut) == (True, True)
    assert scans_of("BANKA", tmp_path, names=3).number == 4
    assert scans_of("BANKA", tmp_path, seconds=0.0).is_cut
    monkeypatch.setattr("spectrometer.observing.scannumber.scans_of", lambda *_args: found)
    number(tmp_path)
    assert "has too many files to look at all of them" in caplog.text


@pytest.mark.parametrize("kind", ["link", "dangling link", "FIFO", "directory"])
def test_what_others_put_in_its_place_is_neither_followed_nor_waited_for(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    root, victim, place = tmp_path / "data", tmp_path / "victim", kept(tmp_path / "data")
    root.mkdir()
    if kind == "FIFO":
        os.mkfifo(place)
    elif kind == "directory":
        place.mkdir()
    else:
        place.symlink_to(victim)
    if kind != "dangling link":
        victim.write_text("42")
    for name in ("", ".new"):  # what was written before it was renamed had this name once
        if name:
            place.with_name(place.name + name).symlink_to(victim)
    first = number(root)
    assert first.increment() == FIRST + 1
    assert "cannot be read" in caplog.text
    assert not victim.exists() if kind == "dangling link" else victim.read_text() == "42"
    if kind != "directory":  # replaced, and what is there now is a file of ours
        assert stat.S_ISREG(place.lstat().st_mode)
        assert number(root).value == FIRST + 1


def test_a_data_root_that_is_gone_is_not_made(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    missing = number(tmp_path / "gone")
    assert missing.increment() == FIRST + 1
    assert "is not kept" in caplog.text
    assert not (tmp_path / "gone").exists()
