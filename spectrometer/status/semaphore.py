"""The POSIX semaphore of a status memory, and the file that Linux keeps it in. Knows neither locks
nor cards.

The file is mapped by whoever opens the semaphore, and a process that touches a mapping beyond the
end of its file is killed by SIGBUS. So its size is looked at first.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
import struct
from pathlib import Path

import posix_ipc

from spectrometer.status.errors import StatusAttachError

__all__ = ["fault_of", "open_semaphore", "semaphore_fault", "semaphore_path"]

log = logging.getLogger(__name__)

SEMAPHORE_BYTES = 4 * struct.calcsize("P")
"""Of glibc's `sem_t`."""


def semaphore_path(name: str) -> Path:
    """Return the file of a named semaphore."""
    return Path("/dev/shm/sem." + name.removeprefix("/"))


def semaphore_fault(name: str) -> str:
    """Return what is wrong with the file of a semaphore: the end of a sentence; empty: nothing, or
    there is none."""
    try:
        return fault_of(semaphore_path(name).lstat())
    except OSError:
        return ""


def fault_of(found: os.stat_result) -> str:
    """Return what is wrong with an open or existing file as that of a semaphore; empty: nothing."""
    if not stat.S_ISREG(found.st_mode):
        return "is no regular file"
    if found.st_size < SEMAPHORE_BYTES:
        return f"has {found.st_size} bytes, expected {SEMAPHORE_BYTES}"
    return ""


def open_semaphore(name: str, create: bool) -> posix_ipc.Semaphore:
    """Open or create the semaphore, free for all users.

    Args:
        name: Begins with `/`.
        create: Create one that does not exist, and make one anew whose file holds none: nobody can
            use that.

    Raises:
        StatusAttachError: It cannot be had.
    """
    what, path = f"semaphore {name}", semaphore_path(name)
    if fault := semaphore_fault(name):
        if not create:
            raise StatusAttachError(what, f"its file {path} {fault}")
        try:
            path.unlink()
        except OSError as error:
            text = f"its file {path} {fault}, and cannot be removed ({error.strerror}); let its owner do that"
            raise StatusAttachError(what, text) from error
        log.warning("semaphore %s: its file %s; made anew", name, fault)
    try:
        if not create:
            return posix_ipc.Semaphore(name)
        try:
            semaphore = posix_ipc.Semaphore(name, posix_ipc.O_CREX, mode=0o666, initial_value=1)
        except posix_ipc.ExistentialError:
            return posix_ipc.Semaphore(name, posix_ipc.O_CREAT, mode=0o666, initial_value=1)
        with contextlib.suppress(OSError):
            os.chmod(path, 0o666)  # instead of umask(0), which would concern all threads
        return semaphore
    except posix_ipc.ExistentialError as error:
        raise StatusAttachError(what, "no such semaphore") from error
    except posix_ipc.PermissionsError as error:
        raise StatusAttachError(what, os.strerror(errno.EACCES)) from error
    except (posix_ipc.Error, ValueError, OSError) as error:
        raise StatusAttachError(what, str(error)) from error
