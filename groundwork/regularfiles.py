"""Regular files, opened for reading on behalf of others: no link is followed on the way, and
nothing else is opened.

A FIFO stops its reader for ever, a device has no end, and to open either may have an effect; a link
may be put in the place of a folder between a look and the opening.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["NOT_REGULAR", "NotRegularError", "open_folder", "open_regular", "real_path"]

NOT_REGULAR = "is no regular file"
_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class NotRegularError(Exception):
    """A file is not to be opened, or cannot be; the text says why, without the path."""


def real_path(path: Path) -> Path:
    """Return where a file truly is, links resolved.

    Raises:
        NotRegularError: There is none.
    """
    try:
        return Path(os.path.realpath(path, strict=True))
    except (OSError, ValueError) as error:  # ValueError: a NUL
        raise NotRegularError(getattr(error, "strerror", None) or "is no path of a file") from error


def open_folder(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a folder; its descriptor, to be closed by the caller. Arguments and errors as of
    `open_regular`, with how the folder is to be used."""
    folder: int | None = None
    try:
        for part in path.parts:
            above = folder
            folder = os.open(part, _FOLDER | os.O_PATH, dir_fd=above)
            if above is not None:
                os.close(above)
        return os.open(".", _FOLDER | flags, dir_fd=folder)
    except OSError as error:
        raise NotRegularError(error.strerror or str(error)) from error
    finally:
        if folder is not None:
            os.close(folder)


def open_regular(path: Path) -> int:
    """Open a regular file for reading; its descriptor, to be closed by the caller.

    Args:
        path: As `real_path` returned it.

    Raises:
        NotRegularError: It is something else, or not there any more, or a link was put in the way.
    """
    folder = open_folder(path.parent, os.O_PATH)
    try:
        # What it is is looked at first, for some devices act when they are opened, and again of what
        # was opened, which may be another.
        if not stat.S_ISREG(os.stat(path.name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise NotRegularError(NOT_REGULAR)
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
        file = os.open(path.name, flags, dir_fd=folder)
    except OSError as error:
        raise NotRegularError(error.strerror or str(error)) from error
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise NotRegularError(NOT_REGULAR)
    return file
