from __future__ import annotations

import errno
import os
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from correlator.errors import VisibilityFileError
from correlator.visibilities import VisibilityFile, VisibilityWriter, read_visibilities

from gateways.difx.protocol.products import Product, ProductsHeader, Scan

HEADER = ProductsHeader(
    job="scan1",
    integration_s=0.5,
    scans=(Scan(name="No0001", start_mjd=60000.0, integrations=3),),
    products=(
        Product(stations=("A", "B"), frequency_mhz=1420.0, bandwidth_mhz=1.0, channels=3),
        Product(stations=("A", "A"), frequency_mhz=1420.0, bandwidth_mhz=1.0, channels=2),
    ),
)
RECORD_BYTES = 8 + 4 * 2 + 8 * 5


def write(path: Path, count: int) -> None:
    with VisibilityWriter(path, HEADER) as writer:
        for number in range(count):
            writer.write([[number, 1j, 2], [3, 4]], [1.0, number / 4])


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write(path := tmp_path / "scan1.difx", 3)
    found = read_visibilities(path)
    assert found.header == HEADER
    assert found.weights.tolist() == [[1.0, 0.0], [1.0, 0.25], [1.0, 0.5]]
    assert found.spectra[0].tolist() == [[number, 1j, 2] for number in range(3)]
    assert found.spectra[1].tolist() == [[3, 4]] * 3


def test_a_file_that_ends_anywhere_gives_its_whole_records(tmp_path: Path) -> None:
    write(path := tmp_path / "scan1.difx", 2)
    data = path.read_bytes()
    begin = len(data) - 2 * RECORD_BYTES
    for size in range(begin, len(data) + 1):
        path.write_bytes(data[:size])
        assert len(read_visibilities(path).weights) == (size - begin) // RECORD_BYTES
    for size in (0, 1, begin - 1):
        path.write_bytes(data[:size])
        with pytest.raises(VisibilityFileError, match="there is no header"):
            read_visibilities(path)


def test_a_last_record_of_which_bytes_are_missing_is_passed_over(tmp_path: Path) -> None:
    write(path := tmp_path / "scan1.difx", 2)
    data = bytearray(path.read_bytes())
    data[-9:] = bytes(9)  # as a disk may have it after a power failure
    path.write_bytes(data)
    assert len(read_visibilities(path).weights) == 1


def test_a_damaged_record_in_the_middle_is_an_error(tmp_path: Path) -> None:
    write(path := tmp_path / "scan1.difx", 2)
    data = bytearray(path.read_bytes())
    data[-RECORD_BYTES - 1] ^= 1
    path.write_bytes(data)
    with pytest.raises(VisibilityFileError, match="record 0 is damaged"):
        read_visibilities(path)


def test_what_is_no_file_of_visibilities_is_refused(tmp_path: Path) -> None:
    (path := tmp_path / "other.difx").write_text('{"format": "other"}\n')
    with pytest.raises(VisibilityFileError, match="no visibilities"):
        read_visibilities(path)
    with pytest.raises(VisibilityFileError, match="No such file"):
        read_visibilities(tmp_path / "none.difx")


def test_output_that_is_there_is_kept(tmp_path: Path) -> None:
    write(path := tmp_path / "scan1.difx", 1)
    with pytest.raises(VisibilityFileError, match="remove it first"):
        VisibilityWriter(path, HEADER)
    with pytest.raises(VisibilityFileError, match="No such file"):
        VisibilityWriter(tmp_path / "none" / "scan1.difx", HEADER)
    assert len(read_visibilities(path).weights) == 1


def test_a_full_disk_leaves_the_records_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, path = os.write, tmp_path / "scan1.difx"

    def full(handle: int, data: bytes) -> int:
        if path.stat().st_size + len(data) <= room:
            return real(handle, data)
        if path.stat().st_size < room:
            return real(handle, data[: room - path.stat().st_size])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with VisibilityWriter(path, HEADER) as writer:
        writer.write([[1, 2, 3], [4, 5]], [1.0, 1.0])
        room = path.stat().st_size + 20
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(VisibilityFileError, match="No space left"):
            writer.write([[1, 2, 3], [4, 5]], [1.0, 1.0])
        monkeypatch.undo()
    assert len(read_visibilities(path).weights) == 1


def test_a_reader_follows_a_writer_and_knows_its_end(tmp_path: Path) -> None:
    path = tmp_path / "scan1.difx"
    with ExitStack() as stack:
        with VisibilityWriter(path, HEADER) as writer:
            reader = stack.enter_context(VisibilityFile(path))
            assert reader.header == HEADER
            assert (reader.next(), reader.is_written()) == (None, True)
            for number in range(2):
                writer.write([[number, 1, 2], [3, 4]], [1.0, 1.0])
                record = reader.next()
                assert record is not None
                assert record.number == number
                assert np.frombuffer(record.data, "<c8")[0] == number
            assert (reader.next(), reader.is_written()) == (None, True)
        assert (reader.next(), reader.is_written()) == (None, False)
