"""Checksums of files that grow, against astropy's."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from support.full_disk import room_for

from spectrometer.daq.protocol.checksum import ALL_ONES, add_words, checksum_text
from spectrometer.daq.streamingfits import StreamingTable
from spectrometer.daq.writer import complete_header, primary_unit

ROW = np.dtype([("NUMBER", ">i4"), ("BYTES", "u1", (7,))])  # a row ends within a word


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_a_sum_of_pieces_is_that_of_the_whole(data: bytes, cuts: list[int]) -> None:
    whole = np.frombuffer(data + bytes(-len(data) % 4), ">u4").sum(dtype=object) if data else 0
    total, edges = 0, sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    for begin, end in itertools.pairwise(edges):
        total = add_words(total, data[begin:end], begin)
    assert total % ALL_ONES == int(whole) % ALL_ONES  # ones' complement: modulo 2^32 - 1


@given(st.integers(0, ALL_ONES))
def test_a_text_makes_the_sum_minus_0_and_has_digits_and_letters_only(total: int) -> None:
    text = checksum_text(total)
    assert text.isalnum()
    zeros = add_words(0, b"0" * 16, 3)  # in a card it begins in the last byte of a word
    unit = (total + zeros) % ALL_ONES
    value = checksum_text(unit)
    assert (total + add_words(0, value.encode(), 3)) % ALL_ONES == 0


def new_file(directory: Path) -> StreamingTable:
    table = fits.BinTableHDU(np.zeros(0, ROW), name="ROWS")
    complete_header(table.header, {"NUMBER": "of the row", "BYTES": "seven"})
    other = fits.BinTableHDU(np.arange(5, dtype=">i4").view([("X", ">i4")]), name="OTHER")
    complete_header(other.header, {"X": "a number"})
    primary = primary_unit({}, [("NLOOPS", 0, "loops")], ["A sentence that ends with END"])
    before = primary.header.tostring() + other.header.tostring()
    data = np.arange(5, dtype=">i4").tobytes()
    return StreamingTable(
        directory,
        "a.fits",
        ROW,
        before.encode() + data.ljust(2880, b"\0"),
        table.header.tostring().encode(),
    )


def record(number: int) -> np.ndarray:
    row = np.zeros(1, ROW)
    row["NUMBER"], row["BYTES"] = number, np.arange(7) + number
    return row


def test_checksums_are_blank_until_the_file_is_closed_and_agree_with_astropys_then(
    tmp_path: Path,
) -> None:
    file = new_file(tmp_path)
    for number in range(40):
        file.take(record(number))
        if number % 3 == 0:
            file.flush()
    file.flush()
    with fits.open(file.path) as units:
        assert [unit.header["CHECKSUM"] for unit in units] == ["", "", ""]
    file.take(record(40))
    file.set_number("NLOOPS", 7)
    file.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(file.path, checksum=True) as units:
            for unit in units:
                assert (unit.verify_checksum(), unit.verify_datasum()) == (1, 1)
            assert units[0].header["NLOOPS"] == 7
            assert units["ROWS"].data["NUMBER"].tolist() == list(range(41))
            assert all(
                card.comment
                for unit in units
                for card in unit.header.cards
                if card.keyword != "HISTORY"
            )
    damaged = bytearray(file.path.read_bytes())
    damaged[-2880] ^= 1
    file.path.write_bytes(damaged)
    with (
        pytest.warns(match="Checksum verification failed"),
        pytest.warns(match="Datasum verification failed"),
        fits.open(file.path, checksum=True) as units,
    ):
        assert units["ROWS"].verify_datasum() == 0


def test_a_file_that_filled_the_disk_has_no_sum_of_rows_that_could_be_wrong(tmp_path: Path) -> None:
    file = new_file(tmp_path)
    file.take(record(0))
    file.flush()
    with room_for(file.path.stat().st_size + 2880):
        for number in range(1, 2000):
            file.take(record(number))
        with pytest.raises(OSError, match="File too large"):
            file.flush()
        file.close()
    with fits.open(file.path) as units:
        assert units["ROWS"].header["CHECKSUM"] == units["ROWS"].header["DATASUM"] == ""
        assert units["OTHER"].verify_checksum() == 1
        assert len(units["ROWS"].data) == file.rows > 1
