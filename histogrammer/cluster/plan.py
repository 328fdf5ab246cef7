"""Plan of a sort on many workers: bytes, minutes and memory, before any worker is asked. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from groundwork.sizes import shown_bytes

__all__ = ["SortPlan", "task_bytes"]

LEAST_TASK_BYTES, MAX_TASK_BYTES = 1 << 26, 1 << 32
"""A shorter task costs more than it does; of a longer one too much is lost with a worker."""
TASKS_PER_WORKER = 4
"""Workers get ready together, though they are not alike."""
WORKER_BYTES = 300 << 20
"""Memory of a worker without spectra: Python, compiled functions, a block."""
SETS_PER_WORKER = 3
"""Two sets and their sum, when histograms are merged."""


def task_bytes(total: int, workers: int) -> int:
    """Return the bytes of files that a task reads.

    Args:
        total: Bytes of all files.
        workers: Number of workers.
    """
    wanted = math.ceil(total / (TASKS_PER_WORKER * max(1, workers)))
    return min(max(wanted, LEAST_TASK_BYTES), MAX_TASK_BYTES)


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
        return max(1, math.ceil(self.total / task_bytes(self.total, self.workers)))

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
        """Time of it, if the files are read as fast as on this host; the last round of tasks is a whole one."""
        of_one = task_bytes(self.total, self.workers)
        rounds = math.ceil(self.tasks / self.workers)
        fill = min(rounds * of_one, self.total) / self.fill_rate
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
