"""Files of visibilities: a header line, then records that are whole or are passed over.

A record is written at once, and has a checksum: whatever ends the writer, all records before are there.
The writer holds a lock on the file, which ends with its process; so readers know that more may come.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from correlator.errors import VisibilityFileError
from gateways.difx.errors import PayloadError
from gateways.difx.protocol.products import (
    MAX_HEADER_BYTES,
    ProductsHeader,
    read_header,
    write_header,
    write_integration,
)

__all__ = ["Record", "Visibilities", "VisibilityFile", "VisibilityWriter", "read_visibilities"]

HEAD = np.dtype([("crc", "<u4"), ("number", "<u4")])


@dataclass(frozen=True, slots=True)
class Record:
    """One integration.

    Attributes:
        number: From the header's first on, without gaps.
        weights: Of each product, 0 to 1.
        data: Spectra as in a stream of products.
    """

    number: int
    weights: npt.NDArray[np.float32]
    data: bytes


class VisibilityWriter:
    """Writer of a new file.

    Args:
        path: Of it; nothing may be there.
        header: Of the job.

    Raises:
        VisibilityFileError: It cannot be written.
    """

    def __init__(self, path: Path, header: ProductsHeader) -> None:
        self.path, self._header = path, header
        self._number = header.first
        try:
            self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError as error:
            raise VisibilityFileError(path, "there is output already; remove it first") from error
        except OSError as error:
            raise VisibilityFileError(path, error.strerror or str(error)) from error
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        try:
            self._write(write_header(header))
        except VisibilityFileError:
            os.close(self._handle)
            path.unlink()
            raise

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_details: object) -> None:
        """Close the file when the disk has it."""
        os.fsync(self._handle)
        os.close(self._handle)

    def write(self, spectra: Sequence[npt.ArrayLike], weights: Sequence[float]) -> None:
        """Write the next integration.

        Raises:
            VisibilityFileError: It cannot be written; the file ends with the record before.
        """
        number = np.array(self._number, "<u4").tobytes()
        body = np.asarray(weights, "<f4").tobytes() + write_integration(self._header, spectra)
        crc = np.array(zlib.crc32(number + body), "<u4").tobytes()
        self._write(crc + number + body)
        self._number += 1

    def _write(self, data: bytes) -> None:
        begin = os.fstat(self._handle).st_size
        try:
            done = 0
            while done < len(data):
                done += os.write(self._handle, data[done:])
        except OSError as error:
            os.ftruncate(self._handle, begin)
            raise VisibilityFileError(self.path, error.strerror or str(error)) from error


class VisibilityFile:
    """Reader of a file that may still be written.

    Args:
        path: Of it.

    Attributes:
        header: None until it has been written.

    Raises:
        VisibilityFileError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: ProductsHeader | None = None
        self._number = 0
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise VisibilityFileError(path, error.strerror or str(error)) from error
        try:
            self._look()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_details: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def is_written(self) -> bool:
        """Tell whether its writer lives."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return False

    def next(self) -> Record | None:
        """Return the next record; None: there is none yet.

        Raises:
            VisibilityFileError: A record is damaged, and it is not the last.
        """
        if self.header is None and not self._look():
            return None
        assert self.header is not None
        weights = 4 * len(self.header.products)
        size = HEAD.itemsize + weights + self.header.integration_bytes
        begin = self._begin + (self._number - self.header.first) * size
        self._file.seek(begin)
        data = self._file.read(size)
        if len(data) < size:
            return None
        head = np.frombuffer(data, HEAD, 1)[0]
        if zlib.crc32(data[4:]) != head["crc"] or head["number"] != self._number:
            if os.fstat(self._file.fileno()).st_size <= begin + size:
                return None
            raise VisibilityFileError(self.path, f"record {self._number} is damaged")
        self._number += 1
        body = HEAD.itemsize + weights
        found = np.frombuffer(data[HEAD.itemsize : body], "<f4").astype(np.float32)
        return Record(self._number - 1, found, data[body:])

    def _look(self) -> bool:
        """Read the header, if it is there."""
        self._file.seek(0)
        line = self._file.readline(MAX_HEADER_BYTES)
        if not line.endswith(b"\n") and len(line) < MAX_HEADER_BYTES:
            return False
        try:
            self.header = read_header(line)
        except PayloadError as error:
            raise VisibilityFileError(self.path, f"no visibilities: {error}") from error
        self._begin, self._number = len(line), self.header.first
        return True


@dataclass(frozen=True, slots=True)
class Visibilities:
    """All of a file.

    Attributes:
        header: Of the job.
        weights: Shape (integrations, products).
        spectra: Of each product, shape (integrations, channels).
    """

    header: ProductsHeader
    weights: npt.NDArray[np.float32]
    spectra: list[npt.NDArray[np.complex64]]


def read_visibilities(path: Path) -> Visibilities:
    """Read all whole records of a file.

    Raises:
        VisibilityFileError: It cannot be read.
    """
    with VisibilityFile(path) as file:
        if file.header is None:
            raise VisibilityFileError(path, "no visibilities: there is no header")
        products = file.header.products
        records = list(iter(file.next, None))
    rows = np.frombuffer(b"".join(record.data for record in records), "<c8").astype(np.complex64)
    rows = rows.reshape(len(records), sum(product.channels for product in products))
    cuts = np.cumsum([product.channels for product in products])[:-1]
    weights = np.array([record.weights for record in records], np.float32)
    return Visibilities(
        header=file.header,
        weights=weights.reshape(len(records), len(products)),
        spectra=np.split(rows, cuts, axis=1),
    )
