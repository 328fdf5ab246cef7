"""Display memories of other programs on this host, opened to be read: by key, or by the server's REST
address.
"""

from __future__ import annotations

import mmap
import os
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

import numpy as np

from groundwork.closing import Closing
from histogrammer.display.owners import has_owner
from histogrammer.display.protocol.displayed import DisplayedSpectrum, names_of, read_slot
from histogrammer.display.protocol.layout import HEADER, HEADER_BYTES, TEXT_BYTES, Header
from histogrammer.display.protocol.mark import MARK_OFFSET, read_mark
from histogrammer.display.segments import Bytes, Segment
from histogrammer.display.source import ask_source
from histogrammer.errors import DisplayMemoryError

__all__ = ["MemoryState", "OpenMemory", "open", "open_key"]


_POSIX = Path("/dev/shm")
"""Shared memory of POSIX by its names, on Linux."""


class MemoryState(StrEnum):
    """State of a display memory that is read."""

    LIVE = "live"
    STALE = "stale"  # a copy, whose original is not heard of
    GONE = "gone"  # its owner has removed it, or has died


class OpenMemory(Mapping[str, DisplayedSpectrum], Closing):
    """A display memory as a mapping: name -> spectrum, as it is now.

    Args:
        key: Its place.
        data: All of it.

    Attributes:
        key: Its place.
        header: Its tables.
    """

    def __init__(self, key: str, data: Bytes) -> None:
        if len(data) < HEADER_BYTES:
            raise DisplayMemoryError(f"{key}: {len(data)} bytes, which are no display memory")
        self.key = key
        self._data = data.view()
        self._data.flags.writeable = False  # nor can what is attached to be read
        self.header: Header = self._data[:HEADER_BYTES].view(HEADER).reshape(())

    @property
    def state(self) -> MemoryState:
        """State of the memory. One that is gone keeps its last contents: open it again by REST."""
        mark = read_mark(self._data[MARK_OFFSET : MARK_OFFSET + TEXT_BYTES].tobytes())
        if self._is_removed() or (mark is not None and not has_owner(mark)):
            return MemoryState.GONE
        return MemoryState.STALE if mark is not None and mark.is_stale else MemoryState.LIVE

    @abstractmethod
    def _is_removed(self) -> bool:
        """Tell if nobody finds it any more."""

    def __getitem__(self, name: str) -> DisplayedSpectrum:
        return self.slot(names_of(self.header)[name])

    def __iter__(self) -> Iterator[str]:
        return iter(names_of(self.header))

    def __len__(self) -> int:
        return len(names_of(self.header))

    def slot(self, number: int) -> DisplayedSpectrum:
        """Return the spectrum of a slot.

        Raises:
            DisplayMemoryError: There is none.
        """
        return read_slot(self.header, self._data[HEADER_BYTES:], number)

    def __repr__(self) -> str:
        return f"<display memory {self.key}, {len(self)} spectra, {self.state}>"


class _OpenFile(OpenMemory):
    def __init__(self, key: str, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            mapped = mmap.mmap(self._file, 0, prot=mmap.PROT_READ)
            super().__init__(key, np.frombuffer(mapped, np.uint8))
        except BaseException:
            os.close(self._file)
            raise

    def _is_removed(self) -> bool:
        try:
            return self._file < 0 or not os.path.samestat(os.fstat(self._file), self._path.stat())
        except OSError:
            return True

    def close(self) -> None:
        """Look at the file no more; arrays keep what they show."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class _OpenSegment(OpenMemory):
    def __init__(self, key: str) -> None:
        self._segment = Segment.attach(key)
        super().__init__(key, self._segment.data)

    def _is_removed(self) -> bool:
        return self._segment.is_removed

    def close(self) -> None:
        """Do nothing: the segment is given up with the last array of it."""


def open_key(key: str) -> OpenMemory:
    """Open a display memory of this host.

    Args:
        key: `file:` and a path, four characters, or, of SpecTcl 7, `sysv:` and four characters, or
            `posix:` and a name.

    Raises:
        DisplayMemoryError: There is none, or it may not be read.
    """
    try:
        if key.startswith("file:"):
            return _OpenFile(key, Path(key.removeprefix("file:")))
        if key.startswith("posix:"):
            return _OpenFile(key, _POSIX / key.removeprefix("posix:").lstrip("/"))
        return _OpenSegment(key.removeprefix("sysv:"))
    except (OSError, ValueError) as error:
        raise DisplayMemoryError(f"display memory {key:.300}: {error}") from error


def open(source: str) -> OpenMemory:
    """Open a display memory, or this host's copy of one.

    Args:
        source: A key, as `open_key` takes it; or `http://HOST:PORT`, the REST address of a
            histogrammer, SpecTcl or Rustogramer: its own memory if it is on this host, else the copy
            that somebody keeps here.

    Raises:
        DisplayMemoryError: There is none on this host.
        MirrorError: The server does not answer.
    """
    if not source.startswith("http://"):
        return open_key(source)
    found = ask_source(source)
    for key in found.keys_here:
        try:
            return open_key(key)
        except DisplayMemoryError:  # of another user, or gone
            continue
    raise DisplayMemoryError(
        f"{source}: there is no copy of its display memory on this host; `mirror --host "
        f"{found.host} --restport {found.port}` keeps one"
    )
