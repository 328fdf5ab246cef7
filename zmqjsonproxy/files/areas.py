"""Areas: folders whose files are served under names, and nothing outside of them.

A name is resolved, links too, and compared by path parts with the folder, itself resolved; then it is
opened without following any link, so that none that is put there meanwhile leads out.
"""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

from groundwork.birthtime import birth_ns
from groundwork.regularfiles import (
    NOT_REGULAR,
    NotRegularError,
    open_folder,
    open_regular,
    real_path,
)
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.files.protocol.identity import FileIdentity
from zmqjsonproxy.files.protocol.names import FileName, read_name, read_pattern

__all__ = ["Areas", "Entry", "Listing", "OpenFile"]

T = TypeVar("T")

MAX_LOOKED_AT = 20_000
"""Names in folders that one listing looks at."""
MAX_ENTRIES = 5_000


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that is open for reading.

    Attributes:
        name: `AREA/PATH`.
        descriptor: Of the file.
    """

    name: str
    descriptor: int

    def identity(self) -> FileIdentity:
        """Return what it is now; OSError."""
        found, born = os.fstat(self.descriptor), birth_ns(self.descriptor)
        return FileIdentity(found.st_dev, found.st_ino, born, found.st_size, found.st_mtime_ns)


class Entry(NamedTuple):
    """A file or folder in a listing.

    Attributes:
        name: `AREA/PATH`; of a folder with `/` at its end.
        size: Bytes; None: a folder.
        modified: Seconds since 1970, UTC.
    """

    name: str
    size: int | None
    modified: float


@dataclass(slots=True)
class Listing:
    """Listing of an area.

    Attributes:
        entries: Sorted by name.
        is_cut: There is more than what was looked at, or than was wanted.
        unnamed: Names that are no UTF-8, and cannot be asked for.
    """

    entries: list[Entry] = field(default_factory=list)
    is_cut: bool = False
    unnamed: int = 0


class Areas:
    """Folders by name, in the order in which a bare name is looked for.

    Args:
        folders: Area -> folder; it need not exist.
        whose: Who serves them, for errors.
        remedy: How areas are added, for errors.
    """

    def __init__(self, folders: Mapping[str, Path], whose: str = "it", remedy: str = "") -> None:
        self.folders = dict(folders)
        self._whose, self._remedy = whose, remedy

    @contextmanager
    def open(self, name: str) -> Iterator[OpenFile]:
        """Open a file for the time of a `with` block.

        Args:
            name: `AREA/PATH`, or a bare name, which is looked for in the areas in their order.

        Raises:
            RefusedError: It is not there, or not to be had; with a sentence.
        """
        asked = _checked(read_name, name)
        areas = [self._area(asked.area)] if asked.area else self._all()
        descriptor, whole, reasons = -1, "", dict[str, str]()
        for area in areas:
            try:
                descriptor = self._open(area, asked.parts)
            except NotRegularError as error:
                reasons[area] = str(error)
            else:
                whole = str(FileName(area, asked.parts))
                break
        if descriptor < 0:
            told = "; ".join(f"in {area}: {why}" for area, why in reasons.items())
            raise RefusedError(f"{asked}: {told if not asked.area else reasons[asked.area]}")
        try:
            yield OpenFile(whole, descriptor)
        except OSError as error:
            raise RefusedError(f"{whole}: cannot be read: {error.strerror or error}") from error
        finally:
            os.close(descriptor)

    def fault(self, area: str) -> str:
        """Return why nothing can be had of an area now; empty: it is there."""
        try:
            os.close(open_folder(real_path(self.folders[area]), os.O_RDONLY))
        except NotRegularError as error:
            return str(error)
        return ""

    def listing(self, area: str, pattern: str = "*", most: int = 1000) -> Listing:
        """List the files and folders of an area.

        Args:
            area: Name.
            pattern: `*.fits`, or `night1/*.fits`; a name that begins with a dot is listed for a pattern
                that does.
            most: Entries, 1 to MAX_ENTRIES.

        Raises:
            RefusedError: No such area, or not there; or an argument that is none.
        """
        *above, last = _checked(read_pattern, pattern)
        if type(most) is not int or not 1 <= most <= MAX_ENTRIES:
            raise RefusedError(f"most is a number of entries from 1 to {MAX_ENTRIES}, not {most!r}")
        self._area(area)
        found, looked = Listing(), _Looked()
        folders: list[tuple[str, ...]] = [()]
        for part in above:
            folders = [
                (*folder, name)
                for folder in folders
                for name, status in self._names(area, folder, part, looked)
                if stat.S_ISDIR(status.st_mode)
            ]
        for folder in folders:
            for name, status in self._names(area, folder, last, looked):
                is_folder = stat.S_ISDIR(status.st_mode)
                if is_folder or stat.S_ISREG(status.st_mode):
                    whole = str(FileName(area, (*folder, name))) + "/" * is_folder
                    size = None if is_folder else status.st_size
                    found.entries.append(Entry(whole, size, status.st_mtime))
        found.entries.sort()
        found.is_cut = looked.is_over or len(found.entries) > most
        found.unnamed = looked.unnamed
        del found.entries[most:]
        return found

    def _names(
        self, area: str, folder: tuple[str, ...], pattern: str, looked: _Looked
    ) -> Iterator[tuple[str, os.stat_result]]:
        """Yield what is in a folder of an area and fits; of links what they lead to, if it is in the
        area."""
        try:
            descriptor = open_folder(self._real(area, folder))
        except NotRegularError as error:
            if folder:
                return  # it was removed meanwhile, or its link leads out
            raise RefusedError(f"area {area} cannot be listed: {error}") from error
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    if looked.one_more():
                        return
                    name = entry.name
                    if not fnmatch.fnmatchcase(name, pattern) or (name[0] == "." != pattern[0]):
                        continue
                    if not _is_text(name):
                        looked.unnamed += 1
                        continue
                    try:
                        status = entry.stat(follow_symlinks=False)
                        if stat.S_ISLNK(status.st_mode):
                            status = self._real(area, (*folder, name)).lstat()
                    except (OSError, NotRegularError):
                        continue
                    yield name, status
        except OSError as error:
            raise RefusedError(
                f"area {area} cannot be listed: {error.strerror or error}"
            ) from error
        finally:
            os.close(descriptor)

    def _open(self, area: str, parts: tuple[str, ...]) -> int:
        return open_regular(self._real(area, parts))

    def _real(self, area: str, parts: tuple[str, ...]) -> Path:
        """Return where a part of an area truly is; NotRegularError: nowhere, or elsewhere."""
        root = real_path(self.folders[area])
        found = real_path(root.joinpath(*parts))
        if not found.is_relative_to(root):
            raise NotRegularError(f"leads out of the area {area}, and only what is in it is served")
        if found == root and parts:
            raise NotRegularError(NOT_REGULAR)
        return found

    def _area(self, name: object) -> str:
        self._all()
        if not isinstance(name, str) or name not in self.folders:
            known = ", ".join(self.folders)
            raise RefusedError(f"no area {str(name)[:80]!r}; there are {known}")
        return name

    def _all(self) -> list[str]:
        if not self.folders:
            raise RefusedError(f"{self._whose} serves no files{self._remedy}")
        return list(self.folders)


def _checked(read: Callable[[object], T], text: object) -> T:
    try:
        return read(text)
    except ValueError as error:
        raise RefusedError(str(error)) from error


class _Looked:
    """Count of what was looked at for one listing."""

    def __init__(self) -> None:
        self.left, self.unnamed, self.is_over = MAX_LOOKED_AT, 0, False

    def one_more(self) -> bool:
        """Count a name; whether there were too many."""
        self.left -= 1
        self.is_over = self.is_over or self.left < 0
        return self.is_over


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
