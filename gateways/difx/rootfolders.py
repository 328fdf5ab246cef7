"""Root folders: the clients' "/" on the disks of this host, and no way out of it.

A path is resolved first, links and `..` too, and then compared by parts with its root, itself resolved;
then its folder is opened without following any link, so that none that is put there meanwhile leads out.
What is done to a file is done in that open folder.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateways.difx.errors import FileFault, FileFaultError
from groundwork.regularfiles import NotRegularError, open_folder

__all__ = ["ONLY_ROOT", "Place", "RootFolders", "fault_of"]

ONLY_ROOT = ""
"""Name of a root that is itself the clients' "/"."""
MAX_PATH_BYTES = 4096
MAX_NAME_BYTES = 255
_SETTING = "`root` of its table names the folders that clients may use"
_FAULTS = {
    errno.ENOENT: FileFault.NOT_FOUND,
    errno.ENOTDIR: FileFault.NOT_A_FOLDER,
    errno.EISDIR: FileFault.IS_A_FOLDER,
    errno.EACCES: FileFault.NO_PERMISSION,
    errno.EPERM: FileFault.NO_PERMISSION,
    errno.EROFS: FileFault.NO_PERMISSION,
    errno.ENOSPC: FileFault.NO_SPACE,
    errno.EDQUOT: FileFault.NO_SPACE,
    errno.EFBIG: FileFault.TOO_LARGE,
}


def fault_of(path: str, error: OSError) -> FileFaultError:
    """Return what the system said about a path of a client."""
    fault = _FAULTS.get(error.errno or 0, FileFault.OTHER)
    return FileFaultError(f"{path:.300}: {error.strerror or error}", fault)


@dataclass(frozen=True, slots=True)
class Place:
    """Place of something that is there, or may be made: a name in a real folder.

    Attributes:
        path: As the client wrote it.
        root: Resolved path of its root.
        folder: Resolved path of its folder, in the root.
        name: In it; empty: the root itself.
    """

    path: str
    root: Path
    folder: Path
    name: str

    @property
    def real(self) -> Path:
        """Its whole path."""
        return self.folder / self.name if self.name else self.folder

    @contextmanager
    def open_folder(self) -> Iterator[int]:
        """Open its folder for the time of a `with` block; OSError of what is done there becomes
        FileFaultError."""
        try:
            descriptor = open_folder(self.folder)
        except NotRegularError as error:
            raise FileFaultError(f"{self.path:.300}: {error}", FileFault.NOT_FOUND) from error
        try:
            yield descriptor
        except OSError as error:
            raise fault_of(self.path, error) from error
        finally:
            os.close(descriptor)


class RootFolders:
    """The folders that make up the clients' "/".

    Args:
        folders: Name -> folder; one named ONLY_ROOT alone is "/" itself, else each is a folder in it.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self.folders = dict(folders)

    @property
    def is_single(self) -> bool:
        """One root is "/" itself."""
        return ONLY_ROOT in self.folders

    def existing(self, path: str) -> Place:
        """Return where something is that exists, links resolved.

        Raises:
            FileFaultError: It is not there, or elsewhere.
        """
        root, parts = self._split(path)
        found = self._resolve(path, root, parts)
        return self._at(path, root, found)

    def new(self, path: str) -> Place:
        """Return where something may be made, replaced or removed: links on the way are resolved, one
        in its place is not.

        Raises:
            FileFaultError: Its folder is not there, or elsewhere.
        """
        root, parts = self._split(path)
        if not parts or parts[-1] == "..":
            return self.existing(path)
        try:
            folder = self._resolve(path, root, parts[:-1])
        except FileFaultError as error:
            if error.fault is FileFault.NOT_FOUND:
                error.fault = FileFault.NO_FOLDER
            raise
        if not folder.is_dir():
            text = f"{path:.300}: is in something that is no folder"
            raise FileFaultError(text, FileFault.NOT_A_FOLDER)
        return Place(path, root, folder, parts[-1])

    def deepest(self, path: str) -> tuple[Place, list[str]]:
        """Return the deepest part of a path that exists, as `existing`, and the names below it that do
        not."""
        root, parts = self._split(path)
        found, there, most = self._resolve(path, root, []), 0, len(parts)
        count = most  # the whole path first, for most of them are there
        while there < most:
            try:
                found = self._resolve(path, root, parts[:count])
            except FileFaultError as error:
                if error.fault is not FileFault.NOT_FOUND:
                    raise
                most = count - 1
            else:
                there = count
            count = (there + most + 1) // 2
        if ".." in (missing := parts[there:]):
            raise FileFaultError(f"{path:.300}: No such file or directory", FileFault.NOT_FOUND)
        return self._at(path, root, found), missing

    def is_above_root(self, real: Path) -> bool:
        """Tell whether a resolved path is a root, or has one in it."""
        return any(self._root(name).is_relative_to(real) for name in self.folders)

    def shown(self, real: Path) -> str | None:
        """Return the clients' path of a path on this host; None: it is in no root."""
        found = Path(os.path.realpath(real))
        for name in self.folders:
            root = self._root(name)
            if found.is_relative_to(root):
                below = found.relative_to(root).parts
                return "/" + "/".join((name, *below) if name else below)
        return None

    def _root(self, name: str) -> Path:
        return Path(os.path.realpath(self.folders[name]))

    def parts(self, path: str) -> list[str]:
        """Return the names of a path without `.` and empty ones.

        Raises:
            FileFaultError: It is not absolute, or no path.
        """
        if not path.startswith("/"):
            text = f"{path:.300}: is no absolute path; write one that begins with /"
            raise FileFaultError(text, FileFault.NOT_ABSOLUTE)
        names = [name for name in path.split("/") if name not in ("", ".")]
        try:
            sizes = [len(os.fsencode(name)) for name in names]
        except UnicodeEncodeError:
            sizes = [MAX_PATH_BYTES]
        if (
            "\0" in path
            or sum(sizes) + len(sizes) > MAX_PATH_BYTES
            or max(sizes, default=0) > MAX_NAME_BYTES
        ):
            raise FileFaultError(f"{path:.300}: is no path: too long, or with a NUL")
        return names

    def _split(self, path: str) -> tuple[Path, list[str]]:
        """Return the root of a path, and the names below it."""
        names = self.parts(path)
        if self.is_single:
            return self._root(ONLY_ROOT), names
        if not names:
            raise FileFaultError(
                f"{path:.300}: only has the folders {', '.join(self.folders)}; nothing else can be "
                f"there, {_SETTING}",
                FileFault.IS_A_FOLDER,
            )
        if names[0] not in self.folders:
            raise FileFaultError(
                f"{path:.300}: there is no folder {names[0][:80]}, only {', '.join(self.folders)}; "
                f"{_SETTING}",
                FileFault.NOT_FOUND,
            )
        return self._root(names[0]), names[1:]

    def _resolve(self, path: str, root: Path, parts: list[str]) -> Path:
        """Return where names below a root truly lead; of what is elsewhere nothing is told."""
        whole = root.joinpath(*parts)
        try:
            if Path(os.path.realpath(whole)).is_relative_to(root):
                found = Path(os.path.realpath(whole, strict=True))
                if found.is_relative_to(root):
                    return found
        except OSError as error:
            raise fault_of(path, error) from error
        raise FileFaultError(
            f"{path:.300}: leads out of the folders that clients may use; {_SETTING}",
            FileFault.OUTSIDE,
        )

    def _at(self, path: str, root: Path, found: Path) -> Place:
        if found == root:
            return Place(path, root, root, "")
        return Place(path, root, found.parent, found.name)
