"""Part of `histogrammer sort` for many workers: files and spectra handed to a cluster, and the plan."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from commandline import ProgressLine
from groundwork.regularfiles import NotRegularError, real_path
from histogrammer.cluster.daskcluster import ClusterError, SortProgress, connected, local_workers
from histogrammer.cluster.fileparts import (
    FilePart,
    InForce,
    SortedFile,
    are_independent,
    survey,
)
from histogrammer.cluster.filling import Filled, SortJob, fill
from histogrammer.cluster.plan import SortPlan, cut_fraction
from histogrammer.contents import Contents
from histogrammer.definitions import Definitions
from histogrammer.events.roottrees import tree_path

__all__ = ["ClusterSort", "event_files"]

SAMPLE_BYTES = 1 << 25
"""Of the first file, by which a plan measures how fast files are read."""


def event_files(paths: Sequence[str]) -> list[SortedFile]:
    """Return files as workers find them.

    Raises:
        ClusterError: One of them is no regular file, or one of ROOT.
    """
    found = []
    for path in paths:
        try:
            tree = tree_path(path, real_path)
            place = real_path(Path(path))
        except NotRegularError as error:
            which = f"{path}: " if len(paths) > 1 else ""
            raise ClusterError(f"{which}{error}") from error
        if tree is not None:
            raise ClusterError(f"{path}: files of ROOT are not split; sort them without --cluster")
        found.append(SortedFile(path, str(place), place.stat().st_size))
    return found


@dataclass(frozen=True, slots=True)
class ClusterSort:
    """A sort on a cluster.

    Attributes:
        place: Of the cluster, as of `connected`.
        definitions: Whatever is booked.
        flavor: Name of the program whose rules hold.
        files: In order.
    """

    place: str
    definitions: Definitions
    flavor: str
    files: Sequence[SortedFile]

    @property
    def job(self) -> SortJob:
        """All spectra of the definitions."""
        return SortJob(self.definitions, self.flavor, frozenset(self.definitions.spectra))

    @property
    def set_bytes(self) -> int:
        """Memory of the contents of all spectra."""
        booked = self.definitions.spectra.values()
        return sum(Contents.bytes_of(each.definition.shape) for each in booked)

    def run(self, line: ProgressLine) -> Filled:
        """Carry it out.

        Args:
            line: Told how far it is.

        Raises:
            ClusterError: It cannot be done.
        """

        def tell(progress: SortProgress) -> None:
            line.write(progress.sentence())

        with connected(self.place) as cluster:
            cluster.check_memory(self.set_bytes)
            found = cluster.sort(self.job, self.files, tell)
        line.clear()
        return found

    def plan(self, total: int | None) -> list[str]:
        """Return what it would take, as lines.

        Args:
            total: Bytes of all files; None: those that there are.

        Raises:
            ClusterError: There is no such cluster, or nothing to measure by.
        """
        workers = local_workers(self.place)
        if workers is None:
            with connected(self.place) as cluster:
                workers = cluster.workers
        file = self.files[0]
        if not file.size:
            raise ClusterError(f"{file.name}: the file is empty, so nothing can be measured by it")
        # the second time: the functions are compiled, and what is read is in memory
        survey_rate, fill_rate = [self._rates(file) for _ in range(2)][-1]
        there = sum(one.size for one in self.files)
        wanted = there if total is None else total
        plan = SortPlan(
            total=wanted,
            surveyed=wanted * self._cut(wanted, workers) // there,
            workers=workers,
            set_bytes=self.set_bytes,
            survey_rate=survey_rate,
            fill_rate=fill_rate,
        )
        here = psutil.virtual_memory().total
        lines = plan.lines()
        if self.place.startswith("local:") and workers * plan.worker_bytes > here:
            lines.append(f"refused:  this host has {here >> 20} MiB of memory; start fewer workers")
        return lines

    def _cut(self, total: int, workers: int) -> int:
        """Return the bytes of these files that are surveyed, as part of so many."""
        if not are_independent(self.files, has_computed=bool(self.definitions.pseudos)):
            return sum(file.size for file in self.files)
        sizes = [file.size for file in self.files]
        return sum(round(size * cut_fraction(size, total, workers)) for size in sizes)

    def _rates(self, file: SortedFile) -> tuple[float, float]:
        """Return bytes per second that are surveyed, and filled."""
        size = min(file.size, SAMPLE_BYTES)
        begun = time.perf_counter()
        cuts = survey(file.path, size, size).cuts
        surveyed = time.perf_counter()
        stop = cuts[0][0] if cuts else None
        fill(self.job, [FilePart(0, file, 0, stop, InForce())])
        done = size if stop is None else stop
        return done / (surveyed - begun), done / (time.perf_counter() - surveyed)
