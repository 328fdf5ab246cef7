"""Findings of the doctor on a histogrammer: display memory, roots, programs, numba."""

from __future__ import annotations

import json
import os
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from commandline.findings import Report
from histogrammer import doctor
from histogrammer.bank import HistogrammerBank
from player.config import load
from player.findings import Finding, Surroundings

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def _compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "has_numba", lambda: True)


def diagnosis(folder: Path, *, is_served: bool = False, **table: Any) -> list[Finding]:
    """Return the findings on a Bank with such a table; nothing in the folder has changed."""
    path = folder / "array.toml"
    values = {
        "kind": "histogrammer",
        "hpc_host": "localhost",
        "home": ".",
        "shm_mbytes": 1,
        **table,
    }
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in values.items() if key != "programs"]
    programs = [
        f"{key} = {json.dumps(value)}\n" for key, value in table.get("programs", {}).items()
    ]
    path.write_text("".join(["[banks.DAQ]\n", *lines, "[banks.DAQ.programs]\n", *programs]))
    before = sorted(folder.rglob("*"))
    notes: list[str] = []
    around = Surroundings(
        simulate=False, data_root=folder, dibas_dir=None, is_served=is_served, note=notes.append
    )
    found = HistogrammerBank.diagnose(load(path), "DAQ", around)
    assert (notes, sorted(folder.rglob("*"))) == ([], before)
    return found


def one(folder: Path, **table: Any) -> tuple[str, str, str]:
    (finding,) = diagnosis(folder, **table)
    assert finding.bank == "DAQ"
    return finding.check, finding.text, finding.remedy


def test_nothing_is_wrong_where_all_is_there(tmp_path: Path) -> None:
    programs = {"plain": ["sh", "-c", "true"], "by-path": [sys.executable]}
    assert diagnosis(tmp_path, roots=["."], programs=programs) == []


def test_a_missing_folder_of_the_display_memory_is_found(tmp_path: Path) -> None:
    check, text, remedy = one(tmp_path, home="no")
    assert (check, text) == (
        "display memory",
        f"the folder of the display memory, {tmp_path}/no, does not exist",
    )
    assert remedy == "make it, or name another one in banks.DAQ.home"
    assert one(tmp_path, home="array.toml")[1].endswith("array.toml, is not a folder")
    assert "cannot be found: Not a directory" in one(tmp_path, home="array.toml/x")[1]


def test_a_folder_of_the_display_memory_that_cannot_be_written_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _path, mode: not mode & os.W_OK)
    _, text, remedy = one(tmp_path)
    assert text == f"the folder of the display memory, {tmp_path}, cannot be written"
    assert remedy.endswith("name another one in banks.DAQ.home")


def test_too_little_space_is_found_unless_the_memory_is_there_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        doctor.shutil, "disk_usage", lambda _path: Usage(0, 0, (64 << 20) + 5_600_000)
    )
    assert diagnosis(tmp_path, shm_mbytes=64) == []
    check, text, remedy = one(tmp_path, shm_mbytes=65)
    assert (check, remedy) == (
        "display memory",
        "make room there, or ask for less in banks.DAQ.shm_mbytes",
    )
    assert text.endswith("has room for 69.3 MiB, and the memory takes 70.3")
    assert diagnosis(tmp_path, shm_mbytes=65, is_served=True) == []


def test_roots_that_are_not_there_or_cannot_be_read_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = diagnosis(tmp_path, roots=[".", "no", "array.toml"])
    assert [(each.check, each.text) for each in found] == [
        ("roots", f"{tmp_path}/no, below which clients may name files, does not exist"),
        ("roots", f"{tmp_path}/array.toml, below which clients may name files, is not a folder"),
    ]
    assert all(each.remedy.endswith("or correct banks.DAQ.roots") for each in found)
    monkeypatch.setattr(os, "access", lambda _path, mode: not mode & os.R_OK)
    assert one(tmp_path, roots=["."])[1].endswith("clients may name files, cannot be read")


def test_programs_that_cannot_be_started_are_found(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("#!/bin/sh\n")
    plain.chmod(0o644)
    programs = {
        "one": ["no-such-program", "-v"],
        "two": [str(plain)],
        "three": [str(tmp_path)],
        "four": [f"{tmp_path}/no"],
    }
    found = diagnosis(tmp_path, programs=programs)
    assert [(each.text, each.remedy) for each in found] == [
        (
            "no-such-program, which clients may attach as one, is not on the PATH",
            "install it, or correct banks.DAQ.programs",
        ),
        (
            f"{plain}, which clients may attach as two, cannot be executed",
            f"allow it, chmod +x {plain}, or correct banks.DAQ.programs",
        ),
        (
            f"{tmp_path}, which clients may attach as three, is no program",
            "put it there, or correct banks.DAQ.programs",
        ),
        (
            f"{tmp_path}/no, which clients may attach as four, is not there",
            "put it there, or correct banks.DAQ.programs",
        ),
    ]
    assert {each.check for each in found} == {"programs"}


def test_missing_numba_is_advice_that_is_given_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "has_numba", lambda: False)
    path = tmp_path / "array.toml"
    table = '[banks.{0}]\nkind = "histogrammer"\nhpc_host = "of-{0}"\nhome = "."\n'
    path.write_text("".join(map(table.format, ("DAQ", "DAQ2"))))
    report = Report()
    around = Surroundings(
        simulate=False, data_root=tmp_path, dibas_dir=None, is_served=True, note=report.note
    )
    for name in ("DAQ", "DAQ2"):
        assert HistogrammerBank.diagnose(load(path), name, around) == []
    assert report.notes == [
        "numba is not installed: pip install 'dealer-player[histogrammer]'; without it "
        "histogrammers fill spectra several times slower"
    ]


def test_a_segment_needs_no_folder_and_is_not_larger_than_this_host_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = tmp_path / "shmmax"
    most.write_text(f"{(64 << 20) + 5_600_000}\n")
    monkeypatch.setattr(doctor, "_MAX_SHARED", most)
    assert diagnosis(tmp_path, shm_kind="sysv", shm_mbytes=64, home="no") == []
    check, text, remedy = one(tmp_path, shm_kind="sysv", shm_mbytes=65)
    assert check == "display memory"
    assert text.endswith(f"a System V segment has at most {(64 << 20) + 5_600_000} here")
    assert remedy == f"raise {most}, or ask for less in banks.DAQ.shm_mbytes"
