"""A histogrammer as a whole: display memory, filler, engine, its thread, and the analysis of events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from groundwork.closing import Closing
from histogrammer.analyzer import Analyzer
from histogrammer.display.kinds import make_memory
from histogrammer.display.memory import DEFAULT_MEGABYTES, MemoryKind
from histogrammer.display.protocol.directory import MirrorDirectory
from histogrammer.engine import Engine
from histogrammer.filling import Filler
from histogrammer.flavors import RUSTOGRAMER, Flavor
from histogrammer.roots import Roots
from histogrammer.worker import Worker

__all__ = ["SPECTRA_SHARE", "Histogrammer", "HistogrammerSettings", "available_bytes"]

SPECTRA_SHARE = 0.5
"""Part of the memory that is available at the start which spectra may have."""
CLOSE_WORKER_S = 0.7
"""Time in which the engine's thread has to do what waits."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogrammerSettings:
    """Settings of a histogrammer.

    Attributes:
        home: Folder of the file of the display memory; None: there is no display memory.
        shm_mbytes: Size of its channels, MiB.
        shm_kind: Where it lives.
        roots: Folders below which clients may name files.
        has_hidden: Hidden files in them, too.
        programs: Name -> command of what may be attached as a pipe.
        streams: Name -> place of what may be attached as a live stream.
        threads: That fill spectra; None: as `default_threads`.
        spectra_bytes: Memory for all spectra; None: `SPECTRA_SHARE` of what is available now.
        flavor: Program whose rules hold.
    """

    home: Path | None = None
    shm_mbytes: int = DEFAULT_MEGABYTES
    shm_kind: MemoryKind = MemoryKind.FILE
    roots: Sequence[Path] = ()
    has_hidden: bool = False
    programs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    streams: Mapping[str, str] = field(default_factory=dict)
    threads: int | None = None
    spectra_bytes: int | None = None
    flavor: Flavor = RUSTOGRAMER


def available_bytes() -> int:
    """Return the memory that spectra have by default now."""
    return int(SPECTRA_SHARE * psutil.virtual_memory().available)


class Histogrammer(Closing):
    """A histogrammer.

    Args:
        settings: As they hold until its end.

    Raises:
        DisplayMemoryError: There is no folder for it, or no space.

    Attributes:
        settings: Those settings.
        roots: Folders below which clients may name files.
        memory: Its display memory; None: it has none.
        mirrors: Copies of it on other hosts.
        worker: The thread that alone touches the engine.
        analyzer: The analysis of events.
    """

    def __init__(self, settings: HistogrammerSettings) -> None:
        self.settings = settings
        self.roots = Roots(settings.roots, has_hidden=settings.has_hidden)
        self.memory = (
            None
            if settings.home is None
            else make_memory(settings.shm_kind, settings.home, settings.shm_mbytes)
        )
        self.mirrors = MirrorDirectory()
        wanted = settings.spectra_bytes
        try:
            self._engine = Engine(
                filler=Filler(threads=settings.threads, flavor=settings.flavor),
                memory=self.memory,
                flavor=settings.flavor,
                most_bytes=available_bytes() if wanted is None else wanted,
            )
        except BaseException:
            if self.memory is not None:
                self.memory.close()
            raise
        self.worker = Worker(self._engine)
        self.analyzer = Analyzer(
            self.worker,
            roots=self.roots,
            programs=settings.programs,
            streams=settings.streams,
            flavor=settings.flavor,
        )

    def close(self) -> None:
        """End all of it, in seconds, whatever of it has died; may be called twice."""
        if self.memory is not None:  # first: its file is gone, even if the end is by force
            self._attempt("the display memory", self.memory.close)
        self._attempt("the analysis", self.analyzer.close)
        self._attempt("the engine's thread", self._close_worker)

    def _close_worker(self) -> None:
        if self.worker.close(CLOSE_WORKER_S):
            self._engine.close()
        else:  # its threads go with the process
            log.error("the histogrammer's thread has not ended within %g s", CLOSE_WORKER_S)

    def _attempt(self, what: str, close: Callable[[], object]) -> None:
        try:
            close()
        except Exception:  # the rest has to be closed, too
            log.exception("%s could not be closed", what)
