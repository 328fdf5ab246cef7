"""Plan of a sort on many workers: shares, merges, minutes and memory, before any worker is asked. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from groundwork.sizes import shown_bytes

__all__ = ["SortPlan", "cut_fraction", "last_bytes", "merges_of", "share_bytes", "task_bytes"]

LEAST_TASK_BYTES, MAX_TASK_BYTES = 1 << 26, 1 << 32
"""A shorter task costs more than it does; of a longer one too much is lost with a worker."""
TASKS_PER_WORKER = 4
"""Workers get ready together, though they are not alike."""
LAST_PER_WORKER = 64
"""A last task reads one of so many parts of what a worker reads: no worker waits longer for another."""
WORKER_BYTES = 300 << 20
"""Memory of a worker without spectra: Python, compiled functions, a block."""
SETS_PER_WORKER = 3
"""Two sets and their sum, when histograms are merged."""


def task_bytes(total: int, workers: int) -> int:
    """Return the bytes of files that a task reads; the last ones read less.

    Args:
        total: Bytes of all files.
        workers: Number of workers.
    """
    wanted = math.ceil(total / (TASKS_PER_WORKER * max(1, workers)))
    return min(max(wanted, LEAST_TASK_BYTES), MAX_TASK_BYTES)


def last_bytes(total: int, workers: int) -> int:
    """Return the bytes of files that the last tasks read. A worker that is alone waits for none."""
    most = task_bytes(total, workers)
    if workers <= 1:
        return most
    return min(most, max(LEAST_TASK_BYTES, total // (LAST_PER_WORKER * workers)))


def share_bytes(left: int, total: int, workers: int) -> int:
    """Return the bytes of files that the next task reads: at most what is left for each worker, so
    that it has ended when the others have read the rest.

    Args:
        left: Bytes that no task reads yet.
        total: Bytes of all files.
        workers: Number of workers.
    """
    wanted = left // max(1, workers)
    return min(task_bytes(total, workers), max(last_bytes(total, workers), wanted))


def cut_fraction(size: int, total: int, workers: int) -> float:
    """Return which part of files of a size is cut: all that one task does not read, and, towards
    the end, those that are larger than a share."""
    if size > task_bytes(total, workers):
        return 1.0
    if size <= last_bytes(total, workers):
        return 0.0
    return min(1.0, workers * size / total)


def merges_of(prefix: str, fills: Sequence[str], at_once: int) -> dict[str, list[str]]:
    """Return what each merge takes, by its name, in order; the last one is that of all.

    Fills that end at about the same time are merged as a tree of pairs, and its sum with that of
    those before: little is left to do when the last ones end.

    Args:
        prefix: Of the names of merges.
        fills: Names, in order.
        at_once: Number of fills that run at once.
    """
    found: dict[str, list[str]] = {}

    def merged(some: list[str]) -> str:
        if len(some) == 1:
            return some[0]
        name = f"{prefix}-{len(found)}"
        found[name] = some
        return name

    before: list[str] = []
    for start in range(0, len(fills), max(1, at_once)):
        names = list(fills[start : start + max(1, at_once)])
        while len(names) > 1:
            names = [merged(names[at : at + 2]) for at in range(0, len(names), 2)]
        before = [merged([*before, *names])]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SortPlan:
    """A plan.

    Attributes:
        total: Bytes of all files.
        surveyed: Bytes of those that are read twice: that are cut, or depend on each other.
        workers: Number of workers.
        set_bytes: Contents of all spectra, once.
        survey_rate: Bytes per second that a worker surveys.
        fill_rate: Bytes per second that a worker fills.
    """

    total: int
    surveyed: int
    workers: int
    set_bytes: int
    survey_rate: float
    fill_rate: float

    @property
    def tasks(self) -> int:
        """Number of tasks that fill."""
        each = task_bytes(self.total, self.workers)
        tasks = max(0, self.total // each - max(1, self.workers) + 1)  # that read so much
        left = self.total - tasks * each
        while left > 0 or not tasks:
            left -= share_bytes(left, self.total, self.workers)
            tasks += 1
        return tasks

    @property
    def worker_bytes(self) -> int:
        """Memory that a worker needs."""
        return WORKER_BYTES + SETS_PER_WORKER * self.set_bytes

    @property
    def moved_bytes(self) -> int:
        """Histograms that travel between workers, at most."""
        return self.tasks * self.set_bytes

    @property
    def minutes(self) -> float:
        """Time of it, if the files are read as fast as on this host; all wait for a last task."""
        longest = self.total / self.workers + last_bytes(self.total, self.workers)
        fill = min(longest, self.total) / self.fill_rate
        return (self.surveyed / self.workers / self.survey_rate + fill) / 60

    def lines(self) -> list[str]:
        """Return it for people."""
        each = task_bytes(self.total, self.workers)
        rates = (
            f"{self.fill_rate / 1e6:.0f} MB/s filled, {self.survey_rate / 1e6:.0f} MB/s surveyed"
        )
        return [
            f"bytes:    {self.total} ({shown_bytes(self.total)}), {shown_bytes(self.surveyed)} of them read twice",
            f"workers:  {self.workers}, each {rates}, as measured here",
            f"tasks:    {self.tasks} of up to {shown_bytes(each)}",
            f"minutes:  {self.minutes:.1f}",
            f"memory:   {shown_bytes(self.worker_bytes)} for each worker; the spectra have "
            f"{shown_bytes(self.set_bytes)}",
            f"network:  {shown_bytes(self.moved_bytes)} of histograms at most, between workers",
        ]
