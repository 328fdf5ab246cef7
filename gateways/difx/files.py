"""Files inside the root folders: what clients list, fetch, put, make, move and remove. No shell, no
sockets.

All of it may wait for a disk: call it in a thread.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import hashlib
import logging
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from gateways.difx.errors import FileFault, FileFaultError
from gateways.difx.protocol.fileentries import FileEntry
from gateways.difx.rootfolders import Place, RootFolders, fault_of
from groundwork.closing import Closing
from groundwork.regularfiles import NotRegularError, open_folder, open_regular
from groundwork.trees import remove_tree
from groundwork.wholefiles import WholeFile

__all__ = ["MAX_ENTRIES", "DifxFiles", "ReadFile", "Upload"]

MAX_ENTRIES = 100_000
"""Entries of one listing."""
PIECE_BYTES = 1 << 20
_WILD = re.compile(r"[*?\[]")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_RECURSIVE, _FORCED = frozenset("rR"), frozenset("f")
_REMOVE_OPTIONS = _RECURSIVE | _FORCED

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that is open for reading, and stays the same whoever replaces it.

    Attributes:
        descriptor: Of the file.
        size: Bytes, when it was opened.
    """

    descriptor: int
    size: int

    def read(self, first: int, count: int) -> bytes:
        """Return bytes from an offset on; fewer only at the end of the file."""
        data = bytearray()
        while len(data) < count:
            piece = os.pread(self.descriptor, count - len(data), first + len(data))
            if not piece:
                break
            data += piece
        return bytes(data)


class Upload(Closing):
    """A file that a client puts. It gets its name when `commit` returns; before that, or without it,
    the old one stays.

    Args:
        place: Where.
        file: That is written.
        stack: Closes it, and its folder.
    """

    def __init__(self, place: Place, file: WholeFile, stack: ExitStack) -> None:
        self._place, self._stack, self._file = place, stack, file
        self.size = 0
        """Bytes so far."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write more of it; FileFaultError: it cannot be."""
        try:
            self._file.write(data)
        except OSError as error:
            raise fault_of(self._place.path, error) from error
        self.size += len(data)

    def commit(self) -> int:
        """Give it its name, on the disk for good; its size.

        Raises:
            FileFaultError: It cannot be; the old one stays.
        """
        try:
            self._file.commit(is_durable=True)
        except OSError as error:
            raise fault_of(self._place.path, error) from error
        return self.size

    def log_sum(self) -> None:
        """Log size and checksum of what is on the disk now, behind `commit`: nobody has to wait for
        it."""
        found, first = hashlib.sha256(), 0
        while piece := self._file.read(PIECE_BYTES, first):
            found.update(piece)
            first += len(piece)
        text = "%s: %d bytes stored, sha256 %s"
        log.info(text, self._place.path, self.size, found.hexdigest())

    def close(self) -> None:
        """Close it; what was not committed is removed. May be called twice."""
        self._stack.close()


