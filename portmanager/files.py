"""The files of a port manager: its port, its process id, its usage. Written by rename, so nobody
reads half a file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from groundwork.wholefiles import replace_file
from portmanager.protocol.lines import DEFAULT_PORT

__all__ = ["Files", "default_folder", "read_usage", "usage_text"]

ORIGINAL_FOLDER = Path("/var/tmp/daqportmgr")
"""Where the original keeps `listen.port` and `ports.txt`, and where its clients look."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where a server's files are.

    Attributes:
        port: The listen port and a newline.
        pid: The process id and a newline.
        usage: A line `port TAB service TAB user` per allocation, ascending by port as text.
    """

    port: Path
    pid: Path
    usage: Path

    @property
    def earlier_usage(self) -> Path:
        """The usage of the server that ended before this one; it helps to give services their old
        ports."""
        return self.usage.with_name(self.usage.name + ".last")

    def begin(self, port: int) -> dict[tuple[str, str], list[int]]:
        """Write the files of a server that begins; folders that are missing are made.

        Args:
            port: Where it listens.

        Returns:
            The ports that (user, service) had at an earlier server: one that crashed, or one that
            ended. A server that ended before anybody had come back to it is passed over.

        Raises:
            OSError: One of the files cannot be written.
        """
        with contextlib.suppress(OSError):
            if (
                self.usage.stat().st_size
            ):  # of one that crashed; the next crash must not cost what it knew
                self.usage.replace(self.earlier_usage)
        for file in (self.port, self.pid, self.usage):
            file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self.port, f"{port}\n")
        replace_file(self.pid, f"{os.getpid()}\n")
        replace_file(self.usage, "")
        return read_usage(self.earlier_usage)

    def remove(self) -> None:
        """Remove what is ours; what is lent stays as the earlier usage of the next server."""
        with contextlib.suppress(OSError):
            if self.usage.stat().st_size:
                self.usage.replace(self.earlier_usage)
            else:
                self.usage.unlink()
        with contextlib.suppress(OSError, ValueError):
            if int(self.pid.read_text(encoding="ascii")) == os.getpid():
                self.pid.unlink()
                self.port.unlink()


def default_folder(port: int, environment: dict[str, str]) -> Path:
    """Return the first folder that this user may write: the original's, else one of the user's own.

    Args:
        port: Where the server listens; each port but 30000 has a folder of its own, so that two
            servers do not share.
        environment: `RUNTIME_DIRECTORY` (systemd), `XDG_RUNTIME_DIR`, `XDG_STATE_HOME` and `HOME`
            are used.

    Raises:
        OSError: None of them can be written.
    """
    suffix = "" if port == DEFAULT_PORT else f"-{port}"
    home = Path(environment.get("HOME") or "~").expanduser()
    candidates = [ORIGINAL_FOLDER.with_name(ORIGINAL_FOLDER.name + suffix)]
    if own := environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]:
        candidates.insert(0, Path(own))
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        candidates.append(Path(runtime) / f"portmanager{suffix}")
    state = environment.get("XDG_STATE_HOME") or str(home / ".local" / "state")
    candidates.append(Path(state) / f"portmanager{suffix}")
    for folder in candidates:
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            # A folder in /var/tmp, or a link there, that somebody else has made is not ours to
            # trust.
            if folder.stat().st_uid == folder.lstat().st_uid == os.geteuid() and os.access(
                folder, os.W_OK | os.X_OK
            ):
                return folder
    raise OSError(
        f"no folder for the port, pid and usage files: tried {', '.join(map(str, candidates))}"
    )


def usage_text(rows: Iterable[tuple[int, str, str]]) -> str:
    """Return the text of a usage file, of (port, service, user); names have no control characters,
    so no quoting."""
    return "".join(f"{port}\t{service}\t{user}\n" for port, service, user in rows)


def read_usage(path: Path) -> dict[tuple[str, str], list[int]]:
    """Return the ports of each (user, service) of a usage file; what is no line of one is left
    out."""
    ports: dict[tuple[str, str], list[int]] = {}
    with contextlib.suppress(OSError):
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            port, *names = line.split("\t")
            if len(names) == 2 and port.isascii() and port.isdigit():
                ports.setdefault((names[1], names[0]), []).append(int(port))
    return ports
