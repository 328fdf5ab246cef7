"""Promises of a soak: each is kept by what is right, and broken by what is wrong in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from tools.soak.owners import Command, Grant, no_two_owners, numbers_rise
from tools.soak.processes import Child, environment, marked
from tools.soak.promises import PROMISES, FileContents, Taken, read_file
from tools.soak.remains import orphans, segment_keys, shared
from tools.soak.rounds import Round, table

DONE = {"outcome": "done", "file": "a.fits", "integrations": 10, "warning": ""}
WHOLE = FileContents(10, "complete")


def broken(
    reports: dict[str, Any], files: dict[str, FileContents], told: dict[str, Any] | None = None
) -> list[str]:
    taken = Taken(10, reports, told or {}, files, frozenset({"old.fits"}))
    return [sentence for promise in PROMISES for sentence in promise(taken)]


def test_a_scan_that_is_done_and_whole_breaks_nothing() -> None:
    assert broken({"BANKA": DONE}, {"a.fits": WHOLE}, {"BANKA": DONE}) == []


@pytest.mark.parametrize(
    ("report", "files", "words"),
    [
        ({}, {}, "its file a.fits is none on disk"),
        ({"file": "old.fits"}, {}, "is none of an earlier scan"),
        ({}, {"a.fits": FileContents(9, "complete")}, "9 of 10 integrations are in its file"),
        ({}, {"a.fits": FileContents(10, "unfinished")}, "its file says 'unfinished'"),
        ({"outcome": "running"}, {"a.fits": WHOLE}, "the scan is still running"),
        ({"outcome": "incomplete"}, {"a.fits": WHOLE}, "no word of what is missing"),
        (
            {"outcome": "failed"},
            {"a.fits": FileContents(3, "unfinished")},
            "10 integrations are reported (failed), 3 are in its file",
        ),
        (
            {"outcome": "none", "file": None},
            {"b.fits": FileContents(fault="cannot be read")},
            "b.fits: cannot be read",
        ),
    ],
)
def test_what_is_wrong_is_told(
    report: dict[str, Any], files: dict[str, FileContents], words: str
) -> None:
    assert any(words in sentence for sentence in broken({"BANKA": DONE | report}, files))


def test_what_only_the_observer_was_told_counts() -> None:
    nothing = {"BANKA": {"outcome": "none", "file": None, "integrations": None}}
    assert broken(nothing, {}, {"BANKA": DONE}) != []


def write(path: Path, data: np.ndarray[Any, Any], integrations: list[int]) -> None:
    columns = [
        fits.Column("INTEGNUM", "J", array=np.array(integrations)),
        fits.Column("DATA", f"{data.shape[1]}E", array=data),
    ]
    primary = fits.PrimaryHDU()
    primary.header["DAQEND"] = "complete"
    fits.HDUList([primary, fits.BinTableHDU.from_columns(columns, name="SPECTRA")]).writeto(path)


def test_files_are_read_by_another_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    write(path, np.ones((4, 3)), [0, 0, 1, 1])
    assert read_file(path) == FileContents(2, "complete")
    path.write_bytes(path.read_bytes()[:100])
    assert "cannot be read" in read_file(path).fault
    write(tmp_path / "b.fits", np.array([[1.0, 0.0]]), [0])
    assert read_file(tmp_path / "b.fits").fault == "a row is not whole"


def test_a_process_that_belongs_to_nobody_is_found(tmp_path: Path) -> None:
    words = ["timeit", "-n", "1", "-r", "1", "import sys; sys.stdin.read()"]
    with Child("one", words, environment("mark-of-this-test"), tmp_path / "log") as child:
        assert child.pid in {process.pid for process in marked("mark-of-this-test")}
        assert orphans("mark-of-this-test", [child.pid], 0.0) == []
        assert "is an orphan" in orphans("mark-of-this-test", [], 0.0)[0]
    assert orphans("mark-of-this-test", [], 30.0) == []


def test_what_is_left_of_shared_memory_is_told_by_its_names() -> None:
    text = "       key      shmid perms\n 1583045063         3   666\n          0         4   600\n"
    assert segment_keys(text) == [1583045063, 0]
    assert shared([0x12345678], ["no-such-name-of-ours"]) == []


def test_rounds_are_summed_up_by_fault() -> None:
    def one(fault: str, outcome: str, on_disk: int, *sentences: str) -> Round:
        return Round(
            number=1,
            fault=fault,
            moment=0.0,
            outcomes={"BANKA": outcome, "BANKB": "done"},
            told="",
            on_disk=on_disk,
            back_s=1.5,
            broken=sentences,
        )

    rounds = [
        one("Dealer killed", "done", 20),
        one("none", "done", 20, "x"),
        one("none", "failed", 10),
    ]
    assert table(rounds).splitlines()[2:] == [
        "| none | 2 | 3 done, 1 failed | 30 of 40 | 1.5 | 1 |",
        "| Dealer killed | 1 | 2 done | 20 of 20 | 1.5 | none |",
    ]


def test_a_command_under_a_lease_that_another_has_followed_is_told() -> None:
    grants = [Grant("BANKA", 1, 10.0), Grant("BANKA", 2, 20.0), Grant("BANKB", 1, 10.0)]
    before = Command("start", {"BANKA": 1, "BANKB": 1}, 19.9)
    after = Command("start", {"BANKA": 1, "BANKB": 1}, 20.1)
    assert no_two_owners(grants, [before]) == []
    assert no_two_owners(grants, [before, after]) == [
        "BANKA: start was carried out under lease 1, 0.100 s after lease 2 was given"
    ]


def test_numbers_of_leases_rise_for_each_bank() -> None:
    good = [Grant("BANKA", 3, 1.0), Grant("BANKB", 1, 2.0), Grant("BANKA", 7, 3.0)]
    assert numbers_rise(good) == []
    assert numbers_rise([*good, Grant("BANKA", 7, 4.0)]) == [
        "BANKA: lease 7 was given after lease 7"
    ]
