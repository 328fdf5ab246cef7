"""A small disk for the data of a soak that can be filled: a tmpfs where that may be mounted, else a
limit on the size of files."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from groundwork.closing import Closing

SIZE_MIB = 64
PIECE = 1 << 16
LIMIT_BYTES = 4096
"""Of files, where there is no tmpfs."""


class Disk(Closing):
    """A folder, and how much goes into it.

    Attributes:
        folder: Where data go.
        is_mounted: It is a file system of its own, of SIZE_MIB.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.is_mounted = False
        self._limited: dict[int, tuple[int, int]] = {}
        if os.geteuid() == 0 and shutil.which("mount") is not None:
            words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "soak", str(folder)]
            done = subprocess.run(words, capture_output=True, check=False)
            self.is_mounted = done.returncode == 0
        self._ballast = folder / "ballast"

    def fill(self, writers: Iterable[int]) -> None:
        """Leave no room: for nobody on the tmpfs, for those processes otherwise."""
        if self.is_mounted:
            with self._ballast.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"\0" * PIECE)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
            return
        for process in writers:
            with contextlib.suppress(ProcessLookupError):
                before = resource.prlimit(process, resource.RLIMIT_FSIZE)
                resource.prlimit(process, resource.RLIMIT_FSIZE, (LIMIT_BYTES, before[1]))
                self._limited.setdefault(process, before)

    def clear(self) -> None:
        """Make room again."""
        self._ballast.unlink(missing_ok=True)
        for process, before in self._limited.items():
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(process, resource.RLIMIT_FSIZE, before)
        self._limited.clear()

    def close(self) -> None:
        """Take the file system away; whatever still uses it keeps it until its end."""
        self.clear()
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=False)
            self.is_mounted = False
