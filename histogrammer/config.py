"""The table of a Bank of the kind `histogrammer`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from histogrammer.display.memory import DEFAULT_MEGABYTES, MAX_MEGABYTES, MemoryKind
from histogrammer.events.streams import make_stream
from histogrammer.flavors import FLAVORS, RUSTOGRAMER
from player.tables import BankConfig

__all__ = ["HistogrammerBankConfig"]

PathText = Annotated[str, Field(min_length=1)]
Command = Annotated[list[PathText], Field(min_length=1)]


def _flavor(name: str) -> str:
    if name not in FLAVORS:
        raise ValueError(f"{name!r} is not there; there are {', '.join(FLAVORS)}")
    return name


def _stream(place: str) -> str:
    make_stream(place)
    return place


class HistogrammerBankConfig(BankConfig):
    """`[banks.X]` with `kind = "histogrammer"`."""

    shm_mbytes: int = Field(
        DEFAULT_MEGABYTES, ge=1, le=MAX_MEGABYTES, description="channels of the display memory, MiB"
    )
    shm_kind: MemoryKind = Field(
        MemoryKind.FILE,
        strict=False,
        description="place of the display memory: a file, or a System V segment, which displays of "
        "SpecTcl find by four letters",
    )
    home: PathText = Field("~", description="folder of the file of the display memory")
    roots: list[PathText] | None = Field(
        None,
        description="folders below which clients may name files that are not hidden; default: the home "
        "folder, and those of [instrument.file_roots]",
    )
    programs: dict[str, Command] = Field(
        default_factory=dict,
        description="programs whose output clients may attach as a pipe, by name",
    )
    streams: dict[str, Annotated[str, AfterValidator(_stream)]] = Field(
        default_factory=dict,
        description="live streams of ring items that clients may attach, by name: HOST:PORT for a TCP "
        "stream, pull:tcp://HOST:PORT or sub:tcp://HOST:PORT for messages of ZeroMQ",
    )
    threads: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="threads that fill spectra; default: as many as cores, up to 4",
    )
    spectra_mbytes: int | None = Field(
        None,
        ge=1,
        description="memory for spectra, MiB; default: half of what is available at the start",
    )
    flavor: Annotated[str, AfterValidator(_flavor)] = Field(
        RUSTOGRAMER.name, description="program whose rules hold"
    )
    definitions: PathText | None = Field(
        None, description="file of parameters, gates and spectra that are there from the start"
    )
    publish_hz: float = Field(
        2.0, gt=0, le=50, description="spectra published per second, of those that are watched"
    )

    def home_folder(self, directory: Path) -> Path:
        """Return the folder of the display memory; relative paths begin at `directory`."""
        return directory / os.path.expanduser(self.home)

    def named_roots(self, directory: Path) -> list[Path]:
        """Return the roots that are configured, none by default; relative paths as of the home."""
        return [directory / os.path.expanduser(root) for root in self.roots or ()]
