"""Files and folders of keys on disk: nobody else may read or write them, from their first moment.

Whatever the umask is, a file is made with mode 0600 and a folder with 0700. Wider ones are
refused, and so are those of other users, links in the place of files, and what is no file.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from groundwork.wholefiles import WholeFile
from zmqjsonproxy.keys.errors import KeyFileError

__all__ = [
    "changing",
    "make_folder",
    "open_folder",
    "read_if_there",
    "read_private",
    "write_private",
]

MAX_BYTES = 1 << 20
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def make_folder(path: Path) -> None:
    """Make a folder of keys, unless there is one; the folders above it as others are made.

    Raises:
        KeyFileError: It cannot be made, or used.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
            _own(path)
    except OSError as error:
        raise KeyFileError(path, f"cannot be made: {error.strerror}") from error
    os.close(open_folder(path))


def _own(path: Path) -> None:
    """Give a new folder to its owner, for root that of the folder above, and to nobody else."""
    folder = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        opened = f"/proc/self/fd/{folder}"
        os.chmod(opened, 0o700)  # a umask may have taken rights of the owner
        if os.geteuid() == 0 and (above := path.parent.stat()).st_uid != 0:
            os.chown(opened, above.st_uid, above.st_gid)
    finally:
        os.close(folder)


def _unreadable(path: Path, error: OSError | ValueError) -> KeyFileError:
    reason, remedy = f"cannot be read: {getattr(error, 'strerror', None) or error}", ""
    if isinstance(error, PermissionError):
        name = shlex.quote(str(path.parent if path.suffix else path))
        remedy = f"its owner has to be the user of this program: chown -R {os.geteuid()} {name}"
    elif isinstance(error, OSError) and error.errno == errno.ELOOP:
        reason = "is a link; put the file itself there"
    return KeyFileError(path, reason, remedy)


def open_folder(path: Path) -> int:
    """Open a folder of keys; its descriptor, to be closed by the caller.

    Raises:
        KeyFileError: It is not there, or cannot be read (its cause is the OSError), or others may.
    """
    try:
        folder = os.open(path, _FOLDER)
    except (OSError, ValueError) as error:  # ValueError: a NUL
        raise _unreadable(path, error) from error
    try:
        _check(os.fstat(folder), path, "700")
    except BaseException:
        os.close(folder)
        raise
    return folder


def read_private(folder: int, path: Path) -> str:
    """Return the text of a file of keys.

    Args:
        folder: Descriptor of its folder.
        path: Of the file, of which the last part is opened.

    Raises:
        KeyFileError: It is not there, or cannot be read (its cause is the OSError), others may, or
            it is no file of keys.
    """
    try:
        file = os.open(path.name, _FILE, dir_fd=folder)
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise KeyFileError(path, "is no file")
        _check(status, path, "600")
        with open(file, "rb", closefd=False) as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        os.close(file)
    if len(data) > MAX_BYTES:
        raise KeyFileError(path, "is too large for a file of keys")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise KeyFileError(path, "is no text in UTF-8") from None


def read_if_there(folder: int, path: Path) -> str | None:
    """Return the text of a file of keys, as `read_private`; None: there is no such file."""
    try:
        return read_private(folder, path)
    except KeyFileError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise


def _check(status: os.stat_result, path: Path, mode: str) -> None:
    """Refuse what is not ours alone; for root, what is not one user's alone."""
    if status.st_uid not in (0, os.geteuid()) and os.geteuid() != 0:
        reason = f"belongs to another user (number {status.st_uid})"
        raise KeyFileError(path, reason, f"chown it to the user of this program, {os.geteuid()}")
    if status.st_mode & _OTHERS:
        reason = f"others may use it (mode {stat.S_IMODE(status.st_mode):04o})"
        raise KeyFileError(path, reason, f"type: chmod {mode} {shlex.quote(str(path))}")


@contextlib.contextmanager
def changing(path: Path) -> Iterator[int]:
    """Hold a folder of keys, so that of several programs one changes it at a time; gives its
    descriptor.

    Raises:
        KeyFileError: As of `open_folder`.
    """
    folder = open_folder(path)
    try:
        with contextlib.suppress(OSError):  # file systems without locks
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(folder)


def write_private(folder: int, path: Path, text: str) -> None:
    """Write a file of keys, whole or not at all, which its owner alone may read.

    One that root writes belongs to the user whose folder it is.

    Args:
        folder: Descriptor of its folder.
        path: Of the file.
        text: Its content.

    Raises:
        KeyFileError: It cannot be written; what was there before is kept.
    """
    try:
        with WholeFile(folder, path.name, 0o600) as file:
            file.write(text.encode())
            file.commit(is_durable=True)
        if os.geteuid() == 0 and (owner := os.fstat(folder)).st_uid != 0:
            name, own = path.name, (owner.st_uid, owner.st_gid)
            os.chown(name, *own, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        raise KeyFileError(path, f"cannot be written: {error.strerror}") from error
