"""Lists of recordings with their times, which are read from the recordings themselves.

Of each format there is a reader: VDIF and Mark 5B here, others by the entry points
`dealer_player.recordings`, each a function of a path and a reference MJD that returns begin and end,
MJD.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from gateways.difx.errors import FileFaultError, JobError, PayloadError
from gateways.difx.files import DifxFiles, ReadFile
from gateways.difx.protocol.recordingtimes import (
    VDIF_HEADER_BYTES,
    FrameHeader,
    read_mark5b,
    read_vdif,
    times_of,
)
from groundwork.errors import text_of
from groundwork.loading import TargetError, load_target, registered, target_of

__all__ = ["GROUP", "FileList", "ListedRecording", "UnknownFormatError"]

GROUP = "dealer_player.recordings"
_BUILT_IN = {"GUPPI": "spectrometer.daq.recordedtimes:guppi_times"}
MAX_FILES = 10_000
MAX_FRAMES = 200_000
"""Frames that are looked at for a second of a recording."""

TimesReader = Callable[[str, int], tuple[float, float]]


class UnknownFormatError(JobError):
    """No reader of a format is registered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRecording:
    """A recording of a list.

    Attributes:
        path: In the clients' "/".
        start: MJD.
        stop: MJD.
        fault: Why its times are not known; empty: they are.
    """

    path: str
    start: float = 0.0
    stop: float = 0.0
    fault: str = ""

    @property
    def line(self) -> str:
        """The line of the list, without its end; of one with a fault that."""
        return f"{self.path} {self.start:.8f} {self.stop:.8f}" if not self.fault else self.fault


@dataclass(slots=True)
class FileList:
    """A list that is being made: read all recordings, then write it.

    Attributes:
        files: Where it is.
        paths: Recordings.
        destination: Path of the list.
        reader: Of their format.
        reference_mjd: A day near that of the recordings.
        found: What was read so far.
    """

    files: DifxFiles
    paths: Sequence[str]
    destination: str
    reader: TimesReader | None
    is_vdif: bool
    reference_mjd: int
    found: list[ListedRecording] = field(default_factory=list)

    @classmethod
    def plan(
        cls,
        files: DifxFiles,
        paths: Sequence[str],
        destination: str,
        format: str,
        reference_mjd: int,
    ) -> FileList:
        """Return a list that can be made.

        Raises:
            UnknownFormatError: Nobody reads the format.
            FileFaultError: The list cannot be there.
            JobError: Too many recordings.
        """
        if len(paths) > MAX_FILES:
            raise JobError(
                f"{len(paths)} recordings are too many for a list; {MAX_FILES} are the most"
            )
        reader, is_vdif = _reader_of(format)
        place = files.roots.new(destination)
        if not place.name or place.real.is_dir():
            raise FileFaultError(f"{destination:.300}: is a folder; name a file in it")
        return cls(files, paths, destination, reader, is_vdif, reference_mjd)

    @property
    def exists(self) -> bool:
        """A file is there that would be replaced."""
        return os.path.lexists(self.files.roots.new(self.destination).real)

    def read(self) -> Iterator[ListedRecording]:
        """Read the recordings one after the other; yield each."""
        for path in self.paths:
            try:
                start, stop = self._times(path)
            except (FileFaultError, PayloadError) as error:
                told = ListedRecording(path=path, fault=f"{path:.300}: {error}")
            else:
                told = ListedRecording(path=path, start=start, stop=stop)
            self.found.append(told)
            yield told

    def _times(self, path: str) -> tuple[float, float]:
        with self.files.open(path) as file:
            if self.reader is None:
                read = read_vdif if self.is_vdif else partial(_mark5b, self.reference_mjd)
                return _frame_times(file, read)
            try:
                # What is open, whatever has the path by now.
                return self.reader(f"/proc/self/fd/{file.descriptor}", self.reference_mjd)
            except Exception as error:  # a reader is anybody's code
                raise PayloadError(text_of(error)) from error

    def write(self) -> None:
        """Write the list, in order of the start; recordings with faults are not in it."""
        good = sorted((one for one in self.found if not one.fault), key=lambda one: one.start)
        self.files.put(self.destination, "".join(f"{one.line}\n" for one in good).encode())


def _reader_of(format: str) -> tuple[TimesReader | None, bool]:
    """Return the reader of a format, None for those of frames, and whether it is VDIF."""
    name = format.strip().upper()
    for prefix in ("VDIF", "MARK5B"):
        if name.startswith(prefix):
            return None, prefix == "VDIF"
    targets = registered(GROUP, _BUILT_IN)
    known = next((key for key in targets if name.startswith(key.upper())), None)
    if known is None:
        told = ", ".join(("VDIF", "MARK5B", *targets))
        raise UnknownFormatError(
            f"{format!r:.80}: no reader of this format is registered; there are {told}"
        )
    try:
        reader: TimesReader = load_target(target_of(known, targets))
    except TargetError as error:
        raise UnknownFormatError(f"the reader of {known} cannot be had: {error}") from error
    return reader, False


def _mark5b(reference_mjd: int, data: bytes) -> FrameHeader:
    return read_mark5b(data, reference_mjd)


def _frame_times(file: ReadFile, read: Callable[[bytes], FrameHeader]) -> tuple[float, float]:
    """Return begin and end of a recording of frames of one size."""
    first = read(file.read(0, VDIF_HEADER_BYTES))
    whole = file.size // first.size
    if not whole:
        raise PayloadError("has not even one whole frame")
    last = read(file.read((whole - 1) * first.size, VDIF_HEADER_BYTES))
    numbers = range(1, min(whole, MAX_FRAMES))
    between = (read(file.read(n * first.size, VDIF_HEADER_BYTES)) for n in numbers)
    return times_of(first, last, between)
