"""Recordings of recorders: what a medium has, and copies of them inside the root folders.

A recorder is a Player, and its media are the areas of the files that it serves.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from gateways.difx.errors import FileFaultError, NoMediumError, NoRecordingsError, UnitError
from gateways.difx.files import DifxFiles
from gateways.difx.players import DifxPlayers
from zmqjsonproxy import ProxyError
from zmqjsonproxy.errors import NoSuchInterfaceError, RefusedError
from zmqjsonproxy.files.fetch import FetchProgress, fetch
from zmqjsonproxy.hubs import BlockingHub, run

__all__ = ["DifxRecorder", "Directory", "Recording", "directory_path"]

ASK_S = 10.0
"""Time for an answer of a recorder."""
MAX_RECORDINGS = 5000
DAY_S = 86400
_MJD_OF_UNIX = 40587
_NUMBERS = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording on a medium.

    Attributes:
        name: `AREA/PATH` at the recorder.
        size: Bytes.
        modified: Unix seconds, UTC.
    """

    name: str
    size: int
    modified: float

    @property
    def file(self) -> str:
        """Name of its file."""
        return PurePosixPath(self.name).name


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Directory of a medium.

    Attributes:
        path: Name of its file, as clients are told.
        modified: When the newest recording was changed, unix seconds, UTC.
        recordings: In order of their names.
        medium: Its name.
    """

    path: str
    modified: float
    recordings: tuple[Recording, ...]
    medium: str

    @property
    def date(self) -> str:
        """Its time, as 12 characters: YYMMDDhhmmss."""
        return f"{datetime.fromtimestamp(self.modified, UTC):%y%m%d%H%M%S}"

    @property
    def lines(self) -> list[str]:
        """The lines of its file: the medium, then each recording.

        A recording has first byte, size, day (MJD) and second of its last change, seven numbers that
        are not known (0), and its name.
        """
        lines, first = [f"{self.medium} {len(self.recordings)} A 0 1 N 0"], 0
        for each in self.recordings:
            day, second = divmod(int(each.modified), DAY_S)
            numbers = (first, each.size, day + _MJD_OF_UNIX, second, 0, 0, 0, 0, 0, 0, 0)
            lines.append(f"{' '.join(map(str, numbers))} {'_'.join(each.file.split())}")
            first += each.size
        return lines


class DifxRecorder:
    """Recorders of the configuration. Every method waits for them: call it in a thread.

    Args:
        players: Reaches them.
        files: Where copies are put.
    """

    def __init__(self, players: DifxPlayers, files: DifxFiles) -> None:
        self._players, self._files = players, files

    def directory(self, unit: str, medium: str) -> Directory:
        """Return what a medium has now.

        Args:
            unit: Bank.
            medium: Area of its files.

        Raises:
            JobError: There is no such Bank.
            UnitError: It does not answer; NoRecordingsError: it serves no files; NoMediumError: it has no
                such medium.
        """
        proxy = self._players.proxy(unit)
        try:
            listing = self._players.hub.call(
                proxy.url, "files", "listing", (medium, "*", MAX_RECORDINGS), {}, ASK_S
            )
        except ProxyError as error:
            text = f"{unit:.80}: medium {medium:.80} cannot be read: {error}"
            raise _kind_of(error)(text) from error
        found = tuple(
            Recording(name=each["name"], size=each["size"], modified=each["modified"])
            for each in listing["entries"]
            if each["size"] is not None
        )
        newest = max((each.modified for each in found), default=0.0)
        return Directory(
            path=directory_path(unit, medium), modified=newest, recordings=found, medium=medium
        )

    def export(
        self,
        unit: str,
        medium: str,
        scans: str,
        destination: str,
        *,
        on_file: Callable[[str], None] = lambda _path: None,
        on_progress: Callable[[float, str], None] = lambda _fraction, _text: None,
        check: Callable[[], None] = lambda: None,
    ) -> list[str]:
        """Copy recordings to a folder; their paths, in the clients' "/".

        Args:
            unit: Bank.
            medium: Area of its files.
            scans: Numbers in the order of the directory from 1 on, ranges of them, or names with
                wildcards, with commas or spaces between; empty, or `all`: all.
            destination: Path of the folder.
            on_file: Takes the path of each file that is begun.
            on_progress: Takes the fraction of all bytes, and a sentence.
            check: Called with each piece; raises what ends the copy.

        Raises:
            JobError, UnitError: As of `directory`; or a copy failed, or nothing is chosen.
            FileFaultError: The folder is not there.
        """
        place = self._files.roots.existing(destination)
        if not place.real.is_dir():
            raise FileFaultError(f"{destination:.300}: is no folder")
        directory = self.directory(unit, medium)
        chosen = _chosen(directory.recordings, scans)
        if not chosen:
            raise UnitError(f"{unit:.80}: medium {medium:.80} has no recording {scans!r:.200}")
        total, before = max(sum(each.size for each in chosen), 1), 0
        paths: list[str] = []
        for each in chosen:
            path = f"{destination.rstrip('/')}/{each.file}"
            on_file(path)

            def tell(progress: FetchProgress, each: Recording = each, before: int = before) -> None:
                check()
                text = progress.text or f"{progress.done} of {progress.size} bytes"
                on_progress((before + progress.done) / total, f"{each.file}: {text}")

            self._fetch(unit, each, place.real, tell)
            before += each.size
            paths.append(path)
        return paths

    def _fetch(
        self, unit: str, recording: Recording, to: Path, tell: Callable[[FetchProgress], object]
    ) -> None:
        hub, url = BlockingHub(self._players.hub), self._players.url(unit)
        try:
            run(fetch(hub, url, recording.name, to, timeout=ASK_S, progress=tell))
        except (ProxyError, OSError) as error:
            raise UnitError(
                f"{unit:.80}: {recording.name:.200} cannot be copied: {error}"
            ) from error


def _kind_of(error: ProxyError) -> type[UnitError]:
    """Return the kind of fault that an answer to a listing tells."""
    if isinstance(error, NoSuchInterfaceError):
        return NoRecordingsError
    return NoMediumError if isinstance(error, RefusedError) else UnitError


def directory_path(unit: str, medium: str) -> str:
    """Return the name of the file of a directory, as clients are told."""
    return f"{unit.lower()}/{medium}.dir"


def _chosen(recordings: Sequence[Recording], scans: str) -> list[Recording]:
    """Return the recordings that are meant, each once, in their order."""
    words = scans.replace(",", " ").split()
    if not words or words == ["all"]:
        return list(recordings)
    chosen: set[int] = set()
    for word in words:
        if found := _NUMBERS.fullmatch(word):
            first = int(found[1])
            chosen.update(range(first - 1, int(found[2] or first)))
        chosen.update(
            index for index, each in enumerate(recordings) if fnmatch.fnmatchcase(each.file, word)
        )
    return [each for index, each in enumerate(recordings) if index in chosen]
