"""The data root: there, and on its own disk, before anything is written into it.

A disk that is not mounted leaves its mount point behind, an empty folder of the disk below. Data
that go there fill up the wrong disk, and are hidden as soon as the right one is mounted. So a data
root is neither used nor made where /etc/fstab has a disk that is not mounted, where a disk was
mounted at a former start, or below an empty folder that looks like a mount point. Anywhere else a
missing one is made.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from groundwork.wholefiles import replace_file
from player.errors import DataRootError

__all__ = ["DataRoot", "Mounts"]

log = logging.getLogger(__name__)

_ROOT = Path("/")
_ORDINARY = frozenset(
    {"home", "opt", "root", "run", "srv", "tmp", "usr", "var"}
)  # empty ones are no mount points
_FOR_DISKS = (Path("/mnt"), Path("/media"), Path("/net"), Path("/run/media"))
_MAX_RECORD_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Mounts:
    """Mount points of this host.

    Attributes:
        mounted: Where something is mounted; the root always.
        listed: Where /etc/fstab has something to be mounted.
        types: Type of the file system that is mounted there, as `ext4`, as far as it is known.
    """

    mounted: frozenset[Path]
    listed: frozenset[Path]
    types: Mapping[Path, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls, mounts: Path = Path("/proc/self/mounts"), fstab: Path = Path("/etc/fstab")
    ) -> Mounts:
        """Return those of the system; where that cannot be told, none."""
        types = dict(_entries(mounts))  # of several at one place the last holds
        return cls(frozenset({_ROOT, *types}), frozenset(dict(_entries(fstab))), types)

    def of(self, path: Path) -> Path:
        """Return the mount point of the file system that has, or would have, an absolute path."""
        return max(
            (place for place in self.mounted if path.is_relative_to(place)),
            key=lambda place: len(place.parts),
        )

    def type_of(self, path: Path) -> str:
        """Return the type of the file system that has, or would have, an absolute path; empty: it
        is not known."""
        return self.types.get(self.of(path), "")

    def missing(self, path: Path) -> Path | None:
        """Return the mount point of the file system that should have an absolute path and is not
        mounted."""
        deepest = max(
            (p for p in self.listed if path.is_relative_to(p)),
            key=lambda p: len(p.parts),
            default=_ROOT,
        )
        return deepest if len(deepest.parts) > len(self.of(path).parts) else None


def _entries(file: Path) -> Iterable[tuple[Path, str]]:
    """Yield the mount points of a file in the form of fstab, and the types of their file systems:
    `\\040` is a blank in them."""
    try:
        lines = file.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        words = line.split()
        if len(words) > 1 and words[1].startswith("/") and not words[0].startswith("#"):
            text = words[1]
            for code, character in (
                ("\\040", " "),
                ("\\011", "\t"),
                ("\\012", "\n"),
                ("\\134", "\\"),
            ):
                text = text.replace(code, character)
            # Links only above it: to look at the mount point of a server that does not answer can
            # take for ever.
            place = Path(os.path.realpath(os.path.dirname(text.rstrip("/")) or "/"))
            yield place / os.path.basename(text.rstrip("/")), words[2] if len(words) > 2 else ""


class DataRoot:
    """Place of the data files.

    Args:
        path: The directory.
        state_dir: Where to remember on which disk it is; None: nothing is remembered.
        mounts: None: those of the system.
    """

    def __init__(
        self, path: Path, state_dir: Path | None = None, mounts: Mounts | None = None
    ) -> None:
        self.path, self._mounts = path, Mounts.read() if mounts is None else mounts
        self._real = Path(os.path.realpath(path))
        name = hashlib.sha256(os.fsencode(self._real)).hexdigest()[:16]
        self._record = None if state_dir is None else state_dir / f"data-root-{name}"

    def open(self) -> None:
        """Make sure that it is there and on its disk.

        Raises:
            DataRootError: It is not, and what to do.
        """
        if (fault := self.fault()) is not None:
            raise fault
        if not self.path.is_dir():
            try:
                self.path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                remedy = "make it, or set DIBAS_DATA or [instrument] data_root to another directory"
                raise DataRootError(
                    self.path, f"cannot be made ({error.strerror or error})", remedy
                ) from error
            log.info("data root %s made", self.path)
        self._remember()

    def fault(self) -> DataRootError | None:
        """Return why nothing may be written there; changes nothing."""
        place, before = self._mounts.of(self._real), self._remembered()
        if (missing := self._mounts.missing(self._real)) is not None:
            text = f"is below {missing}, which /etc/fstab lists and which is not mounted"
            return DataRootError(self.path, text, f"mount {missing}")
        if (
            before is not None
            and self._real.is_relative_to(before)
            and len(before.parts) > len(place.parts)
        ):
            return DataRootError(
                self.path,
                f"was on the file system mounted at {before} at a former start, and that is not mounted",
                f"mount {before}, or remove {self._record} if the data belong elsewhere now",
            )
        if not self._real.exists():
            above = next(folder for folder in self._real.parents if folder.exists())
            if above != place and _looks_like_mount_point(above):
                text = f"does not exist, and {above}, where it would be made, is empty like a mount point"
                remedy = (
                    f"mount its disk, or make it yourself if there is none: mkdir -p {self.path}"
                )
                return DataRootError(self.path, text, remedy)
        return None

    def _remembered(self) -> Path | None:
        """Return the mount point of the file system on which it was at the last start."""
        if self._record is None:
            return None
        try:
            return Path(
                os.fsdecode(self._record.read_bytes()[:_MAX_RECORD_BYTES].partition(b"\n")[0])
            )
        except (OSError, ValueError):
            return None

    def _remember(self) -> None:
        place = self._mounts.of(self._real)
        if (
            self._record is None
            or place == self._remembered()
            or (place == _ROOT and not self._record.exists())
        ):
            return
        try:
            self._record.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._record, f"{place}\n{self._real}\n")
        except (OSError, ValueError) as error:  # ValueError: a name that is no UTF-8
            log.debug("the disk of data root %s is not remembered: %s", self.path, error)


def _looks_like_mount_point(folder: Path) -> bool:
    """Tell whether a folder is empty, and where disks are mounted: below the root or a folder that
    is there for it."""
    if not (folder.parent == _ROOT and folder.name not in _ORDINARY) and not any(
        folder != place and folder.is_relative_to(place) for place in _FOR_DISKS
    ):
        return False
    try:
        with os.scandir(folder) as entries:
            return not folder.stat().st_mode & stat.S_ISVTX and next(entries, None) is None
    except OSError:
        return False
