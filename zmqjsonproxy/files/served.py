"""The object `files` of a server: what is in its areas, ranges of files, their checksums.

Files may be on disks that are slow, or do not answer: all of it is carried out beside the socket's
thread. Reads are in one queue, checksums in another, clients in turn.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import Any

from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.files.areas import Areas, OpenFile
from zmqjsonproxy.files.protocol.identity import Change, FileIdentity, changed
from zmqjsonproxy.files.protocol.ranges import (
    BLOCK_BYTES,
    MAX_BLOCKS,
    ByteRange,
    blocks,
    read_ranges,
)
from zmqjsonproxy.interface import current_operation, operation, query
from zmqjsonproxy.waiting import beside

__all__ = ["ServedFiles"]

_SLICE_BYTES = BLOCK_BYTES
"""Of a checksum, between two looks whether it was aborted."""


class ServedFiles:
    """Files of areas, for clients.

    Args:
        areas: What is served.
    """

    def __init__(self, areas: Areas) -> None:
        self._areas = areas

    @query
    def areas(self) -> list[dict[str, str]]:
        """Return the areas in the order in which a bare name is looked for.

        Returns:
            `name` of each, and `fault`: why nothing can be had of it now, empty if it is there.
        """
        beside()
        return [{"name": name, "fault": self._areas.fault(name)} for name in self._areas.folders]

    @query
    def listing(self, area: str, pattern: str = "*", most: int = 1000) -> dict[str, Any]:
        """Return what is in an area: regular files, and folders, whose names end with a slash.

        Args:
            area: Its name.
            pattern: Of names, as *.fits, or night1/*.fits for those of a folder.
            most: Entries, 1 to 5000.

        Returns:
            `entries`, sorted by name: `name` as it is asked for, `size` in bytes (None: a folder),
            `modified` in seconds since 1970, UTC. `is_cut`: there is more than that. `unnamed`: so
            many names are no UTF-8, and are left out.
        """
        beside()
        found = self._areas.listing(area, pattern, most)
        return {
            "entries": [entry._asdict() for entry in found.entries],
            "is_cut": found.is_cut,
            "unnamed": found.unnamed,
        }

    @query
    def look_up(self, name: str) -> dict[str, Any]:
        """Return what a name stands for now.

        Args:
            name: AREA/PATH, or a bare name, which is looked for at the top of all areas in their
                order.

        Returns:
            `name`, with its area, and `file`: [device, inode, birth, size in bytes, time of the
            last change], times in ns since 1970; every request for its bytes has to name it.
        """
        beside()
        with self._areas.open(name) as found:
            return {"name": found.name, "file": list(found.identity())}

    @query
    def read(
        self, name: str, file: list[int], ranges: list[list[int]], with_digests: bool = False
    ) -> dict[str, Any]:
        """Return ranges of bytes of a file.

        A file that was replaced, or became shorter, is refused. Of one that was written to since, the
        bytes are those of now, in the ranges that it had.

        Args:
            name: AREA/PATH.
            file: As `look_up` returned it, or an earlier `read`.
            ranges: Up to 16, each [offset, size in bytes], of 4 MiB together.
            with_digests: Say the sha256 of each, too.

        Returns:
            `ranges`, as they were read, with `data` and `digests` of each; `file`: what it is now,
            after they were read.
        """
        beside()
        then = _identity(file)
        with self._areas.open(name) as found:
            self._refuse_other(found, then)
            try:
                wanted = read_ranges(ranges, then.size)
            except ValueError as error:
                raise RefusedError(f"{found.name}: {error}") from error
            data = [_read(found, each) for each in wanted]
            now = self._refuse_other(found, then)
        digests = [hashlib.sha256(each).digest() for each in data] if with_digests else []
        return {
            "ranges": [list(each) for each in wanted],
            "data": data,
            "digests": digests,
            "file": list(now),
        }

    @operation(is_read_only=True)
    def checksum(
        self, name: str, file: list[int], first: int, size: int, block: int = 0
    ) -> dict[str, Any]:
        """Return the sha256 of a stretch of a file as it is now; refused as by `read`.

        Args:
            name: AREA/PATH.
            file: As `look_up` returned it, or an earlier `read`.
            first: Offset of the first byte.
            size: Bytes.
            block: Say the sha256 of each block of so many bytes, too, from 1 MiB on; 0: of none.

        Returns:
            `sha256` as text, `blocks`: 32 bytes for each of them, one behind the other; `file`:
            what it is now.
        """
        then, progress = _identity(file), current_operation()
        stretch = _stretch(first, size, block, then.size)
        whole, of_blocks, text = hashlib.sha256(), bytearray(), f"checksum of {name}"
        with self._areas.open(name) as found:
            self._refuse_other(found, then)
            for each in blocks(stretch, block or max(stretch.size, 1)):
                of_block = hashlib.sha256()
                for piece in blocks(each, _SLICE_BYTES):
                    progress.check()
                    data = _read(found, piece)
                    whole.update(data)
                    if block:
                        of_block.update(data)
                    progress.progress((piece.end - stretch.first) / stretch.size, text)
                of_blocks += of_block.digest() if block else b""
            now = self._refuse_other(found, then)
        return {"sha256": whole.hexdigest(), "blocks": bytes(of_blocks), "file": list(now)}

    @staticmethod
    def _refuse_other(found: OpenFile, then: FileIdentity) -> FileIdentity:
        """Return what a file is now; RefusedError: another than it was."""
        now = found.identity()
        if changed(then, now) is Change.OTHER:
            raise RefusedError(
                f"{found.name} is not the file any more that it was: it was replaced, cut or set back; look it up again"
            )
        return now


def _identity(value: Sequence[int]) -> FileIdentity:
    try:
        return FileIdentity.read(value)
    except ValueError as error:
        raise RefusedError(str(error)) from error


def _stretch(first: int, size: int, block: int, file_size: int) -> ByteRange:
    numbers = (first, size, block)
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise RefusedError(f"first, size and block are numbers of bytes, not {numbers!r:.80}")
    if first + size > file_size:
        raise RefusedError(f"bytes {first} to {first + size - 1} are meant, of {file_size}")
    if block and (block < BLOCK_BYTES or size > block * MAX_BLOCKS):
        raise RefusedError(f"blocks have {BLOCK_BYTES} bytes or more, and at most {MAX_BLOCKS} are")
    return ByteRange(first, size)


def _read(found: OpenFile, wanted: ByteRange) -> bytes:
    """Read all of a range; RefusedError: the file has become shorter."""
    pieces: list[bytes] = []
    at = wanted.first
    while at < wanted.end:
        piece = os.pread(found.descriptor, wanted.end - at, at)
        if not piece:
            raise RefusedError(f"{found.name} became shorter: it ends at byte {at} now")
        pieces.append(piece)
        at += len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
