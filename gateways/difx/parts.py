"""Parts of the Bank for Dealers: files, recorder, unit. Jobs: `jobspart`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateways.difx.errors import FileFaultError, JobError
from gateways.difx.filelist import FileList
from gateways.difx.service import DifxService
from zmqjsonproxy import command, current_caller, current_operation, operation, query
from zmqjsonproxy.waiting import WouldWaitError, may_wait

__all__ = ["FilesPart", "RecorderPart", "UnitPart", "absolute", "beside"]

MAX_BYTES = 16 << 20
"""Of a file that is got or put in one call."""


def beside() -> None:
    """Let a query that waits for a disk, or for others, be carried out beside the socket's thread."""
    if not may_wait():
        raise WouldWaitError


def absolute(path: str) -> str:
    """Return a path in the clients' "/"; what does not begin there is relative to it."""
    if not isinstance(path, str):
        raise FileFaultError(f"{path!r:.80}: is no path, which is a text")
    return path if path.startswith("/") or not path else f"/{path}"


class FilesPart:
    """Files in the root folders, as clients of the gateway see them.

    Args:
        service: The gateway.
    """

    def __init__(self, service: DifxService) -> None:
        self._files = service.files

    @query
    def get(self, path: str) -> bytes:
        """Return the contents of a file of at most 16 MiB."""
        beside()
        return self._files.get(absolute(path), MAX_BYTES)

    @command
    def put(self, path: str, data: bytes | str) -> int:
        """Put a file of at most 16 MiB, whole or not at all; its size, bytes.

        Args:
            path: A file that is there is replaced.
            data: Its contents; a text as UTF-8.
        """
        content = data.encode() if isinstance(data, str) else data
        if not isinstance(content, bytes | bytearray | memoryview) or len(content) > MAX_BYTES:
            raise FileFaultError(f"{path:.300}: data are at most {MAX_BYTES} bytes, or a text")
        return self._files.put(absolute(path), bytes(content))

    @command
    def mkdir(self, path: str) -> None:
        """Make a folder, and those above it; one that is there is no fault."""
        self._files.mkdir(absolute(path))

    @command
    def rmdir(self, path: str) -> None:
        """Remove an empty folder."""
        self._files.rmdir(absolute(path))

    @command
    def touch(self, path: str) -> None:
        """Make an empty file, or give what is there the present time."""
        self._files.touch(absolute(path))

    @command
    def cp(self, source: str, target: str) -> None:
        """Copy a file, into a folder or in the place of one that may be there."""
        self._files.cp(absolute(source), absolute(target))

    @command
    def mv(self, source: str, target: str) -> None:
        """Move a file or folder, into a folder or in the place of a file that may be there."""
        self._files.mv(absolute(source), absolute(target))

    @command
    def rm(self, pattern: str, options: str = "") -> int:
        """Remove files, and with `-r` folders; how many.

        Args:
            pattern: Path; wildcards in its last component only.
            options: `-r`, `-f`, `-rf`: with folders; nothing there is no fault.
        """
        return self._files.rm(absolute(pattern), options)

    @operation
    def make_filelist(
        self,
        files: Sequence[str],
        destination: str,
        format: str,
        reference_mjd: int = 0,
        overwrite: bool = False,
    ) -> list[str]:
        """Write a list of recordings with their begin and end; its lines, and faults.

        Args:
            files: Paths of recordings.
            destination: Path of the list.
            format: VDIF, MARK5B, GUPPI, or another that is registered.
            reference_mjd: A day near that of the recordings, for formats with three digits of it.
            overwrite: A list that is there is replaced.
        """
        handle = current_operation()
        handle.leave_queue()
        paths = [absolute(path) for path in files]
        made = FileList.plan(self._files, paths, absolute(destination), format, reference_mjd)
        if made.exists and not overwrite:
            raise JobError(f"{destination:.300}: is there already; overwrite it, or name another")
        for number, each in enumerate(made.read(), 1):
            handle.progress(number / len(paths), each.path)
            handle.check()
        made.write()
        return [each.line for each in made.found]

    @query
    def list(self, pattern: str = "/") -> list[dict[str, Any]]:
        """Return what is in a folder, or what a path with wildcards fits, sorted by name.

        Args:
            pattern: Path; `*`, `?` and `[ ]` in any component.

        Returns:
            Of each: path, size (bytes), modified (unix seconds, UTC), mode, links, is_folder.
        """
        beside()
        found = self._files.find(absolute(pattern))
        if len(found) == 1 and found[0].is_folder:
            found = self._files.contents(found[0].path)
        return [entry.describe() for entry in found]


class RecorderPart:
    """Recordings of Players.

    Args:
        service: The gateway.
    """

    def __init__(self, service: DifxService) -> None:
        self._recorder = service.recorder

    @query
    def directory(self, unit: str, medium: str) -> list[str]:
        """Return the directory of a medium as lines: the medium, then each recording.

        Args:
            unit: Bank.
            medium: Area of its files.
        """
        beside()
        return self._recorder.directory(unit, medium).lines

    @operation
    def export(self, unit: str, medium: str, scans: str, destination: str) -> list[str]:
        """Copy recordings to a folder; their paths.

        Args:
            unit: Bank.
            medium: Area of its files.
            scans: Numbers from 1 on, ranges of them, or names with wildcards; empty: all.
            destination: Path of the folder.
        """
        handle = current_operation()
        handle.leave_queue()
        return self._recorder.export(
            unit,
            medium,
            scans,
            absolute(destination),
            on_progress=handle.progress,
            check=handle.check,
        )


class UnitPart:
    """Commands to Players, as far as the configuration allows them.

    Args:
        service: The gateway.
    """

    def __init__(self, service: DifxService) -> None:
        self._units = service.units

    @operation
    def command(self, name: str, target: str = "") -> dict[str, Any]:
        """Give a command of the configuration to Players.

        Args:
            name: Of the command.
            target: Name or pattern of Banks; empty: all that it is for.

        Returns:
            Of each Bank `value`, or `error` with a sentence.
        """
        current_operation().leave_queue()
        return self._units.command(name, target, str(current_caller()))
