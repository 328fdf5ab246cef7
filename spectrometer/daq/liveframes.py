"""Live frames in shared memory: a file that its writer makes, fills and removes, and that readers
map.

A memory that a dead writer left is known by the time at which that process began, and replaced;
that of a live one never is.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import platform
import threading
from contextlib import AbstractContextManager
from pathlib import Path

from groundwork.freedmemory import keep_freed_memory
from spectrometer.daq.errors import LiveFramesError
from spectrometer.daq.protocol.liveframes import (
    FrameMemory,
    LiveSpectrum,
    Writer,
    memory_bytes,
    read_writer,
    write_writer,
)

__all__ = ["MAX_BYTES", "FrameWriter", "LiveFrameReader", "live_path", "remove_leftover"]

MAX_BYTES = 16 * 2**20
"""Of the data of a frame."""
_FOLDER = Path("/dev/shm")
_HEAD_BYTES = 4096
_TRIES = 10
"""To read the newest frame of a writer that has gone once around meanwhile."""


def live_path(status_key: int) -> Path:
    """Return where the live frames of a Bank are, by the key of its status memory."""
    return _FOLDER / f"dealer-player.spectra-{status_key & 0xFFFFFFFF:08x}"


def _barrier() -> AbstractContextManager[object] | None:
    """Return what ends a step at a frame; None: this processor does not keep the order of stores."""
    # Nobody waits for the lock: to take and leave it are locked instructions of x86-64, behind which
    # no store and no load is moved.
    return threading.Lock() if platform.machine().lower() in ("x86_64", "amd64") else None


def _begun(pid: int) -> int:
    """Return when a process began, clock ticks since the machine's start; 0: there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return 0
    state, *fields = stat.rpartition(")")[2].split()
    return 0 if state == "Z" else int(fields[18])


def _owner(path: Path) -> Writer | None:
    """Return the live process that a memory belongs to; None: none, or there is no memory."""
    try:
        with path.open("rb") as file:
            writer = read_writer(file.read(_HEAD_BYTES))
    except OSError:
        return None
    if writer is None or not writer.start or writer.start != _begun(writer.pid):
        return None
    return writer


def remove_leftover(path: Path) -> bool:
    """Remove a memory that a dead writer left; whether there was one."""
    if not path.exists() or _owner(path) is not None:
        return False
    with contextlib.suppress(OSError):
        path.unlink()
    return not path.exists()


class FrameWriter:
    """Writer of one memory.

    Args:
        path: Of the memory.
        data_bytes: Of the data of a frame.

    Raises:
        LiveFramesError: There is no room for it, or it is another process's.
    """

    def __init__(self, path: Path, data_bytes: int) -> None:
        self.data_bytes, self._path, self._number = data_bytes, path, 0
        if data_bytes > MAX_BYTES:
            raise LiveFramesError(
                f"a spectrum has {data_bytes} bytes, of which {MAX_BYTES} have room; take fewer channels"
            )
        owner = _owner(path)
        if owner is not None and owner.pid != os.getpid():
            raise LiveFramesError(f"{path} belongs to process {owner.pid}; end it first")
        new, size = path.with_name(f"{path.name}.new"), memory_bytes(data_bytes)
        file = -1
        try:
            new.unlink(missing_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(new, flags, 0o644)
            os.posix_fallocate(file, 0, size)  # else the first write without room would kill us
            self._map = mmap.mmap(file, size)
            self._inode = os.fstat(file).st_ino
            view = memoryview(self._map)
            write_writer(view, data_bytes, Writer(os.getpid(), _begun(os.getpid())))
            self._frames = FrameMemory(view, _barrier())
            new.rename(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)
            reason = error.strerror or str(error)
            if error.errno == errno.ENOSPC:
                reason = f"{_FOLDER} has no room for {size} bytes; remove what is not needed there"
            raise LiveFramesError(reason) from error
        finally:
            if file >= 0:
                os.close(file)

    def write(self, spectrum: LiveSpectrum) -> None:
        """Write the next frame."""
        self._number += 1
        self._frames.write(self._number, spectrum)

    def close(self) -> None:
        """Remove the memory; readers that have it keep it. May be called twice."""
        if self._map.closed:
            return
        self._frames.release()
        self._map.close()
        with contextlib.suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()


class LiveFrameReader:
    """Reader of the memory that is at a path now, or comes there later.

    Args:
        path: Of the memory.
    """

    def __init__(self, path: Path) -> None:
        keep_freed_memory()
        self._path = str(path)  # to look at a Path takes twice as long
        self._map: mmap.mmap | None = None
        self._frames: FrameMemory | None = None
        self._inode = self._number = 0

    def next(self) -> LiveSpectrum | None:
        """Return the newest frame, if it was not returned yet."""
        found = self._newer()
        if found is None and self._follow():
            found = self._newer()
        return found

    def _newer(self) -> LiveSpectrum | None:
        """Return the newest frame of the memory that is mapped, likewise."""
        frames = self._frames
        if frames is None:
            return None
        for _ in range(_TRIES):
            number = frames.newest()
            if number <= self._number:
                break
            if (found := frames.read(number)) is not None:
                self._number = number
                return found
        return None

    def _follow(self) -> bool:
        """Map what is at the path now; whether it is another memory."""
        try:
            inode = os.stat(self._path, follow_symlinks=False).st_ino
        except OSError:
            inode = 0
        if inode == self._inode:
            return False
        self.close()
        if not inode:
            return False
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                found = os.fstat(file)
                self._inode = found.st_ino  # another one may have come there meanwhile
                if found.st_uid not in (os.geteuid(), 0):  # others could cut it while it is read
                    return False
                self._map = mmap.mmap(file, found.st_size, prot=mmap.PROT_READ)
                self._frames = FrameMemory(memoryview(self._map), _barrier())
            finally:
                os.close(file)
        except ValueError:  # it is none of ours
            return False
        except OSError:  # it is gone again, or cannot be had now: it is looked for again
            self._inode = 0
        return self._frames is not None

    def close(self) -> None:
        """Map nothing; may be called twice."""
        frames, self._frames = self._frames, None
        found, self._map = self._map, None
        self._inode = self._number = 0
        if frames is not None:
            frames.release()
        if found is not None:
            with contextlib.suppress(BufferError):
                found.close()
