"""The part file of a fetch: `NAME.part` beside its target, and `NAME.part.json`, which says what is in
it. Both outlive whoever writes them."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Self

from groundwork.closing import Closing
from groundwork.wholefiles import replace_file
from zmqjsonproxy.files.errors import FetchError
from zmqjsonproxy.files.protocol.ranges import BLOCK_BYTES, ByteRange, blocks
from zmqjsonproxy.files.protocol.transfer import PartNote

__all__ = ["PartFile"]

_MAX_NOTE_BYTES = 16_384


class PartFile(Closing):
    """A file that is not whole yet. Only one process at a time has it.

    Args:
        target: What it becomes.

    Raises:
        FetchError: It cannot be made, or another fetch has it.

    Attributes:
        path: Of it.
        note: What it held when it was opened; None: that is not known.
        length: Bytes in it.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f"{target.name}.part")
        self._note_path = target.with_name(f"{target.name}.part.json")
        if target.is_dir():
            raise FetchError(str(target), "is a folder; give a name in it, or another one")
        self._file = self._open()
        self.length = os.fstat(self._file).st_size
        self.note = self._read_note()

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        while True:
            try:
                file = os.open(self.path, flags, 0o644)
            except OSError as error:
                raise FetchError(str(self.path), _cannot(error)) from error
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_there(file):
                    return file
            except OSError as error:
                os.close(file)
                if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                    text = "another fetch is writing it; wait for its end, or fetch to another name"
                    raise FetchError(str(self.path), text) from error
                raise FetchError(str(self.path), _cannot(error)) from error
            os.close(file)  # another fetch came to its end in between, and renamed it

    def _is_there(self, file: int) -> bool:
        """Tell whether the open file still has the name."""
        try:
            return os.path.samestat(os.fstat(file), os.lstat(self.path))
        except FileNotFoundError:
            return False

    def _read_note(self) -> PartNote | None:
        try:
            with self._note_path.open("rb") as file:
                return PartNote.read(json.loads(file.read(_MAX_NOTE_BYTES)))
        except (OSError, ValueError, RecursionError):
            return None

    def begin(self, note: PartNote, kept: int) -> None:
        """Keep the first bytes, and say what those and all others are; FetchError."""

        def work() -> None:
            os.ftruncate(self._file, kept)
            if note != self.note:
                replace_file(self._note_path, json.dumps(note.describe()) + "\n")

        self._checked(work)
        self.note, self.length = note, kept

    def write(self, at: int, data: bytes) -> None:
        """Write bytes, at most behind the last ones; FetchError: the disk is full, say.

        Args:
            at: From the first byte of the part file.
            data: Bytes.
        """
        if at > self.length:
            raise FetchError(str(self.path), f"has {self.length} bytes, and {at} would be skipped")

        def work() -> None:
            view, offset = memoryview(data), at
            while view:
                written = os.pwrite(self._file, view, offset)
                view, offset = view[written:], offset + written

        self._checked(work)
        self.length = max(self.length, at + len(data))

    def feed(self, take: Callable[[bytes], object], wanted: ByteRange) -> None:
        """Hand bytes of it over in pieces; FetchError."""

        def work() -> None:
            for piece in blocks(wanted, BLOCK_BYTES):
                data = os.pread(self._file, piece.size, piece.first)
                if len(data) != piece.size:
                    raise OSError(errno.EIO, f"ends before byte {piece.end}")
                take(data)

        self._checked(work)

    def digests(self, size: int) -> bytes:
        """Return the sha256 of each block of so many bytes, one behind the other; FetchError."""
        found = bytearray()
        for block in blocks(ByteRange(0, self.length), size):
            digest = hashlib.sha256()
            self.feed(digest.update, block)
            found += digest.digest()
        return bytes(found)

    def finish(self) -> None:
        """Give it its name, when the disk has it; FetchError."""

        def work() -> None:
            os.fsync(self._file)
            if not self._is_there(self._file):
                raise OSError(errno.ENOENT, "it was removed meanwhile")
            os.replace(self.path, self.target)
            self._note_path.unlink(missing_ok=True)

        self._checked(work)

    def discard(self) -> None:
        """Remove it."""
        for path in (self.path, self._note_path):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let another fetch have it; may be called twice. One without any bytes is removed."""
        if self._file >= 0:
            if not self.length and self._is_there(self._file):
                self.discard()
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def _checked(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            raise FetchError(str(self.path), _cannot(error)) from error


def _cannot(error: OSError) -> str:
    return f"cannot be written: {error.strerror or error}"
