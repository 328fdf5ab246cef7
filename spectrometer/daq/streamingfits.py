"""A FITS file that grows by rows of one table and is readable at every moment up to its last
complete row.

New rows are written behind the last one, padded to whole FITS blocks; only then NAXIS2 in the
header counts them. A process that dies in between leaves a file that is merely longer than its
header says. Nothing existing is ever overwritten. Checksums are written when the file is closed;
till then, and in what a killed program leaves, they are blank, which is "not known". Knows bytes of
headers and records, not what they mean.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spectrometer.daq.protocol.checksum import add_words, checksum_text
from spectrometer.status.protocol.cards import (
    CARD_BYTES,
    END,
    plain,
    read_cards,
    write_card,
    write_value,
)

__all__ = [
    "CHECKSUM_CARDS",
    "FITS_BLOCK",
    "Record",
    "StreamingTable",
    "check_kept",
    "create_new",
    "write_all",
]

FITS_BLOCK = 2880
TEXT_AT = 11
"""In a card, of the first character of a text."""
NUMBER = 20
"""Characters of a number in a card."""
COMMENTS = {
    "DATASUM": "sum of the data; blank: not known",
    "CHECKSUM": "sum of the unit; blank: not known",
}
CHECKSUM_CARDS = [(keyword, "", comment) for keyword, comment in COMMENTS.items()]
"""To be in a header that shall have them."""
NO_CHECKSUM = write_card("CHECKSUM", "0" * 16, COMMENTS["CHECKSUM"])

Record = np.ndarray[tuple[int], np.dtype[np.void]]
"""One row: an array of one record."""


class StreamingTable:
    """A FITS file being written whose last unit is a table.

    Args:
        directory: Made if it does not exist, in one that does.
        name: Wished file name; `_2`, `_3`, ... is added if there is such a file.
        row_type: Of a row, big-endian.
        before: Bytes of all that is before the table: the primary header, and maybe whole units.
        table: Bytes of the table's header, with NAXIS2 = 0.

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(
        self, directory: Path, name: str, row_type: np.dtype[np.void], before: bytes, table: bytes
    ) -> None:
        self.row_type = row_type
        directory.mkdir(exist_ok=True)
        self.path, self._file = create_new(directory, name)
        self.rows = 0
        self._pending: list[Record] = []
        self._sum: int | None = 0  # of the words of all rows; None: not known
        self._data_at = len(before) + len(table)
        self._primary, self._table = before, table
        self._count_at = len(before) + _card_offset(table, b"NAXIS2  ")
        try:
            write_all(self._file, before + table, 0)
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
        return len(self._pending) * self.row_type.itemsize

    def take(self, record: Record) -> None:
        """Take a row; it reaches the disk with the next `flush`."""
        self._pending.append(record)

    def set_number(self, keyword: str, value: float) -> None:
        """Put another number into a card of the primary header; KeyError if there is none.
        OSError."""
        offset = _card_offset(self._primary, f"{keyword:<8s}".encode("ascii"))
        digits = write_value(keyword, value)
        digits = digits if len(digits) <= NUMBER else f"{value:{NUMBER}.12E}"
        write_all(self._file, f"{keyword:<8s}= {digits}".encode("ascii"), offset)

    def set_text(self, keyword: str, text: str) -> None:
        """Put another text between the quotes of a card of the primary header; it is cut to the
        room that there is.

        Raises:
            KeyError: There is no such card.
            OSError: As of `flush`.
        """
        offset = _card_offset(self._primary, f"{keyword:<8s}".encode("ascii"))
        card = self._primary[offset : offset + CARD_BYTES].decode("ascii")
        room = card.index("'", TEXT_AT) - TEXT_AT
        write_all(
            self._file, f"{plain(text, ' ')[:room]:<{room}s}".encode("ascii"), offset + TEXT_AT
        )

    def _set_table_number(self, keyword: str, value: int) -> None:
        """Put another whole number into a card of the table's header; KeyError if there is none.
        OSError."""
        offset = len(self._primary) + _card_offset(self._table, f"{keyword:<8s}".encode("ascii"))
        write_all(self._file, f"{keyword:<8s}= {value:>20d}".encode("ascii"), offset)

    def flush(self, *, sync: bool = False) -> None:
        """Write the rows, then count them in the header.

        Args:
            sync: Also wait until the disk has them, for the case that the machine dies.

        Raises:
            OSError: The disk is full or broken; the rows in complete blocks are kept and counted.
                With `sync`: the file was removed.
        """
        if sync:
            check_kept(self._file, self.path)
        if not self._pending:
            return
        data = b"".join(record.tobytes() for record in self._pending)
        count = len(self._pending)
        self._pending.clear()
        begin = self._data_at + self.rows * self.row_type.itemsize
        end = begin + len(data)
        try:
            write_all(self._file, data + bytes(-end % FITS_BLOCK), begin)
            if sync:
                os.fdatasync(self._file)
            self._count(self.rows + count)
            self._sum = (
                None if self._sum is None else add_words(self._sum, data, begin - self._data_at)
            )
        except OSError:
            self._sum = None
            with contextlib.suppress(OSError):
                self._keep_whole_rows(begin, count)
            raise

    def _count(self, rows: int) -> None:
        # 30 bytes at a multiple of 64: never across a page, so nobody ever sees half of a number.
        write_all(self._file, f"NAXIS2  = {rows:>20d}".encode("ascii"), self._count_at)
        self.rows = rows

    def _keep_whole_rows(self, begin: int, count: int) -> None:
        """After a failed write of `count` rows at `begin`: count those in complete blocks, and end
        the file there."""
        room = (
            os.fstat(self._file).st_size // FITS_BLOCK * FITS_BLOCK - begin
        )  # no more than that need be had again
        whole = 0 if room <= -begin % FITS_BLOCK else min(room // self.row_type.itemsize, count)
        try:
            self._end_at(begin + whole * self.row_type.itemsize)
            self._count(self.rows + whole)
        except OSError:
            self._end_at(begin)
            raise

    def _end_at(self, end: int) -> None:
        """Cut the file off behind the last row and pad it to a block."""
        os.ftruncate(self._file, end)
        os.ftruncate(self._file, end + -end % FITS_BLOCK)

    def close(self) -> None:
        """Flush, wait for the disk and close. May be called twice. OSError, as of `flush` with
        `sync`."""
        if self._file < 0:
            return
        try:
            self.flush()
            self._write_checksums()
            os.fsync(self._file)
            check_kept(self._file, self.path)
        finally:
            os.close(self._file)
            self._file = -1

    def _write_checksums(self) -> None:
        """DATASUM and CHECKSUM of every unit that has room for them."""
        for at, header, data in _units(
            os.pread(self._file, len(self._primary), 0)
        ):  # as they are now
            self._write_checksum(at, header, add_words(0, data))
        if self._sum is not None:
            self._write_checksum(len(self._primary), len(self._table), self._sum)

    def _write_checksum(self, at: int, header_bytes: int, data_sum: int) -> None:
        header = bytearray(
            os.pread(self._file, header_bytes, at)
        )  # as it is now: numbers in it may have changed
        cards = {
            "DATASUM": write_card("DATASUM", str(data_sum), COMMENTS["DATASUM"]),
            "CHECKSUM": NO_CHECKSUM,
        }
        try:
            places = {
                keyword: _card_offset(header, f"{keyword:<8s}".encode("ascii")) for keyword in cards
            }
        except KeyError:
            return
        for keyword, place in places.items():
            header[place : place + CARD_BYTES] = cards[keyword]
        text = checksum_text(add_words(data_sum, bytes(header)))
        cards["CHECKSUM"] = NO_CHECKSUM.replace(b"0" * 16, text.encode("ascii"))
        for keyword, place in places.items():
            write_all(self._file, cards[keyword], at + place)


def _units(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Units of a file: where the header is, its bytes, and the data behind it with what fills the
    last block."""
    at = 0
    while at < len(data):
        end = data.index(END, at) + CARD_BYTES
        header = end - at + -(end - at) % FITS_BLOCK
        cards = read_cards(data[at : at + header])
        axes = [int(cards[f"NAXIS{n}"]) for n in range(1, int(cards["NAXIS"]) + 1)]
        size = (
            math.prod(axes) * abs(int(cards["BITPIX"])) // 8 + int(cards.get("PCOUNT", 0))
            if axes
            else 0
        )
        size += -size % FITS_BLOCK
        yield at, header, data[at + header : at + header + size]
        at += header + size


def create_new(directory: Path, name: str) -> tuple[Path, int]:
    """Make a new file, with `_2`, `_3`, ... before its suffix if there is such a file; its path and
    number. OSError."""
    stem, suffix = Path(name).stem, Path(name).suffix
    number = 1
    while True:
        path = directory / (name if number == 1 else f"{stem}_{number}{suffix}")
        try:
            return path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            number += 1


def check_kept(file: int, path: Path) -> None:
    """Raise FileNotFoundError if an open file was removed: the system takes what is written to it
    all the same."""
    if os.fstat(file).st_nlink == 0:
        raise FileNotFoundError(
            errno.ENOENT, "the file was removed while it was written", str(path)
        )


def _card_offset(header: bytes | bytearray, keyword: bytes) -> int:
    for offset in range(0, len(header), CARD_BYTES):
        if header.startswith(keyword, offset):
            return offset
    raise KeyError(f"no card {keyword.decode().strip()}")


def write_all(file: int, data: bytes, offset: int) -> None:
    """Write all of the bytes at an offset. OSError: part of them may be written."""
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written
