"""The growing FITS file, read by astropy at every stage."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from support.full_disk import room_for

from spectrometer.daq.writer import IntegrationRow, ScanFile, build_headers

NCHAN = 16
ROW_BYTES = 76 + 4 * NCHAN


def row(number: int) -> IntegrationRow:
    return IntegrationRow(
        integration=number,
        state=1,
        polarization="XX",
        sig_ref=0,
        cal=1,
        start="2023-02-25T12:00:00.000000",
        duration=0.5,
        mjd=60000.5,
        exposure=0.5,
        recorded=2.0,
        spectra=8,
        data=np.arange(NCHAN, dtype=np.float64) + number,
    )


def new_file(directory: Path) -> ScanFile:
    primary, table = build_headers(
        NCHAN,
        {"OBSERVER": "me", "OBSBW": 800.0, "_SPHS_01": 0.0},
        [("SIMULATE", True, "replay"), ("NLOOPS", 0, "")],
    )
    return ScanFile(directory, "scan.fits", NCHAN, primary, table)


def numbers_in(path: Path) -> list[int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # uncounted rows are bytes after the last HDU
        with fits.open(path) as units:
            data = units[1].data
            assert all((r["DATA"] == np.arange(NCHAN) + r["INTEGNUM"]).all() for r in data)
            return [int(n) for n in data["INTEGNUM"]]


def test_file_is_readable_after_every_flush(tmp_path: Path) -> None:
    file = new_file(tmp_path)
    assert numbers_in(file.path) == []
    for number in range(60):
        file.append([row(number)])
        file.flush()
        assert numbers_in(file.path) == list(range(number + 1))
        assert file.path.stat().st_size % 2880 == 0
    file.set_number("NLOOPS", 5)
    file.close()
    with fits.open(file.path) as units:
        units.verify("exception")
        header = units[0].header
        assert (header["NLOOPS"], header["SIMULATE"]) == (5, True)
        assert (header["OBSERVER"], header["_SPHS_01"]) == ("me", 0.0)
        assert "OBSBW" not in header


def test_death_at_any_byte_leaves_the_complete_rows(tmp_path: Path) -> None:
    file = new_file(tmp_path)
    file.append([row(0), row(1)])
    file.flush()
    before = file.path.read_bytes()
    file.append([row(n) for n in range(2, 50)])
    file.flush()
    file.close()
    after = file.path.read_bytes()
    rows_at = after.index(b"XTENSION") + 2880 * (
        (len(before) - after.index(b"XTENSION") - 1) // 2880
    )
    for cut in range(rows_at + 200, len(after), 97):  # the header still counts two rows
        partial = before[:rows_at] + after[rows_at:cut] + before[cut:]
        (tmp_path / "partial.fits").write_bytes(partial)
        assert numbers_in(tmp_path / "partial.fits") == [0, 1]


def test_existing_files_are_never_overwritten(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        file = new_file(tmp_path)
        names.append(file.path.name)
        file.close()
    assert names == ["scan.fits", "scan_2.fits", "scan_3.fits"]


def test_full_disk_keeps_every_row_of_a_block_that_it_took(tmp_path: Path) -> None:
    file = new_file(tmp_path)
    file.append([row(0), row(1)])
    file.flush()
    room = file.path.stat().st_size + 4000
    with room_for(room):
        file.append([row(n) for n in range(2, 200)])
        with pytest.raises(OSError, match="File too large"):
            file.flush()
        assert file.rows == 2 * 2880 // ROW_BYTES
        file.append([row(file.rows)])
        with pytest.raises(OSError, match="File too large"):
            file.flush()  # its block would be too much
        file.close()
    assert numbers_in(file.path) == list(range(2 * 2880 // ROW_BYTES))
    assert file.path.stat().st_size % 2880 == 0


def test_the_number_of_rows_is_never_half_written(tmp_path: Path) -> None:
    for cards in range(0, 120, 7):  # wherever the header of the table comes to be
        primary, table = build_headers(NCHAN, {}, [(f"KEY{n}", n, "") for n in range(cards)])
        place = len(primary) + table.index(b"NAXIS2  ")
        assert place // 4096 == (place + 29) // 4096


def test_a_file_that_is_removed_while_it_is_written_is_an_error(tmp_path: Path) -> None:
    file = new_file(tmp_path)
    file.append([row(0)])
    file.flush(sync=True)
    file.path.rename(tmp_path / "elsewhere.fits")  # still there
    file.flush(sync=True)
    (tmp_path / "elsewhere.fits").unlink()
    with pytest.raises(FileNotFoundError, match="was removed while it was written"):
        file.flush(sync=True)
    with pytest.raises(FileNotFoundError):
        file.close()
    file.close()