class DifxFiles:
    """Files of the clients' "/". Thread-safe.

    Every method raises FileFaultError for what is refused or fails, with path, reason and remedy.

    Args:
        roots: The folders that it is made of.
    """

    def __init__(self, roots: RootFolders) -> None:
        self.roots = roots

    # look

    def look(self, path: str) -> FileEntry:
        """Return what is at a path; a link is followed."""
        if self._is_top(path):
            return _top()
        place = self.roots.existing(path)
        with place.open_folder() as folder:
            status = os.stat(place.name or ".", dir_fd=folder, follow_symlinks=False)
        return _entry(_clean(path), status)

    def canonical(self, path: str) -> str:
        """Return the path of what is at a path without links and `..`; of what is not there, or
        elsewhere, the path itself."""
        try:
            return self.roots.shown(self.roots.existing(path).real) or path
        except FileFaultError:
            return path

    def find(self, pattern: str, most: int = MAX_ENTRIES) -> list[FileEntry]:
        """Return what a path with wildcards fits, sorted by name; without wildcards one, or none.

        Args:
            pattern: `*`, `?` and `[ ]` in any component; names that begin with a dot only fit one
                that does.
            most: Entries.

        Raises:
            FileFaultError: No path, or more entries.
        """
        found = [""]
        entries: dict[str, FileEntry] = {}
        for part in self.roots.parts(pattern):
            if not _WILD.search(part):
                found = [f"{folder}/{part}" for folder in found]
                continue
            below: list[str] = []
            for folder in found:
                for entry in self._inside(folder or "/", partial(_fits, part)):
                    entries[entry.path] = entry
                    below.append(entry.path)
                if len(below) > most:
                    raise _too_many(pattern, most)
            found = below
        told = [entries.get(path) or self._entry_of(path or "/") for path in found]
        return sorted(filter(None, told), key=lambda entry: entry.path)

    def contents(self, path: str, most: int = MAX_ENTRIES) -> list[FileEntry]:
        """Return what is in a folder, sorted by name, hidden names too."""
        if not self.look(path).is_folder:
            raise FileFaultError(f"{path:.300}: is no folder", FileFault.NOT_A_FOLDER)
        entries = self._inside(path)
        if len(entries) > most:
            raise _too_many(path, most)
        return sorted(entries, key=lambda entry: entry.path)

    def _inside(
        self, path: str, takes: Callable[[str], bool] = lambda _name: True
    ) -> list[FileEntry]:
        """Return what is in a folder, of the names that `takes` takes; nothing, if it is not there,
        or no folder."""
        base = _clean(path).rstrip("/")
        if self._is_top(path):
            names = [f"/{name}" for name in self.roots.folders if takes(name)]
            return [entry for name in names if (entry := self._entry_of(name))]
        try:
            descriptor = open_folder(self.roots.existing(path).real)
        except (FileFaultError, NotRegularError):
            return []
        found: list[FileEntry] = []
        try:
            with os.scandir(descriptor) as listed:
                for each in filter(lambda each: takes(each.name), listed):
                    told = self._told(each, f"{base}/{each.name}")
                    if told is not None:
                        found.append(told)
        except OSError:
            log.debug("%s: cannot be listed", path, exc_info=True)
        finally:
            os.close(descriptor)
        return found

    def _told(self, listed: os.DirEntry[str], path: str) -> FileEntry | None:
        """Return what is told of a name in a folder; None: it is not there any more."""
        if listed.is_symlink():
            return self._entry_of(path)
        try:
            return _entry(path, listed.stat(follow_symlinks=False))
        except OSError:
            return None

    def _entry_of(self, path: str) -> FileEntry | None:
        """Return what is at a path; of a link that leads nowhere, or out, the link itself."""
        try:
            return self.look(path)
        except FileFaultError:
            pass
        try:
            place = self.roots.new(path)
            with place.open_folder() as folder:
                return _entry(path, os.stat(place.name, dir_fd=folder, follow_symlinks=False))
        except FileFaultError:
            return None

    def _is_top(self, path: str) -> bool:
        return not self.roots.is_single and not self.roots.parts(path)

    # contents

    @contextmanager
    def open(self, path: str) -> Iterator[ReadFile]:
        """Open a file for reading, for the time of a `with` block."""
        place = self.roots.existing(path)
        if place.real.is_dir():
            raise FileFaultError(f"{path:.300}: is a folder", FileFault.IS_A_FOLDER)
        try:
            descriptor = open_regular(place.real)
        except NotRegularError as error:
            fault = FileFault.NOT_FOUND
            if isinstance(error.__cause__, PermissionError):
                fault = FileFault.NO_PERMISSION
            raise FileFaultError(f"{path:.300}: {error}", fault) from error
        try:
            yield ReadFile(descriptor, os.fstat(descriptor).st_size)
        except OSError as error:
            raise fault_of(path, error) from error
        finally:
            os.close(descriptor)

    def get(self, path: str, most: int) -> bytes:
        """Return the contents of a file of at most `most` bytes."""
        with self.open(path) as file:
            if file.size > most:
                text = f"{path:.300}: has {file.size} bytes, and {most} is the most here"
                raise FileFaultError(text, FileFault.TOO_LARGE)
            return file.read(0, file.size)

    def begin_upload(self, path: str, mode: int = 0o644) -> Upload:
        """Begin to put a file in the place of one that may be there; a link is replaced."""
        place = self._file_place(path)
        with ExitStack() as stack:
            folder = stack.enter_context(place.open_folder())
            file = stack.enter_context(WholeFile(folder, place.name, mode))
            return Upload(place, file, stack.pop_all())

    def put(self, path: str, data: bytes) -> int:
        """Put a file, whole or not at all; its size."""
        with self.begin_upload(path) as upload:
            upload.write(data)
            size = upload.commit()
            upload.log_sum()
            return size

    def _file_place(self, path: str) -> Place:
        """Return where a file may be written."""
        place = self.roots.new(path)
        if not place.name or path.endswith("/") or place.real.is_dir():
            text = f"{path:.300}: is a folder; name a file in it"
            raise FileFaultError(text, FileFault.IS_A_FOLDER)
        return place

    # changes

    def mkdir(self, path: str) -> None:
        """Make a folder, and those above it; one that is there is no fault."""
        if self._is_top(path):
            return
        place, names = self.roots.deepest(path)
        try:
            folder = open_folder(place.real)
        except NotRegularError as error:
            raise FileFaultError(f"{path:.300}: {error}", FileFault.NOT_A_FOLDER) from error
        try:
            for name in names:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, dir_fd=folder)
                above, folder = folder, os.open(name, _FOLDER, dir_fd=folder)
                os.close(above)
        except OSError as error:
            raise fault_of(path, error) from error
        finally:
            os.close(folder)

    def rmdir(self, path: str) -> None:
        """Remove an empty folder."""
        place = self._removable(path)
        with place.open_folder() as folder:
            os.rmdir(place.name, dir_fd=folder)

    def touch(self, path: str) -> None:
        """Make an empty file, or give what is there the present time."""
        try:
            place = self.roots.existing(path)
        except FileFaultError as error:
            if error.fault is not FileFault.NOT_FOUND:
                raise
            place = self._file_place(path)
        with place.open_folder() as folder:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                os.close(os.open(place.name or ".", flags, 0o644, dir_fd=folder))
            except (FileExistsError, IsADirectoryError):
                os.utime(place.name or ".", dir_fd=folder, follow_symlinks=False)

    def rm(self, pattern: str, options: str = "") -> int:
        """Remove files, and with `-r` folders; how many.

        Args:
            pattern: Path; wildcards in its last component only.
            options: `-r`, `-f`, `-rf`: with folders; nothing there is no fault.
        """
        letters = _letters(pattern, options)
        folder, _, last = pattern.rstrip("/").rpartition("/")
        if _WILD.search(folder):
            raise FileFaultError(
                f"{pattern:.300}: wildcards are for the last component only; name the folder"
            )
        if _WILD.search(last):
            paths = [entry.path for entry in self.find(pattern)]
        else:
            paths = [pattern]
        with_folders = bool(letters & _RECURSIVE)
        removed = sum(self.remove(path, with_folders=with_folders) for path in paths)
        if not removed and not letters & _FORCED:
            raise FileFaultError(f"{pattern:.300}: there is nothing to remove", FileFault.NOT_FOUND)
        return removed

    def remove(self, path: str, *, with_folders: bool = False) -> bool:
        """Remove one thing, whatever characters are in its name; False: it is not there.

        Args:
            path: Of it.
            with_folders: A folder is removed with all that is in it; else it is refused.
        """
        try:
            place = self._removable(path)
        except FileFaultError as error:
            if error.fault in (FileFault.NOT_FOUND, FileFault.NO_FOLDER):
                return False
            raise
        with place.open_folder() as folder:
            try:
                status = os.stat(place.name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                return False
            if not stat.S_ISDIR(status.st_mode):
                os.unlink(place.name, dir_fd=folder)
            elif with_folders:
                remove_tree(place.name, folder)
            else:
                text = f"{path:.300}: is a folder; remove it with the option -r"
                raise FileFaultError(text, FileFault.IS_A_FOLDER)
        return True

    def cp(self, source: str, target: str) -> None:
        """Copy a file, into a folder or in the place of one that may be there."""
        with self.open(source) as file:
            mode = os.fstat(file.descriptor).st_mode & 0o777
            with self.begin_upload(self._into(source, target), mode) as upload:
                first = 0
                while piece := file.read(first, PIECE_BYTES):
                    upload.write(piece)
                    first += len(piece)
                upload.commit()
                upload.log_sum()

    def mv(self, source: str, target: str) -> None:
        """Move a file or folder, into a folder or in the place of a file that may be there."""
        place = self._removable(source)
        to = self.roots.new(self._into(source, target))
        if not to.name or self.roots.is_above_root(to.real):
            raise FileFaultError(f"{target:.300}: is a root, and nothing takes its place")
        with place.open_folder() as folder, to.open_folder() as other:
            try:
                os.rename(place.name, to.name, src_dir_fd=folder, dst_dir_fd=other)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise fault_of(f"{source:.300} to {target}", error) from error
                if place.real.is_dir():
                    raise FileFaultError(
                        f"{source:.300} to {target:.300}: is a folder, and the target on another "
                        "disk; copy its files"
                    ) from error
                self.cp(source, target)
                os.unlink(place.name, dir_fd=folder)

    def _into(self, source: str, target: str) -> str:
        """Return the path of a target; of a folder that of the same name in it."""
        try:
            is_folder = self.look(target).is_folder
        except FileFaultError as error:
            if error.fault is not FileFault.NOT_FOUND:
                raise
            is_folder = False
        return f"{target.rstrip('/')}/{self.roots.parts(source)[-1]}" if is_folder else target

    def _removable(self, path: str) -> Place:
        """Return the place of what may be removed or moved; a root may not."""
        if self._is_top(path):
            raise FileFaultError(f"{path:.300}: is a root, which is never removed or moved")
        place = self.roots.new(path.rstrip("/") or "/")
        is_link = bool(place.name) and place.real.is_symlink()
        if not is_link and self.roots.is_above_root(place.real):
            raise FileFaultError(f"{path:.300}: is a root, which is never removed or moved")
        return place


def _letters(pattern: str, options: str) -> frozenset[str]:
    """Return the letters of options of `rm`."""
    words = options.split()
    letters = frozenset("".join(word[1:] for word in words))
    if any(word[0] != "-" or len(word) < 2 for word in words) or letters - _REMOVE_OPTIONS:
        raise FileFaultError(f"{pattern:.300}: rm has the options -r and -f, not {options!r:.80}")
    return letters


def _fits(pattern: str, name: str) -> bool:
    """Tell whether a name fits a pattern; one that begins with a dot only one that does."""
    return fnmatch.fnmatchcase(name, pattern) and (name[0] != "." or pattern[0] == ".")


def _joined(parts: Iterable[str]) -> str:
    return "/" + "/".join(parts)


def _clean(path: str) -> str:
    """Return a path without what changes nothing."""
    return _joined(part for part in path.split("/") if part not in ("", "."))


def _entry(path: str, status: os.stat_result) -> FileEntry:
    return FileEntry(
        path=path,
        size=status.st_size,
        modified=status.st_mtime,
        mode=status.st_mode,
        links=status.st_nlink,
    )


def _top() -> FileEntry:
    return FileEntry(path="/", size=0, modified=0.0, mode=stat.S_IFDIR | 0o555)


def _too_many(path: str, most: int) -> FileFaultError:
    text = f"{path:.300}: has more than {most} entries; name fewer of them"
    return FileFaultError(text, FileFault.TOO_LARGE)
