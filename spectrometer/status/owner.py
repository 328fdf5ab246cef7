"""Owners of the names that programs of a host share: status memories, semaphores, data buffers,
FIFOs.

A name has one owner at a time: the process that holds the lock (flock) on the name's lock file. The
kernel releases it with its holder, so a name that a killed Player left is free at once. Lock files
are where the semaphores are: every user of the host has that place, and it is emptied when the
machine starts. What is in them only says who the owner is. Readers and foreign programs need none
of this, and find memory and semaphore as they always were.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import stat
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from spectrometer.status.errors import StatusLockFileError, StatusOwnedError

__all__ = ["LOCK_DIRECTORY", "Owner", "Ownership", "SharedName", "is_below", "owner_of"]

LOCK_DIRECTORY = Path("/dev/shm")
SETTLES_WITHIN_S = 0.3  # one who only looks holds a lock for less than a millisecond
ENDS_WITHIN_S = 6.0  # a Player ends within 5
_POLL_S = 0.01
_MAX_RECORD_BYTES, _MAX_TEXT = 2048, 80


@dataclass(frozen=True, slots=True, order=True)
class SharedName:
    """A name that only one program of a host may own.

    Attributes:
        what: As people say it: `key 0x01001840`, `semaphore /vegas_status`.
        file: Name of its lock file.
    """

    what: str
    file: str

    @classmethod
    def of_key(cls, key: int) -> SharedName:
        """Return the name of a System V key, of a segment and of a set of semaphores."""
        return cls(
            f"key {key & 0xFFFFFFFF:#010x}", f"dealer-player.key-{key & 0xFFFFFFFF:08x}.lock"
        )

    @classmethod
    def of_semaphore(cls, name: str) -> SharedName:
        """Return that of a POSIX semaphore."""
        return cls(f"semaphore {name}", f"dealer-player.semaphore-{name.removeprefix('/')}.lock")

    @classmethod
    def of_fifo(cls, path: Path) -> SharedName:
        """Return that of a FIFO in the directory for FIFOs."""
        return cls(f"FIFO {path}", f"dealer-player.fifo-{path.name}.lock")


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner of a name, by its own account.

    Attributes:
        holder: `Bank BANKA`, `spectrometer-daq`.
        pid: Its process.
        user: Whose process that is.
        since: UTC, in ISO form to the second.
        is_ending: It gives its names up within seconds.
    """

    holder: str
    pid: int
    user: str
    since: str
    is_ending: bool = False

    def __str__(self) -> str:
        details = (
            f" (process {self.pid}, user {self.user}, since {self.since} UTC)" if self.pid else ""
        )
        return self.holder + details

    @classmethod
    def myself(cls, holder: str) -> Owner:
        """Return this process as an owner, from now on."""
        try:
            user = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            user = str(os.geteuid())
        return cls(holder, os.getpid(), user, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}")


_UNKNOWN = Owner("a process that does not say who it is", 0, "", "")


