"""A Bank and its data root: no disk that is not mounted is written over, and no scan number comes
twice."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.player_run import clean_environment, player
from support.recordings import recording
from support.spectrometer_array import write_array

from player.config import load
from player.dataroot import Mounts
from player.errors import DataRootError
from player.host import bank_context
from spectrometer.bank import SpectrometerBank


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_array(tmp_path / "array.toml", board=False, recording=recording())
    return tmp_path / "array.toml"


@contextmanager
def opened(path: Path, root: Path) -> Iterator[SpectrometerBank]:
    bank = SpectrometerBank(
        bank_context(load(path), "BANKA", simulate=True, data_root=root, dibas_dir=None)
    )
    try:
        bank.open()
        yield bank
    finally:
        bank.close()


def test_a_bank_whose_disk_is_not_mounted_does_not_start_and_makes_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    monkeypatch.setattr(
        Mounts, "read", classmethod(lambda cls: cls(frozenset({Path("/")}), frozenset({disk})))
    )
    with pytest.raises(DataRootError, match=f"mount {disk}"), opened(path, disk / "dibas"):
        pass
    assert list(disk.iterdir()) == []
    path.write_text(path.read_text().replace("\nsource = {", "\n# source = {"))
    with opened(path, disk / "dibas"):  # it takes no data
        assert f"data root {disk / 'dibas'} is below {disk}" in caplog.text
    assert list(disk.iterdir()) == []


def test_the_player_says_in_one_line_what_to_do(path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = player(
        "BANKA",
        "simulate",
        "--config",
        path,
        env=clean_environment(DIBAS_DATA=str(tmp_path / "file" / "x")),
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        f"player: data root {tmp_path / 'file' / 'x'} cannot be made (Not a directory); make it, or set DIBAS_DATA or"
    )


def test_a_bank_counts_on_from_the_scans_whose_numbers_were_not_kept(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "new" / "data"
    with opened(path, root) as bank:
        assert bank.get_status(["SCANNUM", "SCAN"]) == {"SCANNUM": 1, "SCAN": 1}
        bank.set_scan_number(4)
    (root / "JUNK").mkdir()
    (root / "JUNK" / "2999_01_01_00-00-00_BANKA_11.fits").touch()
    with caplog.at_level(logging.WARNING), opened(path, root) as bank:
        assert bank.get_status("SCANNUM") == 11
        assert "scan number: 4 was kept, but scan 11 is in" in caplog.text
    with opened(path, root) as bank:
        assert bank.get_status("SCANNUM") == 11
