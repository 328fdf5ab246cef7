"""A FITS file that grows by rows and is readable at every moment up to its last complete row.

New rows are written behind the last one, padded to whole FITS blocks; only then NAXIS2 in the header counts
them. A process that dies in between leaves a file that is merely longer than its header says. The header
comes from astropy; nothing existing is ever overwritten.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning

from spectrometer.status.keys import UNSPECIFIED
from spectrometer.status.protocol.cards import CARD_BYTES, Value

log = logging.getLogger(__name__)

FITS_BLOCK = 2880

_NOT_COPIED = frozenset(
    (
        "SIMPLE", "BITPIX", "NAXIS", "EXTEND", "END", "CHECKSUM", "DATASUM", "COMMENT", "HISTORY", "DATE",
        # states of programs at some moment
        "DAQSTATE", "DAQPULSE", "SCANSTAT", "NETSTAT", "DISKSTAT", "DAQFITS", "DAQNINT", "DAQNROW", "DAQPEAK",
        "DAQLOOPS", "DAQBLKS", "DAQDROP", "DAQERR", "DAQNOTE", "NPKT", "NDROP", "FILENUM", "SCANREM",
        "ARMSTATE", "ACCBLKOU", "DAQSTART",
        # the band that the mode would have on the sky: a recording has its own
        "OBSFREQ", "OBSBW", "CHAN_BW", "EFSAMPFR", "BASE_BW", "OBSNCHAN", "TBIN", "FPGACLK", "CRPIX1",
        "CRVAL1", "CDELT1", "HWEXPOSR",
    )
)  # fmt: skip
_NOT_COPIED_PREFIXES = ("NAXIS", "SUB", "_MCR1_", "_MCDL_", "_MFQR_")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    integration: int
    state: int
    polarization: str
    sig_ref: int
    cal: int
    mjd: float
    """Middle of the integration, UTC."""
    exposure: float
    """Replayed seconds that went into the row."""
    recorded: float
    """Seconds of the recording itself, by its own sample time."""
    spectra: int
    data: npt.NDArray[np.float64]


def file_name(start: datetime, bank: str, scan_number: int) -> str:
    """Name of a scan's file by its start (UTC)."""
    return f"{start:%Y_%m_%d_%H-%M-%S}_{bank}_{scan_number}.fits"


def _row_type(nchan: int) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("INTEGNUM", ">i4"),
            ("STATE", ">i2"),
            ("SIG_REF", ">i2"),
            ("CAL", ">i2"),
            ("POL", "S4"),
            ("TIME", ">f8"),
            ("EXPOSURE", ">f8"),
            ("RECTIME", ">f8"),
            ("NSPECTRA", ">i4"),
            ("DATA", ">f4", (nchan,)),
        ]
    )


_UNITS = {"TIME": "d", "EXPOSURE": "s", "RECTIME": "s", "DATA": "count**2"}


def build_headers(
    nchan: int,
    status: Mapping[str, Value],
    own: Iterable[tuple[str, Value | bool, str]],
    history: Iterable[str] = (),
) -> tuple[bytes, bytes]:
    """Build the primary and the table header.

    Args:
        nchan: Channels of a spectrum.
        status: Values of the status memory; keys about the mode's band and moments of programs are left out.
        own: Key, value and comment of what is known better here; these win.
        history: Sentences.
    """
    primary = fits.PrimaryHDU()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)
        for key, value in status.items():
            if key in _NOT_COPIED or key.startswith(_NOT_COPIED_PREFIXES) or value == UNSPECIFIED:
                continue
            try:
                primary.header[key] = value
            except ValueError as error:  # anybody may write into the status memory, a scan is worth more than a card
                log.warning("status key %s is not copied: %s", key, error)
        for key, own_value, comment in own:
            primary.header[key] = (own_value, comment)
        for sentence in history:
            primary.header["HISTORY"] = sentence
        primary.header["DATE"] = (
            datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "UTC when the file was made",
        )
    table = fits.BinTableHDU(np.zeros(0, _row_type(nchan)), name="SPECTRA")
    for number, name in enumerate(table.columns.names, start=1):
        if name in _UNITS:
            table.header[f"TUNIT{number}"] = _UNITS[name]
    return primary.header.tostring().encode("ascii"), table.header.tostring().encode("ascii")


