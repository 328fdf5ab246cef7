"""Files that are written by rename: nobody ever reads half of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["replace_file"]


def replace_file(path: Path, text: str, *, is_durable: bool = False) -> None:
    """Write a file that all may read, whole or not at all; no link is followed, in whosever folder
    it is.

    Args:
        path: In a folder that exists.
        text: Its content.
        is_durable: Wait until the disk has it: it is there after a power failure, too.

    Raises:
        OSError: It cannot be written; what was there before is kept.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            os.fchmod(handle, 0o644)
            if is_durable:
                file.flush()
                os.fsync(handle)
        os.replace(name, path)
        if is_durable:
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