class Ownership:
    """The names that one program owns: all of them, or none.

    Args:
        names: What is owned.
        holder: Who owns it, as others are told.
        directory: Where the lock files are.
    """

    def __init__(
        self, names: Iterable[SharedName], holder: str, directory: Path = LOCK_DIRECTORY
    ) -> None:
        self._names, self._directory, self._myself = (
            sorted(set(names)),
            directory,
            Owner.myself(holder),
        )
        self._files: dict[SharedName, int] = {}
        self._keeping = threading.Lock()
        _all.add(self)

    def take(self) -> None:
        """Become the owner; one that is ending is waited for.

        Raises:
            StatusOwnedError: Somebody else owns one of the names.
            StatusLockFileError: There can be no lock file.
        """
        try:
            for name in self._names:
                self._files[name] = _lock(self._directory / name.file, name, self._myself)
        except BaseException:
            self.close()
            raise

    @property
    def is_taken(self) -> bool:
        """This is the owner."""
        return bool(self._files)

    def keep(self) -> list[str]:
        """Make lock files anew that somebody has removed; the names whose files those were.

        Raises:
            StatusOwnedError: Somebody else has become the owner of one meanwhile.
            StatusLockFileError: There can be no lock file.
        """
        with self._keeping:
            lost = [
                name
                for name, file in self._files.items()
                if not _is_file_of(self._directory / name.file, file)
            ]
            for name in lost:
                file = _lock(self._directory / name.file, name, self._myself)
                os.close(self._files[name])
                self._files[name] = file
            return [name.what for name in lost]

    def announce_end(self) -> None:
        """Tell those who want the names that they are given up within seconds."""
        for file in self._files.values():
            _write(file, replace(self._myself, is_ending=True))

    def close(self) -> None:
        """Own nothing any more; may be called twice."""
        for name, file in self._files.items():
            path = self._directory / name.file
            if _is_file_of(path, file):
                with contextlib.suppress(
                    OSError
                ):  # another user's, who died as the owner: it stays, and says nobody
                    os.ftruncate(file, 0)
                    path.unlink()
            os.close(file)
        self._files.clear()

    def forget(self) -> None:
        """Own nothing, and leave the names to the process that this one was forked from."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()


_all: weakref.WeakSet[Ownership] = weakref.WeakSet()


def _forget_all() -> None:
    for ownership in list(_all):
        ownership.forget()


os.register_at_fork(
    after_in_child=_forget_all
)  # a lock ends with the last process that has its file open


def owner_of(name: SharedName, directory: Path = LOCK_DIRECTORY) -> Owner | None:
    """Return who owns a name; None: nobody. Disturbs neither the owner nor one who wants to be it.

    Raises:
        StatusLockFileError: What is in the place of its lock file is none, or cannot be read.
    """
    file = _open_existing(directory / name.file, name, os.O_RDONLY)
    if file is None:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(file)
    finally:
        os.close(file)
    return None


def is_below(pid: int) -> bool:
    """Tell whether a process is an ancestor of this one."""
    return pid in _ancestors()


def _ancestors() -> Iterator[int]:
    pid = os.getppid()
    while pid > 0:
        yield pid
        try:
            status = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:  # it has ended
            return
        pid = int(status.rpartition(")")[2].split()[1])


def _lock(path: Path, name: SharedName, myself: Owner) -> int:
    """Open and lock the lock file of a name, and write into it who has it."""
    begun = time.monotonic()
    while True:
        file = _open(path, name)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_file_of(path, file):  # else its owner removed it while it was opened here
                _write(file, myself)
                return file
        except BlockingIOError:
            owner = _read(file)
            if time.monotonic() - begun > (ENDS_WITHIN_S if owner.is_ending else SETTLES_WITHIN_S):
                os.close(file)
                raise StatusOwnedError(name.what, owner) from None
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        time.sleep(_POLL_S)


def _open(path: Path, name: SharedName) -> int:
    """Open the lock file, or make it; never anything else that was put there in its place."""
    while True:
        if (file := _open_existing(path, name, os.O_RDWR)) is not None:
            return file
        try:
            file = os.open(
                path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666
            )
        except FileExistsError:
            continue
        except OSError as error:
            raise StatusLockFileError(
                name.what, path, f"cannot be made ({error.strerror})"
            ) from error
        with contextlib.suppress(OSError):
            os.fchmod(file, 0o666)  # instead of umask(0), which would concern all threads
        return file


def _open_existing(path: Path, name: SharedName, access: int) -> int | None:
    """Open the lock file; None: there is none. Without O_CREAT, which the kernel refuses for files
    of others."""
    try:
        file = os.open(path, access | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StatusLockFileError(
            name.what, path, f"cannot be opened ({error.strerror})"
        ) from error
    found = os.fstat(file)
    if stat.S_ISREG(found.st_mode) and found.st_nlink <= 1:
        return file
    os.close(file)
    raise StatusLockFileError(name.what, path, "is no regular file with one name")


def _is_file_of(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(file))
    except FileNotFoundError:
        return False


def _write(file: int, owner: Owner) -> None:
    record = json.dumps(asdict(owner)).encode()
    os.pwrite(file, record, 0)
    os.ftruncate(file, len(record))


def _read(file: int) -> Owner:
    """Return what a lock file says, which anybody may have written."""
    try:
        values: Any = json.loads(os.pread(file, _MAX_RECORD_BYTES, 0))
        holder, user, since = (_printable(values[key]) for key in ("holder", "user", "since"))
        return Owner(holder, int(values["pid"]), user, since, values["is_ending"] is True)
    except (
        ValueError,
        KeyError,
        TypeError,
        OverflowError,
        RecursionError,
    ):  # its owner is about to write it
        return _UNKNOWN


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:_MAX_TEXT])
