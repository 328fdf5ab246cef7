"""Files that callers, or a status memory, name: regular ones of bounded size, below certain folders.

A file from elsewhere is not the caller's to read; what else is not, `groundwork.regularfiles` says.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from groundwork.regularfiles import NotRegularError, open_regular, real_path

__all__ = ["MAX_BYTES", "GivenFileError", "given_file", "read_given"]

MAX_BYTES = 2**20


class GivenFileError(Exception):
    """A file that was named is not to be read, or cannot be; the text says why, without the
    path."""


def given_file(path: Path, roots: Sequence[Path]) -> Path:
    """Return where a file truly is, links resolved.

    Args:
        path: As it was given.
        roots: Folders below which it has to be; none: anywhere.

    Raises:
        GivenFileError: There is none, or it is elsewhere.
    """
    try:
        found = real_path(path)
    except NotRegularError as error:
        raise GivenFileError(str(error)) from error
    if roots and not any(found.is_relative_to(root.resolve()) for root in roots):
        folders = ", ".join(map(str, roots))
        raise GivenFileError(
            f"is not below the folders that files are read from, {folders}; put it there"
        )
    return found


def read_given(path: Path, roots: Sequence[Path], most: int = MAX_BYTES) -> bytes:
    """Read a file of at most `most` bytes; arguments and errors as those of `given_file`."""
    found = given_file(path, roots)
    try:
        descriptor = open_regular(found)
    except NotRegularError as error:
        raise GivenFileError(str(error)) from error
    try:
        data = bytearray()
        while len(data) <= most and (piece := os.read(descriptor, most + 1 - len(data))):
            data += piece
    except OSError as error:
        raise GivenFileError(error.strerror or str(error)) from error
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise GivenFileError(f"has more than {most} bytes")
    return bytes(data)