class ScanFile:
    """A FITS file being written.

    Args:
        directory: Made if it does not exist.
        name: Wished file name; `_2`, `_3`, ... is added if there is such a file.
        nchan: Channels of a spectrum.
        primary: Bytes of the primary header.
        table: Bytes of the table header, with NAXIS2 = 0.

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(self, directory: Path, name: str, nchan: int, primary: bytes, table: bytes) -> None:
        self._type = _row_type(nchan)
        directory.mkdir(parents=True, exist_ok=True)
        self.path, self._file = _create_new(directory, name)
        self.rows = 0
        self._pending: list[np.ndarray[tuple[int], np.dtype[np.void]]] = []
        self._data_at = len(primary) + len(table)
        self._primary = primary
        self._count_at = len(primary) + _card_offset(table, b"NAXIS2  ")
        try:
            _write_all(self._file, primary + table, 0)
        except OSError:
            os.close(self._file)
            with contextlib.suppress(OSError):
                self.path.unlink()  # ours, and nothing in it
            raise

    @property
    def pending_rows(self) -> int:
        """Rows that are not yet on disk."""
        return len(self._pending)

    @property
    def pending_bytes(self) -> int:
        """Bytes of rows that are not yet on disk."""
        return len(self._pending) * self._type.itemsize

    def append(self, rows: Iterable[Row]) -> None:
        """Take rows; they reach the disk with the next `flush`."""
        for row in rows:
            record = np.zeros(1, self._type)
            record[0] = (
                row.integration,
                row.state,
                row.sig_ref,
                row.cal,
                row.polarization.encode("ascii"),
                row.mjd,
                row.exposure,
                row.recorded,
                row.spectra,
                row.data,
            )
            self._pending.append(record)

    def set_number(self, keyword: str, value: int) -> None:
        """Put another whole number into a card of the primary header; KeyError if there is none. OSError."""
        offset = _card_offset(self._primary, f"{keyword:<8s}".encode("ascii"))
        _write_all(self._file, f"{keyword:<8s}= {value:>20d}".encode("ascii"), offset)

    def flush(self, *, sync: bool = False) -> None:
        """Write the rows, then count them in the header.

        Args:
            sync: Also wait until the disk has them, for the case that the machine dies.

        Raises:
            OSError: The disk is full or broken; the rows in complete blocks are kept and counted.
        """
        if not self._pending:
            return
        data = b"".join(record.tobytes() for record in self._pending)
        count = len(self._pending)
        self._pending.clear()
        begin = self._data_at + self.rows * self._type.itemsize
        end = begin + len(data)
        try:
            _write_all(self._file, data + bytes(-end % FITS_BLOCK), begin)
            if sync:
                os.fdatasync(self._file)
            self._count(self.rows + count)
        except OSError:
            with contextlib.suppress(OSError):
                self._keep_whole_rows(begin, count)
            raise

    def _count(self, rows: int) -> None:
        # 30 bytes at a multiple of 64: never across a page, so nobody ever sees half of a number.
        _write_all(self._file, f"NAXIS2  = {rows:>20d}".encode("ascii"), self._count_at)
        self.rows = rows

    def _keep_whole_rows(self, begin: int, count: int) -> None:
        """After a failed write of `count` rows at `begin`: count those in complete blocks, and end the file there."""
        room = os.fstat(self._file).st_size // FITS_BLOCK * FITS_BLOCK - begin  # no more than that need be had again
        whole = 0 if room <= -begin % FITS_BLOCK else min(room // self._type.itemsize, count)
        try:
            self._end_at(begin + whole * self._type.itemsize)
            self._count(self.rows + whole)
        except OSError:
            self._end_at(begin)
            raise

    def _end_at(self, end: int) -> None:
        """Cut the file off behind the last row and pad it to a block."""
        os.ftruncate(self._file, end)
        os.ftruncate(self._file, end + -end % FITS_BLOCK)

    def close(self) -> None:
        """Flush, wait for the disk and close. May be called twice."""
        if self._file < 0:
            return
        try:
            self.flush()
            os.fsync(self._file)
        finally:
            os.close(self._file)
            self._file = -1


def _create_new(directory: Path, name: str) -> tuple[Path, int]:
    stem, suffix = Path(name).stem, Path(name).suffix
    number = 1
    while True:
        path = directory / (name if number == 1 else f"{stem}_{number}{suffix}")
        try:
            return path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            number += 1


def _card_offset(header: bytes, keyword: bytes) -> int:
    for offset in range(0, len(header), CARD_BYTES):
        if header.startswith(keyword, offset):
            return offset
    raise KeyError(f"no card {keyword.decode().strip()}")


def _write_all(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written
